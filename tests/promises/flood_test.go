//go:build linux

package promises_test

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"chatnode/tests/harness"
)

// flood says count messages of so many bytes in a channel, as fast as they are taken, and returns when the client has
// heard all of them.
func flood(t *testing.T, c *harness.Client, place string, count, size int) {
	t.Helper()
	line := []byte("SAY " + place + " " + strings.Repeat("~", size) + "\n")
	all := io.LimitReader(&repeated{line: line}, int64(count*len(line)))
	written := make(chan error, 1)
	go func() {
		_, err := io.Copy(c.Conn, all)
		written <- err
	}()
	own := []byte("RECV " + c.Name + " " + place + " ~")
	c.Deadline(time.Now().Add(harness.Patience))
	err := c.Stream(func(line []byte) bool {
		if bytes.Contains(line, own) {
			count--
		}
		return count > 0
	})
	if err != nil {
		t.Fatalf("%s has not heard the last %d of its messages: %v", c.Name, count, err)
	}
	c.Deadline(time.Time{})
	if err := <-written; err != nil {
		t.Fatal(err)
	}
}

// repeated reads as one line again and again.
type repeated struct {
	line []byte
	at   int
}

func (r *repeated) Read(p []byte) (int, error) {
	for n := 0; n < len(p); {
		k := copy(p[n:], r.line[r.at:])
		r.at = (r.at + k) % len(r.line)
		n += k
	}
	return len(p), nil
}

// A probe measures how long it takes from SAY to the sender's own RECV.
type probe struct {
	*harness.Client
	t     *testing.T
	place string
	heard chan struct{} // gets a token for each RECV of its own
	ended chan struct{} // closed when the connection has
}

// newProbe brings a probe to a channel. It hears whatever else is said there, too.
func newProbe(t *testing.T, n *harness.Process, place string) *probe {
	p := &probe{enter(n, "probe", []string{place}), t, place, make(chan struct{}, 1), make(chan struct{})}
	p.Deadline(time.Time{})
	own := []byte("RECV probe ")
	go func() {
		defer close(p.ended)
		_ = p.Stream(func(line []byte) bool { // it ends with the test
			if bytes.HasPrefix(line, own) {
				p.heard <- struct{}{}
			}
			return true
		})
	}()
	t.Cleanup(func() {
		p.Close()
		<-p.ended
	})
	return p
}

// median says messages, one at a time, for so long, and returns the median of their times. (So many, instead, would be a
// measure of what comes after a disturbance that holds up a few.)
func (p *probe) median(while time.Duration) time.Duration {
	p.t.Helper()
	var times []time.Duration
	for end := time.Now().Add(while); time.Now().Before(end); {
		begun := time.Now()
		p.Send("SAY " + p.place + " probe")
		select {
		case <-p.heard:
		case <-p.ended:
			p.t.Fatal("the probe was disconnected")
		case <-time.After(harness.Patience):
			p.t.Fatal("the probe does not hear itself")
		}
		times = append(times, time.Since(begun))
	}
	return median(times)
}

// A steady load says small talk in a channel, every millisecond, until the test ends.
type steady struct {
	*harness.Client
	ended chan struct{}
}

// startSteady brings one to a channel.
func startSteady(t *testing.T, n *harness.Process, place string) {
	s := &steady{enter(n, "steady", []string{place}), make(chan struct{})}
	s.Deadline(time.Time{})
	talk := time.NewTicker(time.Millisecond)
	go func() {
		defer close(s.ended)
		_ = s.Stream(func([]byte) bool { return true }) // it ends with the test
	}()
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-s.ended:
				return
			case <-talk.C:
				_, _ = io.WriteString(s.Conn, "SAY "+place+" small talk\n") // the other goroutine sees the end
			}
		}
	}()
	t.Cleanup(func() {
		s.Close()
		<-stopped
		talk.Stop()
	})
}

// compare measures three times in turn with and without something, and fails if the medians differ by more than a factor.
// As the machine may have other things to do, it tries three times.
func compare(t *testing.T, what string, most float64, measure func() (with, without time.Duration)) {
	t.Helper()
	ratio := 0.0
	for range 3 {
		var with, without []time.Duration
		for range 3 {
			a, b := measure()
			with, without = append(with, a), append(without, b)
		}
		ratio = float64(median(with)) / float64(median(without))
		t.Logf("SAY to RECV takes %v with %s and %v without: a ratio of %.2f", with, what, without, ratio)
		if ratio <= most {
			return
		}
	}
	t.Errorf("%s delays others by a factor of %.2f", what, ratio)
}

func median(all []time.Duration) time.Duration {
	all = slices.Sorted(slices.Values(all))
	return all[len(all)/2]
}
