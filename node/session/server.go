// Package session is one person on line, whatever they speak: who they are, what they may do, and what they are owed. A
// tongue (protocols/*) turns bytes into calls of a Session's methods and says how entries, notices and answers look.
package session

import (
	"context"
	"net"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"chatnode/auth"
	"chatnode/channels"
)

// A Log is where what is no longer in memory is read from.
type Log interface {
	// After reads the first entries after p and not past upto, oldest first; Before the last ones before p, oldest first.
	// At most limit entries, and not many more than bytes bytes of text, but at least one if there is one.
	After(ctx context.Context, c *channels.Channel, p, upto channels.Position, limit, bytes int) ([]*channels.Entry, error)
	Before(ctx context.Context, c *channels.Channel, p channels.Position, limit, bytes int) ([]*channels.Entry, error)
	// Labelled reads entries of an inbox that belong to a channel without a log, between two positions: the first ones or,
	// else, the last ones, oldest first.
	Labelled(ctx context.Context, inbox, c *channels.Channel, after, before channels.Position, limit, bytes int, first bool) ([]*channels.Entry, error)
	// MembersElsewhere lists the members of a channel that are people of other nodes.
	MembersElsewhere(ctx context.Context, c *channels.Channel) ([]channels.Person, error)
}

// Settings are the limits of sessions. A session keeps those that it was opened with.
type Settings struct {
	LineBytes    int           // the longest line in
	ReplyBytes   int           // answers waiting for one session, about; at it the reader stops
	CommandsPerS float64       // 0: no limit
	CommandBurst int           // commands that may come at once
	LoginTimeout time.Duration // 0: for ever
	IdleTimeout  time.Duration // 0: for ever
	StallTimeout time.Duration // a client that takes no byte for so long is closed; 0: for ever
	Replay       int           // messages a channel at LOGIN
	Unterminated time.Duration // see wire.ReaderOptions
	MaxSessions  int           // of one account with Multi
	Registration bool          // anyone may register
}

// Server is what all sessions of a node share.
type Server struct {
	// static
	Host     string // the node's own
	Hub      *channels.Hub
	Submit   func([]channels.Step) error // to the store's writer; waits until it is answered
	Log      Log
	Auth     *auth.Service
	Settings func() *Settings // as of now; never changed once returned
	Remote   Remote
	Logger   hclog.Logger

	flusher flusher
	pages   chan struct{} // a place for each drainer that reads the log
	ended   counters

	mu       sync.Mutex
	sessions map[*Session]struct{} // guarded by mu
	stopping bool                  // guarded by mu
	// departures are those that the store could not carry out; guarded by mu
	departures []departure
	open       sync.WaitGroup // one for each session; Add under mu while not stopping
	lastID     atomic.Uint64
}

// drainersReading is how many drainers read the log at once.
const drainersReading = 4

// Run flushes what sessions are owed until ctx ends. The caller has ended all sessions by then.
func (v *Server) Run(ctx context.Context) error {
	v.flusher.run(ctx)
	return nil
}

// Init prepares a server whose static fields are set.
func (v *Server) Init() {
	v.pages = make(chan struct{}, drainersReading)
	v.flusher.wake = make(chan struct{}, 1)
	v.sessions = map[*Session]struct{}{}
	v.ended.n = map[string]uint64{}
}

// A Tongue speaks one protocol on a connection.
type Tongue interface {
	// Serve reads commands until the client is done, and returns the word of the end: one of the Word constants.
	Serve(s *Session) (word string)
	// Form is how entries look before the tongue has said otherwise.
	Form() Form
}

// The words of the ends of connections that sessions give themselves. A tongue may have more.
const (
	WordEOF     = "eof"          // the client closed its side
	WordQuit    = "quit"         // the client asked for it
	WordReset   = "reset"        // the connection broke
	WordTimeout = "timeout"      // no login in time
	WordIdle    = "idle"         // nothing came for too long
	WordStalled = "stalled"      // the client read nothing, or could not be told of a hole
	WordClosing = "closing"      // the node stops
	WordFailed  = "store-failed" // the store's state is unknown
	WordPanic   = "panic"        // a defect; the stack is in the log
	WordBusy    = "busy"         // too many connections
)

