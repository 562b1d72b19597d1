package session

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
	"golang.org/x/time/rate"

	"chatnode/channels"
	"chatnode/node/wire"
)

// Session is one connection: who speaks on it, what is asked on it and not yet done, and what it is owed.
//
// Its methods are for the tongue's goroutine that serves it, unless they say otherwise.
type Session struct {
	// static
	server   *Server
	settings *Settings
	conn     net.Conn
	remote   netip.Addr // invalid where the connection has no address
	ctx      context.Context
	id       uint64 // in the log
	opened   time.Time
	limiter  *rate.Limiter // nil: no limit
	out      output

	// owned by the serving goroutine; login's answer writes seat while that waits for it
	reader  *wire.Reader
	seat    *channels.Seat // nil: nobody is logged in
	wasIn   bool           // somebody was logged in
	spoke   bool           // something was said on it
	fresh   bool           // a guest whose name nobody had before
	admin   bool
	pending []channels.Step
	load    int    // bytes of the lines that pending came from
	link    bool   // to another node
	carried func() // called when what was pending has been carried out; may be nil

	presence atomic.Bool
	guest    atomic.Bool            // a guest, whose session ends when somebody puts them out of their channel
	stopped  atomic.Bool            // nothing more is read
	stopping chan struct{}          // closed with stopped
	why      atomic.Pointer[string] // of stopped; nil: the node stops
	end      atomic.Pointer[string]
}

var _ channels.Listener = (*Session)(nil)

func newSession(ctx context.Context, v *Server, conn net.Conn, f Form) *Session {
	s := &Session{
		server:   v,
		settings: v.Settings(),
		conn:     conn,
		ctx:      ctx,
		id:       v.lastID.Add(1),
		opened:   time.Now(),
		stopping: make(chan struct{}),
	}
	if a, err := netip.ParseAddrPort(conn.RemoteAddr().String()); err == nil {
		s.remote = a.Addr()
	}
	if s.settings.CommandsPerS > 0 {
		s.limiter = rate.NewLimiter(rate.Limit(s.settings.CommandsPerS), s.settings.CommandBurst)
	}
	s.reader = wire.NewReader(conn, wire.ReaderOptions{
		Line:         s.settings.LineBytes,
		Unterminated: s.settings.Unterminated,
		Deadline:     s.deadline(),
		Stopping:     s.stopped.Load,
	})
	s.out.init(s, f)
	return s
}

// deadline returns the function that says until when the next byte must have come; nil where nothing limits it.
func (s *Session) deadline() func() time.Time {
	login, idle := s.settings.LoginTimeout, s.settings.IdleTimeout
	if login == 0 && idle == 0 {
		return nil
	}
	return func() (at time.Time) {
		if idle > 0 {
			at = time.Now().Add(idle)
		}
		if d := s.opened.Add(login); login > 0 && s.seat == nil && (at.IsZero() || d.Before(at)) {
			at = d
		}
		return at
	}
}

// log is the session's own logger. It is made when there is something to say: most sessions never have.
func (s *Session) log() hclog.Logger { return s.server.Logger.With("conn", s.id) }

// Host is the node's own host.
func (s *Session) Host() string { return s.server.Host }

// LineBytes is the longest line in, as configured: a tongue writes none that is longer if it can cut it.
func (s *Session) LineBytes() int { return s.settings.LineBytes }

// ReadLine returns the next line, valid until the next call. Before it waits for one it carries out what is pending, and
// waits until there is room for more answers. See wire.Reader.ReadLine for the errors.
func (s *Session) ReadLine() ([]byte, error) {
	if len(s.pending) >= maxPending || s.load >= maxLoad || !s.reader.Buffered() {
		s.Commit()
	}
	if err := s.waitForRoom(); err != nil {
		return nil, err
	}
	if s.ended() {
		return nil, net.ErrClosed
	}
	line, err := s.reader.ReadLine()
	if err == nil || err == wire.ErrTooLong {
		s.load += len(line)
		s.waitForTurn()
	}
	return line, err
}

// Next returns the next n bytes, valid until the next call. It is ReadLine for tongues that have no lines.
func (s *Session) Next(n int) ([]byte, error) {
	if len(s.pending) >= maxPending || s.load >= maxLoad || s.reader.Has() < n {
		s.Commit()
	}
	if err := s.waitForRoom(); err != nil {
		return nil, err
	}
	if s.ended() {
		return nil, net.ErrClosed
	}
	p, err := s.reader.Next(n)
	s.load += len(p)
	return p, err
}

// TakeTurn holds a tongue that has no lines to its rate of messages. Called once for each.
func (s *Session) TakeTurn() { s.waitForTurn() }

// TakeTurnOf is TakeTurn for the line with an index of one message that is several: each counts, but for the first, and not
// too many are carried out at once. It is false when the session ends, and the rest is not to be said.
func (s *Session) TakeTurnOf(line int) bool {
	if line > 0 {
		s.waitForTurn()
	}
	if len(s.pending) >= maxPending {
		s.Commit()
	}
	return !s.stopped.Load() && !s.ended()
}

