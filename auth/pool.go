package auth

import (
	"context"
	"net/netip"
	"slices"
	"sync"
	"time"

	"chatnode/channels"
)

// A pool bounds how many hash at a time, so that a rush of logins leaves the rest of the node a processor, and how many
// wait for it. It has no goroutines: who holds a slot hashes, and hands it to the next when done.
//
// Those who wait stand in line by address (network), all that come from nowhere in one line. The lines take turns, and in
// each the oldest is served first, so that whoever sends a flood waits behind himself, and others behind one of his at a
// time. Where the queue is full, the longest line gives up its newest for a newcomer whose own line is shorter.
type pool struct {
	queue int // static

	mu sync.Mutex // held for a walk over those who wait, never while anybody waits or hashes
	// Guarded by mu, with every line in them.
	idle    int     // slots that nobody holds; 0 while anybody waits
	lines   []*line // none is empty; the one whose turn is next in front
	waiting int     // in all lines
}

// A line is those who wait of one address, the oldest in front.
type line struct {
	from    netip.Prefix
	callers []*caller
}

// A caller is somebody who asks for a slot.
type caller struct {
	from netip.Prefix
	// answer gets a single value, with mu held, when the caller stands in no line, or no longer: nil with a slot, or a
	// refusal. It has room for it, so that nobody waits with mu held.
	answer chan error
}

func newPool(workers, queue int) *pool { return &pool{queue: queue, idle: workers} }

// acquire waits for a slot, for somebody who asks from an address. It refuses with RateLimited where the queue is full, at
// once or when it must make room for another address, and otherwise gives up with the context's error. Without an error
// the caller must release the slot.
func (p *pool) acquire(ctx context.Context, from netip.Addr) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c := p.join(network(from))
	select {
	case err := <-c.answer:
		return err
	case <-ctx.Done():
		p.leave(c)
		return ctx.Err()
	}
}

// release hands a slot to the one whose turn it is.
func (p *pool) release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pass()
}

// join lets somebody have a slot, stand in line or be refused.
func (p *pool) join(from netip.Prefix) *caller {
	c := &caller{from, make(chan error, 1)}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.idle > 0:
		p.idle--
		c.answer <- nil
	case p.waiting < p.queue || p.makeRoom(from):
		p.add(c)
	default:
		c.answer <- channels.Refuse(channels.RateLimited)
	}
	return c
}

// leave takes away somebody who waits no longer. A slot that was handed to him at that moment goes to the next.
func (p *pool) leave(c *caller) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.remove(c) && <-c.answer == nil {
		p.pass()
	}
}

// pass is release with mu held.
func (p *pool) pass() {
	if p.waiting == 0 {
		p.idle++
		return
	}
	l := p.lines[0]
	p.lines = append(slices.Delete(p.lines, 0, 1), l)
	c := l.callers[0]
	p.remove(c)
	c.answer <- nil
}

// makeRoom refuses the newest of the longest line, of several the one whose turn is last; false if the line of the
// newcomer is as long. With mu held.
func (p *pool) makeRoom(newcomer netip.Prefix) bool {
	var longest []*caller
	own := 0
	for _, l := range p.lines {
		if len(l.callers) >= len(longest) {
			longest = l.callers
		}
		if l.from == newcomer {
			own = len(l.callers)
		}
	}
	if own >= len(longest) {
		return false
	}
	c := longest[len(longest)-1]
	p.remove(c)
	c.answer <- channels.Refuse(channels.RateLimited)
	return true
}

// add puts somebody at the end of his line; a new line has its turn after all others. With mu held.
func (p *pool) add(c *caller) {
	i := p.lineOf(c.from)
	if i < 0 {
		i = len(p.lines)
		p.lines = append(p.lines, &line{from: c.from})
	}
	p.lines[i].callers = append(p.lines[i].callers, c)
	p.waiting++
}

// remove takes somebody out of his line; false if he stands in none. With mu held.
func (p *pool) remove(c *caller) bool {
	i := p.lineOf(c.from)
	if i < 0 {
		return false
	}
	l := p.lines[i]
	j := slices.Index(l.callers, c)
	if j < 0 {
		return false
	}
	if l.callers = slices.Delete(l.callers, j, j+1); len(l.callers) == 0 {
		p.lines = slices.Delete(p.lines, i, i+1)
	}
	p.waiting--
	return true
}

// lineOf finds an address's line; -1 where there is none. With mu held.
func (p *pool) lineOf(from netip.Prefix) int {
	return slices.IndexFunc(p.lines, func(l *line) bool { return l.from == from })
}

// sleep waits, or gives up with the context's error.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
