package node_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"chatnode/node/config"
	"chatnode/tests/harness"
)

// wantLink fails unless a node answers a peer that comes from this machine as it should: FEDERATECONFIRM, or a FEDBYE.
func wantLink(t *testing.T, n *harness.Node, answer string) *harness.Client {
	t.Helper()
	link := n.Connect()
	link.Ask("FEDERATE-OUT", answer)
	if strings.HasPrefix(answer, "FEDBYE ") {
		link.ExpectClosed()
	}
	return link
}

// wantBye fails unless a link is ended under a word, whatever is said before.
func wantBye(t *testing.T, link *harness.Client, word string) {
	t.Helper()
	for link.Line() != "FEDBYE "+word {
	}
	link.ExpectClosed()
}

func TestReloadReadsThePeersFileAgainAndAppliesTheSettingsOfLinks(t *testing.T) {
	peers := filepath.Join(t.TempDir(), "peers.txt")
	list := func(text string) {
		if err := os.WriteFile(peers, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	list("")
	n := harness.Start(t, func(c *config.Config) { c.Federation.Peers = peers })
	next := n.Config
	reload := func() {
		t.Helper()
		if refused := n.Reload(next); len(refused) > 0 {
			t.Errorf("refused %v", refused)
		}
	}

	wantLink(t, n, "FEDBYE not-listed")
	list("127.0.0.1:1 name=b.test\n") // nobody listens there
	wantLink(t, n, "FEDBYE not-listed")
	reload()
	linked := wantLink(t, n, "FEDERATECONFIRM")

	list("nobody\n")
	reload()
	if !n.Log.Contains("the peers file cannot be read") {
		t.Error("nothing is said of a bad peers file")
	}
	wantLink(t, n, "FEDERATECONFIRM")

	list("")
	reload()
	wantBye(t, linked, "not-listed")
	wantLink(t, n, "FEDBYE not-listed")
	next.Federation.Accept = config.AcceptAny
	reload()
	linked = wantLink(t, n, "FEDERATECONFIRM")
	next.Federation.Blocked = []string{"127.0.0.1"}
	reload()
	wantBye(t, linked, "blocked")
	wantLink(t, n, "FEDBYE blocked")
}
