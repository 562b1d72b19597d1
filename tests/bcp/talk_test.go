package bcp_test

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"chatnode/node/config"
	"chatnode/protocols/bcp"
	"chatnode/tests/harness"
)

// ok is the STATUS of what was done.
var ok = harness.BCPStatus(0, "")

// member logs somebody in, in the native protocol, who joins the lobby.
func member(n *harness.Node, name string, caps ...string) *harness.Client {
	c := n.Login(name, caps...)
	c.Ask("JOIN lobby", "RESULT JOIN lobby 1")
	return c
}

func joined(name string) string { return name + " has joined the server." }
func left(name string) string   { return name + " has left the server." }

// TestTheCapture is the conversation that was heard between two clients and the original server, but for its NULs.
func TestTheCapture(t *testing.T) {
	n := harness.Start(t, harness.Gateways)
	alice, bob := n.BCP(), n.BCP()
	alice.SendRaw("\x01\x00\x05alice")
	alice.Expect("\x04\x00\x00\x00", "\x03\x00\x08[Server]\x00\x2aLogged in as alice.\nCurrent Clients: alice")
	alice.SendRaw("\x04\x00")
	bob.SendRaw("\x01\x00\x03bob")
	bob.Expect("\x04\x00\x00\x00", "\x03\x00\x08[Server]\x00\x2dLogged in as bob.\nCurrent Clients: alice, bob")
	bob.SendRaw("\x04\x00")
	alice.Expect("\x03\x00\x08[Server]\x00\x1abob has joined the server.")
	alice.SendRaw("\x04\x00\x02\x00\x06hi bob")
	alice.Expect("\x04\x00\x00\x00")
	bob.Expect("\x03\x00\x05alice\x00\x06hi bob")
	bob.SendRaw("\x04\x00\x00\x00")
	bob.Close()
	alice.Expect("\x03\x00\x08[Server]\x00\x18bob has left the server.")
}

func TestSeveralMessagesInOneSegmentAreCarriedOutInOrder(t *testing.T) {
	n := harness.Start(t, harness.Gateways)
	bob := n.EnterBCP("bob")
	alice := n.BCP()
	alice.SendRaw(harness.BCPRegister("alice") + harness.BCPSend("one") + harness.BCPSend("\xff") + harness.BCPSend("two\nthree") + harness.BCPSend("\r\n") + harness.BCPSend("four"))
	bob.Hear("[Server]", joined("alice"))
	for _, text := range []string{"one", "two", "three", "four"} {
		bob.Hear("alice", text)
	}
	heard := map[string]int{}
	for range 7 {
		m, err := alice.Read()
		if err != nil {
			t.Fatal(err)
		}
		heard[m]++
	}
	for want, times := range map[string]int{ok: 4, harness.BCPWelcome("alice", "bob", "alice"): 1,
		harness.BCPStatus(1, "A message has to be UTF-8."): 1, harness.BCPStatus(1, "There is nothing in the message."): 1} {
		if heard[want] != times {
			t.Errorf("%q came %d times, want %d", want, heard[want], times)
		}
	}
}

// TestALongBurstIsAnsweredInOrder sends far more than one request holds.
func TestALongBurstIsAnsweredInOrder(t *testing.T) {
	n := harness.Start(t, harness.Gateways)
	eve := member(n, "eve")
	alice := n.EnterBCP("alice", "eve")
	var burst strings.Builder
	for i := range 1000 {
		burst.WriteString(harness.BCPSend(fmt.Sprint(i)))
	}
	alice.SendRaw(burst.String())
	for i := range 1000 {
		alice.Expect(ok)
		eve.Expect(fmt.Sprint("RECV alice lobby ", i))
	}
	alice.SendRaw(harness.BCPSend(strings.Repeat("x\n", 2000)))
	for range 2000 {
		eve.Expect("RECV alice lobby x")
	}
	alice.Expect(ok)
}

func TestATextIsSaidLineByLine(t *testing.T) {
	n := harness.Start(t, harness.Gateways)
	bob, eve := n.EnterBCP("bob"), member(n, "eve")
	bob.Hear("[Server]", joined("eve"))
	alice := n.EnterBCP("alice", "bob", "eve")
	bob.Hear("[Server]", joined("alice"))
	long := strings.Repeat("x", 4095)
	for _, k := range []struct {
		text   string
		status string
		heard  []string
	}{
		{"hi", ok, []string{"hi"}},
		{" two  blanks ", ok, []string{" two  blanks "}},
		{"one\ntwo\r\n\n\nthree\n", ok, []string{"one", "two", "three"}},
		{"a\tb\x00\x1b[1m\x7f", ok, []string{"a\tb[1m"}},
		{"Grüße, 世界 🎉", ok, []string{"Grüße, 世界 🎉"}},
		{long, ok, []string{long}},
		{"\xff", harness.BCPStatus(1, "A message has to be UTF-8."), nil},
		{"hi\n\xc3", harness.BCPStatus(1, "A message has to be UTF-8."), nil},
		{"\x00\x01\x02\n\r\t\x7f", harness.BCPStatus(1, "There is nothing in the message."), nil},
		{"\n", harness.BCPStatus(1, "There is nothing in the message."), nil},
		{"end", ok, []string{"end"}},
	} {
		alice.SendRaw(harness.BCPSend(k.text))
		alice.Expect(k.status)
		for _, line := range k.heard {
			bob.Hear("alice", line)
			eve.Expect("RECV alice lobby " + line)
		}
	}
	bob.Say("of bob")
	alice.Hear("bob", "of bob") // and nothing of its own before
}

