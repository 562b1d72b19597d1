package admin

import (
	"net/http"
	"net/url"

	"chatnode/channels"
)

// What goes over the socket: HTTP, bodies in JSON.
//
//	GET    /accounts                     200 and a list of Account
//	POST   /accounts                     a newAccount
//	PUT    /accounts/NAME/password       a newPassword
//	PUT    /accounts/NAME/admin          DELETE takes it back
//	PUT    /accounts/NAME/disabled       DELETE takes it back
//	DELETE /accounts/NAME
//
// NAME is percent-encoded. What is done answers 204. Anything else answers a problem.

type newAccount struct {
	Name     string `json:"name"`
	Password string `json:"password"`
	Admin    bool   `json:"admin"`
}

type newPassword struct {
	Password string `json:"password"`
}

// A problem says why a request was not carried out: Error is the word of a refusal, Message is for anything else.
type problem struct {
	Error   channels.Word `json:"error,omitempty"`
	Message string        `json:"message,omitempty"`
}

// statuses are those of refusals; one that is not here is a bad request.
var statuses = map[channels.Word]int{
	channels.NameTaken:   http.StatusConflict,
	channels.NoSuchUser:  http.StatusNotFound,
	channels.RateLimited: http.StatusTooManyRequests,
}

// pathOf returns the path of an account, or of something that it has.
func pathOf(name, has string) string { return "/accounts/" + url.PathEscape(name) + has }
