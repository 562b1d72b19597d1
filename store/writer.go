package store

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"

	"chatnode/channels"
)

// maxSteps is how many steps one transaction carries out, about: a request is never cut in two.
const maxSteps = 512

// A request is what one caller asks in one go.
type request struct {
	steps []channels.Step
	done  chan struct{} // of size 1; gets a token when the steps are answered
}

var requests = sync.Pool{New: func() any { return &request{done: make(chan struct{}, 1)} }}

// Submit carries the steps out, in order, in one transaction, and returns when each has been answered through its Done.
// The caller waits meanwhile: that is the back-pressure. It returns ErrStopped, with nothing answered, if the store has
// ended or failed. Callers are not ordered among each other; the steps of one request are, with nothing between them.
func (s *Store) Submit(steps []channels.Step) error {
	r := requests.Get().(*request)
	r.steps = steps
	select {
	case s.queue <- r:
	case <-s.stopped:
		return ErrStopped
	}
	select {
	case <-r.done:
		r.steps = nil
		requests.Put(r)
		return nil
	case <-s.stopped:
		return ErrStopped // Run may have answered it in its last moment: r is not used again
	}
}

// Run writes until ctx ends and nothing waits any more. deliver is called after each commit, before the next
// transaction. It returns an error when the outcome of a commit is unknown: the process must end then, as what is in
// memory may differ from what is on the disk.
func (s *Store) Run(ctx context.Context, deliver func([]channels.Outcome)) error {
	defer close(s.stopped)
	var batch []*request
	for {
		batch = s.gather(ctx, batch[:0])
		if len(batch) == 0 {
			return nil
		}
		outcomes, err := s.carryOut(batch)
		if err != nil {
			s.failed = true
			return err
		}
		deliver(outcomes)
		for i, r := range batch {
			batch[i] = nil
			r.done <- struct{}{}
		}
	}
}

// gather waits for a request and takes all that wait with it; none when ctx has ended and nothing waits.
func (s *Store) gather(ctx context.Context, batch []*request) []*request {
	select {
	case r := <-s.queue:
		batch = append(batch, r)
	default:
		select {
		case r := <-s.queue:
			batch = append(batch, r)
		case <-ctx.Done():
			return s.takeWaiting(batch)
		}
	}
	runtime.Gosched() // so that every reader with a line in hand adds its request first
	return s.takeWaiting(batch)
}

func (s *Store) takeWaiting(batch []*request) []*request {
	steps := 0
	for _, r := range batch {
		steps += len(r.steps)
	}
	for steps < maxSteps {
		select {
		case r := <-s.queue:
			batch = append(batch, r)
			steps += len(r.steps)
		default:
			return batch
		}
	}
	return batch
}

// carryOut stores a batch. If it cannot be stored whole, each request is tried alone, so that nobody is refused for
// another's sake. An error means that the store has failed for good.
func (s *Store) carryOut(batch []*request) ([]channels.Outcome, error) {
	outcomes, err := s.transact(batch)
	if err != nil && len(batch) > 1 && !s.failed && !busy(err) {
		s.log.Debug("trying each request of a batch alone", "error", err)
		outcomes = nil
		for i := 0; i < len(batch) && !s.failed; i++ {
			var alone []channels.Outcome
			alone, err = s.transact(batch[i : i+1])
			outcomes = append(outcomes, alone...)
		}
	}
	if s.failed {
		return nil, fmt.Errorf("store a transaction: %w", err)
	}
	return outcomes, nil
}

// stored notes whether the disk took a transaction, and says so when that changes.
func (s *Store) stored(err error) {
	if refused := err != nil; s.degraded.CompareAndSwap(!refused, refused) {
		if refused {
			s.log.Error("the store refuses messages, people are told unavailable", "remedy", remedy(err), "error", err)
		} else {
			s.log.Info("the store takes messages again")
		}
	}
}

// transact runs the steps of the requests in one transaction. On an error every outcome is Unavailable and nothing was
// stored, unless s.failed.
func (s *Store) transact(batch []*request) ([]channels.Outcome, error) {
	if s.cache.weight > maxCacheWeight {
		s.cache = newCache()
	}
	tx := &transaction{Store: s, at: s.now().UnixMilli()}
	var outcomes []channels.Outcome
	err := func() error {
		for _, r := range batch {
			for i := range r.steps {
				from := len(tx.events)
				err := tx.run(&r.steps[i])
				if err != nil && !channels.IsRefusal(err) {
					return err
				}
				to := len(tx.events)
				outcomes = append(outcomes, channels.Outcome{Step: &r.steps[i], Events: tx.events[from:to:to], Err: err})
			}
		}
		return tx.commit()
	}()
	if err == nil {
		if tx.begun {
			s.stored(nil)
		}
		return outcomes, nil
	}
	if !s.failed {
		err = s.takeBack(tx, err)
	}
	if len(batch) == 1 || busy(err) {
		s.stored(err)
	}
	return unavailable(batch, err), err
}

// takeBack ends a transaction that failed, and forgets what was remembered of it.
func (s *Store) takeBack(tx *transaction, cause error) error {
	s.cache = newCache()
	for i := len(tx.undo) - 1; i >= 0; i-- {
		tx.undo[i]()
	}
	s.ids.reserved = s.ids.n // what was reserved may have been taken back
	if !tx.begun {
		return cause
	}
	if err := s.conn.rollback(); err != nil {
		s.failed = true
		return errors.Join(cause, err)
	}
	return cause
}

func unavailable(batch []*request, cause error) []channels.Outcome {
	err := &channels.Refusal{Word: channels.Unavailable, Cause: cause}
	var outcomes []channels.Outcome
	for _, r := range batch {
		for i := range r.steps {
			outcomes = append(outcomes, channels.Outcome{Step: &r.steps[i], Err: err})
		}
	}
	return outcomes
}

// run carries out one step; a panic in it is an error of that step.
func (tx *transaction) run(step *channels.Step) (err error) {
	if step.Do == nil {
		return nil
	}
	defer func() {
		if v := recover(); v != nil {
			tx.log.Error("a step panicked", "panic", v, "stack", string(debug.Stack()))
			err = fmt.Errorf("a step panicked: %v", v)
		}
	}()
	return step.Do(tx)
}
