package csp_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"chatnode/node/config"
	"chatnode/tests/harness"
)

// openToAll takes a link from anybody.
func openToAll(c *config.Config) { c.Federation.Accept = config.AcceptAny }

// plainPeer links a node of the original protocol, with a channel far.
func plainPeer(n *harness.Node) *harness.Client {
	p := n.Connect()
	p.Ask("FEDERATE-OUT", "FEDERATECONFIRM")
	for !strings.HasPrefix(p.Line(), "FEDCHANNELS") {
	}
	p.Send("FEDCHANNELS far", "FEDJOIN zed@p.test nowhere")
	for !strings.HasPrefix(p.Line(), "FEDRESULT zed JOIN") {
	}
	return p
}

func TestAGroupOfAPlainPeer(t *testing.T) {
	n := harness.Start(t, only, openToAll)
	p, bob, native := plainPeer(n), n.LoginCSP("bob"), n.Login("bob")
	bob.Request("LIST", "")
	bob.Match(`.*"130".*\["far:p.test"\]}`)
	bob.Request("JOIN", "far:p.test")
	p.Expect("FEDJOIN bob@a.test far")
	p.Send("FEDRESULT bob JOIN far:p.test 0")
	bob.ExpectAnswer("240", "CC", "You may not do that.", "username", "bob", "chat_name", "far:p.test")
	bob.Request("JOIN", "far:p.test")
	p.Expect("FEDJOIN bob@a.test far")
	p.Send("FEDRESULT bob JOIN far:p.test 1")
	bob.ExpectAnswer("180", "CC", "bob has joined far:p.test.", "username", "bob", "chat_name", "far:p.test")
	bob.Say("far:p.test", "hello")
	p.Expect("FEDSAY bob@a.test far hello")
	p.Send("FEDRECV bob@a.test bob@a.test far:p.test hello", "FEDRECV bob@a.test zed@p.test far:p.test welcome")
	bob.Hears("(bob) hello", "(zed@p.test) welcome")
	native.Expect("RECV bob far:p.test hello", "RECV zed@p.test far:p.test welcome")
	bob.Say("far:p.test", "no")
	p.Expect("FEDSAY bob@a.test far no")
	p.Send("FEDRESULT bob SAY far:p.test 0")
	if got := codeOf(bob.Line()); got != "260" {
		t.Errorf("a message that was refused is answered by %s", got)
	}
	outside := n.LoginCSP("bob") // a member, but not in it
	p.Send("FEDRECV bob@a.test zed@p.test far:p.test more")
	native.Expect("RECV zed@p.test far:p.test more")
	bob.Hears("(zed@p.test) more")
	outside.Silent()
	bob.Found("go")
	bob.Silent()
	native.Silent() // what is said in a group that was left goes nowhere
	p.Send("FEDRECV bob@a.test zed@p.test far:p.test late", "FEDJOIN zed@p.test nowhere")
	for !strings.HasPrefix(p.Line(), "FEDRESULT zed JOIN") {
	}
	bob.Silent()
	p.Close()
	harness.Eventually(t, "the peer is gone", func() bool {
		bob.Request("JOIN", "far:p.test")
		return strings.Contains(bob.Line(), "cannot be reached")
	})
	bob.Say("go", "here still")
	bob.Hears("(bob) here still")
}

// pair starts two nodes that are linked; the first is called a.test and the second b.test.
func pair(t *testing.T) (a, b *harness.Node) {
	t.Helper()
	b = harness.Start(t, only, openToAll, func(c *config.Config) { c.Host = "b.test" })
	peers := filepath.Join(t.TempDir(), "peers.txt")
	if err := os.WriteFile(peers, []byte(b.Address("chat")+" name=b.test\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return harness.Start(t, only, func(c *config.Config) { c.Federation.Peers = peers }), b
}

func TestAGroupOfAnotherNode(t *testing.T) {
	a, b := pair(t)
	bob, eve := a.LoginCSP("bob"), b.LoginCSP("eve")
	eve.Found("go")
	const far = "go:b.test"
	harness.Eventually(t, "the nodes are linked", func() bool {
		bob.Request("LIST", "")
		return strings.Contains(bob.Line(), fmt.Sprintf("[%q]", far))
	})
	bob.Request("CHAT", far)
	bob.ExpectAnswer("230", "", "That is no name for a group.")
	bob.Join(far)
	eve.Expect(joinedBy("bob@a.test"))
	bob.Say(far, "hello")
	bob.Hears("(bob) hello")
	eve.Hears("(bob@a.test) hello")
	eve.Say("go", "welcome")
	eve.Hears("(eve) welcome")
	bob.Hears("(eve@b.test) welcome")
	bob.Request("LEVE", far)
	bob.Expect(goneOut("bob"))
	eve.Expect(leftBy("bob@a.test"))
	bob.Say(far, "gone")
	bob.Expect(refused("260", "bob", notIn))
	bob.Join(far)
	eve.Expect(joinedBy("bob@a.test"))
	eve.Request("KICK", "go", "kicked_user", "bob@a.test")
	eve.Expect(kickedOf("bob@a.test"))
	bob.ExpectAnswer("192", "CC", "bob has been kicked out of go:b.test.", "kicked_user", "bob")
	bob.Say(far, "out")
	bob.Expect(refused("260", "bob", notIn))
	eve.Request("BANN", "go", "banned_user", "bob@a.test")
	eve.Expect(bannedOf("bob@a.test"))
	bob.Request("JOIN", far)
	bob.ExpectAnswer("240", "CC", "You are banned from that group.", "username", "bob", "chat_name", far)
	bob.Silent()
	eve.Silent()
}
