package federation

import (
	"math/rand/v2"
	"time"
)

// firstRetry is the longest wait before the first redial.
const firstRetry = time.Second

// A backoff says how long to wait before a peer is dialled again: exponential, with full jitter, so that nodes that lost
// each other together do not come back together. It is owned by who dials.
type backoff struct {
	most   time.Duration                     // that it ever waits; more than 0
	window time.Duration                     // from which the next wait is drawn
	random func(time.Duration) time.Duration // from 0 to below its argument
}

func newBackoff(most time.Duration) *backoff {
	b := &backoff{most: most, random: rand.N[time.Duration]}
	b.Reset()
	return b
}

// Next is the next wait: from 0 to below 1 s the first time, and to below twice as much each time after, up to the most.
func (b *backoff) Next() time.Duration {
	wait := b.random(b.window)
	b.window += min(b.window, b.most-b.window) // without overflow
	return wait
}

// Reset begins anew: the peer has given a sign of life.
func (b *backoff) Reset() { b.window = min(firstRetry, b.most) }
