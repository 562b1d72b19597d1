package proofchat_test

import (
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"chatnode/node/config"
	"chatnode/node/session"
	"chatnode/tests/harness"
)

// talk is a short conversation of one client, and what eve hears of it.
var (
	talk = harness.ProofchatReg("bob") + harness.ProofchatMesg("h\u00e9 \U0001F44B") + harness.ProofchatPmsg("eve", "psst") +
		harness.ProofchatMesg("") + harness.ProofchatExit("bob")
	talkHeard = []string{"bob: h\u00e9 \U0001F44B", "bob: [PM] psst", "SERVER: bob has left"}
)

func TestAMessageMayBeCutAnywhere(t *testing.T) {
	n := start(t)
	eve := n.Proofchat("eve")
	for i := 1; i < len(talk); i++ {
		c := n.Proofchat("")
		c.Send(talk[:i])
		heard := eve.Drain() // the node has most likely read it by now
		c.Send(talk[i:])
		c.Expect("ACK bob eve", "ERR 5")
		for len(heard) < len(talkHeard) {
			heard = append(heard, eve.Message().String())
		}
		if !slices.Equal(heard, talkHeard) {
			t.Fatalf("cut at %d: eve hears %q", i, heard)
		}
		c.Close()
	}
}

func TestByteByByteAndManyInOneSegment(t *testing.T) {
	n := start(t)
	eve := n.Proofchat("eve")
	c := n.Proofchat("")
	for i := range len(talk) {
		c.Send(talk[i : i+1])
	}
	c.Expect("ACK bob eve", "ERR 5")
	eve.Expect(talkHeard...)
	const many = 500
	c = n.Proofchat("")
	c.Send(harness.ProofchatReg("bob"), strings.Repeat(harness.ProofchatMesg("hi")+harness.ProofchatPmsg("you", "hi"), many))
	c.Expect("ACK bob eve")
	for range many {
		c.ExpectErr(harness.ProofchatNoTarget)
		eve.Expect("bob: hi")
	}
	c.Silent()
}

func TestTheWordsOfTheEnds(t *testing.T) {
	for word, end := range map[string]func(*harness.Proofchat){
		session.WordQuit:  func(c *harness.Proofchat) { c.Register("bob"); c.Exit(); c.CloseWrite(); c.ExpectClosed() },
		session.WordEOF:   func(c *harness.Proofchat) { c.Register("bob"); c.CloseWrite(); c.ExpectClosed() },
		session.WordReset: func(c *harness.Proofchat) { c.Register("bob"); c.Reset() },
		"malformed":       func(c *harness.Proofchat) { c.Register("bob"); c.Send("\x04"); c.ExpectErr(4); c.ExpectClosed() },
	} {
		n := start(t)
		c := n.Proofchat("")
		end(c)
		harness.Eventually(t, word, func() bool { return n.Ended()[word] == 1 })
	}
}

func TestAHalfClosedClientStillGetsItsAnswers(t *testing.T) {
	n := start(t)
	c := n.Proofchat("")
	c.Send(harness.ProofchatReg("bob"), strings.Repeat(harness.ProofchatPmsg("bob", "hi"), 200), harness.ProofchatMesg(""))
	c.CloseWrite()
	c.Expect("ACK bob")
	for range 200 {
		c.Expect("bob: [PM] hi")
	}
	c.ExpectErr(harness.ProofchatOther)
	c.ExpectClosed()
}

func TestWhenTheNodeStopsMembersAreTold(t *testing.T) {
	n := start(t)
	bob, exited, fresh := n.Proofchat("bob"), n.Proofchat("gone"), n.Proofchat("")
	exited.Exit()
	bob.Expect("SERVER: gone has left")
	fresh.Send(harness.ProofchatReg("bob"))
	fresh.ExpectErr(harness.ProofchatTaken)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		n.Stop()
	}()
	bob.Expect("SERVER: the node stops")
	for _, c := range []*harness.Proofchat{bob, exited, fresh} {
		c.ExpectClosed()
		c.Close()
	}
	<-stopped
	if got := n.Ended(); got[session.WordClosing] != 2 || got[session.WordQuit] != 1 {
		t.Errorf("ended: %v", got)
	}
}

func TestTheTimeoutsOfTheConfiguration(t *testing.T) {
	n := start(t, func(c *config.Config) { c.Limits.LoginTimeout = config.Duration(50 * time.Millisecond) })
	n.Proofchat("").ExpectClosed()
	harness.Eventually(t, "it is counted", func() bool { return n.Ended()[session.WordTimeout] == 1 })
	n = start(t, func(c *config.Config) { c.Limits.IdleTimeout = config.Duration(time.Second) })
	bob := n.Proofchat("bob")
	bob.Expect("SERVER: you have said nothing for too long")
	bob.ExpectClosed()
	harness.Eventually(t, "it is counted", func() bool { return n.Ended()[session.WordIdle] == 1 })
}

