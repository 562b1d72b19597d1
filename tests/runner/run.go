package runner

import (
	"context"
	"sync"
)

// Run carries cases out, Options.Jobs at a time, and returns how each went, in the order of the cases. Each is called
// once for every case, with its index, as they end, by one goroutine at a time; it may be nil. When ctx ends, the cases
// that have not ended are skipped, every server has been ended and every file removed when Run returns. The error is
// that of Options.Check, and nothing was run then.
func Run(ctx context.Context, all []*Case, options Options, each func(index int, r Result)) ([]Result, error) {
	if err := options.Check(); err != nil {
		return nil, err
	}
	r := &session{o: options.filled(), ports: &ports{}, all: all, results: make([]Result, len(all)), each: each}
	var jobs sync.WaitGroup
	for range min(r.o.Jobs, len(all)) {
		jobs.Go(func() { r.work(ctx) })
	}
	jobs.Wait()
	return r.results, r.ports.close()
}

// A session is one Run.
type session struct {
	o     *Options
	ports *ports
	all   []*Case
	each  func(int, Result)

	mu      sync.Mutex
	next    int      // guarded by mu; the next case
	failed  bool     // guarded by mu
	results []Result // guarded by mu while jobs run

	calling sync.Mutex // held while each is called
}

// work carries out the next case while there is one.
func (r *session) work(ctx context.Context) {
	for {
		r.mu.Lock()
		i, failed := r.next, r.failed
		r.next++
		r.mu.Unlock()
		if i >= len(r.all) {
			return
		}
		result := r.one(ctx, r.all[i], failed)
		r.mu.Lock()
		r.results[i] = result
		r.failed = r.failed || result.Status == Failed
		r.mu.Unlock()
		if r.each != nil {
			r.calling.Lock()
			r.each(i, result)
			r.calling.Unlock()
		}
	}
}

// one carries a case out unless there is a reason not to.
func (r *session) one(ctx context.Context, c *Case, failed bool) Result {
	reason := r.o.cannot(c)
	switch {
	case ctx.Err() != nil:
		reason = interrupted
	case failed && r.o.FailFast:
		reason = "a case has failed, and --fail-fast ends the run"
	}
	if reason != "" {
		return Result{Case: c, Status: Skipped, Reason: reason}
	}
	return newPlay(ctx, r, c).perform()
}

// interrupted is why cases are skipped at the end of a run's context.
const interrupted = "interrupted"
