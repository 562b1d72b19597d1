package auth

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"chatnode/channels"
)

func TestARightPasswordFromAnotherAddressIsNotDelayed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := quick(t, Options{Throttle: true, Workers: 1}, func() {})
		for i := range 300 {
			wantWord(t, verify(t, s, "alice", "guess", addressNo(i)), channels.BadCredentials)
		}
		before := time.Now()
		if err := verify(t, s, "alice", secret, home); err != nil || time.Since(before) != 0 {
			t.Errorf("waited %v: %v", time.Since(before), err)
		}
		wantWord(t, verify(t, s, "alice", "guess", addressNo(0)), channels.BadCredentials)
		if time.Since(before) != longestWait {
			t.Errorf("who had failed waited %v", time.Since(before))
		}
	})
}

func TestWhoMistypedUnderAttackStillGetsIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := quick(t, Options{Throttle: true, Workers: 1}, func() {})
		for i := range 300 {
			wantWord(t, verify(t, s, "alice", "guess", addressNo(i)), channels.BadCredentials)
		}
		wantWord(t, verify(t, s, "alice", "mistyped", home), channels.BadCredentials)
		before := time.Now()
		if err := verify(t, s, "alice", secret, home); err != nil || time.Since(before) > longestWait {
			t.Errorf("waited %v: %v", time.Since(before), err)
		}
	})
}

func TestManyConnectionsGuessNoFasterThanOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		var at []int
		s := quick(t, Options{Throttle: true, Workers: 1}, func() {
			at = append(at, int(time.Since(begin).Seconds()))
			_ = sleep(t.Context(), time.Millisecond) // so that the others wait for the slot, having come while it was free
		})
		words := make(chan channels.Word, 100)
		for range cap(words) {
			go func() { words <- channels.WordOf(verify(t, s, "alice", "guess", away)) }()
		}
		got := map[channels.Word]int{}
		for range cap(words) {
			got[<-words]++
		}
		if want := []int{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 3, 7, 15}; !slices.Equal(at, want) {
			t.Errorf("guesses at %v s", at)
		}
		if got[channels.BadCredentials] != 14 || got[channels.RateLimited] != 86 {
			t.Errorf("got %v", got)
		}
	})
}

func TestWhoeverStopsWaitingForTheThrottleGetsTheContextsError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hashed := 0
		s := quick(t, Options{Throttle: true}, func() { hashed++ })
		before := time.Now()
		s.throttle.failing(before, atHome, free)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second/2)
		defer cancel()
		_, err := s.Verify(ctx, "alice", secret, home)
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(before) != time.Second/2 || hashed != 0 {
			t.Errorf("got %v after %v and %d hashes", err, time.Since(before), hashed)
		}
		wantWait(t, s.throttle, before, atHome, 2*time.Second) // the place is lost, but counts no longer
	})
}

func TestWhoWaitsForTheThrottleTakesNoRoomInTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := quick(t, Options{Throttle: true, Workers: 1, Queue: 1}, func() {})
		s.throttle.failing(time.Now(), guesser, free)
		done := make(chan error)
		for range 4 {
			go func() { done <- verify(t, s, "alice", "guess", away) }()
		}
		synctest.Wait()
		if err := verify(t, s, "alice", secret, home); err != nil {
			t.Error(err)
		}
		for range 4 {
			wantWord(t, <-done, channels.BadCredentials)
		}
	})
}

func TestAnOperatorIsNeverThrottled(t *testing.T) { neverThrottled(t, true, netip.Addr{}) }

func TestTheThrottleCanBeOff(t *testing.T) { neverThrottled(t, false, away) }

func neverThrottled(t *testing.T, throttle bool, from netip.Addr) {
	synctest.Test(t, func(t *testing.T) {
		s := quick(t, Options{Throttle: throttle}, func() {})
		before := time.Now()
		for range 5 * free {
			wantWord(t, verify(t, s, "alice", "guess", from), channels.BadCredentials)
		}
		if time.Since(before) != 0 || len(s.throttle.accounts.rows) != 0 {
			t.Errorf("waited %v", time.Since(before))
		}
	})
}
