// Package csp is the Chat Service Protocol: one JSON object a line, groups that are channels of the node, accounts. A
// session is in one group at a time, and hears only that and its whispers.
package csp

import (
	"errors"
	"sync/atomic"

	"chatnode/channels"
	"chatnode/node/session"
	"chatnode/node/wire"
)

// Protocol is the tongue.
type Protocol struct{}

var _ session.Tongue = Protocol{}

// Form implements session.Tongue. Serve says otherwise before anything is heard.
func (Protocol) Form() session.Form { return session.Form{} }

// wordVersion ends a connection whose client logs in with another version of the protocol.
const wordVersion = "version"

// Serve implements session.Tongue.
func (Protocol) Serve(s *session.Session) (word string) {
	c := &client{Session: s}
	s.Frame(session.Framing{}) // a line ends at its line feed, whatever other tongues allow
	s.LookAs(c.form())
	s.SetPresence(true)
	for !c.over {
		line, err := s.ReadLine()
		switch {
		case errors.Is(err, wire.ErrTooLong):
			c.Reply(appendAnswer(nil, syntaxError, control, "That line is too long."))
		case err != nil:
			return s.EndWord(err)
		default:
			c.handle(line)
		}
	}
	return wordVersion
}

// client is one connection. It belongs to the goroutine that serves it, but for what says otherwise.
type client struct {
	*session.Session
	over bool // the client speaks another version

	// written while the hub is held, as by the functions that make answers
	group atomic.Pointer[string] // the address of the group that the session is in; nil: none
	name  string                 // how the client spelled its name when it logged in; read while the hub is held
}

// in is the address of the group that the session is in; "": none.
func (c *client) in() string {
	if g := c.group.Load(); g != nil {
		return *g
	}
	return ""
}

// address is how the node calls the group of a name.
func (c *client) address(group string) string {
	name, host := channels.SplitHost(group, ':', c.Host())
	if name = channels.NormalName(name); host != "" {
		name += ":" + host
	}
	return name
}

// isSelf reports whether a name is that of whoever is logged in.
func (c *client) isSelf(user string) bool {
	name, host := channels.SplitHost(user, '@', c.Host())
	return host == "" && channels.NormalName(name) == c.Person().Name
}

// form is how messages and notices look.
func (c *client) form() session.Form {
	look := looks(c.LineBytes())
	return session.Form{
		Entry:    look,
		AfterGap: func(dst []byte, e *channels.Entry) []byte { return append(dst, e.Encoded(look)...) },
		Only:     c.hears,
		Notice:   c.notice,
	}
}

// hears passes over what was said in a group that the session is not in: the inbox has that of each group without a log.
func (c *client) hears(_ channels.PersonID, e *channels.Entry) bool {
	return e.Label == nil || e.Label.Address() == c.in()
}

// notice tells of others in the group, and of the own account only that it was put out. Who is out knows it from then on.
// The hub tells sessions like these of no group but the one that they are in.
func (c *client) notice(n channels.Notice) []byte {
	if !n.Self {
		return appendNotice(nil, n, n.Person.Address())
	}
	if n.Event != channels.LeftChannel {
		return nil
	}
	c.group.Store(nil)
	if n.Reason == channels.Kicked || n.Reason == channels.WasBanned {
		return appendNotice(nil, n, c.name)
	}
	return nil // a client that reads that it has left takes it for an answer
}

// state is where a session stands: what a command does depends on it.
type state int

const (
	loggedOut state = iota
	noGroup
	inGroup
	states // their number
)

func (c *client) state() state {
	switch {
	case c.Person().ID == 0:
		return loggedOut
	case c.in() == "":
		return noGroup
	}
	return inGroup
}

// handle carries out one line. All of it is looked at before anything is done.
func (c *client) handle(line []byte) {
	if blank(line) {
		return
	}
	r, fault := parse(line)
	at := c.state()
	switch {
	case fault != "":
		c.Reply(appendAnswer(nil, fault, control, faults[fault]))
		c.over = fault == otherVersion && commands[r.command].begins
	case at != loggedOut && !commands[r.command].begins && !c.isSelf(r.user):
		c.Reply(appendAnswer(nil, generalError, control, "You are logged in as "+c.Person().Name+"."))
	default:
		commands[r.command].run[at](c, r)
	}
}
