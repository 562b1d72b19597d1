package auth

import (
	"net/netip"
	"strings"
	"sync"
	"time"

	"chatnode/channels"
)

const (
	free        = 10               // failures of an account or an address inside a window that slow nobody down
	window      = time.Minute      // from the first failure; once there are more than the free ones, from the last
	longestWait = 30 * time.Second // from one slow attempt to the next, and of an attempt for its place
	tableSize   = 65_536           // counters of each sort
)

// A throttle slows down those who guess passwords (native protocol §7). It keeps books and never waits: the caller says
// what time it is and does the waiting.
//
// An address that has used up its free failures is slow. So is one on an account that has used up its own, from wherever
// they came, if a failure on it was the address's. A slow attempt gets a place in time: 1 s after the failure or the
// place before it, then 2 s, doubling to 30 s. The attempts that have a place count like failures for the places after
// them until they are settled, so that many connections guess no faster than one; where the next place is more than 30 s
// ahead, the attempt is refused. (Those that came while failing was free are looked at again when they have a slot:
// past the free failures there are at most as many as hash at a time.)
//
// Nobody is locked out: an address that has not itself failed is never slow, and a slow one waits 30 s at the most if it
// does one thing at a time. Who shares an address with a guesser shares his waits, though.
//
// The counters are bounded in number. When there are too many, the one that would soonest be forgotten goes: whoever
// brings that about, by failing on some 65,000 names or from as many addresses inside a minute, gets back free failures
// of his own and takes nothing from others, as no counter is to anybody's advantage but those who guess against it.
type throttle struct {
	mu sync.Mutex // held for a few look-ups, never while anybody waits or hashes
	// Guarded by mu, with every counter in them and in tickets.
	addresses table[netip.Prefix]
	accounts  table[string] // by name, whether there is such an account or not
	pairs     table[attempt]
}

func newThrottle(size int) *throttle {
	return &throttle{
		addresses: newTable[netip.Prefix](size, free),
		accounts:  newTable[string](size, free),
		pairs:     newTable[attempt](size, 1), // one failure makes the address one of those who failed
	}
}

// An attempt is somebody's to log in. One from nowhere is never slow.
type attempt struct {
	name string
	from netip.Prefix
}

// network is what counts as one address: of IPv6 a /64, as that is what one customer gets at the least.
func network(a netip.Addr) netip.Prefix {
	a = a.Unmap()
	bits := 64
	if a.Is4() {
		bits = 32
	}
	p, _ := a.Prefix(bits) // fails for the zero Addr only, and gives the zero Prefix
	return p
}

// A ticket is an attempt's leave to be made, after a wait. It must be settled.
type ticket struct {
	wait time.Duration
	// The counters that count the attempt until it is settled; nil where they do not slow it down. They may have been
	// forgotten by the tables meanwhile.
	address, pair *counter
}

// placed reports whether the attempt is a slow one, though its place may be now.
func (k ticket) placed() bool { return k.address != nil || k.pair != nil }

// each does something to the counters that count the attempt.
func (k ticket) each(do func(*counter)) {
	for _, c := range []*counter{k.address, k.pair} {
		if c != nil {
			do(c)
		}
	}
}

// reserve finds the attempt's place; false where that is more than 30 s ahead, and then nothing was reserved.
func (t *throttle) reserve(now time.Time, a attempt) (ticket, bool) {
	if !a.from.IsValid() {
		return ticket{}, true
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	var k ticket
	at := now
	if c := t.addresses.live(now, a.from); c != nil && c.failures >= free {
		k.address = c
		at = later(at, c.after(c.failures))
	}
	account, c := t.accounts.live(now, a.name), t.pairs.live(now, a)
	if account != nil && c != nil && account.failures >= free {
		k.pair = c
		at = later(at, c.after(account.failures))
	}
	if k.wait = at.Sub(now); k.wait > longestWait {
		return ticket{}, false
	}
	k.each(func(c *counter) { c.placed++; c.last = later(c.last, at) })
	return k, true
}

// An outcome is how an attempt ended.
type outcome int

const (
	undecided outcome = iota // the password was not looked at
	passed
	failed
)

func outcomeOf(err error) outcome {
	switch {
	case err == nil:
		return passed
	case channels.WordOf(err) == channels.BadCredentials:
		return failed
	}
	return undecided
}

// settle counts how an attempt ended. A right password makes up for the failures of the address on that account, but not
// for those of the address on others.
func (t *throttle) settle(now time.Time, a attempt, k ticket, o outcome) {
	if !a.from.IsValid() {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	k.each(func(c *counter) { c.placed-- })
	switch o {
	case failed:
		a.name = strings.Clone(a.name) // it may be a piece of a longer line, which the tables should not keep
		t.addresses.fail(now, a.from)
		t.accounts.fail(now, a.name)
		t.pairs.fail(now, a)
	case passed:
		t.pairs.forget(a)
	}
}

// delay is how long after one attempt the next may be made when there were so many failures, the free ones included.
func delay(failures int) time.Duration {
	return min(time.Second<<min(failures-free, 5), longestWait)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
