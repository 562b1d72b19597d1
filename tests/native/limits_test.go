package native_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"chatnode/node/config"
	"chatnode/node/session"
	"chatnode/tests/harness"
)

// dialFrom connects to the node from one of this machine's own addresses.
func dialFrom(t *testing.T, n *harness.Node, ip string) *harness.Client {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(ip)}}
	conn, err := d.Dial("tcp", n.Addresses()["chat"][0])
	if err != nil {
		t.Fatal(err)
	}
	return harness.Wrap(t, conn)
}

func TestAConnectionTooManyIsClosedAndNobodyElseNotices(t *testing.T) {
	n := harness.Start(t, func(c *config.Config) { c.Limits.Connections = 2 })
	bob, eve := n.Connect(), n.Connect()
	bob.Silent()
	eve.Silent()
	n.Connect().ExpectClosed()
	bob.Silent()
	quit(eve)
	eventually(t, "there is room again", func() bool {
		c := n.Connect()
		c.SendRaw("PING a\n")
		line, err := c.Read()
		return err == nil && line == "PONG a"
	})
	n.Stop()
	if n.Ended()[session.WordBusy] == 0 {
		t.Errorf("ended: %v", n.Ended())
	}
}

func TestConnectionsAreCountedByAddress(t *testing.T) {
	n := harness.Start(t, func(c *config.Config) { c.Limits.ConnectionsPerIP = 2 })
	for _, ip := range []string{"127.0.0.1", "127.0.0.2", "127.0.0.3"} {
		for range 2 {
			dialFrom(t, n, ip).Silent()
		}
		dialFrom(t, n, ip).ExpectClosed()
	}
}

func TestARateOfCommandsSlowsAndLosesNothing(t *testing.T) {
	t.Parallel()
	n := harness.Start(t, func(c *config.Config) { c.Limits.CommandsPerS, c.Limits.CommandBurst = 5, 5 })
	c, start := n.Connect(), time.Now()
	var lines, want []string
	for i := range 8 {
		lines = append(lines, fmt.Sprint("PING ", i))
		want = append(want, fmt.Sprint("PONG ", i))
	}
	c.Send(lines...)
	c.Expect(want[:5]...)
	other := n.Connect() // has a rate of its own
	other.Ask("PING a", "PONG a")
	c.Expect(want[5:]...)
	if took := time.Since(start); took < 400*time.Millisecond {
		t.Errorf("8 commands at 5 a second after a burst of 5 took %v", took)
	}
}

func TestAClientThatReadsNoAnswersIsStoppedAndGetsThemAll(t *testing.T) {
	n := harness.Start(t)
	bob := n.Login("bob")
	want := "RESULT CHANNELS " + strings.Join(manyChannels(bob), ", ")
	slow := n.Connect()
	const asked = 2000 // thirteen megabytes of answers
	slow.Send(slices.Repeat([]string{"CHANNELS"}, asked)...)
	more := sendUntilStopped(t, slow)
	bob.Ask("PING a", "PONG a") // nobody else is
	for i := range asked {
		if got := slow.Line(); got != want {
			t.Fatalf("answer %d is %.80q", i, got)
		}
	}
	for i := range more {
		if got := slow.Line(); got != "PONG more" {
			t.Fatalf("answer %d of the pings is %.80q", i, got)
		}
	}
}

// sendUntilStopped sends pings until nobody takes a byte any more, and tells how many were sent whole.
func sendUntilStopped(t *testing.T, c *harness.Client) (whole int) {
	t.Helper()
	const ping = "PING more\n"
	burst := []byte(strings.Repeat(ping, 10_000))
	for sent := 0; sent < 20<<20; { // which nothing between us and the node holds
		if err := c.Conn.SetWriteDeadline(time.Now().Add(300 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		n, err := c.Conn.Write(burst[sent%len(ping):])
		sent += n
		switch {
		case err == nil || n > 0 && errors.Is(err, os.ErrDeadlineExceeded):
		case errors.Is(err, os.ErrDeadlineExceeded):
			return sent / len(ping)
		default:
			t.Fatalf("after %d bytes: %v", sent, err)
		}
	}
	t.Fatal("the node takes whatever a client sends that reads nothing")
	return 0
}

func TestWhoDoesNotLogInInTimeIsClosed(t *testing.T) {
	n := harness.Start(t, func(c *config.Config) { c.Limits.LoginTimeout = milliseconds(1000) })
	bob, late, talking := n.Login("bob"), n.Connect(), n.Connect()
	talking.Ask("REGISTER eve pw", "RESULT REGISTER 1")
	late.ExpectClosed()
	talking.ExpectClosed()
	bob.Silent()
	n.Stop()
	if got := n.Ended()[session.WordTimeout]; got != 2 {
		t.Errorf("ended: %v", n.Ended())
	}
}

func TestWhoSaysNothingForTooLongIsClosed(t *testing.T) {
	t.Parallel()
	n := harness.Start(t, func(c *config.Config) { c.Limits.IdleTimeout = milliseconds(1000) })
	talking, idle := n.Login("bob"), n.Login("eve")
	idle.SendRaw("PING not quite a line")
	keepAsking(talking, 1100*time.Millisecond)
	idle.ExpectClosed()
	n.Stop()
	if got := n.Ended()[session.WordIdle]; got != 1 {
		t.Errorf("ended: %v", n.Ended())
	}
}

func TestGuessingIsSlowedAndNobodyIsLockedOut(t *testing.T) {
	n := harness.StartThrottled(t)
	bob := n.Login("bob")
	quit(bob)
	guesser := dialFrom(t, n, "127.0.0.2")
	start := time.Now()
	for range 10 {
		guesser.Ask("LOGIN bob guess", "RESULT LOGIN 0")
	}
	free := time.Since(start)
	guesser.Send("LOGIN bob guess")
	start = time.Now()
	n.Connect().Ask("LOGIN bob pw", "RESULT LOGIN 1")
	if took := time.Since(start); took > free+500*time.Millisecond {
		t.Errorf("the right password from another address took %v", took)
	}
	guesser.Expect("RESULT LOGIN 0")
	if took := time.Since(start); took < 700*time.Millisecond {
		t.Errorf("the eleventh guess took %v", took)
	}
}
