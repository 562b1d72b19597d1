package native_test

import (
	"fmt"
	"testing"

	"chatnode/node/config"
	"chatnode/tests/harness"
)

func TestOneSessionOfVersion01StandsBesideEightWithMulti(t *testing.T) {
	n := harness.Start(t)
	bob := owner(n, "bob")
	sessions := []*harness.Client{bob}
	for range 8 {
		sessions = append(sessions, n.Login("bob", "multi"))
	}
	ninth := n.Connect()
	ninth.Send("CAPS multi", "LOGIN bob pw")
	ninth.Expect("RESULT CAPS multi", "RESULT LOGIN 0")
	n.Connect().Ask("LOGIN bob pw", "RESULT LOGIN 0")
	for i, c := range sessions {
		text := fmt.Sprint(i)
		c.Send("SAY go " + text)
		for _, all := range sessions {
			all.Expect("RECV bob go " + text)
		}
	}
	sessions[3].Close()
	eventually(t, "the ninth gets a place", func() bool {
		ninth.Send("LOGIN bob pw")
		return ninth.Line() == "RESULT LOGIN 1"
	})
	bob.Ask("SAY go nine", "RECV bob go nine")
	ninth.Expect("RECV bob go nine")
}

func TestJoinAndLeaveInOneSessionCountForAll(t *testing.T) {
	n := harness.Start(t)
	eve := owner(n, "eve")
	old, multi := n.Login("bob"), n.Login("bob", "multi", "presence")
	old.Ask("JOIN go", "RESULT JOIN go 1")
	eve.Ask("SAY go hi", "RECV eve go hi")
	old.Expect("RECV eve go hi")
	multi.Expect("JOINED bob go", "RECV eve go hi")
	multi.Ask("JOIN go", "RESULT JOIN go 0")
	multi.Ask("SAY go mine", "RECV bob go mine")
	old.Expect("RECV bob go mine")
	old.Ask("LEAVE go", "RESULT LEAVE go 1")
	multi.Expect("LEFT bob go")
	eve.Ask("SAY go on", "RECV bob go mine")
	eve.Expect("RECV eve go on")
	old.Silent()
	multi.Silent()
	multi.Ask("SAY go late", "RESULT SAY go 0")
}

func TestALoginIsFreeRightAfterItsConnectionClosed(t *testing.T) {
	n := harness.Start(t, func(c *config.Config) { c.Accounts.BcryptCost = 8 }) // a hash takes as long as nodes have to see the end
	bob, second := n.Login("bob"), n.Connect()
	for range 3 {
		second.Ask("LOGIN bob pw", "RESULT LOGIN 0")
		bob.Close()
		second.Ask("LOGIN bob pw", "RESULT LOGIN 1")
		bob, second = second, n.Connect()
		quit(bob) // whoever has seen the end need not wait for anything
		second.Ask("LOGIN bob pw", "RESULT LOGIN 1")
		bob, second = second, n.Connect()
	}
}

func TestMembershipBelongsToTheAccount(t *testing.T) {
	n := harness.Start(t, func(c *config.Config) { c.Store.Durability = config.Power })
	quit(owner(n, "bob"))
	member(n, "eve").Ask("LOGOUT", "RESULT LOGOUT 1")
	for range 2 {
		bob, eve := n.Login("bob"), n.Login("eve")
		bob.Ask("JOIN go", "RESULT JOIN go 0")
		bob.Ask("SAY go still here", "RECV bob go still here")
		eve.Expect("RECV bob go still here")
		n = n.Again()
	}
	eve := n.Login("eve")
	eve.Ask("LEAVE go", "RESULT LEAVE go 1")
	n = n.Again()
	n.Login("eve").Ask("LEAVE go", "RESULT LEAVE go 0")
}

func TestCapsCountFromTheirAnswerOn(t *testing.T) {
	n := harness.Start(t)
	quit(owner(n, "bob"))
	for i := range 50 {
		bob, text := n.Login("bob"), fmt.Sprint(i)
		bob.Send("SAY go "+text, "CAPS tags", "SAY go "+text)
		bob.Expect("RECV bob go "+text, "RESULT CAPS tags")
		bob.Match(fmt.Sprintf(`@seq=%d;\S+ RECV bob go %s`, 2*i+2, text))
		quit(bob)
	}
}

func TestNoticesAreNotToldToWhoDidNotSwitchThemOn(t *testing.T) {
	n := harness.Start(t)
	bob := owner(n, "bob", "tags", "multi", "replay")
	eve := member(n, "eve")
	eve.Ask("LEAVE go", "RESULT LEAVE go 1")
	eve.Ask("JOIN go", "RESULT JOIN go 1")
	quit(eve)
	eve = n.Login("eve")
	bob.Ask("KICK go eve", "RESULT KICK go eve 1")
	bob.Silent()
	eve.Silent()
	eve.Ask("JOIN go", "RESULT JOIN go 1")
	bob.Ask("BAN go eve", "RESULT BAN go eve 1")
	bob.Ask("DELETE go", "RESULT DELETE go 1")
	bob.Silent()
	eve.Silent()
}