func TestWhoIsPutOutOfTheLobbyIsTold(t *testing.T) {
	for _, k := range []struct{ command, word, told string }{
		{"KICK lobby bob", "kicked", "you were kicked"},
		{"BAN lobby bob", "banned", "you were banned"},
		{"DELETE lobby", "deleted", "the room is closed"},
	} {
		n := ownedLobby(t)
		ann := n.Login("ann")
		bob, eve := n.Proofchat("bob"), n.Proofchat("eve")
		ann.Ask("SAY lobby before", "RECV ann lobby before")
		ann.Send(k.command)
		ann.Match("RESULT " + k.command + " 1")
		bob.Expect("ann: before", "SERVER: "+k.told)
		bob.ExpectClosed()
		eve.Expect("ann: before")
		if k.word == "deleted" {
			eve.Expect("SERVER: " + k.told)
			eve.ExpectClosed()
		} else {
			eve.Expect("SERVER: bob has left")
			eve.Silent()
		}
		again := n.Proofchat("")
		again.Send(harness.ProofchatReg("bob"))
		if got := again.Message().String(); (got == "ERR 5") != (k.word == "banned") {
			t.Errorf("who was %s and comes again is told %s", k.word, got)
		}
		harness.Eventually(t, "it is counted", func() bool { return n.Ended()[k.word] > 0 })
	}
}

// ownedLobby starts a node whose lobby belongs to ann.
func ownedLobby(t *testing.T) *harness.Node {
	t.Helper()
	n := harness.Start(t)
	ann := n.Login("ann")
	ann.Ask("CREATE lobby", "RESULT CREATE lobby 1")
	ann.Ask("JOIN lobby", "RESULT JOIN lobby 1")
	ann.Close()
	n.Stop()
	c := n.Config
	harness.Gateways(&c)
	return harness.StartWith(t, c)
}

// small connects with as small a receive buffer as the system allows.
func small(t *testing.T, n *harness.Node) *harness.Proofchat {
	t.Helper()
	return harness.WrapProofchat(t, harness.DialSmall(t, n.Address("proofchat"), 4096).Conn)
}

func TestWhoDoesNotReadCostsLittleAndHindersNobody(t *testing.T) {
	n := start(t, func(c *config.Config) { c.Store.TailBytes = 1 << 20 })
	ann, slow, eve := native(n, "ann"), small(t, n), n.Proofchat("eve")
	slow.Register("slow")
	const said, size = 800, 8000
	text := strings.Repeat("x", size)
	before := heap()
	for range said / 100 {
		ann.Send(strings.TrimSuffix(strings.Repeat("SAY lobby "+text+"\n", 100), "\n"))
		for range 100 {
			expectPieces(t, eve, "ann", "", text)
			ann.Expect("RECV ann lobby " + text)
		}
	}
	grown := heap() - before
	t.Logf("%d KiB", grown>>10)
	if grown > 4<<20 {
		t.Errorf("who does not read %d MiB costs %d KiB", said*size>>20, grown>>10)
	}
	for range said {
		expectPieces(t, slow, "ann", "", text)
	}
	slow.Silent()
}

// heap is how much memory is in use.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func TestWhoAsksAndDoesNotReadIsReadNoFurther(t *testing.T) {
	n := start(t, func(c *config.Config) { c.Limits.ReplyBytes = 4096 })
	eve, c := n.Proofchat("eve"), small(t, n)
	c.Register("bob")
	wrong := strings.Repeat(harness.ProofchatMesg(""), 1000)
	sent := 0
	for {
		if err := c.Conn.SetWriteDeadline(time.Now().Add(200 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		k, err := io.WriteString(c.Conn, wrong)
		sent += k
		if err != nil {
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Fatal(err)
			}
			break
		}
		if sent > 1<<28 {
			t.Fatal("the node goes on reading")
		}
	}
	other := n.Proofchat("other")
	other.Say("hi")
	eve.Expect("other: hi")
	for range 1000 {
		if m := c.Message(); m.Err != "ERR 5" && m.From != "other" {
			t.Fatalf("got %v", m)
		}
	}
}

func TestManyResetConnectionsLeaveNobodyBehind(t *testing.T) {
	n := start(t)
	eve := n.Proofchat("eve")
	for range 20 {
		for _, sent := range []string{"", "\x00", harness.ProofchatReg("bob"), harness.ProofchatReg("bob") + "\x01", talk} {
			c := n.Proofchat("")
			c.Send(sent)
			c.Reset()
		}
	}
	harness.Eventually(t, "all connections have ended", func() bool { return n.Sessions() == 1 })
	if got := n.Proofchat("").Register("bob"); len(got) != 2 {
		t.Errorf("still there: %q", got)
	}
	_ = eve.Drain()
}

func TestNothingIsSaidBeforeTheClientSpeaks(t *testing.T) {
	n := start(t)
	c := n.Proofchat("")
	n.Proofchat("eve").Silent()
	if err := c.Conn.SetReadDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	var timeout net.Error
	if k, err := c.Conn.Read(make([]byte, 1)); k > 0 || !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Errorf("%d bytes, %v", k, err)
	}
}
