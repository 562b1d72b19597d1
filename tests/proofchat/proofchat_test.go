// Package proofchat_test holds a node to Proofchat's protocol, over real connections.
package proofchat_test

import (
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"chatnode/node/config"
	"chatnode/tests/harness"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func start(t testing.TB, changes ...func(*config.Config)) *harness.Node {
	t.Helper()
	return harness.Start(t, append([]func(*config.Config){harness.Gateways}, changes...)...)
}

// native logs an account in that is a member of the lobby.
func native(n *harness.Node, name string) *harness.Client {
	c := n.Login(name)
	c.Ask("JOIN lobby", "RESULT JOIN lobby 1")
	return c
}

// unhex makes bytes of hexadecimal digits.
func unhex(t *testing.T, digits string) string {
	t.Helper()
	p, err := hex.DecodeString(strings.ReplaceAll(digits, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return string(p)
}

func TestTheCapturedConversationByteForByte(t *testing.T) {
	n := start(t)
	zeros := func(k int) string { return strings.Repeat("00", k) }
	alice, bob := "616c696365"+zeros(27), "626f62"+zeros(29)
	c1, c2 := n.Proofchat(""), n.Proofchat("")
	for i, step := range []struct {
		from           *harness.Proofchat
		sent           string
		to             *harness.Proofchat
		received, text string
	}{
		{c1, "00" + alice, c1, "00 0100000000000000" + alice, ""},
		{c2, "00" + bob, c2, "00 0200000000000000" + bob + alice, ""},
		{c1, "01 0600000000000000 686920626f62", c2, "01" + alice + "0600000000000000", "hi bob"},
		{c2, "02" + alice + "0400000000000000 70737374", c1, "01" + bob + "0900000000000000", "[PM] psst"},
		{c1, "02" + alice + "0400000000000000 70737374", c1, "01" + alice + "0900000000000000", "[PM] psst"},
		{c1, "02" + "636172" + zeros(29) + "0400000000000000 70737374", c1, "02 0300000000000000", ""},
		{c1, "00" + alice, c1, "02 0400000000000000", ""},
		{c1, "01 0000000000000000", c1, "02 0500000000000000", ""},
		{c1, "02" + bob + "0000000000000000", c1, "02 0500000000000000", ""},
		{c1, "03" + alice, c2, "01 534552564552" + zeros(26) + "0e00000000000000", "alice has left"},
		{c2, "7f", c2, "02 0400000000000000", ""},
	} {
		step.from.Name, step.to.Name = fmt.Sprint("step ", i), fmt.Sprint("step ", i)
		step.from.Send(unhex(t, step.sent))
		step.to.ExpectBytes(unhex(t, step.received) + step.text)
	}
	c2.ExpectClosed()
}

func TestANameThatIsRefused(t *testing.T) {
	n := start(t)
	n.Login("online")
	offline := n.Login("offline")
	offline.Send("QUIT")
	offline.ExpectClosed()
	guest := n.Proofchat("guest")
	for _, k := range []struct {
		name string
		code uint64
	}{
		{"online", 0}, {"offline", 0}, {"guest", 0}, {"SERVER", 0},
		{"a b", 2}, {" a", 2}, {"a ", 2}, {" ", 2}, {"SERVER x", 2}, {"@ x", 2},
		{"", 5}, {"server", 5}, {"Server", 5}, {"[Server]", 5}, {"*", 5}, {"#a", 5}, {"a@b", 5}, {"a:b", 5}, {"a,b", 5},
		{"a\tb", 5}, {"a\nb", 5}, {"a\x00b", 5}, {"\x00a", 5}, {"a\u2003b", 5}, {"a\u0085b", 5}, {"\xff", 5}, {"\xed\xa0\x80", 5},
		{strings.Repeat("\u0344", 16), 1},
	} {
		c := n.Proofchat("")
		c.Name = fmt.Sprintf("REG of %q", k.name)
		c.Send(harness.ProofchatReg(k.name))
		c.ExpectErr(k.code)
		c.Send(harness.ProofchatReg("free")) // the connection goes on
		if got := c.Message(); len(got.Ack) != 2 || got.Ack[0] != "free" {
			t.Errorf("%s, then of another: %v", c.Name, got)
		}
		c.Exit()
		guest.Expect("SERVER: free has left")
		c.Close()
	}
}

func TestANameThatIsTaken(t *testing.T) {
	n := start(t)
	watcher := n.Proofchat("watcher")
	for _, name := range []string{
		"a", strings.Repeat("a", 32), "grüße", "世界", "🎉", "o'neil", "a.b", "~", "!", "[PM]", "Server2", strings.Repeat("é", 16),
	} {
		c := n.Proofchat(name)
		other := n.Proofchat("")
		other.Send(harness.ProofchatReg(name))
		other.ExpectErr(harness.ProofchatTaken)
		native := n.Connect()
		native.Ask("REGISTER "+name+" pw", "RESULT REGISTER 0")
		native.Close()
		c.Exit()
		watcher.Expect("SERVER: " + name + " has left")
		other.Register(name)
		other.Close()
		watcher.Expect("SERVER: " + name + " has left")
		c.Close()
	}
	c := n.Proofchat("")
	c.Send(harness.ProofchatReg("e\u0301")) // one name, however it is written
	c.Expect("ACK \u00e9 watcher")
}

func TestTheAckListsTheLobbyNewestFirst(t *testing.T) {
	n := start(t)
	native(n, "ann")
	n.Login("elsewhere") // on line, but not in the lobby
	a := n.Proofchat("a")
	c := n.Proofchat("")
	if got := c.Register("b"); !slices.Equal(got, []string{"b", "a", "ann"}) {
		t.Errorf("got %q", got)
	}
	a.Exit()
	c.Expect("SERVER: a has left")
	d := n.Proofchat("")
	if got := d.Register("a"); !slices.Equal(got, []string{"a", "b", "ann"}) {
		t.Errorf("who comes again is the newest: %q", got)
	}
	native(n, "late")
	e := n.Proofchat("")
	if got := e.Register("e"); !slices.Equal(got, []string{"e", "late", "a", "b", "ann"}) {
		t.Errorf("got %q", got)
	}
}

func TestTheAckHas255NamesAtTheMost(t *testing.T) {
	n := start(t)
	var want []string
	for i := range 257 {
		c := n.Proofchat("")
		name := fmt.Sprint("n", i)
		want = append([]string{name}, want[:min(len(want), 254)]...)
		if got := c.Register(name); !slices.Equal(got, want) {
			t.Fatalf("%s: got %q", name, got)
		}
	}
}

func TestAMessageReachesEveryOtherOnceAndNeverItsSender(t *testing.T) {
	n := start(t)
	const people, each = 6, 50
	ann := native(n, "ann")
	var all []*harness.Proofchat
	for i := range people {
		all = append(all, n.Proofchat(fmt.Sprint("p", i)))
	}
	var sending sync.WaitGroup
	for _, c := range all {
		sending.Go(func() {
			for i := range each {
				if _, err := io.WriteString(c.Conn, harness.ProofchatMesg(fmt.Sprint(c.Name, " says ", i))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	sending.Wait()
	var order []string
	for len(order) < people*each {
		order = append(order, ann.Match(`RECV \S+ lobby (.*)`)[0])
	}
	ann.Silent()
	for _, c := range all {
		var want []string
		for _, text := range order {
			if from, _, _ := strings.Cut(text, " "); from != c.Name {
				want = append(want, from+": "+text)
			}
		}
		var got []string
		for len(got) < len(want) {
			got = append(got, c.Message().String())
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s does not hear what ann hears", c.Name)
		}
		c.Silent()
	}
}

func TestNativesAndProofchatTalk(t *testing.T) {
	n := start(t)
	ann, c := native(n, "ann"), n.Proofchat("bob")
	ann.Ask("SAY lobby  hi  all\t", "RECV ann lobby  hi  all\t")
	c.Expect("ann:  hi  all\t")
	c.Say("hi ann")
	ann.Expect("RECV bob lobby hi ann")
	ann.Ask("WHISPER bob psst", "RESULT WHISPER bob 1")
	c.Expect("ann: [PM] psst")
	c.Whisper("ann", "what?")
	ann.Expect("RECV bob @ what?")
	c.Whisper("ann@a.test", "here")
	ann.Expect("RECV bob @ here")
	other := n.Login("other") // not in the lobby
	c.Whisper("other", "over there")
	other.Expect("RECV bob @ over there")
	c.Silent()
	other.Ask("CREATE go", "RESULT CREATE go 1")
	other.Ask("JOIN go", "RESULT JOIN go 1")
	other.Ask("SAY go unheard", "RECV other go unheard")
	c.Silent()
}

func TestAWhisperReachesExactlyOneSession(t *testing.T) {
	n := start(t)
	ann := native(n, "ann")
	offline := n.Login("offline")
	offline.Close()
	all := map[string]*harness.Proofchat{}
	for _, name := range []string{"a", "b", "c"} {
		all[name] = n.Proofchat(name)
	}
	for _, from := range all {
		for to := range all {
			from.Whisper(to, "from "+from.Name+" to "+to)
			all[to].Expect(from.Name + ": [PM] from " + from.Name + " to " + to)
			for _, c := range all {
				c.Silent()
			}
		}
	}
	ann.Silent()
	harness.Eventually(t, "offline is off line", func() bool {
		all["a"].Whisper("offline", "x")
		all["a"].Whisper("", "x")
		return slices.Equal([]string{all["a"].Message().Err, all["a"].Message().Err}, []string{"ERR 3", "ERR 3"})
	})
	for _, nobody := range []string{
		"", "nobody", "A", "SERVER", "a@", "a@b.test", "@a.test", "a b", "a\x00b", "\xff", "lobby", strings.Repeat("x", 32), "#a", "a:b",
	} {
		all["a"].Whisper(nobody, "x")
		all["a"].ExpectErr(harness.ProofchatNoTarget)
		all["a"].Silent() // the session goes on
	}
}

func TestLongNamesAreCutAndNoTargets(t *testing.T) {
	n := start(t)
	c := n.Proofchat("bob")
	for _, k := range []struct{ name, shown string }{
		{strings.Repeat("n", 32), strings.Repeat("n", 32)},
		{strings.Repeat("m", 33), strings.Repeat("m", 31) + "~"},
		{strings.Repeat("m", 64), strings.Repeat("m", 31) + "~"},
		{strings.Repeat("é", 17), strings.Repeat("é", 15) + "~"},
	} {
		long := native(n, k.name)
		long.Ask("SAY lobby hi", "RECV "+k.name+" lobby hi")
		c.Expect(k.shown + ": hi")
		c.Whisper(k.shown, "psst")
		if k.name == k.shown {
			long.Expect("RECV bob @ psst")
		} else {
			c.ExpectErr(harness.ProofchatNoTarget)
		}
		other := n.Proofchat("")
		if got := other.Register("other"); !slices.Contains(got, k.shown) {
			t.Errorf("%s is not in %q", k.shown, got)
		}
		other.Exit()
		c.Expect("SERVER: other has left")
		long.Ask("LEAVE lobby", "RESULT LEAVE lobby 1")
		c.Expect("SERVER: " + k.shown + " has left")
	}
}

func TestTextsOfEverySize(t *testing.T) {
	n := start(t)
	ann, a, b := native(n, "ann"), n.Proofchat("a"), n.Proofchat("b")
	for _, size := range []int{1, 2, 249, 250, 251, 254, 255, 256, 509, 510, 511, 4095, 4096} {
		text := strings.Repeat("x", size-1) + "."
		a.Say(text)
		ann.Expect("RECV a lobby " + text)
		expectPieces(t, b, "a", "", text)
		a.Whisper("b", text)
		expectPieces(t, b, "a", "[PM] ", text)
	}
	for _, size := range []int{4097, 8192, 100_000, 1 << 20} {
		a.Send(harness.ProofchatMesg(strings.Repeat("x", size)), harness.ProofchatPmsg("b", strings.Repeat("x", size)))
		a.ExpectErr(harness.ProofchatOther)
		a.ExpectErr(harness.ProofchatOther)
		a.Silent()
	}
	for _, text := range []string{"", "\n", "\n\n\n", "\xff", "ok\xc3", "\xed\xa0\x80"} {
		a.Say(text)
		a.ExpectErr(harness.ProofchatOther)
		a.Whisper("b", text)
		a.ExpectErr(harness.ProofchatOther)
	}
	b.Silent()
	ann.Silent()
}

// expectPieces reads a text in pieces of at most 255 bytes, mark included.
func expectPieces(t *testing.T, c *harness.Proofchat, from, mark, text string) {
	t.Helper()
	for text != "" {
		piece := text[:min(len(text), 255-len(mark))]
		c.Expect(from + ": " + mark + piece)
		text = text[len(piece):]
	}
}

func TestPiecesEndBetweenCharacters(t *testing.T) {
	n := start(t)
	ann, b := native(n, "ann"), n.Proofchat("b")
	for _, character := range []string{"é", "世", "🎉"} {
		for shift := range 4 {
			text := strings.Repeat("a", shift) + strings.Repeat(character, 3000)
			ann.Ask("SAY lobby "+text, "RECV ann lobby "+text)
			for rest := text; rest != ""; {
				piece := b.Message().Text
				if !strings.HasPrefix(rest, piece) || len(piece) > 255 || len(piece) <= 255-len(character) && piece != rest || strings.ToValidUTF8(piece, "") != piece {
					t.Fatalf("a piece is %q", piece)
				}
				rest = rest[len(piece):]
			}
		}
	}
}

func TestALineFeedMakesSeveralMessages(t *testing.T) {
	n := start(t)
	ann, a, b := native(n, "ann"), n.Proofchat("a"), n.Proofchat("b")
	a.Say("one\ntwo\n\n\nthree\n")
	ann.Expect("RECV a lobby one", "RECV a lobby two", "RECV a lobby three")
	b.Expect("a: one", "a: two", "a: three")
	a.Whisper("b", "\none\n two ")
	b.Expect("a: [PM] one", "a: [PM]  two ")
	a.Whisper("nobody", "one\ntwo")
	a.ExpectErr(harness.ProofchatNoTarget) // once
	a.Say(strings.Repeat("x\n", 2048))
	for range 2048 {
		b.Expect("a: x")
	}
	for _, c := range []*harness.Proofchat{a, b} {
		c.Silent()
	}
}

func TestControlCharactersReachOthersAsTheyAre(t *testing.T) {
	n := start(t)
	a, b := n.Proofchat("a"), n.Proofchat("b")
	a.Say("a\x00b\rc\x1b[0m\td\x7f\r")
	b.Expect("a: a\x00b\rc\x1b[0m\td\x7f\r")
}
