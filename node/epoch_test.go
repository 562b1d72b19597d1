package node_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"chatnode/tests/harness"
)

// inLaterEpoch restarts a node as if its database had been copied back by hand.
func inLaterEpoch(t *testing.T, n *harness.Node) *harness.Node {
	t.Helper()
	n.Stop()
	text := fmt.Sprintln(time.Now().Unix()+1000, 0)
	if err := os.WriteFile(filepath.Join(n.Config.Data, "incarnation"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return n.Again()
}

func TestALaterEpochGoesOnWithTheNumbersAndIsNoGap(t *testing.T) {
	n := harness.Start(t)
	bob, eve := n.Login("bob"), n.Login("eve")
	bob.Ask("CREATE go", "RESULT CREATE go 1")
	bob.Ask("JOIN go", "RESULT JOIN go 1")
	eve.Ask("JOIN go", "RESULT JOIN go 1")
	for i := range 3 {
		bob.Ask(fmt.Sprint("SAY go ", i), fmt.Sprint("RECV bob go ", i))
	}
	eve.Drain()

	n = inLaterEpoch(t, n)
	bob, eve = n.Login("bob", "tags"), n.Login("eve", "tags", "replay")
	eve.Silent()
	bob.Send("SAY go after")
	later := bob.Match(`@seq=(\d+)\.4;id=\d+\.\d+;time=[^; ]+ RECV bob go after`)[0]
	eve.Match(`@seq=` + later + `\.4;id=\d+\.\d+;time=[^; ]+ RECV bob go after`)

	bob.Send("HISTORY go after=2")
	bob.Expect("RESULT HISTORY go 2")
	bob.Match(`@seq=3;id=\d+\.\d+;time=[^; ]+ RECV bob go 2`)
	bob.Match(`@seq=` + later + `\.4;id=\d+\.\d+;time=[^; ]+ RECV bob go after`)
	bob.Send("HISTORY go before=" + later + ".4 limit=1")
	bob.Expect("RESULT HISTORY go 1")
	bob.Match(`@seq=3;id=\d+\.\d+;time=[^; ]+ RECV bob go 2`)
}

func TestWhatWasMissedAcrossEpochsIsReplayedWhole(t *testing.T) {
	n := harness.Start(t)
	bob, eve := n.Login("bob"), n.Login("eve")
	bob.Ask("CREATE go", "RESULT CREATE go 1")
	bob.Ask("JOIN go", "RESULT JOIN go 1")
	eve.Ask("JOIN go", "RESULT JOIN go 1")
	bob.Ask("SAY go heard", "RECV bob go heard")
	eve.Expect("RECV bob go heard")
	eve.Ask("LOGOUT", "RESULT LOGOUT 1")
	bob.Ask("SAY go missed", "RECV bob go missed")

	n = inLaterEpoch(t, n)
	bob = n.Login("bob")
	bob.Ask("SAY go missed too", "RECV bob go missed too")
	eve = n.Login("eve", "replay")
	eve.Match(`@seq=2;[^ ]+ RECV bob go missed`)
	eve.Match(`@seq=\d+\.3;id=[^;]+;time=[^; ]+ RECV bob go missed too`)
	eve.Silent()
}
