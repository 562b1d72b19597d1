package bcp_test

import (
	"fmt"
	"net"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"chatnode/node/session"
	"chatnode/protocols/bcp"
	"chatnode/tests/harness"
)

// heap is the memory in use.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// eventuallyIn waits until people are in the lobby, in any order, and nobody else.
func eventuallyIn(t *testing.T, n *harness.Node, names ...string) {
	t.Helper()
	eve := member(n, "eve")
	want := slices.Sorted(slices.Values(append(names, "eve")))
	for end := time.Now().Add(harness.Patience); ; {
		eve.Send("WHO lobby")
		if eve.Line() == "RESULT WHO lobby "+strings.Join(want, ", ") {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("never: %q", want)
		}
	}
	eve.Ask("LEAVE lobby", "RESULT LEAVE lobby 1")
	eve.Ask("LOGOUT", "RESULT LOGOUT 1")
}

// endedUnder waits until so many connections have ended under a word.
func endedUnder(t *testing.T, n *harness.Node, word string, want uint64) {
	t.Helper()
	for end := time.Now().Add(harness.Patience); n.Ended()[word] != want; {
		if time.Now().After(end) {
			t.Fatalf("ended: %v, want %s=%d", n.Ended(), word, want)
		}
	}
}

// first is what a client is told that begins otherwise.
const first = "The first message has to be REGISTER."

func TestWhatIsAgainstTheProtocolIsAnsweredAndEndsTheConnection(t *testing.T) {
	n := harness.Start(t, harness.Gateways)
	before := map[string]string{
		harness.BCPSend("hi"):           first,
		harness.BCPAck:                  first,
		"\x04\x01":                      first,
		harness.BCPDeliver("bob", "hi"): first,
		"\x00":                          first,
		"\x05":                          first,
		"GET / HTTP/1.1\r\n\r\n":        first,
		"\x16\x03\x01\x02\x00":          first,
	}
	for in, want := range before {
		c := n.BCP()
		c.Name = fmt.Sprintf("%q", in)
		c.SendRaw(in)
		c.Refused(want)
	}
	after := map[string]string{
		harness.BCPRegister("eve"):      "You have registered already.",
		harness.BCPAck:                  "There was nothing to acknowledge.",
		harness.BCPAck + "\x00\x00":     "There was nothing to acknowledge.",
		"\x04\x01":                      "A message was not acknowledged.",
		"\x04\xff\x00\x02no":            "A message was not acknowledged.",
		harness.BCPDeliver("bob", "hi"): "There is no such message.",
		"\x00\x00\x00":                  "There is no such message.",
		"\x05\x00\x01x":                 "There is no such message.",
		"\x06":                          "There is no such message.",
		"\x07":                          "There is no such message.",
		"\x08":                          "There is no such message.",
		"\xff":                          "There is no such message.",
		"\x02\x00\x00":                  "A message has 1 to 4095 bytes.",
		"\x02\x10\x00":                  "A message has 1 to 4095 bytes.",
		harness.BCPSend(string(make([]byte, 4096))): "A message has 1 to 4095 bytes.",
	}
	bob := n.EnterBCP("bob")
	for in, want := range after {
		c := n.EnterBCP("alice", "bob")
		c.Name = fmt.Sprintf("%.20q", in)
		bob.Hear("[Server]", joined("alice"))
		c.SendRaw(in)
		c.Refused(want)
		bob.Hear("[Server]", left("alice"))
	}
	unacknowledged := n.BCP()
	unacknowledged.SendRaw(harness.BCPRegister("alice"))
	unacknowledged.Expect(ok, harness.BCPWelcome("alice", "bob", "alice"))
	bob.Hear("[Server]", joined("alice"))
	unacknowledged.SendRaw("\x04\x02\x00\x02no")
	unacknowledged.Refused("A message was not acknowledged.")
	bob.Hear("[Server]", left("alice"))
	endedUnder(t, n, bcp.WordViolation, uint64(len(before)+len(after)+1))
}

func TestWhatWasSentBeforeAViolationIsCarriedOut(t *testing.T) {
	n := harness.Start(t, harness.Gateways)
	bob := n.EnterBCP("bob")
	alice := n.EnterBCP("alice", "bob")
	bob.Hear("[Server]", joined("alice"))
	alice.SendRaw(harness.BCPSend("one") + harness.BCPSend("two") + "\x09" + harness.BCPSend("three"))
	alice.Expect(ok, ok)
	alice.Refused("There is no such message.")
	bob.Hear("alice", "one")
	bob.Hear("alice", "two")
	bob.Hear("[Server]", left("alice"))
}

