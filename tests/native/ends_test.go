package native_test

import (
	"testing"

	"chatnode/tests/harness"
)

func TestASubscriptionEndsAtItsPlaceInTheLog(t *testing.T) {
	for _, end := range []struct{ command, answer, left string }{
		{"KICK go eve", "RESULT KICK go eve 1", "LEFT eve go kicked"},
		{"BAN go eve", "RESULT BAN go eve 1", "LEFT eve go banned"},
		{"DELETE go", "RESULT DELETE go 1", "LEFT eve go deleted"},
	} {
		t.Run(end.command, func(t *testing.T) {
			n := harness.Start(t)
			bob, eve := owner(n, "bob"), member(n, "eve", "presence")
			bob.Send(append(append(says(1, 100), end.command), says(101, 200)...)...)
			same(t, "eve", until(eve, end.left), recvs("bob", 1, 100))
			same(t, "bob", until(bob, end.answer), recvs("bob", 1, 100))
			bob.Drain()
			eve.Ask("SAY go hi", "RESULT SAY go 0")
			eve.Silent()
		})
	}
}

func TestWhoGoesInABurstHearsAllBeforeAndNothingAfter(t *testing.T) {
	for command, answer := range map[string]string{
		"LEAVE go":      "RESULT LEAVE go 1",
		"LOGOUT":        "RESULT LOGOUT 1",
		"UNREGISTER pw": "RESULT UNREGISTER 1",
	} {
		n := harness.Start(t)
		bob, eve := owner(n, "bob"), member(n, "eve", "tags")
		atOnce(t, map[*harness.Client][]string{bob: says(1, 300), eve: {command}})
		inOrder(t, command, until(eve, answer))
		same(t, "bob", bob.Drain(), recvs("bob", 1, 300))
		eve.Silent()
	}
}

func TestLeaveAndJoinInOneGoIsHeardAsThat(t *testing.T) {
	n := harness.Start(t)
	bob := owner(n, "bob", "multi")
	other := n.Login("bob", "multi")
	eve := member(n, "eve")
	bob.Send("SAY go 1", "LEAVE go", "SAY go 2", "JOIN go", "SAY go 3")
	bob.Expect("RECV bob go 1", "RESULT LEAVE go 1", "RESULT SAY go 0", "RESULT JOIN go 1", "RECV bob go 3")
	for _, c := range []*harness.Client{other, eve} {
		same(t, c.Name, c.Drain(), []string{"RECV bob go 1", "RECV bob go 3"})
	}
	atOnce(t, map[*harness.Client][]string{eve: says(1, 200), bob: {"LEAVE go", "JOIN go"}})
	before := until(bob, "RESULT LEAVE go 1")
	bob.Expect("RESULT JOIN go 1")
	eve.Drain()
	after := bob.Drain()
	if all := append(before, after...); len(all) > 200 {
		t.Errorf("bob heard %d of 200 messages", len(all))
	}
	same(t, "bob before", before, recvs("eve", 1, len(before)))
	same(t, "bob after", after, recvs("eve", 200-len(after)+1, 200))
}

func TestWhoComesBackHearsNothingOfWhatTheyLeft(t *testing.T) {
	n := harness.Start(t)
	bob, eve := owner(n, "bob"), member(n, "eve", "replay")
	bob.Send("SAY go 1", "KICK go eve", "SAY go 2")
	eve.Expect("RECV bob go 1")
	quit(eve)
	bob.Drain()
	eve = n.Login("eve", "replay")
	eve.Silent()
	eve.Ask("JOIN go", "RESULT JOIN go 1")
	eve.Silent()
	bob.Ask("SAY go 3", "RECV bob go 3")
	eve.Expect("RECV bob go 3")
}
