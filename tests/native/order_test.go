package native_test

import (
	"fmt"
	"strings"
	"testing"

	"chatnode/tests/harness"
)

func TestAllMembersHearEightSendersInOneOrderWithoutAGap(t *testing.T) {
	n := harness.Start(t)
	const each = 100
	bob := owner(n, "bob", "tags")
	clients := []*harness.Client{bob}
	bursts := map[*harness.Client][]string{}
	for i := range 7 {
		clients = append(clients, member(n, fmt.Sprint("sender", i), "tags"))
	}
	for _, c := range clients {
		bursts[c] = says(1, each)
	}
	clients = append(clients, member(n, "listener", "tags"), member(n, "old"))
	atOnce(t, bursts)
	eventually(t, "all is said", func() bool { return strings.HasPrefix(last(bob), fmt.Sprintf("@seq=%d;", 8*each)) })
	var first []string
	for _, c := range clients {
		if c == bob {
			bob.Send("HISTORY go limit=1000")
			bob.Expect(fmt.Sprint("RESULT HISTORY go ", 8*each))
		}
		heard := c.Drain()
		inOrder(t, c.Name, heard)
		if first == nil {
			first = heard
			continue
		}
		if c.Name == "old" {
			heard, first = withoutTags(heard), withoutTags(first)
		}
		same(t, c.Name, heard, first)
	}
	for c := range bursts {
		own := 1
		for _, line := range first {
			if line == fmt.Sprintf("RECV %s go %d", c.Name, own) {
				own++
			}
		}
		if own != each+1 {
			t.Errorf("%s was heard up to %d in order", c.Name, own-1)
		}
	}
}

// last asks for the last message of the channel go, passing over all else that is heard.
func last(c *harness.Client) string {
	c.Send("HISTORY go limit=1")
	lines := c.Drain()
	return lines[len(lines)-1]
}

func TestAReplyComesAfterEveryMessageThatWasCommittedBeforeIt(t *testing.T) {
	n := harness.Start(t)
	bob, eve := owner(n, "bob"), n.Login("eve")
	for i := range 100 {
		text := fmt.Sprint(i)
		eve.Ask("JOIN go", "RESULT JOIN go 1")
		bob.Ask("SAY go "+text, "RECV bob go "+text) // so it is committed
		eve.Send("PING a", "LEAVE go")
		eve.Expect("RECV bob go "+text, "PONG a", "RESULT LEAVE go 1")
	}
}

func TestNothingIsHeardBeforeTheAnswerToJoinNorAfterTheAnswerToLeave(t *testing.T) {
	n := harness.Start(t)
	bob, eve := owner(n, "bob"), n.Login("eve", "tags")
	for range 20 {
		atOnce(t, map[*harness.Client][]string{bob: says(1, 200), eve: {"JOIN go", "PING a", "LEAVE go", "PING b"}})
		eve.Expect("RESULT JOIN go 1")
		heard := until(eve, "RESULT LEAVE go 1")
		inOrder(t, "eve", heard)
		eve.Expect("PONG b")
		same(t, "bob", bob.Drain(), recvs("bob", 1, 200))
		eve.Silent()
	}
}

// until returns the lines before one.
func until(c *harness.Client, end string) (lines []string) {
	for {
		line := c.Line()
		if line == end {
			return lines
		}
		lines = append(lines, line)
	}
}

func TestSixtyKilobytesInOneSegmentAreCarriedOutInOrder(t *testing.T) {
	n := harness.Start(t)
	bob, eve := owner(n, "bob"), member(n, "eve")
	var lines, want, heard []string
	for i := 0; len(strings.Join(lines, "\n")) < 60<<10; i++ {
		text := fmt.Sprint(i, " ", strings.Repeat("x", i%40))
		lines = append(lines, "SAY go "+text, fmt.Sprint("PING ", i), "JOIN go")
		want = append(want, "RECV bob go "+text, fmt.Sprint("PONG ", i), "RESULT JOIN go 0")
		heard = append(heard, "RECV bob go "+text)
	}
	bob.Send(lines...)
	for i, line := range want {
		if got := bob.Line(); got != line {
			t.Fatalf("answer %d is %q, want %q", i, got, line)
		}
	}
	same(t, "eve", eve.Drain(), heard)
}

func TestLinesSentInOneGoAreCheckedAgainstWhatTheOneBeforeLeft(t *testing.T) {
	n := harness.Start(t)
	bob, eve := owner(n, "bob"), member(n, "eve")
	bob.Send("BAN go eve", "UNBAN go eve", "KICK go eve", "OP go eve", "DELETE go", "DELETE go", "CREATE go", "JOIN go",
		"TOPIC go a", "TOPIC go", "LOGOUT", "LOGOUT", "LOGIN bob pw", "LOGIN bob pw", "PASSWD pw new", "PASSWD pw new",
		"UNREGISTER new", "UNREGISTER new", "LOGIN bob new", "REGISTER bob pw")
	bob.Expect("RESULT BAN go eve 1", "RESULT UNBAN go eve 1", "RESULT KICK go eve 0", "RESULT OP go eve 0", "RESULT DELETE go 1",
		"RESULT DELETE go 0", "RESULT CREATE go 1", "RESULT JOIN go 1", "RESULT TOPIC go 1 a", "RESULT TOPIC go 1 a",
		"RESULT LOGOUT 1", "RESULT LOGOUT 0", "RESULT LOGIN 1", "RESULT LOGIN 0", "RESULT PASSWD 1", "RESULT PASSWD 0",
		"RESULT UNREGISTER 1", "RESULT UNREGISTER 0", "RESULT LOGIN 0", "RESULT REGISTER 0")
	bob.Silent()
	eve.Silent()
}
