package proofchat_test

import (
	"os"
	"path/filepath"
	"testing"

	"chatnode/node/config"
	"chatnode/tests/harness"
)

func TestPeopleOfAnotherNode(t *testing.T) {
	there := start(t, func(c *config.Config) {
		c.Host = "b.test"
		c.Federation.Accept = config.AcceptAny
	})
	peers := filepath.Join(t.TempDir(), "peers.txt")
	if err := os.WriteFile(peers, []byte(there.Address("chat")+" name=b.test\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	here := start(t, func(c *config.Config) { c.Federation.Peers = peers })
	eve := there.Login("eve")
	harness.Eventually(t, "eve is in the lobby there", func() bool {
		eve.Send("JOIN lobby:a.test")
		return eve.Line() == "RESULT JOIN lobby:a.test 1"
	})
	bob, dan := here.Proofchat("bob"), there.Proofchat("dan")
	bob.Say("hi all")
	eve.Expect("RECV bob@a.test lobby:a.test hi all")
	eve.Ask("SAY lobby:a.test hi bob", "RECV eve lobby:a.test hi bob")
	bob.Expect("eve@b.test: hi bob")
	bob.Whisper("eve@b.test", "psst")
	eve.Expect("RECV bob@a.test @ psst")
	bob.Whisper("dan@b.test", "one\ntwo")
	dan.Expect("bob@a.test: [PM] one", "bob@a.test: [PM] two")
	dan.Whisper("bob@a.test", "three")
	bob.Expect("dan@b.test: [PM] three")
	bob.Whisper("nobody@b.test", "one\ntwo")
	bob.ExpectErr(harness.ProofchatNoTarget) // once
	eve.Ask("LEAVE lobby:a.test", "RESULT LEAVE lobby:a.test 1")
	bob.Silent() // only people of this node are told of
	dan.Silent()
}
