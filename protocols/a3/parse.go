package a3

import (
	"strings"
	"unicode/utf8"
)

// A request is one line of a client.
type request struct {
	header  string // up to the first blank
	body    string // all that follows it
	hasBody bool   // there was a blank
}

// parse cuts a line. It takes any bytes.
func parse(line []byte) request {
	var r request
	r.header, r.body, r.hasBody = strings.Cut(string(line), " ")
	return r
}

// notInNames are the characters that no name of this protocol has: those that it forbids, and the comma, which parts the
// names of a list. What else is no name to the node is refused there.
const notInNames = " ,!@#$%^&*"

// carried reports whether the protocol can carry a name.
func carried(name string) bool {
	return name != "" && utf8.ValidString(name) && !strings.ContainsAny(name, notInNames)
}

// message cuts what follows SEND at its first blank: all that comes after that is the text, byte for byte. ok is false
// when there is nobody that it goes to, or nothing in it but blanks and tabs, or it is no text.
func message(body string) (to, text string, ok bool) {
	to, text, _ = strings.Cut(body, " ")
	return to, text, to != "" && strings.Trim(text, " \t") != "" && utf8.ValidString(body)
}
