package proofchat_test

import (
	"fmt"
	"strings"
	"testing"

	"chatnode/node/config"
	"chatnode/tests/harness"
)

// situations are the states of a connection: what the client sends to be in one, and hears.
var situations = []struct {
	name  string
	sends []string
	hears []string
	state int
}{
	{"new", nil, nil, newcomer},
	{"new, after an ERR", []string{harness.ProofchatReg("a b")}, []string{"ERR 2"}, newcomer},
	{"new, after two", []string{harness.ProofchatExit("x"), harness.ProofchatReg("SERVER")}, []string{"ERR 4", "ERR 0"}, newcomer},
	{"registered", []string{harness.ProofchatReg("me")}, []string{"ACK me eve"}, member},
	{"registered after an ERR", []string{harness.ProofchatReg("eve"), harness.ProofchatReg("me")}, []string{"ERR 0", "ACK me eve"}, member},
	{"registered, after an ERR", []string{harness.ProofchatReg("me"), harness.ProofchatReg("you")}, []string{"ACK me eve", "ERR 4"}, member},
}

// The states, and how many there are.
const (
	newcomer = iota
	member
	states
)

// What follows a message.
const (
	asBefore = iota
	registered
	left   // the node waits for the client to close
	closed // the node closes
)

// end is what comes of a message in a state: what the client hears, and eve, and what follows.
type end struct {
	hears, eve string
	then       int
}

// table has what comes of each message in each state.
var table = []struct {
	name, message string
	ends          [states]end
}{
	{"REG of a free name", harness.ProofchatReg("free"), [states]end{{"ACK free eve", "", registered}, {"ERR 4", "", asBefore}}},
	{"REG of a taken name", harness.ProofchatReg("eve"), [states]end{{"ERR 0", "", asBefore}, {"ERR 4", "", asBefore}}},
	{"REG of SERVER", harness.ProofchatReg("SERVER"), [states]end{{"ERR 0", "", asBefore}, {"ERR 4", "", asBefore}}},
	{"REG with a blank", harness.ProofchatReg("a b"), [states]end{{"ERR 2", "", asBefore}, {"ERR 4", "", asBefore}}},
	{"REG of nothing", harness.ProofchatReg(""), [states]end{{"ERR 5", "", asBefore}, {"ERR 4", "", asBefore}}},
	{"MESG", harness.ProofchatMesg("hi"), [states]end{{"ERR 4", "", asBefore}, {"", "me: hi", asBefore}}},
	{"MESG of nothing", harness.ProofchatMesg(""), [states]end{{"ERR 4", "", asBefore}, {"ERR 5", "", asBefore}}},
	{"MESG too long", harness.ProofchatMesg(strings.Repeat("x", 4097)), [states]end{{"ERR 4", "", asBefore}, {"ERR 5", "", asBefore}}},
	{"MESG impossibly long", "\x01" + harness.ProofchatInt(1<<20+1), [states]end{{"ERR 4", "", closed}, {"ERR 5", "SERVER: me has left", closed}}},
	{"MESG of 2^64-1", "\x01" + harness.ProofchatInt(1<<64-1) + "x", [states]end{{"ERR 4", "", closed}, {"ERR 5", "SERVER: me has left", closed}}},
	{"PMSG", harness.ProofchatPmsg("eve", "hi"), [states]end{{"ERR 4", "", asBefore}, {"", "me: [PM] hi", asBefore}}},
	{"PMSG to oneself", harness.ProofchatPmsg("me", "hi"), [states]end{{"ERR 4", "", asBefore}, {"me: [PM] hi", "", asBefore}}},
	{"PMSG to nobody", harness.ProofchatPmsg("you", "hi"), [states]end{{"ERR 4", "", asBefore}, {"ERR 3", "", asBefore}}},
	{"PMSG of nothing", harness.ProofchatPmsg("eve", ""), [states]end{{"ERR 4", "", asBefore}, {"ERR 5", "", asBefore}}},
	{"PMSG of nothing to nobody", harness.ProofchatPmsg("you", ""), [states]end{{"ERR 4", "", asBefore}, {"ERR 5", "", asBefore}}},
	{"PMSG too long", harness.ProofchatPmsg("eve", strings.Repeat("x", 5000)), [states]end{{"ERR 4", "", asBefore}, {"ERR 5", "", asBefore}}},
	{"EXIT", harness.ProofchatExit("me"), [states]end{{"ERR 4", "", asBefore}, {"", "SERVER: me has left", left}}},
	{"EXIT of another's name", harness.ProofchatExit("eve"), [states]end{{"ERR 4", "", asBefore}, {"", "SERVER: me has left", left}}},
	{"EXIT of nothing", harness.ProofchatExit(""), [states]end{{"ERR 4", "", asBefore}, {"", "SERVER: me has left", left}}},
	{"opcode 4", "\x04", [states]end{{"ERR 4", "", closed}, {"ERR 4", "SERVER: me has left", closed}}},
	{"opcode 255", "\xff" + strings.Repeat("x", 100), [states]end{{"ERR 4", "", closed}, {"ERR 4", "SERVER: me has left", closed}}},
	{"HTTP", "GET / HTTP/1.1\r\n\r\n", [states]end{{"ERR 4", "", closed}, {"ERR 4", "SERVER: me has left", closed}}},
}

