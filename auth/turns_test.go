package auth

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"

	"chatnode/channels"
)

// full is a pool of one slot, which is held.
func full(t testing.TB, queue int) *pool {
	t.Helper()
	p := newPool(1, queue)
	if err := p.acquire(t.Context(), home); err != nil {
		t.Fatal(err)
	}
	return p
}

// answered looks whether somebody has his answer, and takes it.
func answered(c *caller) (bool, error) {
	select {
	case err := <-c.answer:
		return true, err
	default:
		return false, nil
	}
}

func wantWaiting(t testing.TB, callers ...*caller) {
	t.Helper()
	for i, c := range callers {
		if done, err := answered(c); done {
			t.Errorf("number %d waits no longer: %v", i, err)
		}
	}
}

func wantRefused(t testing.TB, c *caller) {
	t.Helper()
	_, err := answered(c)
	wantWord(t, err, channels.RateLimited)
}

func wantSlot(t testing.TB, c *caller) {
	t.Helper()
	if done, err := answered(c); !done || err != nil {
		t.Errorf("no slot: answered %t, %v", done, err)
	}
}

func wantIdle(t testing.TB, p *pool, slots int) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.idle != slots || p.waiting != 0 || len(p.lines) != 0 {
		t.Errorf("%d idle of %d, %d waiting in %d lines", p.idle, slots, p.waiting, len(p.lines))
	}
}

func TestAFloodFromOneAddressDelaysNobodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const flood = 300
		var order []string // written by who holds the only slot
		next := make(chan struct{})
		s := quick(t, Options{Throttle: true, Workers: 1}, func() { order = append(order, "login") })
		s.generate = func([]byte, int) ([]byte, error) {
			order = append(order, "register")
			<-next
			return nil, nil
		}
		registered := make(chan error, flood)
		for range flood {
			go func() {
				_, err := s.Hash(t.Context(), secret, away)
				registered <- err
			}()
		}
		synctest.Wait()
		login := logins(t, s, 1)
		synctest.Wait()
		for range 2 {
			next <- struct{}{}
			synctest.Wait()
		}
		if want := []string{"register", "register", "login", "register"}; !slices.Equal(order, want) {
			t.Errorf("got %v", order)
		}
		if err := login()[0]; err != nil {
			t.Error(err)
		}
		close(next)
		refused := 0
		for range flood {
			if err := <-registered; err != nil {
				wantWord(t, err, channels.RateLimited)
				refused++
			}
		}
		if want := flood - 1 - 256 + 1; refused != want { // all but who hashed and who waited, and one for the login
			t.Errorf("%d of the flood refused, want %d", refused, want)
		}
		wantIdle(t, s.pool, 1)
	})
}

func TestAFullQueueRefusesTheOneWhoFillsIt(t *testing.T) {
	p, flood, other := full(t, 3), network(away), network(home)
	a, b, c := p.join(flood), p.join(flood), p.join(flood)
	wantRefused(t, p.join(flood))
	wantWaiting(t, a, b, c)

	d := p.join(other)
	wantRefused(t, c)
	e := p.join(other)
	wantRefused(t, b)
	wantWaiting(t, a, d, e)

	wantRefused(t, p.join(other)) // by now the one who fills it
	f := p.join(network(netip.Addr{}))
	wantRefused(t, e)
	wantWaiting(t, a, d, f)
	for _, c := range []*caller{a, d, f} {
		p.release()
		wantSlot(t, c)
	}
	p.release()
	wantIdle(t, p, 1)
}

func TestAQueueOfOneEachRefusesItsNewest(t *testing.T) {
	p := full(t, 3)
	var all []*caller
	for i := range 5 {
		all = append(all, p.join(network(addressNo(i))))
	}
	wantRefused(t, all[2])
	wantRefused(t, all[3])
	wantWaiting(t, all[0], all[1], all[4])
}

func TestAddressesTakeTurns(t *testing.T) {
	p := full(t, 100)
	var all []*caller
	for _, from := range []string{
		"192.0.2.1", "::ffff:192.0.2.1", "192.0.2.1", // one address,
		"2001:db8::1", "2001:db8::2", // another
		"2001:db8:0:1::1",
		"", "", // and operators
		"192.0.2.1",
	} {
		addr, _ := netip.ParseAddr(from)
		all = append(all, p.join(network(addr)))
	}
	for _, i := range []int{0, 3, 5, 6, 1, 4, 7, 2, 8} {
		p.release()
		wantSlot(t, all[i])
	}
	p.release()
	wantIdle(t, p, 1)
}

func TestWhoComesAgainHasHisTurnAfterTheOthers(t *testing.T) {
	p, first, second := full(t, 100), network(addressNo(1)), network(addressNo(2))
	a, b := p.join(first), p.join(second)
	p.release()
	wantSlot(t, a)
	again := p.join(first)
	p.release()
	wantSlot(t, b)
	wantWaiting(t, again)
}

func TestVerifyStandsInItsAddressesLineThoughTheThrottleIsOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		s := quick(t, Options{Workers: 1}, func() { <-gate })
		errs := logins(t, s, 2)
		synctest.Wait()
		if s.pool.lineOf(network(home)) < 0 {
			t.Error("stands elsewhere")
		}
		close(gate)
		errs()
	})
}

func TestWhoeverStopsWaitingLeavesItsPlace(t *testing.T) {
	p := full(t, 2)
	a, b := p.join(network(away)), p.join(network(home))
	p.leave(a)
	c := p.join(network(away)) // there is room again
	wantWaiting(t, b, c)
	p.release()
	wantSlot(t, b)
	p.release()
	p.leave(c) // with the slot already his
	wantIdle(t, p, 1)
}

func TestASlotHandedToWhoeverLeftGoesToTheNext(t *testing.T) {
	p := full(t, 2)
	a, b := p.join(network(away)), p.join(network(home))
	p.release()
	p.leave(a)
	wantSlot(t, b)
	p.release()
	wantIdle(t, p, 1)
}

func TestWhoeverLeftWhenRefusedHadNoSlot(t *testing.T) {
	p := full(t, 2)
	a, b := p.join(network(away)), p.join(network(away))
	c := p.join(network(home))
	p.leave(b)
	wantWaiting(t, a, c)
	if p.idle != 0 || p.waiting != 2 {
		t.Errorf("%d idle, %d waiting", p.idle, p.waiting)
	}
}

func TestNoSlotIsLostWhenTheContextEndsAsItIsHandedOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for range 1000 {
			p := full(t, 1)
			ctx, cancel := context.WithCancel(t.Context())
			go func() {
				if err := p.acquire(ctx, away); err == nil {
					p.release()
				} else if !errors.Is(err, context.Canceled) {
					t.Errorf("got %v", err)
				}
			}()
			synctest.Wait()
			go cancel()
			p.release()
			synctest.Wait()
			wantIdle(t, p, 1)
		}
	})
}
