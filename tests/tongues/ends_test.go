package tongues_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"chatnode/node/config"
	"chatnode/tests/harness"
)

// ownedLobby starts a node whose lobby belongs to ann, who is in it.
func ownedLobby(t *testing.T, change func(*config.Config)) (*harness.Node, *harness.Client) {
	t.Helper()
	first := harness.Start(t)
	ann := first.Login("ann")
	ann.Ask("CREATE lobby", "RESULT CREATE lobby 1")
	ann.Ask("JOIN lobby", "RESULT JOIN lobby 1")
	harness.Gateways(&first.Config)
	change(&first.Config)
	n := first.Again()
	return n, n.Login("ann")
}

func TestAGuestIsPutOutInTheMiddleOfALongText(t *testing.T) {
	const long = 2000 // lines: several minutes at this rate
	n, ann := ownedLobby(t, func(c *config.Config) { c.Limits.CommandsPerS, c.Limits.CommandBurst = 10, 20 })
	bob := n.EnterBCP("bob", "ann")
	bob.SendRaw(harness.BCPSend(strings.Repeat("a\n", long)))
	ann.Expect("RECV bob lobby a")
	pip := n.Proofchat("pip")
	pip.Say(strings.Repeat("b\n", long))
	for heard := ""; heard != "RECV pip lobby b"; {
		heard = ann.Line()
	}
	for _, name := range []string{"bob", "pip"} {
		ann.Send("KICK lobby " + name)
		for ann.Line() != "RESULT KICK lobby "+name+" 1" {
		}
	}
	harness.Eventually(t, "both are put out", func() bool { return n.Ended()["kicked"] == 2 })
}

func TestTheRateHoldsForTheLinesOfALongText(t *testing.T) {
	n := harness.Start(t, harness.Gateways, func(c *config.Config) { c.Limits.CommandsPerS, c.Limits.CommandBurst = 50, 50 })
	pip := n.Proofchat("pip")
	begin := time.Now()
	pip.Say(strings.Repeat("a\n", 100))
	pip.Silent()
	if spent := time.Since(begin); spent < 900*time.Millisecond { // 50 at once, 50 in a second
		t.Errorf("100 lines are said in %s", spent)
	}
}

func TestAGuestWhoLeavesTheLobbyOfAnotherNodeIsNotKicked(t *testing.T) {
	a := harness.Start(t, gateways, func(c *config.Config) { c.Federation.Accept = config.AcceptAny })
	peers := filepath.Join(t.TempDir(), "peers.txt")
	if err := os.WriteFile(peers, []byte(a.Address("chat")+" name=a.test\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b := harness.Start(t, harness.Gateways, func(c *config.Config) {
		c.Host = "b.test"
		c.Federation.Accept = config.AcceptAny
		c.Federation.Peers = peers
	})
	zed := b.Login("zed")
	harness.Eventually(t, "the link is up", func() bool {
		zed.Send("JOIN lobby:a.test")
		return zed.Line() == "RESULT JOIN lobby:a.test 1"
	})
	cat := b.LoginCSP("cat")
	cat.Join("lobby:a.test")
	pip := a.Proofchat("pip")
	cat.ExpectAnswer("180", "CC", "pip@a.test has joined lobby:a.test.", "username", "pip@a.test", "chat_name", "lobby:a.test")
	pip.Exit()
	cat.ExpectAnswer("190", "", "pip@a.test has left lobby:a.test.", "username", "pip@a.test")
	al := a.EnterA3("al")
	cat.ExpectAnswer("180", "CC", "al@a.test has joined lobby:a.test.", "username", "al@a.test", "chat_name", "lobby:a.test")
	al.Ask("SEND cat@b.test hi", "SEND-OK")
	cat.Hears("(al@a.test) [PM] hi")
	b.Stop()
	harness.Eventually(t, "who is on a node that is away cannot be reached", func() bool {
		al.Send("SEND cat@b.test hi")
		return al.Line() == "BAD-DEST-USER"
	})
}

func TestAfterEXITTheClientClosesFirstWhateverTheLoginTimeout(t *testing.T) {
	n := harness.Start(t, harness.Gateways, func(c *config.Config) { c.Limits.LoginTimeout = config.Duration(50 * time.Millisecond) })
	pip, ann := n.Proofchat("pip"), n.Login("ann")
	ann.Ask("JOIN lobby", "RESULT JOIN lobby 1")
	<-time.After(100 * time.Millisecond) // the time in which somebody has to log in is over
	pip.Exit()
	harness.Eventually(t, "the name is free", func() bool {
		ann.Send("WHO")
		return ann.Line() == "RESULT WHO ann"
	})
	for range 100 { // long after it would have ended
		ann.Ask("PING x", "PONG x")
	}
	if n.Sessions() != 2 {
		t.Error("the node has closed first")
	}
}
