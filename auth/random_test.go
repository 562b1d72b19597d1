package auth

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"
)

// modelled is what a table should know of one key: its failures since they were last forgotten.
type modelled []time.Time

// count replays the failures: how many are in the window that is open now.
func (m modelled) count(now time.Time, renew int) int {
	n, until := 0, time.Time{}
	for _, at := range m {
		if !at.Before(until) {
			n, until = 0, at.Add(window)
		}
		if n++; n >= renew {
			until = at.Add(window)
		}
	}
	if !now.Before(until) {
		return 0
	}
	return n
}

func TestATableCountsLikeItsModel(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 0))
		renew := 1 + r.IntN(free)
		table, model, now := newTable[int](100, renew), map[int]modelled{}, start
		for range 2000 {
			now = now.Add(time.Duration(r.IntN(10_000)) * time.Millisecond)
			switch key := r.IntN(8); r.IntN(20) {
			case 0:
				table.forget(key)
				delete(model, key)
			default:
				table.fail(now, key)
				model[key] = append(model[key], now)
			}
			checkTable(t, &table, model, now)
		}
	}
}

func checkTable(t *testing.T, table *table[int], model map[int]modelled, now time.Time) {
	t.Helper()
	for key := range 8 {
		got := 0
		if c := table.live(now, key); c != nil {
			got = c.failures
		}
		if want := model[key].count(now, table.renew); got != want {
			t.Fatalf("%v after the start key %d has %d failures, want %d", now.Sub(start), key, got, want)
		}
	}
	if len(table.rows) != table.order.Len() {
		t.Fatalf("%d rows, %d in order", len(table.rows), table.order.Len())
	}
}

// A crowd is addresses that log in at random, of which the first always knows the password.
type crowd struct {
	*rand.Rand
	throttle *throttle
	now      time.Time
	waiting  []waiter
	guesses  map[netip.Prefix][]time.Time
}

type waiter struct {
	attempt
	ticket
	at time.Time
}

func TestNobodyInnocentWaitsAndNobodyGuessesFast(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 1))
		c := &crowd{Rand: r, throttle: newThrottle(1000), now: start, guesses: map[netip.Prefix][]time.Time{}}
		pace := 1 + r.Int64N(int64(5*time.Second))
		for range 3000 {
			c.until(c.now.Add(time.Duration(r.Int64N(pace))))
			c.arrive(t)
		}
		c.until(c.now.Add(longestWait))
		for from, at := range c.guesses {
			checkRate(t, from, at)
		}
	}
}

// until lets the time pass and those whose places come make their attempts.
func (c *crowd) until(now time.Time) {
	slices.SortStableFunc(c.waiting, func(a, b waiter) int { return a.at.Compare(b.at) })
	for len(c.waiting) > 0 && !c.waiting[0].at.After(now) {
		c.now = c.waiting[0].at
		c.settle(c.waiting[0])
		c.waiting = c.waiting[1:]
	}
	c.now = now
}

func (c *crowd) settle(w waiter) {
	o := failed
	switch {
	case w.from == network(addressNo(0)):
		o = passed
	case c.IntN(10) == 0:
		o = undecided
	default:
		c.guesses[w.from] = append(c.guesses[w.from], c.now)
	}
	c.throttle.settle(c.now, w.attempt, w.ticket, o)
}

func (c *crowd) arrive(t *testing.T) {
	t.Helper()
	i := c.IntN(4)
	a := attempt{[]string{"alice", "bob", "carol"}[c.IntN(3)], network(addressNo(i))}
	k, ok := c.throttle.reserve(c.now, a)
	if i == 0 && (!ok || k.wait != 0) {
		t.Fatalf("who never failed: wait %v, %t", k.wait, ok)
	}
	if k.wait < 0 || k.wait > longestWait {
		t.Fatalf("wait %v", k.wait)
	}
	if ok {
		c.waiting = append(c.waiting, waiter{a, k, c.now.Add(k.wait)})
	}
	if k.wait == 0 {
		c.until(c.now)
	}
}

// checkRate: the free failures, twice where a window ends, and those at 1, 3, 7, 15 and 31 s are the most in a minute.
func checkRate(t *testing.T, from netip.Prefix, at []time.Time) {
	t.Helper()
	const most = 2*free - 1 + 5
	for i := range at {
		if j := i + most; j < len(at) && at[j].Sub(at[i]) < window {
			t.Fatalf("%s: more than %d guesses in the minute from %v", from, most, at[i].Sub(start))
		}
	}
}
