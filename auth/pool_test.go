package auth

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"chatnode/channels"
)

// logins starts n logins and returns their errors when they are done.
func logins(t *testing.T, s *Service, n int) (errs func() []error) {
	t.Helper()
	got := make(chan error, n)
	for range n {
		go func() { got <- verify(t, s, "alice", secret, home) }()
	}
	return func() []error {
		all := make([]error, n)
		for i := range all {
			all[i] = <-got
		}
		return all
	}
}

func TestTheQueueIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		s := quick(t, Options{Workers: 2, Queue: 3}, func() { <-gate })
		errs := logins(t, s, 2+3)
		synctest.Wait()

		wantWord(t, verify(t, s, "alice", secret, home), channels.RateLimited)
		_, err := s.Hash(t.Context(), secret, home)
		wantWord(t, err, channels.RateLimited)

		close(gate)
		for _, err := range errs() {
			if err != nil {
				t.Error(err)
			}
		}
		if err := verify(t, s, "alice", secret, home); err != nil {
			t.Errorf("after the rush: %v", err)
		}
	})
}

func TestNoMoreHashAtATimeThanThereAreWorkers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var hashing, most atomic.Int64
		s := quick(t, Options{Workers: 3, Queue: 100}, func() {
			most.Store(max(most.Load(), hashing.Add(1)))
			_ = sleep(context.Background(), 1)
			hashing.Add(-1)
		})
		logins(t, s, 50)()
		if most.Load() != 3 {
			t.Errorf("%d at a time", most.Load())
		}
	})
}

func TestWhoeverStopsWaitingForThePoolGetsTheContextsError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		s := quick(t, Options{Workers: 1, Queue: 1}, func() { <-gate })
		errs := logins(t, s, 1)
		synctest.Wait()

		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := s.Verify(ctx, "alice", secret, home); !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
		})
		synctest.Wait()
		cancel()
		wg.Wait()
		if s.pool.waiting != 0 || len(s.pool.lines) != 0 {
			t.Error("the place in the queue is lost")
		}
		if _, err := s.Hash(ctx, secret, home); !errors.Is(err, context.Canceled) {
			t.Errorf("with the context ended before: %v", err)
		}
		close(gate)
		errs()
	})
}

func TestAPanicGivesTheSlotBack(t *testing.T) {
	s := quick(t, Options{Workers: 1, Throttle: true}, func() { panic("bcrypt") })
	func() {
		defer func() { _ = recover() }()
		_ = verify(t, s, "alice", secret, home)
	}()
	if s.pool.idle != 1 {
		t.Error("the slot is lost")
	}
}

func TestTheDefaultsLeaveRoom(t *testing.T) {
	s := New(book{}, Options{})
	if s.pool.queue != 256 || s.configured() != 10 || s.now == nil || s.pool.idle < 1 {
		t.Errorf("queue %d, cost %d", s.pool.queue, s.configured())
	}
}