// Framing is how a tongue reads.
type Framing struct {
	Line       int  // the longest line, or the most of Next, in bytes; 0: as configured
	KeepReturn bool // a carriage return before a line feed belongs to the line
	// Deadline says until when the next byte must have come, the zero time for no limit; until somebody is logged in, that has
	// its own limit besides. Nil: as configured.
	Deadline func() time.Time
}

// Frame changes how the tongue reads what comes next.
func (s *Session) Frame(f Framing) {
	o := wire.ReaderOptions{Line: f.Line, KeepReturn: f.KeepReturn, Deadline: f.Deadline, Stopping: s.stopped.Load}
	if o.Line == 0 {
		o.Line = s.settings.LineBytes
	}
	if o.Deadline == nil {
		o.Deadline = s.deadline()
	} else if !s.link {
		o.Deadline = s.orLogin(o.Deadline)
	}
	s.reader.Rebind(o)
}

// orLogin is a deadline of a tongue's own, and no later than the login has to be.
func (s *Session) orLogin(own func() time.Time) func() time.Time {
	return func() time.Time {
		at := own()
		if login := s.opened.Add(s.settings.LoginTimeout); s.settings.LoginTimeout > 0 && s.seat == nil && !s.wasIn && (at.IsZero() || login.Before(at)) {
			at = login
		}
		return at
	}
}

// Lines of one connection that are carried out in one request: at most so many, and so many bytes.
const (
	maxPending = 128
	maxLoad    = 64 << 10
)

// waitForRoom waits while the session's answers are at their bound.
func (s *Session) waitForRoom() error {
	for !s.link && !s.out.hasRoom() {
		s.Commit()
		select {
		case <-s.out.changed:
		case <-s.out.closed:
			return net.ErrClosed
		case <-s.stopping:
			return os.ErrDeadlineExceeded
		case <-s.ctx.Done():
			return os.ErrDeadlineExceeded
		}
	}
	return nil
}

// waitForTurn holds the session to its rate of commands.
func (s *Session) waitForTurn() {
	if s.limiter == nil || s.limiter.Allow() {
		return
	}
	s.Commit()
	turn := time.NewTimer(s.limiter.Reserve().Delay())
	defer turn.Stop()
	select {
	case <-turn.C:
	case <-s.out.closed:
	case <-s.stopping:
	case <-s.ctx.Done(): // when the node stops, the command in hand is still carried out
	}
}

// EndWord is the word for an error of ReadLine that ends the session.
func (s *Session) EndWord(err error) string {
	switch {
	case s.why.Load() != nil:
		return *s.why.Load()
	case s.stopped.Load():
		return WordClosing
	case errors.Is(err, io.EOF):
		return WordEOF
	case errors.Is(err, os.ErrDeadlineExceeded) && s.ctx.Err() != nil:
		return WordClosing
	case errors.Is(err, os.ErrDeadlineExceeded) && s.seat == nil && s.settings.LoginTimeout > 0 && time.Since(s.opened) >= s.settings.LoginTimeout:
		return WordTimeout
	case errors.Is(err, os.ErrDeadlineExceeded):
		return WordIdle
	}
	return WordReset
}

// do adds a step to what is pending. reply makes the answer from the step's error, nil for none; it runs after the commit
// and may only make bytes.
func (s *Session) do(step func(channels.Tx) error, reply func(error) []byte) {
	s.pending = append(s.pending, channels.Step{Asker: s, Do: step, Done: func(d *channels.Delivery, err error) {
		s.answer(d.Order(), func() []byte { return reply(err) })
	}})
}

// answer puts what reply makes in the output. A panic in it ends the session, and nothing else.
func (s *Session) answer(order uint64, reply func() []byte) {
	defer func() {
		if v := recover(); v != nil {
			s.panicked(v)
		}
	}()
	s.out.reply(order, reply())
}

// Answer is for what answers later than its command, from a step's Done: it puts what reply makes in the output. Safe for
// concurrent use.
func (s *Session) Answer(reply func() []byte) { s.answer(s.server.Hub.Order(), reply) }

// Person is who is logged in; the zero Person: nobody.
func (s *Session) Person() channels.Person {
	if s.seat == nil {
		return channels.Person{}
	}
	return s.seat.Person
}

// Closed is closed when the session has ended.
func (s *Session) Closed() <-chan struct{} { return s.out.closed }

// Stopping is closed when the session is told to end, as when the node stops: what waits for others waits no more.
func (s *Session) Stopping() <-chan struct{} { return s.stopping }

// Reply answers after all that was asked before. Nil is no answer.
func (s *Session) Reply(p []byte) {
	if len(s.pending) == 0 {
		s.out.reply(s.server.Hub.Order(), p)
		return
	}
	s.do(nil, func(error) []byte { return p })
}