// Serve speaks a tongue on a connection until either side ends it, and closes it. ctx ends what the session waits for:
// passwords, rates, the log.
func (v *Server) Serve(ctx context.Context, conn net.Conn, t Tongue) {
	if s := v.admit(ctx, conn, t.Form()); s != nil {
		s.finish(s.serve(t))
		v.leave(s)
	}
}

func (s *Session) serve(t Tongue) (word string) {
	defer func() {
		if v := recover(); v != nil {
			s.panicked(v)
			word = WordPanic
		}
	}()
	return t.Serve(s)
}

// panicked logs a defect, with the stack, and ends the session. It is called while the panic is on the stack.
func (s *Session) panicked(v any) {
	s.log().Error("a connection's handler panicked", "panic", v, "stack", string(debug.Stack()))
	s.End(WordPanic)
}

// admit opens a session; nil, and the connection is closed, when the node is stopping.
func (v *Server) admit(ctx context.Context, conn net.Conn, f Form) *Session {
	s := newSession(ctx, v, conn, f)
	if !v.enter(s) {
		v.Count(WordClosing)
		_ = conn.Close() // nothing was said on it
		return nil
	}
	if v.Logger.IsDebug() {
		s.log().Debug("connection opened", "remote", conn.RemoteAddr())
	}
	return s
}

func (v *Server) enter(s *Session) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.stopping {
		v.sessions[s] = struct{}{}
		v.open.Add(1)
	}
	return !v.stopping
}

func (v *Server) leave(s *Session) {
	if v.Logger.IsDebug() {
		s.log().Debug("connection closed", "word", s.word())
	}
	v.Count(s.word())
	v.mu.Lock()
	delete(v.sessions, s)
	v.mu.Unlock()
	v.open.Done()
}

// all returns the sessions that are open now.
func (v *Server) all() []*Session {
	v.mu.Lock()
	defer v.mu.Unlock()
	all := make([]*Session, 0, len(v.sessions))
	for s := range v.sessions {
		all = append(all, s)
	}
	return all
}

// Stop ends every session in order: the command in hand is carried out, what is owed is written, the connection closes.
// When patience ends, what is left is closed as it is. It returns when all have ended; no session begins any more.
func (v *Server) Stop(patience context.Context) {
	v.mu.Lock()
	v.stopping = true
	v.mu.Unlock()
	for _, s := range v.all() {
		s.stop()
	}
	all := make(chan struct{})
	go func() {
		v.open.Wait()
		close(all)
	}()
	select {
	case <-all:
		return
	case <-patience.Done():
	}
	v.EndAll(WordClosing)
	<-all
}

// EndAll closes every connection as it is, under a word.
func (v *Server) EndAll(word string) {
	for _, s := range v.all() {
		s.End(word)
	}
}

// SaveHeard tells the store how far each account has heard each channel, where that has changed since the last time, in
// steps so small that no message waits long behind them.
func (v *Server) SaveHeard() {
	var steps []channels.Step
	for _, s := range v.all() {
		if steps = append(steps, s.out.takeHeard()...); len(steps) >= maxPending {
			v.saveHeard(steps)
			steps = nil
		}
	}
	v.saveHeard(steps)
}

func (v *Server) saveHeard(steps []channels.Step) {
	for part := range slices.Chunk(steps, maxPending) {
		if err := v.Submit(part); err != nil {
			v.Logger.Debug("what was heard cannot be told to the store", "error", err)
			return
		}
	}
}

// Count counts an end of a connection under its word.
func (v *Server) Count(word string) { v.ended.add(word) }

// Ended returns how many connections have ended under each word.
func (v *Server) Ended() map[string]uint64 { return v.ended.all() }

// Sessions returns how many sessions are open.
func (v *Server) Sessions() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return len(v.sessions)
}

// counters counts by word. Words come from the code, not from clients, so there are few.
type counters struct {
	mu sync.Mutex
	n  map[string]uint64 // guarded by mu
}

func (c *counters) add(word string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n[word]++
}

func (c *counters) all() map[string]uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := make(map[string]uint64, len(c.n))
	for word, n := range c.n {
		all[word] = n
	}
	return all
}
