// Package netfault is the way from one node to another, for tests that break it: a proxy that tears, freezes, delays,
// loses and repeats what goes through it, when it is told to.
package netfault

import (
	"context"
	"io"
	"net"
	"sync"
	"time"
)

// Direction is one of the ways through a proxy, or both.
type Direction uint8

// The ways through a proxy.
const (
	Forth Direction = 1 << iota // from the node that dials to the one that is dialled
	Back                        // the other way
	Both  = Forth | Back
)

// String returns the direction's name.
func (d Direction) String() string { return [...]string{"nowhere", "forth", "back", "both"}[d&Both] }

func (d Direction) other() Direction { return Both ^ d }

// chunk is how much is carried at a time at the most, in bytes.
const chunk = 32 << 10

// Proxy carries connections from one node to another. It has an address of its own for as long as it lives, whatever
// becomes of the nodes. All methods may be called from any goroutine; what they say holds for the connections that are
// open and for those to come, until Heal.
type Proxy struct {
	listener *net.TCPListener // static
	tape     *tape            // static

	mu      sync.Mutex
	target  string         // guarded by mu
	ways    [Both]way      // guarded by mu: by direction, Forth or Back
	severed bool           // guarded by mu
	ended   bool           // guarded by mu
	links   map[*link]bool // guarded by mu
	count   int            // guarded by mu: of the links so far
	changed chan struct{}  // guarded by mu: closed, and made anew, at each change
}

// way is what is wrong in one direction.
type way struct {
	cut    bool          // what comes is lost
	frozen bool          // nothing is taken
	pause  time.Duration // before each piece of so many bytes:
	piece  int
	torn   bool // the connection ends after so many more bytes:
	left   int64
	twice  int // so many lines are said twice; below 0: all
}

// New makes a proxy on a free port of 127.0.0.1, which leads nowhere yet. Each line that has gone through is written to
// record, if there is one, in one Write, with the time since now, the number of its connection and its direction.
func New(record io.Writer) (*Proxy, error) {
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return nil, err
	}
	return &Proxy{listener: l, tape: newTape(record), links: map[*link]bool{}, changed: make(chan struct{})}, nil
}

// Address is where the node that dials finds the other one.
func (p *Proxy) Address() string { return p.listener.Addr().String() }

// Transcript returns the last lines of each direction, oldest first, as they are written to the record.
func (p *Proxy) Transcript() []string { return p.tape.last() }

// Run carries connections until the context ends; then it resets those that are open, closes the address, and returns when
// no goroutine of the proxy is left.
func (p *Proxy) Run(ctx context.Context) {
	defer context.AfterFunc(ctx, p.end)()
	var running sync.WaitGroup
	defer running.Wait()
	for {
		in, err := p.listener.AcceptTCP()
		if ctx.Err() != nil {
			if err == nil {
				reset(in)
			}
			return
		}
		if err == nil {
			running.Go(func() { p.carry(ctx, in) })
		}
	}
}

func (p *Proxy) end() {
	_ = p.listener.Close() // it is open
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = true
	p.resetAll(false)
}

// Lead says where the connections made from now on go to.
func (p *Proxy) Lead(target string) { p.change(func() { p.target = target }) }

// Sever resets all connections, and each new one at once.
func (p *Proxy) Sever() {
	p.change(func() {
		p.severed = true
		p.resetAll(false)
	})
}

// Reset resets the connections that are open.
func (p *Proxy) Reset() { p.change(func() { p.resetAll(false) }) }

// Cut loses all that comes in a direction, ends of connections as well, and nobody is told. Connections that have lost
// something are reset by Heal.
func (p *Proxy) Cut(d Direction) { p.spoil(d, func(w *way) { w.cut = true }) }

// Freeze takes nothing more in a direction, not even ends of connections, until Heal. Nothing is lost.
func (p *Proxy) Freeze(d Direction) { p.spoil(d, func(w *way) { w.frozen = true }) }

// Delay lets all that comes in a direction wait.
func (p *Proxy) Delay(d Direction, pause time.Duration) { p.Slow(d, chunk, pause) }

// Slow lets so many bytes through in a direction at a time, after a pause each.
func (p *Proxy) Slow(d Direction, bytes int, pause time.Duration) {
	p.spoil(d, func(w *way) { w.piece, w.pause = max(1, bytes), pause })
}

// CutAfter ends the connection on which so many more bytes have come through in a direction, all connections counted
// together. Who hears gets those bytes and an orderly end, who speaks a reset. It does so once.
func (p *Proxy) CutAfter(d Direction, bytes int64) {
	p.spoil(d, func(w *way) { w.torn, w.left = true, max(0, bytes) })
}

// DuplicateNextLine says the next line of a direction twice.
func (p *Proxy) DuplicateNextLine(d Direction) {
	p.spoil(d, func(w *way) {
		if w.twice >= 0 {
			w.twice++
		}
	})
}

// DuplicateAllLines says every line of a direction twice.
func (p *Proxy) DuplicateAllLines(d Direction) { p.spoil(d, func(w *way) { w.twice = -1 }) }

// Heal takes all faults away.
func (p *Proxy) Heal() {
	p.change(func() {
		p.severed = false
		p.ways = [Both]way{}
		p.resetAll(true)
	})
}

// spoil changes the ways of a direction.
func (p *Proxy) spoil(d Direction, how func(*way)) {
	p.change(func() {
		for _, one := range []Direction{Forth, Back} {
			if d&one != 0 {
				how(p.way(one))
			}
		}
	})
}

func (p *Proxy) change(how func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	how()
	close(p.changed)
	p.changed = make(chan struct{})
}

// way is a direction's. The caller holds mu.
func (p *Proxy) way(d Direction) *way { return &p.ways[d] }

// resetAll resets the open connections, or those that have lost something. The caller holds mu.
func (p *Proxy) resetAll(lossy bool) {
	for l := range p.links {
		if !lossy || l.lossy {
			l.reset()
		}
	}
}