func TestEachEndHasItsWord(t *testing.T) {
	for _, k := range []struct {
		what, word string
		end        func(c *harness.BCP)
	}{
		{"close", session.WordEOF, func(c *harness.BCP) { c.Close() }},
		{"close in a message", session.WordEOF, func(c *harness.BCP) { c.SendRaw("\x02\x00\x09ha"); c.Close() }},
		{"half-close", session.WordEOF, func(c *harness.BCP) {
			c.SendRaw(harness.BCPSend("last"))
			_ = c.Conn.(*net.TCPConn).CloseWrite()
			c.Expect(ok)
			c.ExpectClosed()
		}},
		{"reset", session.WordReset, func(c *harness.BCP) {
			_ = c.Conn.(*net.TCPConn).SetLinger(0)
			c.Close()
		}},
		{"reset in a message", session.WordReset, func(c *harness.BCP) {
			c.SendRaw("\x02\x00\x09ha")
			_ = c.Conn.(*net.TCPConn).SetLinger(0)
			c.Close()
		}},
	} {
		t.Run(k.what, func(t *testing.T) {
			n := harness.Start(t, harness.Gateways)
			bob := n.EnterBCP("bob")
			alice := n.EnterBCP("alice", "bob")
			bob.Hear("[Server]", joined("alice"))
			alice.Say("hi")
			bob.Hear("alice", "hi")
			k.end(alice)
			if k.what == "half-close" {
				bob.Hear("alice", "last")
			}
			bob.Hear("[Server]", left("alice"))
			n.EnterBCP("alice", "bob") // the name is free
			bob.Hear("[Server]", joined("alice"))
			endedUnder(t, n, k.word, 1)
		})
	}
}

func TestWhoIsPutOutOfTheLobbyIsToldAndDisconnected(t *testing.T) {
	for _, k := range []struct {
		command, text, word string
		ended               uint64
	}{
		{"KICK lobby alice", "You were put out of the lobby.", "kicked", 1},
		{"BAN lobby alice", "You are banned from the lobby.", "banned", 1},
		{"DELETE lobby", "The lobby is closed.", "deleted", 2},
	} {
		t.Run(k.word, func(t *testing.T) {
			first := harness.Start(t)
			owner := first.Login("owner")
			owner.Ask("CREATE lobby", "RESULT CREATE lobby 1")
			owner.Ask("JOIN lobby", "RESULT JOIN lobby 1")
			harness.Gateways(&first.Config)
			n := first.Again()
			owner = n.Login("owner")
			alice := n.EnterBCP("alice", "owner")
			bob := n.EnterBCP("bob", "owner", "alice")
			alice.Hear("[Server]", joined("bob"))
			owner.Ask("SAY lobby before", "RECV owner lobby before")
			alice.Hear("owner", "before")
			bob.Hear("owner", "before")
			owner.Ask(k.command, "RESULT "+k.command+" 1")
			alice.Refused(k.text)
			switch k.word {
			case "deleted":
				bob.Refused(k.text)
			case "banned":
				bob.Hear("[Server]", left("alice"))
				c := n.BCP()
				c.SendRaw(harness.BCPRegister("alice"))
				c.Expect(harness.BCPStatus(1, "You are banned from the lobby."))
				c.Close()
			case "kicked":
				bob.Hear("[Server]", left("alice"))
				n.EnterBCP("alice", "owner", "bob")
				bob.Hear("[Server]", joined("alice"))
			}
			endedUnder(t, n, k.word, k.ended)
		})
	}
}

func TestAStopIsToldToEveryClient(t *testing.T) {
	n := harness.Start(t, harness.Gateways)
	fresh := n.BCP()
	halfway := n.BCP()
	halfway.SendRaw("\x01\x00\x09hal")
	alice := n.EnterBCP("alice")
	stopped := make(chan struct{})
	go func() {
		n.Stop()
		close(stopped)
	}()
	for _, c := range []*harness.BCP{fresh, halfway, alice} {
		c.Refused("The server is closing.")
	}
	<-stopped
	if got := n.Ended()[session.WordClosing]; got != 3 {
		t.Errorf("ended: %v", n.Ended())
	}
}

func TestAClientOfAnotherTongueIsTurnedAway(t *testing.T) {
	n := harness.Start(t, harness.Gateways)
	c := n.BCP()
	c.SendRaw("LOGIN bob pw\n" + strings.Repeat("SAY go hi\n", 1000))
	c.Expect(harness.BCPStatus(1, first))
	for {
		if _, err := c.Read(); err != nil {
			if os.IsTimeout(err) {
				t.Error("it is not closed")
			}
			break
		}
	}
}
