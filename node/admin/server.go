package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"

	"chatnode/channels"
)

// What a request may take.
const (
	maxBody    = 64 << 10
	maxHeader  = 16 << 10 // a name of 64 bytes, three times as long when it is encoded, and to spare
	readTime   = 10 * time.Second
	answerTime = time.Minute     // the dearest hash takes seconds, and may have to wait for others
	stopTime   = 5 * time.Second // that requests in hand have when the node stops
)

// Serve answers operators on l with what a does, until ctx ends or l is closed. Requests in hand then have 5 seconds
// before they are cut off. It closes l, and returns nil unless l fails. Failures of a are logged here; refusals are not,
// being the operator's to know.
func Serve(ctx context.Context, l net.Listener, a Accounts, log hclog.Logger) error {
	return serve(ctx, l, a, log, stopTime)
}

func serve(ctx context.Context, l net.Listener, a Accounts, log hclog.Logger, stopTime time.Duration) error {
	requests, cutOff := context.WithCancel(context.WithoutCancel(ctx))
	defer cutOff()
	h := &http.Server{
		Handler:           newHandler(a, log),
		ReadHeaderTimeout: readTime,
		ReadTimeout:       readTime,
		WriteTimeout:      answerTime,
		IdleTimeout:       readTime,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          log.StandardLogger(&hclog.StandardLoggerOptions{ForceLevel: hclog.Warn}),
		BaseContext:       func(net.Listener) context.Context { return requests },
	}
	serving, ended := context.WithCancel(ctx)
	served := make(chan error, 1)
	go func() {
		defer ended()
		served <- h.Serve(l)
	}()
	<-serving.Done()
	err := shutdown(h, log, stopTime)
	if failure := <-served; !errors.Is(failure, http.ErrServerClosed) && !errors.Is(failure, net.ErrClosed) {
		err = errors.Join(failure, err)
	}
	if err != nil {
		return fmt.Errorf("operators' socket: %w", err)
	}
	return nil
}

// shutdown waits for the requests in hand, but not for ever.
func shutdown(h *http.Server, log hclog.Logger, stopTime time.Duration) error {
	patience, cancel := context.WithTimeout(context.Background(), stopTime)
	defer cancel()
	err := h.Shutdown(patience)
	if errors.Is(err, context.DeadlineExceeded) {
		log.Warn("operators' requests are cut off", "after", stopTime)
		return h.Close()
	}
	return err
}

type handler struct {
	accounts Accounts
	log      hclog.Logger
	actions  map[string]action // by method and path, as route has it
}

func newHandler(a Accounts, log hclog.Logger) http.Handler {
	h := &handler{accounts: a, log: log}
	h.actions = map[string]action{
		"GET /accounts":                  h.list,
		"POST /accounts":                 h.add,
		"PUT /accounts/NAME/password":    h.setPassword,
		"PUT /accounts/NAME/admin":       h.setAdmin(true),
		"DELETE /accounts/NAME/admin":    h.setAdmin(false),
		"PUT /accounts/NAME/disabled":    h.setDisabled(true),
		"DELETE /accounts/NAME/disabled": h.setDisabled(false),
		"DELETE /accounts/NAME":          h.delete,
	}
	return h
}

// route returns the request's method and path, with NAME for an account's, and that name. It cuts the path before it
// decodes, so that any name is one step of it: "/" and "..", which http.ServeMux takes for something else, and even "".
func route(r *http.Request) (pattern, name string) {
	steps := strings.Split(r.URL.EscapedPath(), "/") // "", "accounts", name, what it has
	if len(steps) > 2 {
		var err error
		if name, err = url.PathUnescape(steps[2]); err != nil {
			return "", ""
		}
		steps[2] = "NAME"
	}
	return r.Method + " " + strings.Join(steps, "/"), name
}

// ServeHTTP answers one request.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	pattern, name := route(r)
	do, known := h.actions[pattern]
	if !known {
		http.NotFound(w, r)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	said, err := do(r, name)
	status := http.StatusOK
	if err != nil {
		status, said = h.judge(r, err)
	}
	if said == nil {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(said); err != nil {
		h.log.Debug("an operator did not wait for the answer", "error", err)
	}
}

// An action carries a request out, for the account with a name, and returns what there is to say of it, if anything.
type action func(r *http.Request, name string) (any, error)

// judge turns an error into an answer, and logs it if it is the node's.
func (h *handler) judge(r *http.Request, err error) (status int, said problem) {
	if bad, ok := errors.AsType[*badRequest](err); ok {
		return bad.status, problem{Message: bad.says}
	}
	if !channels.IsRefusal(err) {
		h.log.Error("an operator's request failed", "request", r.Method+" "+r.URL.Path, "error", err)
		return http.StatusInternalServerError, problem{Message: err.Error()}
	}
	word := channels.WordOf(err)
	if status, known := statuses[word]; known {
		return status, problem{Error: word}
	}
	return http.StatusBadRequest, problem{Error: word}
}

// A badRequest is a request that is not one of ours.
type badRequest struct {
	status int
	says   string
}

func (b *badRequest) Error() string { return b.says }

// read takes the body of a request: one JSON object without keys that into has not. The errors do not quote it, as it may
// hold a password.
func read(r *http.Request, into any) error {
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if err == nil {
		if _, err = d.Token(); errors.Is(err, io.EOF) {
			return nil
		}
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return &badRequest{http.StatusRequestEntityTooLarge, fmt.Sprintf("the body is longer than %d bytes", maxBody)}
	}
	return &badRequest{http.StatusBadRequest, "the body is not the JSON object that was expected"}
}

func (h *handler) list(r *http.Request, _ string) (any, error) {
	all, err := h.accounts.List(r.Context())
	if err != nil {
		return nil, err
	}
	return all, nil
}

func (h *handler) add(r *http.Request, _ string) (any, error) {
	var n newAccount
	if err := read(r, &n); err != nil {
		return nil, err
	}
	return nil, h.accounts.Add(r.Context(), n.Name, n.Password, n.Admin)
}

func (h *handler) setPassword(r *http.Request, name string) (any, error) {
	var n newPassword
	if err := read(r, &n); err != nil {
		return nil, err
	}
	return nil, h.accounts.SetPassword(r.Context(), name, n.Password)
}

func (h *handler) setAdmin(admin bool) action {
	return func(r *http.Request, name string) (any, error) {
		return nil, h.accounts.SetAdmin(r.Context(), name, admin)
	}
}

func (h *handler) setDisabled(disabled bool) action {
	return func(r *http.Request, name string) (any, error) {
		return nil, h.accounts.SetDisabled(r.Context(), name, disabled)
	}
}

func (h *handler) delete(r *http.Request, name string) (any, error) {
	return nil, h.accounts.Delete(r.Context(), name)
}