func TestWhatIsSaidInOtherTonguesIsHeard(t *testing.T) {
	n := harness.Start(t, harness.Gateways)
	alice, eve := n.EnterBCP("alice"), member(n, "eve")
	alice.Hear("[Server]", joined("eve"))
	eve.Ask("WHO lobby", "RESULT WHO lobby alice, eve")
	eve.Ask("REGISTER alice pw", "RESULT REGISTER 0")
	long := strings.Repeat("é", 2047) + "€"
	eve.Send("SAY lobby hi\tthere ", "SAY lobby "+long, "WHISPER alice psst", "WHISPER alice "+long, "SAY lobby end")
	alice.Hear("eve", "hi\tthere ")
	alice.Hear("eve", strings.Repeat("é", 2047))
	alice.Hear("eve", "€")
	var heard []string // a whisper is of another log than the lobby: no order is promised between them
	for range 4 {
		m, err := alice.Read()
		if err != nil {
			t.Fatal(err)
		}
		alice.Acknowledge()
		heard = append(heard, m)
	}
	rest := strings.Join(heard, "")
	for _, want := range []string{
		harness.BCPDeliver("eve", "[PM] psst"), harness.BCPDeliver("eve", "[PM] "+strings.Repeat("é", 2045)),
		harness.BCPDeliver("eve", "[PM] éé€"), harness.BCPDeliver("eve", "end"),
	} {
		if strings.Count(rest, want) != 1 {
			t.Errorf("%.40q is heard %d times in %.200q", want, strings.Count(rest, want), rest)
		}
	}
}

func TestWhoComesAndGoesIsAnnouncedWhateverTheirTongue(t *testing.T) {
	n := harness.Start(t, harness.Gateways)
	alice := n.EnterBCP("alice")
	eve := member(n, "eve")
	alice.Hear("[Server]", joined("eve"))
	eve.Ask("LOGOUT", "RESULT LOGOUT 1")
	alice.Hear("[Server]", left("eve"))
	eve.Ask("LOGIN eve pw", "RESULT LOGIN 1")
	alice.Hear("[Server]", joined("eve"))
	eve.Ask("LEAVE lobby", "RESULT LEAVE lobby 1")
	alice.Hear("[Server]", left("eve"))
	eve.Close() // no member any more
	bob := member(n, "bob")
	alice.Hear("[Server]", joined("bob"))
	bob.Close()
	alice.Hear("[Server]", left("bob"))
	carol := n.EnterBCP("carol", "alice")
	alice.Hear("[Server]", joined("carol"))
	carol.Close()
	alice.Hear("[Server]", left("carol"))
	again := n.EnterBCP("carol", "alice")
	alice.Hear("[Server]", joined("carol"))
	again.Say("back")
	alice.Hear("carol", "back")
}

func TestAFullLobbyIsListedInSeveralMessages(t *testing.T) {
	n := harness.Start(t, harness.Gateways)
	var names []string
	var want string
	for i := range 80 {
		name := fmt.Sprintf("%064d", i)
		names = append(names, name)
		c := n.BCP()
		c.SendRaw(harness.BCPRegister(name)) // and never an acknowledgement: the first message is all that it gets
		c.Expect(ok)
		if got, err := c.Read(); err != nil || i < 50 && got != harness.BCPWelcome(name, names...) {
			t.Fatalf("%d: %.200q, %v", i, got, err)
		}
	}
	last := n.BCP()
	last.SendRaw(harness.BCPRegister("last"))
	want = harness.BCPWelcome("last", append(names, "last")...)[3+8+2:]
	last.Expect(ok, harness.BCPNotice(want[:4095]))
	last.Acknowledge()
	last.Expect(harness.BCPNotice(want[4095:]))
}

func TestWhoDoesNotAcknowledgeIsSentNoMessageAndEveryAnswer(t *testing.T) {
	n := harness.Start(t, harness.Gateways)
	alice := n.EnterBCP("alice")
	bob := n.BCP()
	bob.SendRaw(harness.BCPRegister("bob"))
	bob.Expect(ok, harness.BCPWelcome("bob", "alice", "bob"))
	alice.Hear("[Server]", joined("bob"))
	alice.Say("one\ntwo")
	carol := n.EnterBCP("carol", "alice", "bob")
	alice.Hear("[Server]", joined("carol"))
	for range 3 { // SEND is legal while an acknowledgement is due
		bob.SendRaw(harness.BCPSend("crossing"))
		bob.Expect(ok)
		alice.Hear("bob", "crossing")
		carol.Hear("bob", "crossing")
	}
	for _, next := range []string{harness.BCPDeliver("alice", "one"), harness.BCPDeliver("alice", "two"), harness.BCPNotice(joined("carol"))} {
		bob.Acknowledge()
		bob.Expect(next)
		bob.SendRaw(harness.BCPSend("again"))
		bob.Expect(ok)
		alice.Hear("bob", "again")
	}
	bob.SendRaw(harness.BCPAck + harness.BCPAck) // one too many
	bob.Refused("There was nothing to acknowledge.")
}

