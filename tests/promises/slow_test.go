//go:build linux

package promises_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"chatnode/node/config"
	"chatnode/tests/harness"
)

// What the slow reader misses, while it does not read: far more than the kernel's buffers and the node's memory of recent
// messages hold.
const (
	missed     = 20_000
	missedSize = 400
)

// TestASlowReaderDelaysNobodyAndLosesNothing lets a member stop reading for 20,000 messages. Others hear as quickly as
// while it reads, the node holds next to nothing for it, and when it reads again it gets every message in order.
func TestASlowReaderDelaysNobodyAndLosesNothing(t *testing.T) {
	n := start(t, configure(t, func(c *config.Config) { c.Store.TailBytes = 1 << 20 }))
	s := newSlow(t, n)
	for range 3 {
		s.phase(true) // warm up: everybody falls behind what the memory holds now and then
	}
	before, most := s.rss, int64(0)
	compare(t, "a reader that does not read", 2, func() (with, without time.Duration) {
		with = s.phase(false)
		most = max(most, s.rss)
		return with, s.phase(true)
	})
	growth := most - before
	t.Logf("the process has grown by %d KiB from %d KiB; its processor time is %v", growth>>10, before>>10, n.CPU())
	if growth >= 4<<20 {
		t.Errorf("a slow reader costs %d KiB", growth>>10)
	}
}

// slow is a member who can stop reading, and the others.
type slow struct {
	t       *testing.T
	n       *harness.Process
	reader  *harness.Client
	flooder *harness.Client
	probe   *probe
	last    string // seq that the reader has heard
	phases  int
	rss     int64 // of the node, before the reader has begun to read again
}

func newSlow(t *testing.T, n *harness.Process) *slow {
	create(n)
	s := &slow{t: t, n: n, last: "0"}
	s.reader = harness.DialSmall(t, n.Address, 4096).Enter("reader", "tags")
	s.reader.Ask("JOIN go", "RESULT JOIN go 1")
	s.flooder = enter(n, "flooder", places[:1])
	s.probe = newProbe(t, n, "go")
	startSteady(t, n, "go")
	return s
}

// phase says what the reader hears at once, or misses at first, and measures others meanwhile.
func (s *slow) phase(reading bool) time.Duration {
	s.t.Helper()
	s.phases++
	mark := fmt.Sprint("phase ", s.phases)
	heard := make(chan error, 1)
	read := func() { heard <- s.read(mark) }
	if reading {
		go read()
	}
	flood(s.t, s.flooder, "go", missed, missedSize)
	took := s.probe.median(150 * time.Millisecond)
	s.rss = s.n.RSS()
	s.flooder.Send("SAY go " + mark)
	if !reading {
		go read()
	}
	if err := <-heard; err != nil {
		s.t.Fatal(err)
	}
	return took
}

// read hears all up to a mark.
func (s *slow) read(mark string) (err error) {
	missing := missed
	s.reader.Deadline(time.Now().Add(harness.Patience))
	end := s.reader.Stream(func(line []byte) bool {
		e := parse(string(line))
		switch {
		case e.verb != "RECV" || e.tags["gap"] != "" || !follows(s.last, e.seq):
			err = fmt.Errorf("after seq %s the reader hears %.200q", s.last, line)
		case e.author == "flooder" && e.text == mark && missing > 0:
			err = fmt.Errorf("%d messages are missing", missing)
		case e.author == "flooder" && len(e.text) == missedSize && strings.Trim(e.text, "~") == "":
			missing--
		}
		s.last = e.seq
		return err == nil && e.text != mark
	})
	if end != nil {
		err = fmt.Errorf("after seq %s the reader hears nothing more: %w", s.last, end)
	}
	return err
}
