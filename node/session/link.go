package session

import (
	"net"
	"time"

	"github.com/hashicorp/go-hclog"
	"golang.org/x/time/rate"

	"chatnode/channels"
)

// LinkOptions bounds a connection that has become a link to another node.
type LinkOptions struct {
	LineBytes  int           // the longest line in
	LinesPerS  float64       // above it the link is read slower; 0: no limit
	ReplyBytes int           // what waits besides messages; a peer that reads less is closed at about four times as much
	Stall      time.Duration // a peer that takes no byte for so long is closed
	Deadline   func() time.Time
	Form       Form
	// Carried is called on the serving goroutine each time when steps have been carried out.
	Carried func()
}

// BecomeLink makes the connection one to another node. Before anything else was written on it. Its reader never waits
// until there is room for answers.
func (s *Session) BecomeLink(o LinkOptions) {
	settings := *s.settings
	settings.LineBytes, settings.ReplyBytes, settings.StallTimeout = o.LineBytes, o.ReplyBytes, o.Stall
	s.settings = &settings
	s.link, s.carried = true, o.Carried
	s.limiter = nil
	if o.LinesPerS > 0 {
		s.limiter = rate.NewLimiter(rate.Limit(o.LinesPerS), max(1, int(o.LinesPerS)))
	}
	s.Frame(Framing{Line: o.LineBytes, Deadline: o.Deadline})
	s.out.lookAs(o.Form)
	s.presence.Store(true)
}

// Do adds a step to what is pending. Its Asker is the session, unless it has another.
func (s *Session) Do(step channels.Step) {
	if step.Asker == nil {
		step.Asker = s
	}
	s.pending = append(s.pending, step)
}

// Put writes after all that was delivered so far. Safe for concurrent use, also in a step's Done.
func (s *Session) Put(p []byte) {
	s.out.reply(s.server.Hub.Order(), p)
	s.bound()
}

// bound ends a link whose peer reads too little of what it has asked for.
func (s *Session) bound() {
	if s.link && !s.out.bounded() {
		s.End(WordStalled)
	}
}

// PutState is Put for what must not change places with rows of the outbox. In a step's Done only.
func (s *Session) PutState(p []byte) {
	s.out.state(s.server.Hub.Order(), p)
	s.bound()
}

// HasRoom reports whether less waits to be written than its bound. Safe for concurrent use.
func (s *Session) HasRoom() bool { return s.out.hasRoom() }

// Conn is the connection, for its addresses.
func (s *Session) Conn() net.Conn { return s.conn }

// Logger is the session's own logger.
func (s *Session) Logger() hclog.Logger { return s.log() }

// Ended reports whether the session has ended. Safe for concurrent use.
func (s *Session) Ended() bool { return s.ended() }

// Taken is how many bytes the connection has taken so far, and whether more waits. Safe for concurrent use.
func (s *Session) Taken() (bytes uint64, more bool) { return s.out.writer.Taken(), s.out.busy() }

// StopReading lets the line in hand be carried out, and reads no more. Safe for concurrent use.
func (s *Session) StopReading() { s.stop() }

// LookAs changes how messages and notices look from here on. Before anything is subscribed to.
func (s *Session) LookAs(f Form) { s.out.lookAs(f) }

// Hear writes a part of a log, as if it were heard. Safe for concurrent use, also in a step's Done.
func (s *Session) Hear(sub *channels.Subscription) { s.Subscribed(sub) }
