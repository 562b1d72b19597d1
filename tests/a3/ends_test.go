package a3_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"chatnode/node/config"
	"chatnode/node/session"
	"chatnode/tests/harness"
)

func TestWhatDoesNotEndIsDropped(t *testing.T) {
	n := harness.Start(t, harness.Gateways, func(c *config.Config) { c.Compat.Unterminated = milliseconds(1) })
	eve := n.EnterA3("eve")
	for said, want := range map[string]string{
		"":                                   "",
		"HELLO-FROM bob":                     "",
		"HELLO-FROM bob\n":                   "HELLO bob\n",
		"HELLO-FROM bob\nLIST":               "HELLO bob\n",
		"HELLO-FROM bob\nSEND eve hi":        "HELLO bob\n",
		"HELLO-FROM bob\nLIST\nSEND eve hi":  "HELLO bob\nLIST-OK eve,bob\n",
		"\n\xe2\x82":                         "BAD-RQST-HDR\n",
		strings.Repeat("x", 100_000):         "",
		strings.Repeat("x", 1<<20+1):         "",
		strings.Repeat("x", 1<<20+1) + "\nS": body + "\n",
	} {
		c := n.A3()
		c.SendRaw(said)
		endSending(t, c)
		same(t, fmt.Sprintf("%.40q", said), received(t, c), want)
		eve.List("eve")
	}
	eve.Silent()
}

func TestWhoIsCutOffLeavesWhateverTheyWereSaying(t *testing.T) {
	n := harness.Start(t, harness.Gateways)
	eve := n.EnterA3("eve")
	ends := 0
	for _, said := range []string{"", "HELLO-FROM b", "HELLO-FROM bob\n", "HELLO-FROM bob\nLIST\nSEND e", "HELLO-FROM bob\nSEND eve hi\nSEND bob hi\nLIST\n", "QUIT\n"} {
		for _, end := range []func(*testing.T, *harness.A3){reset, func(t *testing.T, c *harness.A3) { c.Close() }} {
			c := n.A3()
			c.SendRaw(said)
			end(t, c) // with answers unread
			eve.Drain()
			n.EnterA3("other").Close()
			ends += 2
		}
	}
	harness.Eventually(t, "all are gone", func() bool {
		ended := n.Ended()
		return int(ended[session.WordEOF]+ended[session.WordReset]) == ends
	})
	eve.Drain()
	eve.List("eve")
	n.EnterA3("bob").List("eve", "bob")
}

func TestQuitIsNoCommandAndItsAnswerHurtsNobody(t *testing.T) {
	n := harness.Start(t, harness.Gateways)
	for range 50 {
		harness.Eventually(t, "bob is gone, having been answered", func() bool {
			bob := n.A3()
			bob.Send("HELLO-FROM bob", "QUIT")
			defer bob.Close()
			return bob.Line() == "HELLO bob"
		})
	}
	eve := n.EnterA3("eve")
	harness.Eventually(t, "bob is gone", func() bool {
		eve.Send("LIST")
		return eve.Line() == "LIST-OK eve"
	})
}

func TestNothingIsSaidOnConnectNorAtTheEnd(t *testing.T) {
	n := harness.Start(t, harness.Gateways)
	idle, guest := n.A3(), n.EnterA3("bob")
	idle.Silent()
	n.Stop()
	for _, c := range []*harness.A3{idle, guest} {
		same(t, "the end", received(t, c), "")
	}
	if got := n.Ended()[session.WordClosing]; got != 2 {
		t.Errorf("ended: %v", n.Ended())
	}
}

func TestAStopAnswersWhatWasSaid(t *testing.T) {
	n := harness.Start(t, harness.Gateways)
	bob := n.EnterA3("bob")
	bob.SendRaw(lines("SEND bob hi", "LIST"))
	bob.Expect("DELIVERY bob hi", "SEND-OK", "LIST-OK bob")
	again := n.Again()
	again.EnterA3("bob").List("bob") // the name of a guest of the last run
}

func TestWhoDoesNotLogInInTimeIsClosed(t *testing.T) {
	t.Parallel()
	n := harness.Start(t, harness.Gateways, func(c *config.Config) { c.Limits.LoginTimeout = milliseconds(500) })
	guest, late, talking := n.EnterA3("bob"), n.A3(), n.A3()
	talking.Ask("HELLO-FROM bob", "IN-USE")
	same(t, "late", received(t, late), "")
	same(t, "talking", received(t, talking), "")
	guest.List("bob")
	n.Stop()
	if got := n.Ended()[session.WordTimeout]; got != 2 {
		t.Errorf("ended: %v", n.Ended())
	}
}

