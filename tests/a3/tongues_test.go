package a3_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"chatnode/node/config"
	"chatnode/tests/harness"
)

func TestANameIsTakenInEveryTongue(t *testing.T) {
	n := harness.Start(t, harness.Gateways)
	ann, bob := n.Login("ann"), n.EnterA3("bob")
	c := n.A3()
	c.Ask("HELLO-FROM ann", "IN-USE")
	c.Ask("HELLO-FROM bob", "IN-USE")
	ann.Ask("REGISTER bob pw", "RESULT REGISTER 0")
	ann.Ask("REGISTER gone pw", "RESULT REGISTER 1")
	c.Ask("HELLO-FROM gone", "IN-USE") // an account that is off line
	gone := n.Login("gone")
	gone.Ask("UNREGISTER pw", "RESULT UNREGISTER 1")
	c.Ask("HELLO-FROM gone", "IN-USE") // and one that is no more
	bob.Close()
	harness.Eventually(t, "the guest is gone", func() bool {
		ann.Send("REGISTER bob pw")
		return ann.Line() == "RESULT REGISTER 1"
	})
	c.Ask("HELLO-FROM bob", "IN-USE")
	c.Hello("Bob")
}

func TestPeopleOfOtherTonguesAreListedAndTalkedTo(t *testing.T) {
	n := harness.Start(t, harness.Gateways)
	ann, odd, bob := n.Login("ann"), n.Login("a!b"), n.EnterA3("bob")
	again := n.Login("two", "multi")
	n.Login("two", "multi")
	bob.List("ann", "bob", "two") // each once, and nobody whose name the protocol cannot carry
	for _, k := range []*harness.Client{ann, odd, again} {
		bob.Tell(k.Name, " two  blanks ")
		k.Expect("RECV bob @  two  blanks ")
		k.Ask("WHISPER bob  two  blanks\t", "RESULT WHISPER bob 1")
		bob.Hear(k.Name, " two  blanks\t")
	}
	ann.Ask("WHO", "RESULT WHO a!b, ann, bob, two")
	odd.Ask("LOGOUT", "RESULT LOGOUT 1")
	bob.Ask("SEND a!b hi", nobody) // an account that is off line
	bob.Close()
	ann.Ask("WHO", "RESULT WHO ann, two")
	ann.Ask("WHISPER bob hi", "RESULT WHISPER bob 0")
}

func TestNothingIsHeardThatWasSaidBefore(t *testing.T) {
	n := harness.Start(t, harness.Gateways)
	ann, bob := n.Login("ann"), n.EnterA3("bob")
	ann.Ask("WHISPER bob one", "RESULT WHISPER bob 1")
	bob.Hear("ann", "one")
	bob.Close()
	bob = n.EnterA3("bob") // who may be somebody else
	bob.Silent()
	ann.Ask("WHISPER bob two", "RESULT WHISPER bob 1")
	bob.Hear("ann", "two")
}

// owner logs in an operator of the lobby.
func owner(t *testing.T, n *harness.Node, name string) *harness.Client {
	t.Helper()
	c := n.Login(name)
	c.Ask("CREATE lobby", "RESULT CREATE lobby 1")
	c.Ask("JOIN lobby", "RESULT JOIN lobby 1")
	return c
}

// inLobby is a node whose A3 clients hear a lobby that ann owns.
func inLobby(t *testing.T) (*harness.Node, *harness.Client) {
	t.Helper()
	c := harness.Config(t)
	first := harness.StartWith(t, c) // before there are gateways, which make the lobby nobody's
	owner(t, first, "ann")
	first.Stop()
	harness.Gateways(&c)
	c.Gateways.A3Lobby = true
	n := harness.StartWith(t, c)
	return n, n.Login("ann")
}

func TestTheLobbyIsHeardWhereItIsWanted(t *testing.T) {
	n, ann := inLobby(t)
	bob, eve := n.EnterA3("bob"), n.EnterA3("eve")
	ann.Ask("SAY lobby hi all", "RECV ann lobby hi all")
	bob.Hear("ann", "hi all")
	eve.Hear("ann", "hi all")
	ann.Ask("WHO lobby", "RESULT WHO lobby ann, bob, eve")
	bob.Tell("eve", "psst")
	eve.Hear("bob", "psst")
	ann.Silent()
	bob.Close()
	harness.Eventually(t, "bob is out", func() bool {
		ann.Send("WHO lobby")
		return ann.Line() == "RESULT WHO lobby ann, eve"
	})
	ann.Ask("SAY lobby two", "RECV ann lobby two")
	eve.Hear("ann", "two")
	eve.Silent()
}

