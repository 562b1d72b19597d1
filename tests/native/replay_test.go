package native_test

import (
	"fmt"
	"testing"

	"chatnode/node/config"
	"chatnode/tests/harness"
)

func TestReplayComesBeforeAnythingLiveAndNothingIsHeardTwice(t *testing.T) {
	n := harness.Start(t)
	bob := owner(n, "bob")
	quit(member(n, "eve", "replay"))
	heard := 0
	for round := range 30 {
		from := 100*round + 1
		bob.Send(says(from, from+49)...)
		bob.Drain()
		bob.Send(says(from+50, from+99)...) // while she logs in
		eve := n.Login("eve", "replay", "tags")
		same(t, "bob", bob.Drain(), recvs("bob", from+50, from+99))
		lines := eve.Drain()
		inOrder(t, "eve", lines)
		same(t, "eve", withoutTags(lines), recvs("bob", heard+1, from+99))
		heard = from + 99
		quit(eve)
	}
}

func TestAtMostSoManyMessagesAreReplayed(t *testing.T) {
	n := harness.Start(t, func(c *config.Config) { c.Limits.Replay = 10 })
	bob := owner(n, "bob")
	quit(member(n, "eve"))
	for _, missed := range []int{9, 10, 11, 500} {
		bob.Send(says(1, missed)...)
		bob.Drain()
		eve := n.Login("eve", "replay")
		lines := eve.Drain()
		same(t, "eve", withoutTags(lines), recvs("bob", missed-min(missed, 10)+1, missed))
		gap := fmt.Sprintf(`@seq=\d+;id=\S+;time=[^;]+%s RECV .*`, map[bool]string{true: ";gap=1"}[missed > 10])
		for i, line := range lines {
			if i > 0 {
				gap = `@seq=\d+;id=\S+;time=[^;]+ RECV .*`
			}
			if !matchesPattern(gap, line) {
				t.Errorf("%d missed: line %d is %q", missed, i, line)
			}
		}
		quit(eve)
	}
}

func TestWhatWasHeardIsNotReplayedAfterARestart(t *testing.T) {
	n := harness.Start(t)
	bob, eve := owner(n, "bob"), member(n, "eve", "replay")
	for i := range 5 {
		bob.Send(says(100*i+1, 100*i+50)...)
		bob.Drain()
		eve.Drain()
		bob.Send(says(100*i+51, 100*i+100)...) // eve is on line until the node stops
		bob.Drain()
		n = n.Again()
		heard := rest(eve)
		bob, eve = n.Login("bob"), n.Login("eve", "replay")
		same(t, "eve", append(heard, withoutTags(eve.Drain())...), recvs("bob", 100*i+51, 100*i+100))
	}
}

func TestALoginRightAfterTheEndHearsNothingTwice(t *testing.T) {
	n := harness.Start(t)
	bob, eve := owner(n, "bob"), member(n, "eve", "replay")
	for i := range 100 {
		bob.Ask(fmt.Sprint("SAY go ", i), fmt.Sprint("RECV bob go ", i))
		eve.Expect(fmt.Sprint("RECV bob go ", i))
		if i%2 == 0 {
			quit(eve)
			eve = n.Login("eve", "replay")
		} else {
			eve.Send("LOGOUT", "LOGIN eve pw")
			eve.Expect("RESULT LOGOUT 1", "RESULT LOGIN 1")
		}
		eve.Silent()
	}
}

func TestReplayIsPagedThroughWhateverItsLength(t *testing.T) {
	n := harness.Start(t, func(c *config.Config) { c.Store.TailBytes = 1 << 20 })
	bob := owner(n, "bob")
	quit(member(n, "eve"))
	bob.Send(says(1, 1000)...)
	bob.Drain()
	eve := n.Login("eve", "replay")
	bob.Ask("SAY go live", "RECV bob go live")
	lines := eve.Drain()
	inOrder(t, "eve", lines)
	same(t, "eve", withoutTags(lines), append(recvs("bob", 1, 1000), "RECV bob go live"))
}
