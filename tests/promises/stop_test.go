//go:build linux

package promises_test

import (
	"fmt"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"chatnode/node/config"
	"chatnode/tests/harness"
)

// TestStopIsInOrder tells the node to stop at random moments of a stream, again and again on the same data. It ends well
// and soon; what anybody heard or was told is stored is in HISTORY afterwards; and everybody who spoke was told of all
// that is.
func TestStopIsInOrder(t *testing.T) {
	dice := dice(t)
	c := configure(t)
	book := newLedger(t)
	speakers := []*speaker{newSpeaker("ann", dice), newSpeaker("bob", dice)}
	longest := time.Duration(0)
	for round := range 10 {
		c.Store.Durability = []config.Durability{config.Power, config.Process}[round%2]
		n := start(t, c)
		if round == 0 {
			create(n)
		}
		from := book.heads()
		people := gather(n, speakers)
		people.talk()
		people.inFullSwing(t, dice)
		took := stop(t, n)
		if longest = max(longest, took); took > time.Duration(c.Limits.Grace) {
			t.Errorf("the stop took %v", took)
		}
		people.wait(t)

		n = start(t, c)
		audit(n, book)
		people.check(t, book, from)
		for _, place := range places {
			if head := book.head(place); strings.Contains(head, ".") {
				t.Errorf("after a stop in order the node fears that messages of %s are lost: seq %s", place, head)
			}
		}
		for _, s := range speakers {
			if n := s.untold(book); n > 0 {
				t.Errorf("%d messages of %s are stored and %[2]s was not told", n, s.name)
			}
		}
		stop(t, n)
		if t.Failed() {
			t.Fatalf("in round %d", round)
		}
	}
	t.Logf("a stop in a burst took %v at the most", longest)
}

// stop tells a node to stop, and returns how long it took.
func stop(t *testing.T, n *harness.Process) time.Duration {
	t.Helper()
	told := time.Now()
	if code := n.Terminate(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	return time.Since(told)
}

// untold counts what a speaker said that is stored, and that was not answered.
func (s *speaker) untold(book *ledger) (n int) {
	for _, m := range s.unanswered {
		if book.said["text "+m.text] {
			n++
		}
	}
	return n
}

// TestAStalledReaderHoldsAStopForTheGraceOnly stops a node that owes a lot to somebody who does not read.
func TestAStalledReaderHoldsAStopForTheGraceOnly(t *testing.T) {
	const grace = time.Second
	n, check := withStalled(t, grace)
	took := stop(t, n)
	t.Logf("the stop took %v with a grace of %v", took, grace)
	if took < grace || took > grace+5*time.Second {
		t.Error("the grace was not kept to")
	}
	check()
}

// TestASecondSignalAborts tells a node to stop at once that waits for somebody who does not read.
func TestASecondSignalAborts(t *testing.T) {
	n, check := withStalled(t, time.Minute)
	n.Signal(syscall.SIGTERM)
	n.Logged(regexp.MustCompile(`stopping`))
	took := stop(t, n)
	t.Logf("the second signal took %v", took)
	if took > 10*time.Second {
		t.Error("the second signal did not stop the node at once")
	}
	check()
}

// withStalled starts a node with a member who does not read, owed more than the kernel's buffers hold. check is for when
// the node has ended: it fails unless all that was heard is in HISTORY.
func withStalled(t *testing.T, grace time.Duration) (n *harness.Process, check func()) {
	const messages, size = 3000, 4000
	c := configure(t, func(c *config.Config) { c.Limits.Grace = config.Duration(grace) })
	n = start(t, c)
	create(n)
	stalled := harness.DialSmall(t, n.Address, 4096).Enter("stalled")
	stalled.Ask("JOIN go", "RESULT JOIN go 1")
	flood(t, enter(n, "talker", places[:1]), "go", messages, size)
	return n, func() {
		auditor := enter(start(t, c), "talker", nil)
		auditor.Send(fmt.Sprintf("HISTORY go after=%d", messages-1))
		auditor.Expect("RESULT HISTORY go 1")
		if e := parse(auditor.Line()); e.author != "talker" || e.text != strings.Repeat("~", size) {
			t.Errorf("the last message heard is not stored: %.200v", e)
		}
	}
}
