package native_test

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"chatnode/node/config"
	"chatnode/tests/harness"
)

func TestAStopInTheMiddleOfEverythingKeepsWhatWasAnswered(t *testing.T) {
	t.Parallel()
	n := harness.Start(t, func(c *config.Config) { c.Limits.Grace = milliseconds(1000) })
	bob, slow := owner(n, "bob"), member(n, "slow")
	halfway := n.Connect()
	var hashing []*harness.Client
	for range 3 {
		hashing = append(hashing, n.Connect())
	}
	costly := n.Config
	costly.Accounts.BcryptCost = 10
	if refused := n.Reload(costly); len(refused) > 0 {
		t.Fatal(refused)
	}
	halfway.SendRaw("REGISTER half")
	for i, c := range hashing {
		c.Send(fmt.Sprint("REGISTER late", i, " pw"), fmt.Sprint("LOGIN late", i, " pw"), "CREATE late", "JOIN late", "SAY late hi")
	}
	text := strings.Repeat("x", 40_000)
	var sending sync.WaitGroup
	sending.Go(func() {
		for i := range 50_000 { // until the node closes
			if _, err := fmt.Fprintf(bob.Conn, "SAY go %d %s\n", i, text); err != nil {
				return
			}
		}
	})
	heard := 0
	for ; heard < 300; heard++ { // more than slow can be sent
		heardAs(t, bob.Line(), heard)
	}
	start := time.Now()
	stopped := make(chan struct{})
	go func() {
		n.Stop()
		close(stopped)
	}()
	for _, line := range rest(bob) {
		heardAs(t, line, heard)
		heard++
	}
	for _, c := range append(hashing, halfway) {
		rest(c) // to the end
	}
	<-stopped
	if took := time.Since(start); took > harness.Patience/2 {
		t.Errorf("the stop took %v", took)
	}
	sending.Wait()
	slow.Close() // who never read a byte
	allIsThere(t, n.Again(), heard)
}

func heardAs(t *testing.T, line string, i int) {
	t.Helper()
	if !strings.HasPrefix(line, fmt.Sprint("RECV bob go ", i, " x")) {
		t.Fatalf("message %d is heard as %.60q", i, line)
	}
}

// allIsThere reads the whole log, page by page: at least so many messages, in order, without a gap.
func allIsThere(t *testing.T, n *harness.Node, least int) {
	t.Helper()
	bob := n.Login("bob")
	for seen := 0; ; {
		bob.Send(fmt.Sprint("HISTORY go limit=1000 after=", seen))
		page := bob.Drain()[1:]
		for i, line := range page {
			want := fmt.Sprint("RECV bob go ", seen+i, " x")
			if number := seqs([]string{line}); number[0] != seen+i+1 || !strings.HasPrefix(tags.ReplaceAllString(line, ""), want) {
				t.Fatalf("message %d is kept as %.80q", seen+i+1, line)
			}
		}
		if seen += len(page); len(page) == 0 {
			if seen < least {
				t.Errorf("%d messages were heard, %d are kept", least, seen)
			}
			return
		}
	}
}

func TestAStopAnswersTheCommandsInHandAndSaysNothingElse(t *testing.T) {
	n := harness.Start(t)
	bob, idle := owner(n, "bob", "presence"), member(n, "idle", "presence")
	bob.Drain()
	n.Stop()
	for _, c := range []*harness.Client{bob, idle} {
		for _, line := range rest(c) {
			if !strings.HasPrefix(line, "OFFLINE ") {
				t.Errorf("%s hears %q at the end", c.Name, line)
			}
		}
	}
	if _, err := io.WriteString(idle.Conn, "PING a\n"); err == nil {
		if line, err := idle.Read(); err == nil {
			t.Errorf("after the end: %q", line)
		}
	}
}