func TestWhoSaysNothingForTooLongIsClosed(t *testing.T) {
	t.Parallel()
	n := harness.Start(t, harness.Gateways, func(c *config.Config) { c.Limits.IdleTimeout = milliseconds(500) })
	talking, idle := n.EnterA3("bob"), n.EnterA3("eve")
	idle.SendRaw("SEND bob not quite a line")
	for start := time.Now(); time.Since(start) < 600*time.Millisecond; {
		talking.Ask("SEND nobody hi", nobody)
	}
	same(t, "idle", received(t, idle), "")
	talking.List("bob")
	n.Stop()
	if got := n.Ended()[session.WordIdle]; got != 1 {
		t.Errorf("ended: %v", n.Ended())
	}
}

// heap is how much memory is in use.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func TestWhoReadsNothingCostsLittleHindersNobodyAndGetsAll(t *testing.T) {
	n := harness.Start(t, harness.Gateways, func(c *config.Config) { c.Store.TailBytes = 1 << 20 })
	slow, bob, eve := n.EnterA3("slow"), n.EnterA3("bob"), n.EnterA3("eve")
	const count, size = 40, 400_000 // more than sockets hold
	text := strings.Repeat("x", size)
	before := heap()
	for i := range count {
		bob.Tell("slow", fmt.Sprint(i, " ", text))
		eve.Send(fmt.Sprint("SEND eve ", i))
		eve.Hear("eve", fmt.Sprint(i))
		eve.Expect("SEND-OK")
	}
	if grown := heap() - before; grown > count*size/2 {
		t.Errorf("what is not read costs %d bytes of memory", grown)
	}
	for i := range count {
		same(t, "slow", slow.Line(), fmt.Sprint("DELIVERY bob ", i, " ", text))
	}
	slow.Silent()
}

func TestWhoReadsNoAnswersIsStoppedAndGetsThemAll(t *testing.T) {
	t.Parallel()
	n := harness.Start(t, harness.Gateways, func(c *config.Config) { c.Limits.ReplyBytes = 4096 })
	slow, bob := n.EnterA3("slow"), n.EnterA3("bob")
	text := strings.Repeat("x", 4000)
	sent := sendUntilStopped(t, slow, "SEND slow "+text+"\n")
	bob.Tell("slow", "hi") // nobody else is stopped
	own, others, answered := 0, 0, 0
	for own+answered < 2*sent || others < 1 {
		switch line := slow.Line(); line {
		case "DELIVERY slow " + text:
			own++
		case "DELIVERY bob hi":
			others++
		case "SEND-OK":
			answered++
		default:
			t.Fatalf("after %d messages: %.80q", own, line)
		}
		if own < answered {
			t.Fatalf("%d answers come before %d messages", answered, own)
		}
	}
}

// sendUntilStopped sends a line until nobody takes a byte any more, and tells how many were sent whole.
func sendUntilStopped(t *testing.T, c *harness.A3, line string) (whole int) {
	t.Helper()
	burst := []byte(strings.Repeat(line, 100))
	for sent := 0; sent < 40<<20; { // which nothing between us and the node holds
		if err := c.Conn.SetWriteDeadline(time.Now().Add(300 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		n, err := c.Conn.Write(burst[sent%len(line):])
		sent += n
		switch {
		case err == nil || n > 0 && errors.Is(err, os.ErrDeadlineExceeded):
		case errors.Is(err, os.ErrDeadlineExceeded):
			return sent / len(line)
		default:
			t.Fatalf("after %d bytes: %v", sent, err)
		}
	}
	t.Fatal("the node takes whatever a client sends that reads nothing")
	return 0
}

func TestWhoNeverReadsIsClosedInTheEnd(t *testing.T) {
	t.Parallel()
	n := harness.Start(t, harness.Gateways, func(c *config.Config) { c.Limits.StallTimeout = milliseconds(300) })
	slow, bob := n.EnterA3("slow"), n.EnterA3("bob")
	if err := slow.Conn.(*net.TCPConn).SetReadBuffer(4096); err != nil {
		t.Fatal(err)
	}
	text := strings.Repeat("x", 1_000_000)
	harness.Eventually(t, "slow is closed", func() bool {
		bob.Send("SEND slow " + text)
		return bob.Line() == nobody
	})
	bob.List("bob")
	n.Stop()
	if got := n.Ended()[session.WordStalled]; got != 1 {
		t.Errorf("ended: %v", n.Ended())
	}
}
