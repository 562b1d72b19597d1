package bcp

import "time"

// A client is idle when nothing came or went for more than idleAfter. It is looked at every auditEvery.
const (
	idleAfter  = 60 * time.Second
	auditEvery = 10 * time.Second
)

// clock knows when something last came in or went out.
type clock struct {
	last  time.Time
	taken uint64 // bytes that had gone out by the last look
	again bool   // the wait that follows goes on after a look
}

// wait returns until when to wait for bytes. Unless it goes on after a look, something has come.
func (k *clock) wait(now time.Time) time.Time {
	if !k.again {
		k.last = now
	}
	k.again = false
	return now.Add(auditEvery)
}

// idle is the look when nothing has come until then. What went out meanwhile counts as if it went just now.
func (k *clock) idle(now time.Time, taken uint64) bool {
	k.again = true
	if taken != k.taken {
		k.last, k.taken = now, taken
	}
	return now.Sub(k.last) > idleAfter
}