func TestAMessageIsDeliveredInOneWrite(t *testing.T) {
	n := harness.Start(t, harness.Gateways)
	alice := n.EnterBCP("alice")
	bob := n.EnterBCP("bob", "alice")
	alice.Hear("[Server]", joined("bob"))
	p := make([]byte, 8192)
	for range 50 {
		alice.Say("hi bob")
		size, err := bob.Conn.Read(p)
		if want := harness.BCPDeliver("alice", "hi bob"); err != nil || string(p[:size]) != want {
			t.Fatalf("read %q, %v; want %q", p[:size], err, want)
		}
		bob.Acknowledge()
	}
}

func TestNamesAreThoseOfTheNode(t *testing.T) {
	const badName = "That is not a name: 1 to 64 bytes of UTF-8, without blanks, control characters and @ : , are one."
	n := harness.Start(t, harness.Gateways)
	eve := member(n, "eve")
	n.EnterBCP("bob", "eve")
	for name, want := range map[string]string{
		"bob": taken, "eve": taken,
		"a b": badName, "a@b": badName, "a:b": badName, "a,b": badName, "#a": badName, "*": badName, "a\x00": badName, "a\n": badName, "\x7f": badName,
		"\xff": badName, "server": badName, "SERVER": badName, "[Server]": badName, "[SERVER]": badName, strings.Repeat("x", 65): badName, strings.Repeat("x", 4095): badName,
	} {
		c := n.BCP()
		c.Name = name
		c.SendRaw(harness.BCPRegister(name))
		c.Expect(harness.BCPStatus(1, want))
		c.Close()
	}
	for _, length := range []string{"\x00\x00", "\x10\x00", "\xff\xff"} {
		c := n.BCP()
		c.SendRaw("\x01" + length)
		c.Expect(harness.BCPStatus(1, badName))
		c.Close()
	}
	c := n.EnterBCP("Grüße-世界-🎉", "eve", "bob")
	c.Say("hi")
	eve.Expect("RECV Grüße-世界-🎉 lobby hi")
	decomposed := n.BCP()
	decomposed.SendRaw(harness.BCPRegister("zoe\u0308"))
	decomposed.Expect(ok, harness.BCPWelcome("zoë", "eve", "bob", "Grüße-世界-🎉", "zoë"))
	endedUnder(t, n, bcp.WordRefused, 21)
}

func TestARefusedClientReadsWhyBeforeItsConnectionEnds(t *testing.T) {
	t.Parallel()
	n := harness.Start(t, harness.Gateways)
	n.EnterBCP("bob")
	c := n.BCP()
	c.SendRaw(harness.BCPRegister("bob"))
	c.Expect(harness.BCPStatus(1, taken))
	start := time.Now()
	c.ExpectClosed()
	if took := time.Since(start); took < 400*time.Millisecond {
		t.Errorf("it was closed after %v", took)
	}
}

func TestWhoReadsNothingCostsLittleAndHindersNobody(t *testing.T) {
	n := harness.Start(t, harness.Gateways, func(c *config.Config) { c.Store.TailBytes = 64 << 10 })
	mute := n.BCP()
	mute.SendRaw(harness.BCPRegister("mute"))
	mute.Expect(ok)
	deaf := harness.WrapBCP(t, harness.DialSmall(t, n.Address("bcp"), 4096).Conn)
	deaf.SendRaw(harness.BCPRegister("deaf"))
	eventuallyIn(t, n, "mute", "deaf")
	alice := n.BCP()
	alice.SendRaw(harness.BCPRegister("alice"))
	alice.Expect(ok)
	before, long := heap(), strings.Repeat("x", 4095)
	sending := make(chan error, 1)
	go func() {
		_, err := io.WriteString(alice.Conn, strings.Repeat(harness.BCPSend(long), much))
		sending <- err
	}()
	for answers := 0; answers < much; {
		m, err := alice.Read()
		switch {
		case err != nil:
			t.Fatal(err)
		case m == ok:
			answers++
		case m[0] == 4:
			t.Fatalf("%q", m)
		}
	}
	if err := <-sending; err != nil {
		t.Error(err)
	}
	if grown := int64(heap()) - int64(before); grown > 2<<20 {
		t.Errorf("%d KiB that two clients do not take cost %d KiB", much*4, grown>>10)
	}
	for heard := 0; heard < much; { // all is there when it comes back
		m, err := mute.Read()
		if err != nil {
			t.Fatal(err)
		}
		if mute.Acknowledge(); m == harness.BCPDeliver("alice", long) {
			heard++
		}
	}
}

// much is how many long messages are said that somebody does not take.
const much = 1200
