package native_test

import (
	"fmt"
	"testing"

	"chatnode/tests/harness"
)

func TestARefThatSeveralSessionsSendAtOnceIsSaidOnce(t *testing.T) {
	n := harness.Start(t)
	bob := owner(n, "bob", "multi", "tags")
	eve := member(n, "eve")
	sessions := []*harness.Client{bob}
	for range 5 {
		sessions = append(sessions, n.Login("bob", "multi", "tags"))
	}
	for round := range 20 {
		retried := fmt.Sprintf("@ref=r%d SAY go %d", round, round)
		bursts := map[*harness.Client][]string{}
		for _, c := range sessions {
			bursts[c] = []string{retried, retried}
		}
		atOnce(t, bursts)
		eve.Expect(fmt.Sprint("RECV bob go ", round))
		answer := fmt.Sprintf("@ref=r%d;seq=%d;state=stored RESULT SAY go 1", round, round+1)
		for _, c := range sessions {
			c.Match(fmt.Sprintf(`@seq=%d;\S+ RECV bob go %d`, round+1, round))
			c.Expect(answer, answer)
		}
	}
	eve.Silent()
	for _, c := range sessions {
		c.Silent()
	}
}

func TestARefThatWasNotAnsweredIsSaidOnceAfterARestart(t *testing.T) {
	n := harness.Start(t)
	bob := owner(n, "bob", "tags")
	var retried []string
	for i := range 50 {
		retried = append(retried, fmt.Sprintf("@ref=%d SAY go %d", i, i))
	}
	bob.Send(retried...)
	bob.Close() // who knows what was said
	n = n.Again()
	bob = n.Login("bob", "tags")
	for range 2 {
		bob.Send(retried...)
		for i := range retried {
			answer := fmt.Sprintf("@ref=%d;seq=%d;state=stored RESULT SAY go 1", i, i+1)
			for line := bob.Line(); line != answer; line = bob.Line() {
				if !matchesPattern(fmt.Sprintf(`@seq=%d;\S+ RECV bob go %d`, i+1, i), line) {
					t.Fatalf("got %q", line)
				}
			}
		}
	}
	bob.Send("HISTORY go limit=1000")
	bob.Expect("RESULT HISTORY go 50")
	inOrder(t, "bob", bob.Drain())
}

func TestRefsAreThoseOfAnAccount(t *testing.T) {
	n := harness.Start(t)
	bob, eve := owner(n, "bob", "tags"), member(n, "eve", "tags")
	for i, c := range []*harness.Client{bob, eve} {
		c.Send("@ref=same SAY go mine")
		for _, hears := range []*harness.Client{bob, eve} {
			hears.Match(fmt.Sprintf(`@seq=%d;\S+ RECV %s go mine`, i+1, c.Name))
		}
		c.Expect(fmt.Sprintf("@ref=same;seq=%d;state=stored RESULT SAY go 1", i+1))
	}
	// whatever else stands on the line, the ref stands for what it became; to somebody else it is another's
	bob.Ask("@ref=same SAY go something else", "@ref=same;seq=1;state=stored RESULT SAY go 1")
	bob.Ask("@ref=same WHISPER eve something else", "@ref=same;err=malformed RESULT WHISPER eve 0")
	eve.Silent()
}

func TestARefIsAnsweredAsBeforeAlthoughTheSameWouldFailNow(t *testing.T) {
	n := harness.Start(t)
	bob, eve := owner(n, "bob"), member(n, "eve", "tags")
	eve.Send("@ref=a SAY go hi", "@ref=b WHISPER bob hi")
	eve.Match(`@seq=1;\S+ RECV eve go hi`)
	eve.Expect("@ref=a;seq=1;state=stored RESULT SAY go 1", "@ref=b;seq=1;state=stored RESULT WHISPER bob 1")
	for _, meanwhile := range []string{"KICK go eve", "BAN go eve", "DELETE go", "UNREGISTER pw"} {
		bob.Send(meanwhile)
		bob.Drain()
		eve.Ask("@ref=a SAY go hi", "@ref=a;seq=1;state=stored RESULT SAY go 1")
		eve.Ask("@ref=b WHISPER bob hi", "@ref=b;seq=1;state=stored RESULT WHISPER bob 1")
	}
}
