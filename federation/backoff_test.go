package federation

import (
	"testing"
	"time"
)

func TestBackoffDrawsFromAWindowThatDoublesUpToTheMost(t *testing.T) {
	b := newBackoff(10 * time.Second)
	b.random = func(window time.Duration) time.Duration { return window - 1 }
	for round := range 2 {
		for _, want := range []time.Duration{1, 2, 4, 8, 10, 10, 10} {
			if got := b.Next(); got != want*time.Second-1 {
				t.Errorf("round %d: %s, not just below %d s", round, got, want)
			}
		}
		b.Reset()
	}
}

func TestBackoffStaysWithinItsBounds(t *testing.T) {
	for _, most := range []time.Duration{1, time.Millisecond, time.Second, time.Minute, 1<<63 - 1} {
		b, window := newBackoff(most), time.Second
		for range 100 {
			if wait := b.Next(); wait < 0 || wait >= min(window, most) {
				t.Fatalf("%s of at most %s, below %s", wait, most, window)
			}
			if window *= 2; window <= 0 || window > most {
				window = most
			}
		}
	}
}

func TestBackoffHasFullJitter(t *testing.T) {
	b, low, high := newBackoff(time.Second), 0, 0
	for range 1000 {
		switch wait := b.Next(); {
		case wait < 250*time.Millisecond:
			low++
		case wait >= 750*time.Millisecond:
			high++
		}
	}
	if low < 100 || high < 100 {
		t.Errorf("of 1000 waits %d in the first quarter and %d in the last", low, high)
	}
}