func TestEveryMessageInEveryState(t *testing.T) {
	n := start(t)
	eve := n.Proofchat("eve")
	for _, s := range situations {
		for _, row := range table {
			want := row.ends[s.state]
			c := n.Proofchat("")
			c.Name = s.name + ": " + row.name
			eve.Name = "eve, " + c.Name
			c.Send(s.sends...)
			c.Expect(s.hears...)
			c.Send(row.message)
			if want.hears != "" {
				c.Expect(want.hears)
			}
			if want.eve != "" {
				eve.Expect(want.eve)
			}
			checkFollows(n, c, eve, s.state, want.then)
		}
	}
	n.Stop()
	if got, want := fmt.Sprint(n.Ended()), "malformed:30"; !strings.Contains(got, want) {
		t.Errorf("ended: %s, want %s", got, want)
	}
}

// checkFollows fails unless a connection is as it should be after a message.
func checkFollows(n *harness.Node, c, eve *harness.Proofchat, state, then int) {
	switch {
	case then == closed:
		c.ExpectClosed()
	case then == left:
		again := n.Proofchat("me") // the name is free, and the first connection still open
		c.Send(harness.ProofchatMesg("late"), "\xff")
		again.Exit()
		eve.Expect("SERVER: me has left")
		c.CloseWrite()
		c.ExpectClosed()
	case then == registered || state == member:
		c.Silent()
		c.Close()
		who := "me"
		if then == registered {
			who = "free"
		}
		eve.Expect("SERVER: " + who + " has left")
	default:
		c.Send(harness.ProofchatReg("free"))
		c.Expect("ACK free eve")
		c.Exit()
		eve.Expect("SERVER: free has left")
	}
	_ = c.Conn.Close() // it may be closed already
	eve.Silent()
}

func TestJoinsAreAnnouncedIfConfigured(t *testing.T) {
	for _, announced := range []bool{false, true} {
		n := start(t, func(c *config.Config) { c.Gateways.ProofchatAnnounceJoins = announced })
		eve := n.Proofchat("eve")
		joins := func(name string) {
			if announced {
				eve.Expect("SERVER: " + name + " has joined")
			}
			eve.Silent()
		}
		c := n.Proofchat("bob")
		joins("bob")
		ann := native(n, "ann")
		joins("ann")
		ann.Send("QUIT")
		ann.ExpectClosed()
		eve.Expect("SERVER: ann has left")
		if announced {
			c.Expect("SERVER: ann has joined")
		}
		c.Expect("SERVER: ann has left")
		n.Login("ann") // still a member
		joins("ann")
		n.Login("elsewhere")
		eve.Silent()
	}
}

func TestWhoLeavesIsToldOnceHoweverTheyLeave(t *testing.T) {
	n := start(t)
	eve := n.Proofchat("eve")
	for name, leave := range map[string]func(*harness.Proofchat){
		"EXIT":             func(c *harness.Proofchat) { c.Exit() },
		"EXIT and close":   func(c *harness.Proofchat) { c.Exit(); c.Close() },
		"EXIT and reset":   func(c *harness.Proofchat) { c.Exit(); c.CloseWrite(); c.ExpectClosed(); c.Reset() },
		"close":            (*harness.Proofchat).Close,
		"half a close":     (*harness.Proofchat).CloseWrite,
		"reset":            (*harness.Proofchat).Reset,
		"half a message":   func(c *harness.Proofchat) { c.Send("\x01\x05"); c.Close() },
		"unknown":          func(c *harness.Proofchat) { c.Send("\x09") },
		"half and a reset": func(c *harness.Proofchat) { c.Send("\x02abc"); c.Reset() },
	} {
		c := n.Proofchat("bob")
		c.Name = name
		leave(c)
		eve.Expect("SERVER: bob has left")
		again := n.Proofchat("")
		again.Name = "after " + name
		if got := again.Register("bob"); len(got) != 2 {
			t.Errorf("after %s: %q", name, got)
		}
		again.Exit()
		eve.Expect("SERVER: bob has left")
		eve.Silent()
	}
	ann := native(n, "ann")
	ann.Ask("LEAVE lobby", "RESULT LEAVE lobby 1")
	eve.Expect("SERVER: ann has left")
	ann.Ask("JOIN lobby", "RESULT JOIN lobby 1")
	ann.Ask("LOGOUT", "RESULT LOGOUT 1")
	eve.Expect("SERVER: ann has left")
	ann.Close()
	eve.Silent()
}

func TestANameIsFreeAsSoonAsTheOthersHearThatItsOwnerHasLeft(t *testing.T) {
	n := start(t)
	eve := n.Proofchat("eve")
	for range 100 {
		c := n.Proofchat("bob")
		c.Exit()
		eve.Expect("SERVER: bob has left")
		defer c.Close()
	}
}

func TestAClosedConnectionFreesItsNameAtOnce(t *testing.T) {
	n := start(t)
	for range 50 {
		n.Proofchat("bob").Close()
	}
}
