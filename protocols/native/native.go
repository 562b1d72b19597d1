// Package native is the protocol of the seed assignment's version 0.1, with the extensions of native protocol §5: lines
// of text to methods of a session, and entries and answers back to lines.
package native

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"chatnode/channels"
	"chatnode/node/session"
	"chatnode/node/wire"
)

// A capability is something of a later version that a client opts in to with CAPS.
type capability string

const (
	multiCap    capability = "multi"
	presenceCap capability = "presence"
	replayCap   capability = "replay"
	tagsCap     capability = "tags"
)

var capabilities = []capability{multiCap, presenceCap, replayCap, tagsCap}

// Protocol is the native tongue.
type Protocol struct {
	LineBytes int // the longest text in a line, as configured for lines in; 0: any length
	// IsLink reports whether a first line makes the connection a link to another node, and Link serves it then to its end.
	// Nil: there are no links.
	IsLink func(line []byte) bool
	Link   func(*session.Session) (word string)
}

var _ session.Tongue = Protocol{}

// Form implements session.Tongue.
func (p Protocol) Form() session.Form { return p.form(false) }

// Serve implements session.Tongue.
func (p Protocol) Serve(s *session.Session) (word string) {
	c := &client{Session: s, protocol: p}
	for first := true; !c.quit; first = false {
		line, err := s.ReadLine()
		switch {
		case err == nil && first && p.IsLink != nil && p.IsLink(line):
			return p.Link(s)
		case errors.Is(err, wire.ErrTooLong):
			c.unknown(request{tags: c.caps[tagsCap]}, channels.TooLong)
		case err != nil:
			return s.EndWord(err)
		default:
			c.handle(line)
		}
	}
	return session.WordQuit
}

// client is one connection in the native tongue. It belongs to the goroutine that serves it.
type client struct {
	*session.Session
	protocol Protocol
	caps     map[capability]bool // nil until CAPS switches one on
	quit     bool
}

// handle carries out one line.
func (c *client) handle(line []byte) {
	r, err := parse(line)
	r.tags = c.caps[tagsCap]
	cmd, known := commands[r.verb]
	switch {
	case known && err != nil:
		c.Reply(c.failed(r, err))
	case known:
		c.run(cmd, r)
	case !blank(line):
		c.unknown(r, channels.UnknownCommand)
	}
}

// run checks the number of words, which is the same for every command, and hands over.
func (c *client) run(cmd command, r request) {
	switch n := len(r.words); {
	case n < cmd.least:
		c.Reply(c.failed(r, channels.Refuse(channels.Malformed)))
	case n > cmd.most && cmd.secret:
		c.Reply(c.failed(r, channels.Refuse(channels.Malformed)))
	case n > cmd.most:
		c.Reply(c.failed(r, channels.Refuse(channels.Malformed), r.whole))
	default:
		cmd.run(c, r)
	}
}

// unknown answers what is no command, to a client that asked for tags.
func (c *client) unknown(r request, w channels.Word) {
	if c.caps[tagsCap] {
		r.verb = "UNKNOWN"
		c.Reply(c.failed(r, channels.Refuse(w)))
	}
}

// failed is the answer 0 after some words, with the reason for a client that asked for tags.
func (c *client) failed(r request, err error, words ...string) []byte {
	a := c.answer(r)
	if r.tags {
		a.tag("err", string(channels.WordOf(err)))
	}
	return a.line(append(words, "0")...)
}

// result returns the function that answers 1 or 0 after some words.
func (c *client) result(r request, words ...string) func(error) []byte {
	return func(err error) []byte {
		if err != nil {
			return c.failed(r, err, words...)
		}
		return c.answer(r).line(append(words, "1")...)
	}
}

// switchOn is CAPS.
func (c *client) switchOn(r request) {
	if len(r.words) == 0 {
		c.Reply(c.answer(r).line(list(capabilities)))
		return
	}
	for _, name := range r.words {
		if slices.Contains(capabilities, capability(name)) {
			if c.caps == nil {
				c.caps = map[capability]bool{}
			}
			c.caps[capability(name)] = true
		}
	}
	c.SetForm(c.protocol.form(c.caps[tagsCap]), c.answer(r).line(list(slices.Sorted(maps.Keys(c.caps)))))
	c.SetPresence(c.caps[presenceCap])
}

// list joins names as every list of the protocol is.
func list[S ~string](names []S) string {
	var b strings.Builder
	for i, n := range names {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprint(&b, n)
	}
	return b.String()
}
