//go:build linux

package promises_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"chatnode/node/config"
	"chatnode/tests/harness"
)

const (
	storming = 500 // connections that log in at once
	guessing = 5   // of them with a wrong password: fewer than slow an address down
	queue    = 256 // logins that may wait for their turn

	measured = 700 * time.Millisecond // a small part of what the storm takes
)

// TestALoginStormDelaysNobody lets 500 people log in at once, with passwords that cost a processor for half a minute.
// Others hear as quickly as before; whoever finds too long a queue is refused at once; and a node that is told to stop
// meanwhile answers everybody.
func TestALoginStormDelaysNobody(t *testing.T) {
	c := configure(t)
	populate(t, c)
	c.Accounts.BcryptCost = 10 // the accounts' passwords are hashed again as they log in
	compare(t, "a login storm", 3, func() (with, without time.Duration) {
		n := start(t, c)
		p := newProbe(t, n, "go")
		without = p.median(measured)
		s := brew(t, n)
		with = p.median(measured)
		s.surplus()
		if code := n.Terminate(); code != 0 {
			t.Errorf("exit code %d", code)
		}
		s.over()
		return with, without
	})
}

// populate makes the accounts of those who storm, at the lowest cost.
func populate(t *testing.T, c config.Config) {
	n := start(t, c)
	create(n)
	client := n.Connect()
	for i := range storming {
		client.Ask(fmt.Sprintf("REGISTER storm%d pw", i), "RESULT REGISTER 1")
	}
	if code := n.Terminate(); code != 0 {
		t.Fatalf("exit code %d", code)
	}
}

// A storm is connections that have sent LOGIN, and their answers as they come.
type storm struct {
	t       *testing.T
	clients []*harness.Client
	answers chan string // one for each connection; empty: it ended without an answer

	count    map[string]int // by answer, of those taken
	answered int
}

// brew connects everybody, and then lets them all log in.
func brew(t *testing.T, n *harness.Process) *storm {
	s := &storm{t: t, answers: make(chan string, storming), count: map[string]int{}}
	for range storming {
		s.clients = append(s.clients, n.Connect())
	}
	for i, c := range s.clients {
		password := "pw"
		if i < guessing {
			password = "guess"
		}
		c.Send("CAPS tags", fmt.Sprintf("LOGIN storm%d %s", i, password))
		go s.listen(c)
	}
	return s
}

func (s *storm) listen(c *harness.Client) {
	answer := ""
	_ = c.Stream(func(line []byte) bool { // without an answer, it has ended
		if text := string(line); strings.Contains(text, "LOGIN") {
			answer = text
		}
		return answer == ""
	})
	s.answers <- answer
}

// surplus waits until somebody is logged in, and for those for whom there is no room: the queue and those who hash take so
// many, and whoever else is neither refused nor served soon waits in a place that nobody bounds.
func (s *storm) surplus() {
	s.t.Helper()
	hashing := max(1, runtime.GOMAXPROCS(0)-1)
	soon := time.After(5 * time.Second)
	for s.count[loggedIn] == 0 || s.answered < storming-queue-hashing {
		s.next(soon)
	}
}

// over waits until everybody has an answer, and looks at them.
func (s *storm) over() {
	s.t.Helper()
	patience := time.After(harness.Patience)
	for s.answered < storming {
		s.next(patience)
	}
	for _, c := range s.clients {
		c.Close()
	}
	in, full, none := s.count[loggedIn], s.count[queueFull], s.count[""]
	s.t.Logf("%d of %d logged in, %d found the queue full, %d were not answered", in, storming, full, none)
	if full > storming-queue || none > 0 {
		s.t.Errorf("want at most %d and none: %v", storming-queue, s.count)
	}
}

// next takes one more answer.
func (s *storm) next(deadline <-chan time.Time) {
	s.t.Helper()
	select {
	case a := <-s.answers:
		s.count[a]++
		s.answered++
	case <-deadline:
		s.t.Fatalf("%d logins wait: %v", storming-s.answered, s.count)
	}
}

const (
	loggedIn  = "RESULT LOGIN 1"
	queueFull = "@err=rate-limited RESULT LOGIN 0"
)
