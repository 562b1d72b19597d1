package tongues_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"chatnode/node/config"
	"chatnode/tests/harness"
)

// crowd is one person of each tongue, in the order of their names, and the names.
func crowd(t *testing.T, n *harness.Node) (all map[string]person, names []string) {
	t.Helper()
	all = map[string]person{}
	for _, tongue := range slices.Sorted(maps.Keys(tongues)) {
		name := "of" + tongue
		p, member := tongues[tongue](t, n, name, names)
		for _, other := range names {
			all[other].came(name, member)
		}
		all[name], names = p, append(names, name)
	}
	return all, names
}

func TestWhatIsSaidInOneTongueIsHeardOnceInEachUnderTheRightName(t *testing.T) {
	all, names := crowd(t, harness.Start(t, gateways))
	for round := range 3 {
		for _, by := range names {
			text := fmt.Sprintf("round %d of %s", round, by)
			if !all[by].say(text) {
				continue
			}
			for _, other := range names {
				if other != by {
					all[other].said(by, text)
				}
			}
		}
	}
}

func TestAWhisperReachesOnePersonAlone(t *testing.T) {
	all, names := crowd(t, harness.Start(t, gateways))
	for _, by := range names {
		for _, to := range names {
			if text := by + " to " + to; by != to && all[by].whisper(to, text) {
				all[to].whispered(by, text)
			}
		}
	}
	all["ofbcp"].say("and nothing else") // whoever had heard something would read that first
	for _, name := range names {
		if name != "ofbcp" {
			all[name].said("ofbcp", "and nothing else")
		}
	}
}

func TestANameIsOnesInAllTongues(t *testing.T) {
	n := harness.Start(t, gateways)
	all, names := crowd(t, n)
	for _, name := range names {
		n.Connect().Ask("REGISTER "+name+" pw", "RESULT REGISTER 0")
		c := n.ConnectCSP()
		c.Name = name
		c.Request("NWUA", "", "password", "other")
		c.ExpectAnswer("200", "", "")
		n.A3().Ask("HELLO-FROM "+name, "IN-USE")
		b := n.BCP()
		b.SendRaw(harness.BCPRegister(name))
		if m, err := b.Read(); err != nil || m[:2] != "\x04\x01" {
			t.Errorf("BCP takes %s: %q, %v", name, m, err)
		}
		p := n.Proofchat("")
		p.Send(harness.ProofchatReg(name))
		p.ExpectErr(0)
	}
	all["ofbcp"].say("still here") // nobody has heard of any of it
	for _, name := range names {
		if name != "ofbcp" {
			all[name].said("ofbcp", "still here")
		}
	}
}

func TestWhoIsPutOutInOneTongueIsOutInAll(t *testing.T) {
	n := harness.Start(t, gateways)
	boss, eve := n.LoginCSP("boss"), n.Login("eve")
	boss.Found("go")
	eve.Ask("JOIN go", "RESULT JOIN go 1")
	boss.ExpectAnswer("180", "CC", "eve has joined go.", "username", "eve", "chat_name", "go")
	boss.Request("KICK", "go", "kicked_user", "eve")
	boss.ExpectAnswer("192", "CC", "eve has been kicked out of go.", "kicked_user", "eve")
	eve.Ask("SAY go hi", "RESULT SAY go 0")
	eve.Ask("JOIN go", "RESULT JOIN go 1")
	boss.ExpectAnswer("180", "CC", "eve has joined go.", "username", "eve", "chat_name", "go")
	boss.Request("BANN", "go", "banned_user", "eve")
	boss.ExpectAnswer("191", "CC", "eve has been banned from go.", "banned_user", "eve")
	eve.Ask("JOIN go", "RESULT JOIN go 0")

	eve.Ask("CREATE own", "RESULT CREATE own 1")
	eve.Ask("JOIN own", "RESULT JOIN own 1")
	cat := n.LoginCSP("cat")
	cat.Join("own")
	eve.Ask("KICK own cat", "RESULT KICK own cat 1")
	cat.ExpectAnswer("192", "CC", "cat has been kicked out of own.", "kicked_user", "cat")
	cat.Join("own")
	eve.Ask("BAN own cat", "RESULT BAN own cat 1")
	cat.ExpectAnswer("191", "CC", "cat has been banned from own.", "banned_user", "cat")
}

func TestAUserOfAnotherNodeIsHeardInTheLobby(t *testing.T) {
	a := harness.Start(t, gateways, func(c *config.Config) { c.Federation.Accept = config.AcceptAny })
	all, names := crowd(t, a)
	peers := filepath.Join(t.TempDir(), "peers.txt")
	if err := os.WriteFile(peers, []byte(a.Address("chat")+" name=a.test\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b := harness.Start(t, func(c *config.Config) {
		c.Host = "b.test"
		c.Federation.Accept = config.AcceptAny
		c.Federation.Peers = peers
	})
	zed := b.Login("zed")
	harness.Eventually(t, "the lobby can be joined", func() bool { // once the link has come up
		zed.Send("JOIN lobby:a.test")
		return zed.Line() == "RESULT JOIN lobby:a.test 1"
	})
	all["ofcsp"].came("zed@b.test", true)
	zed.Ask("SAY lobby:a.test hello", "RECV zed lobby:a.test hello")
	for _, name := range names {
		all[name].said("zed@b.test", "hello")
	}
	all["ofbcp"].say("hello, zed")
	zed.Expect("RECV ofbcp@a.test lobby:a.test hello, zed")
	all["ofproofchat"].whisper("zed@b.test", "psst")
	zed.Expect("RECV ofproofchat@a.test @ psst")
	zed.Ask("WHISPER ofa3@a.test hush", "RESULT WHISPER ofa3@a.test 1")
	for _, name := range names {
		if name != "ofbcp" {
			all[name].said("ofbcp", "hello, zed")
		}
	}
	all["ofa3"].whispered("zed@b.test", "hush")
}

// TestAllTonguesUnderLoadAtOnce has people of every tongue say much at the same time: each hears all that the others say,
// once, and what one says in their order.
func TestAllTonguesUnderLoadAtOnce(t *testing.T) {
	const messages = 60
	all, names := crowd(t, harness.Start(t, gateways))
	var talking sync.WaitGroup
	for _, name := range names {
		talking.Go(func() {
			for i := range messages {
				all[name].tell(fmt.Sprint(i))
			}
		})
		talking.Go(func() {
			others := len(names) - 1
			if name != "ofa3" {
				others-- // one cannot talk
			}
			next := map[string]int{}
			for range others * messages {
				from, text := all[name].next()
				if want := fmt.Sprint(next[from]); text != want {
					t.Errorf("%s hears %q of %s, and not %q", name, text, from, want)
					return
				}
				next[from]++
			}
		})
	}
	talking.Wait()
}
