package auth

import (
	"context"
	"math/rand/v2"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"chatnode/channels"
)

// A plainQueue is the model of a pool's: all who wait in the order in which they came, and when each address began to
// wait or had its last turn, whichever is later.
type plainQueue struct {
	idle, room int
	all        []*caller
	since      map[netip.Prefix]int
	clock      int
}

func (q *plainQueue) count(from netip.Prefix) (n int) {
	for _, c := range q.all {
		if c.from == from {
			n++
		}
	}
	return n
}

func (q *plainQueue) touch(from netip.Prefix) { q.clock++; q.since[from] = q.clock }

// drop takes one away; nothing happens where it does not wait.
func (q *plainQueue) drop(gone *caller) {
	var left []*caller
	for _, c := range q.all {
		if c != gone {
			left = append(left, c)
		}
	}
	q.all = left
}

// join says who is refused, if anybody, and whether the newcomer got a slot.
func (q *plainQueue) join(c *caller) (refused *caller, slot bool) {
	if q.idle > 0 {
		q.idle--
		return nil, true
	}
	if len(q.all) == q.room {
		if refused = q.victim(); q.count(refused.from) <= q.count(c.from) {
			return c, false
		}
		q.drop(refused)
	}
	if q.count(c.from) == 0 {
		q.touch(c.from)
	}
	q.all = append(q.all, c)
	return refused, false
}

// victim is the newest of the address that has most, and of several such of the one whose turn is last.
func (q *plainQueue) victim() *caller {
	v := q.all[0]
	for _, c := range q.all {
		n, most := q.count(c.from), q.count(v.from)
		if n > most || n == most && q.since[c.from] >= q.since[v.from] {
			v = c
		}
	}
	return v
}

// release says who gets the slot; nil for nobody.
func (q *plainQueue) release() *caller {
	if len(q.all) == 0 {
		q.idle++
		return nil
	}
	next := q.all[0]
	for _, c := range q.all {
		if q.since[c.from] < q.since[next.from] {
			next = c
		}
	}
	q.drop(next)
	q.touch(next.from)
	return next
}

func TestAPoolServesLikeItsModel(t *testing.T) {
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 2))
		slots, room := 1+r.IntN(3), 1+r.IntN(12)
		p, q := newPool(slots, room), &plainQueue{idle: slots, room: room, since: map[netip.Prefix]int{}}
		for range 1000 {
			step(t, r, p, q, slots)
			if p.idle != q.idle || p.waiting != len(q.all) {
				t.Fatalf("%d idle and %d waiting, want %d and %d", p.idle, p.waiting, q.idle, len(q.all))
			}
			wantWaiting(t, q.all...)
			if t.Failed() {
				t.Fatalf("seed %d", seed)
			}
		}
	}
}

// step lets somebody come, somebody leave or a slot be released.
func step(t *testing.T, r *rand.Rand, p *pool, q *plainQueue, slots int) {
	t.Helper()
	switch k := r.IntN(10); {
	case k < 6:
		c := p.join(network(addressNo(r.IntN(1 + r.IntN(6))))) // the lower the number, the more often it comes
		refused, slot := q.join(c)
		if slot {
			wantSlot(t, c)
		}
		if refused != nil {
			wantRefused(t, refused)
		}
	case k < 7 && len(q.all) > 0:
		c := q.all[r.IntN(len(q.all))]
		p.leave(c)
		q.drop(c)
	case q.idle < slots:
		p.release()
		if next := q.release(); next != nil {
			wantSlot(t, next)
		}
	}
}

func TestInACrowdNoSlotIsLostOrHeldTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const slots = 3
		p := newPool(slots, 20)
		var held atomic.Int64
		var crowd sync.WaitGroup
		for i := range 60 {
			r := rand.New(rand.NewPCG(uint64(i), 3))
			crowd.Go(func() {
				for range 200 {
					comeAndGo(t, r, p, func(n int64) bool { return held.Add(n) <= slots })
				}
			})
		}
		crowd.Wait()
		wantIdle(t, p, slots)
	})
}

// comeAndGo waits for a slot for up to 20 ms and holds it for a moment; hold counts who does, and says if that is right.
func comeAndGo(t *testing.T, r *rand.Rand, p *pool, hold func(int64) bool) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Duration(r.IntN(20))*time.Millisecond)
	defer cancel()
	if err := p.acquire(ctx, addressNo(r.IntN(5))); err != nil {
		if ctx.Err() == nil && channels.WordOf(err) != channels.RateLimited {
			t.Errorf("got %v", err)
		}
		return
	}
	defer p.release()
	if !hold(1) {
		t.Error("more hold a slot than there are")
	}
	_ = sleep(t.Context(), time.Duration(r.IntN(3))*time.Millisecond)
	hold(-1)
}