func TestTheLobbyIsNotHeardWhereItIsNotWanted(t *testing.T) {
	n := harness.Start(t, harness.Gateways)
	ann, bob := n.Login("ann"), n.EnterA3("bob")
	ann.Ask("JOIN lobby", "RESULT JOIN lobby 1") // made for the other tongues
	ann.Ask("SAY lobby hi", "RECV ann lobby hi")
	bob.Silent()
	ann.Ask("WHO lobby", "RESULT WHO lobby ann")
}

func TestWhoIsPutOutOfTheLobbyIsClosed(t *testing.T) {
	n, ann := inLobby(t)
	for _, end := range []struct{ command, word, after string }{
		{"KICK", "kicked", "HELLO bob"},
		{"BAN", "banned", "IN-USE"}, // nobody by that name
	} {
		bob := n.EnterA3("bob")
		ann.Ask("SAY lobby before", "RECV ann lobby before")
		ann.Ask(end.command+" lobby bob", "RESULT "+end.command+" lobby bob 1")
		same(t, end.command, received(t, bob), "DELIVERY ann before\n")
		c := n.A3()
		c.Ask("HELLO-FROM bob", end.after)
		c.Close()
		harness.Eventually(t, end.word, func() bool { return n.Ended()[end.word] == 1 })
	}
	ann.Ask("UNBAN lobby bob", "RESULT UNBAN lobby bob 1")
	n.EnterA3("bob").List("ann", "bob")
}

// linked are two nodes that know each other, a.test and b.test.
func linked(t *testing.T) (a, b *harness.Node) {
	t.Helper()
	nodes := make([]*harness.Node, 2)
	for i, host := range []string{"a.test", "b.test"} {
		nodes[i] = harness.Start(t, harness.Gateways, func(c *config.Config) {
			c.Host = host
			c.Federation.Peers = filepath.Join(t.TempDir(), "peers.txt")
			c.Federation.RetryMax = milliseconds(200)
			if err := os.WriteFile(c.Federation.Peers, nil, 0o600); err != nil {
				t.Fatal(err)
			}
		})
	}
	for i, n := range nodes {
		other := nodes[1-i]
		line := other.Address("chat") + " name=" + other.Config.Host + "\n"
		if err := os.WriteFile(n.Config.Federation.Peers, []byte(line), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, n := range nodes {
		if refused := n.Reload(n.Config); len(refused) > 0 {
			t.Fatal(refused)
		}
	}
	return nodes[0], nodes[1]
}

func TestPeopleOfOtherNodesAreTalkedToAndNotListed(t *testing.T) {
	a, b := linked(t)
	bob, ann, bea := a.EnterA3("bob"), b.Login("ann"), b.EnterA3("bea")
	harness.Eventually(t, "the nodes are linked", func() bool {
		ann.Send("WHISPER bob@a.test hi")
		return ann.Line() == "RESULT WHISPER bob@a.test 1"
	})
	bob.Hear("ann@b.test", "hi")
	harness.Eventually(t, "from both sides", func() bool {
		bob.Send("SEND bea@b.test  two  blanks ")
		return bob.Line() == "SEND-OK"
	})
	bea.Hear("bob@a.test", " two  blanks ")
	bea.Tell("bob@a.test", "hi")
	bob.Hear("bea@b.test", "hi")
	bob.Tell("ann@b.test", "a\x00b\rc\r") // links cannot carry what this protocol can
	ann.Expect("RECV bob@a.test @ a\ufffdb\ufffdc\ufffd")
	bob.Ask("SEND nobody@b.test hi", nobody)
	bob.Ask("SEND bea@c.test hi", nobody)
	bob.Ask("SEND bea@b.test "+strings.Repeat("x", 100_000), body)
	bob.List("bob")
	bea.List("ann", "bea")
	bea.Close()
	bob.Ask("SEND bea@b.test hi", nobody)
}
