package auth

import (
	"container/list"
	"time"
)

// A counter counts the failures of one window.
type counter struct {
	failures int
	placed   int       // attempts that have a place and are not settled
	last     time.Time // the last place given, or the last failure if that was later
	until    time.Time // when the window ends
}

// after is the place after the last one where there were so many failures.
func (c *counter) after(failures int) time.Time { return c.last.Add(delay(failures + c.placed)) }

// A table holds counters that are alive, and for a while some that are not, but never more than max.
type table[K comparable] struct {
	max   int
	renew int // failures that make the window last on from each further one
	rows  map[K]*list.Element
	order *list.List // of *row[K]; the next to be forgotten in front
}

type row[K comparable] struct {
	key K
	counter
}

func newTable[K comparable](size, renew int) table[K] {
	return table[K]{max: size, renew: renew, rows: make(map[K]*list.Element), order: list.New()}
}

// live finds a counter whose window is open; nil where there is none.
func (t *table[K]) live(now time.Time, key K) *counter {
	e := t.rows[key]
	if e == nil || !now.Before(t.row(e).until) {
		return nil
	}
	return &t.row(e).counter
}

// fail counts a failure.
func (t *table[K]) fail(now time.Time, key K) {
	c := t.live(now, key)
	if c == nil {
		c = t.open(now, key)
	}
	c.failures++
	c.last = later(c.last, now)
	if c.failures >= t.renew {
		c.until = now.Add(window)
		t.order.MoveToBack(t.rows[key])
	}
}

// open begins a window, in passing forgets two that have ended, and makes room if there is none.
func (t *table[K]) open(now time.Time, key K) *counter {
	t.forget(key)
	for range 2 {
		if e := t.order.Front(); e != nil && (!now.Before(t.row(e).until) || len(t.rows) >= t.max) {
			t.forget(t.row(e).key)
		}
	}
	r := &row[K]{key: key, counter: counter{until: now.Add(window)}}
	t.rows[key] = t.order.PushBack(r)
	return &r.counter
}

func (t *table[K]) forget(key K) {
	if e := t.rows[key]; e != nil {
		t.order.Remove(e)
		delete(t.rows, key)
	}
}

func (t *table[K]) row(e *list.Element) *row[K] { return e.Value.(*row[K]) }
