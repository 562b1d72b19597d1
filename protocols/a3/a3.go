// Package a3 is the A3 chat protocol: lines of text between people on line, by name. It knows no accounts and no channels.
package a3

import (
	"errors"

	"chatnode/channels"
	"chatnode/node/session"
	"chatnode/node/wire"
)

// longestLine is the longest line that is taken, in bytes: a message may be longer than in the native tongue.
const longestLine = 1 << 20

// Protocol is the tongue.
type Protocol struct {
	MaxUsers int    // of this tongue at once
	Lobby    string // the channel that its people hear; "": none
}

var _ session.Tongue = Protocol{}

// Form implements session.Tongue.
func (p Protocol) Form() session.Form {
	if p.Lobby == "" {
		return session.Form{Entry: delivery, Only: private}
	}
	return session.Form{Entry: delivery, Only: fromOthers}
}

// Serve implements session.Tongue. Nothing is said before the client speaks, nor at the end: the protocol has no words for it.
func (p Protocol) Serve(s *session.Session) (word string) {
	s.Frame(session.Framing{Line: longestLine, KeepReturn: true})
	s.SetPresence(p.Lobby != "") // so that a guest who is put out of it is closed; no notice is shown
	c := &client{Session: s, Protocol: p}
	for {
		line, err := s.ReadLine()
		switch {
		case errors.Is(err, wire.ErrTooLong):
			c.answer(badBody)
		case err != nil:
			return s.EndWord(err)
		default:
			c.handle(parse(line))
		}
	}
}

// client is one connection. It belongs to the goroutine that serves it.
type client struct {
	*session.Session
	Protocol
}

// A command is one verb of the protocol.
type command struct {
	loggedIn bool // for those who are logged in; else for those who are not
	run      func(*client, request)
}

// commands is every verb that a client may send.
var commands = map[string]command{
	"HELLO-FROM": {run: (*client).hello},
	"LIST":       {loggedIn: true, run: (*client).list},
	"SEND":       {loggedIn: true, run: (*client).send},
}

// handle carries out one line: first its header is looked at, then whether it may be said now, then the rest.
func (c *client) handle(r request) {
	cmd, known := commands[r.header]
	if !known || cmd.loggedIn != (c.Person().ID != 0) {
		c.answer(badHeader)
		return
	}
	cmd.run(c, r)
}

// answer is a reply that is one token.
func (c *client) answer(token string) { c.Reply([]byte(token + "\n")) }

func (c *client) hello(r request) {
	name := r.body
	if !carried(name) {
		c.answer(badBody)
		return
	}
	c.Arrive(channels.Guest{Name: name, Tongue: "a3", Most: c.MaxUsers, Channel: c.Lobby}, func(_ []channels.Person, err error) []byte {
		if err != nil {
			return []byte(atLogin(err) + "\n")
		}
		return []byte("HELLO " + name + "\n") // as it was sent, whatever its normal form is
	})
}

// atLogin is the answer to a name that was refused.
func atLogin(err error) string {
	switch channels.WordOf(err) {
	case channels.BadName:
		return badBody
	case channels.Full, channels.Unavailable: // it may be asked again as it is
		return busy
	}
	return inUse // also for a name that is banned: it is well formed, and another one would be taken
}

func (c *client) list(r request) {
	if r.hasBody {
		c.answer(badBody)
		return
	}
	all, err := c.OnLine()
	if err != nil {
		c.answer(badHeader) // nobody is logged in
		return
	}
	c.Reply(appendList(nil, all))
}

func (c *client) send(r request) {
	to, text, ok := message(r.body)
	if !ok {
		c.answer(badBody)
		return
	}
	c.WhisperOnLine(to, text, func(err error) []byte {
		if err != nil {
			return []byte(atSend(err) + "\n")
		}
		return []byte(sendOK + "\n")
	})
}

// atSend is the answer to a message that was refused: for its text, or else for whom it was sent to.
func atSend(err error) string {
	switch channels.WordOf(err) {
	case channels.EmptyMessage, channels.Malformed, channels.TooLong: // other nodes take less than this protocol allows
		return badBody
	}
	return badUser
}