// Commit carries out what is pending, in one transaction, and returns when it has been answered. Of a session that has
// ended nothing more is carried out.
func (s *Session) Commit() {
	s.load = 0
	if len(s.pending) == 0 {
		return
	}
	var err error
	if !s.ended() {
		err = s.server.Submit(s.pending)
	}
	clear(s.pending)
	s.pending = s.pending[:0]
	if err != nil {
		s.log().Debug("the store takes nothing any more", "error", err)
		s.End(WordFailed)
		return
	}
	if s.carried != nil {
		s.carried()
	}
}

// now carries out one step, after all that is pending, and returns its error.
func (s *Session) now(step func(channels.Tx) error) error {
	err := channels.Refuse(channels.Unavailable) // when the session has ended
	s.do(step, func(e error) []byte { err = e; return nil })
	s.Commit()
	return err
}

// Message is Reply for what a client whose form is Paced has to acknowledge. Safe in the function that makes an answer, which
// it then follows.
func (s *Session) Message(p []byte) { s.out.message(s.server.Hub.Order(), p) }

// Acknowledged lets a session whose form is Paced be sent the next message. It reports whether one was due.
func (s *Session) Acknowledged() (due bool) { return s.out.acknowledged() }

// SetForm answers like Reply, and changes how entries look after the answer.
func (s *Session) SetForm(f Form, answer []byte) {
	s.Commit()
	s.out.setForm(s.server.Hub.Order(), f, answer)
}

// SetPresence switches notices about others on or off.
func (s *Session) SetPresence(on bool) { s.presence.Store(on) }

// WantsPresence implements channels.Listener. Safe for concurrent use.
func (s *Session) WantsPresence() bool { return s.presence.Load() }

// Subscribed implements channels.Listener.
func (s *Session) Subscribed(sub *channels.Subscription) {
	if !s.out.subscribed(sub) {
		s.End(WordStalled)
	}
}

// Wake implements channels.Listener.
func (s *Session) Wake(sub *channels.Subscription) { s.out.wake(sub) }

// Notify implements channels.Listener. A panic of the tongue in it ends the session.
func (s *Session) Notify(n channels.Notice) {
	defer func() {
		if v := recover(); v != nil {
			s.panicked(v)
		}
	}()
	if !s.out.notify(s.server.Hub.Order(), n) {
		s.End(WordStalled)
	}
	if n.Event == channels.LeftChannel && n.Self && n.Reason != channels.OwnWill && s.guest.Load() {
		s.EndInOrder(string(n.Reason))
	}
}

// End closes the connection as it is, under a word; the first word counts. Safe for concurrent use; it does not wait.
func (s *Session) End(word string) {
	if s.end.CompareAndSwap(nil, &word) {
		s.out.close()
		_ = s.conn.Close() // what it would say was said by the word
	}
}

// Gone implements channels.Listener. Safe for concurrent use; it does not wait.
func (s *Session) Gone() bool { return s.ended() || wire.Closed(s.conn) }

func (s *Session) ended() bool { return s.end.Load() != nil }

func (s *Session) word() string {
	if w := s.end.Load(); w != nil {
		return *w
	}
	return ""
}

// EndInOrder lets the command in hand end and reads no more: EndWord will be the word. Safe for concurrent use.
func (s *Session) EndInOrder(word string) {
	s.why.CompareAndSwap(nil, &word)
	s.stop()
}

// stop lets the command in hand end and reads no more. Safe for concurrent use.
func (s *Session) stop() {
	if s.stopped.CompareAndSwap(false, true) {
		close(s.stopping)
	}
	_ = s.conn.SetReadDeadline(time.Unix(1, 0)) // fails only on a connection that is closed already
}

// finish ends the session in order: the name is free at once, then what is owed is written, then the connection closes.
func (s *Session) finish(word string) {
	s.Commit()
	s.leaveSeat()
	s.out.waitUntilWritten()
	s.out.waitUntilLeft()
	s.server.saveHeard(s.out.takeHeard()) // before the client sees the end, and may come back
	s.linger()
	s.End(word)
	s.out.waitUntilLeft()
}

// lingerFor is how long a client that goes on sending may take for what was written to it before the end.
const lingerFor = 2 * time.Second

// linger passes over what the client still sends, until it has read the end and closes too: closing a connection with
// something unread takes back what was written and has not arrived. A client that has sent nothing more is not waited for.
func (s *Session) linger() {
	half, ok := s.conn.(interface{ CloseWrite() error })
	if !ok || s.end.Load() != nil || s.conn.SetReadDeadline(time.Now().Add(lingerFor)) != nil {
		return
	}
	if s.reader.Discard() && half.CloseWrite() == nil {
		_, _ = io.Copy(io.Discard, s.conn) // it ends somehow
	}
}

func (s *Session) leaveSeat() {
	if s.seat == nil {
		return
	}
	if s.seat.Guest {
		s.depart(s.seat.Person)
	}
	s.server.Hub.Detach(s.seat)
	s.seat, s.wasIn = nil, true
}
