package csp_test

import (
	"fmt"
	"net"
	"runtime"
	"slices"
	"strings"
	"testing"

	"chatnode/node/config"
	"chatnode/node/session"
	"chatnode/tests/harness"
)

func TestNothingIsSaidBeforeTheClientSpeaks(t *testing.T) {
	n := harness.Start(t, harness.Gateways)
	c := n.ConnectCSP()
	n.LoginCSP("bob").Found("go")
	c.Silent()
}

func TestALineMayBeCutAnywhere(t *testing.T) {
	n := harness.Start(t, harness.Gateways)
	c, pace := n.LoginCSP("bob"), n.ConnectCSP()
	c.Found("go")
	line := `{"version": 1.0, "command": "MSSG", "parameters": {"username": "bob", "chat_name": "go"}, "payload": "hé🎉\u00e9"}` + "\r\n"
	heard := message(`(bob) hE`)
	heard = strings.Replace(heard, "hE", `h\u00e9\ud83c\udf89\u00e9`, 1)
	for i := 1; i < len(line); i++ { // inside characters and escapes too
		c.SendRaw(line[:i])
		pace.Silent() // the node has most likely read it by now
		c.SendRaw(line[i:])
		c.Expect(heard)
	}
	for i := range len(line) {
		c.SendRaw(line[i : i+1])
	}
	c.Expect(heard)
	c.Silent()
}

func TestRequestsInOneSegmentAreAnsweredInOrder(t *testing.T) {
	n := harness.Start(t, only)
	c := n.ConnectCSP()
	c.Name = "bob"
	ask := func(command, group string, extra ...string) string {
		return harness.CSPRequest("bob", command, group, extra...)
	}
	c.Send(
		ask("LIST", ""), ask("NWUA", "", "password", "pw"), ask("LIST", ""), ask("CHAT", "go"), ask("LIST", ""),
		ask("MSSG", "go", "payload", "(bob) 1"), ask("LEVE", "go"), ask("MSSG", "go", "payload", "(bob) 2"),
		ask("CHAT", "go"), ask("JOIN", "go"), ask("MSSG", "go", "payload", "(bob) 3"), "", ask("CHAT", "two"),
		ask("MSSG", "go", "payload", "(bob) 4"), ask("MSSG", "two", "payload", "(bob) 5"), "{}", ask("LEVE", ""), ask("LEVE", ""),
		ask("AUTH", "", "password", "pw"), ask("REDY", ""))
	c.Expect(no, yes,
		harness.CSPAnswer("240", "", "There are no groups yet.", "username", "bob"),
		founded,
		`{"version":1.0,"response_code":"130","parameters":{"username":"bob"},"channel":"","payload":["go"]}`,
		message("(bob) 1"), goneOut("bob"), refused("260", "bob", notIn),
		harness.CSPAnswer("230", "", "There is a group of that name already."),
		joinedBy("bob"), message("(bob) 3"), founded,
		refused("260", "bob", notIn), message("(bob) 5"), faulty, goneOut("bob"), goneOut("bob"), no, ready)
	c.Silent()
}

func TestWhatIsNoRequestIsAnsweredAndTheConnectionStays(t *testing.T) {
	n := harness.Start(t, only, func(c *config.Config) { c.Limits.LineBytes = 1000 })
	for _, c := range []*harness.CSP{n.ConnectCSP(), n.LoginCSP("bob")} {
		for line, want := range map[string]string{
			"{": faulty, "null": faulty, "[]": faulty, "\xff": faulty, "GET / HTTP/1.1\r": faulty, "\x00": faulty, `{"version":1.0}`: faulty,
			`{"version":1.0,"command":"LIST","parameters":{"username":"b` + "\xff" + `"}}`: faulty,
			`{"version":1.0,"command":"VRSN"}`:                                             unknown,
			`{"version":1.0,"command":"REDY\u0000"}`:                                       unknown,
			`{"version":3}`:                                                                version,
			strings.Repeat("x", 1000):                                                      faulty, strings.Repeat("x", 1001): tooLong, strings.Repeat("x", 100_000): tooLong,
		} {
			c.Ask(line, want)
		}
		c.SendRaw("\n\r\n  \n\t\n")
		c.Silent()
	}
	n.Stop()
	if n.Log.Contains("panic") {
		t.Error("something panicked")
	}
}

func TestAnotherVersionClosesWhereItLogsIn(t *testing.T) {
	n := harness.Start(t, only)
	bystander := n.LoginCSP("eve")
	for i, command := range []string{"AUTH", "NWUA"} {
		c := n.ConnectCSP()
		c.Send(fmt.Sprintf(`{"version": 2.0, "command": %q, "parameters": {}}`, command), harness.CSPRequest("bob", "LIST", ""))
		c.Expect(version)
		c.ExpectClosed()
		harness.Eventually(t, "the end is counted", func() bool { return n.Ended()["version"] == uint64(i+1) })
	}
	bystander.Silent()
}

func TestALongTextComesInPiecesEachWithItsAuthor(t *testing.T) {
	n := harness.Start(t, only, func(c *config.Config) { c.Limits.LineBytes = 600 })
	alice, nat := n.LoginCSP("alice"), n.Login("nat")
	alice.Found("go")
	nat.Ask("JOIN go", "RESULT JOIN go 1")
	alice.Expect(joinedBy("nat"))
	text := strings.Repeat("é🎉", 90)
	for command, prefix := range map[string]string{"SAY go ": "(nat) ", "WHISPER alice ": "(nat) [PM] "} {
		nat.Send(command + text)
		got, want := "", strings.Repeat(`\u00e9\ud83c\udf89`, 90)
		for len(got) < len(want) {
			line := alice.Line()
			piece, ok := strings.CutPrefix(line, strings.TrimSuffix(message(prefix), `"}`))
			if !ok || len(line) > 600 {
				t.Fatalf("%d bytes: %q", len(line), line)
			}
			got += strings.TrimSuffix(piece, `"}`)
		}
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	alice.Silent()
}

func TestControlCharactersReachNobody(t *testing.T) {
	n := harness.Start(t, only, func(c *config.Config) { c.Limits.LineBytes = 600 })
	alice, nat := n.LoginCSP("alice"), n.Login("nat")
	alice.Found("go")
	nat.Ask("JOIN go", "RESULT JOIN go 1")
	alice.Expect(joinedBy("nat"))
	alice.Send(`{"version":1,"command":"MSSG","parameters":{"username":"alice","chat_name":"go"},"payload":"a\u0000b\u001bc\rd\te\u007f"}`)
	nat.Expect("RECV alice go a\ufffdb\ufffdc\ufffdd\te\ufffd")
	alice.Expect(`{"version":1.0,"response_code":"140","parameters":{},"channel":"DC","payload":"(alice) a\ufffdb\ufffdc\ufffdd\u0009e\ufffd"}`)
	alice.Send(`{"version":1,"command":"MSSG","parameters":{"username":"alice","chat_name":"go"},"payload":"` + strings.Repeat("\x7f", 400) + `"}`)
	alice.Expect(refused("260", "alice", "That is too long."))
}

// closeWrite says that a client sends no more.
func closeWrite(t *testing.T, c *harness.CSP) {
	t.Helper()
	if err := c.Conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
}

func TestAHalfClosedClientStillHearsAllAnswers(t *testing.T) {
	n := harness.Start(t, only)
	c := n.LoginCSP("bob")
	c.Found("go")
	var want []string
	for i := range 300 {
		c.Say("go", fmt.Sprint(i))
		want = append(want, message(fmt.Sprint("(bob) ", i)))
	}
	c.SendRaw(`{"version":1.0,"command":"LIST"`) // no line
	closeWrite(t, c)
	c.Expect(want...)
	c.ExpectClosed()
	harness.Eventually(t, "the end is counted", func() bool { return n.Ended()[session.WordEOF] == 1 })
}

func TestEveryEndHasAWord(t *testing.T) {
	n := harness.Start(t, only)
	c := n.LoginCSP("bob")
	if err := c.Conn.(*net.TCPConn).SetLinger(0); err != nil {
		t.Fatal(err)
	}
	c.Close()
	harness.Eventually(t, "a reset is counted", func() bool { return n.Ended()[session.WordReset] == 1 })
	bob, nat := n.LoginCSP("bob"), n.Login("bob")
	nat.Ask("UNREGISTER pw", "RESULT UNREGISTER 1")
	bob.ExpectClosed()
	eve := n.LoginCSP("eve")
	eve.Found("go")
	go n.Stop()
	eve.ExpectClosed()
	n.Stop()
	if n.Ended()[session.WordClosing] == 0 {
		t.Errorf("ended: %v", n.Ended())
	}
}

func TestWhoDoesNotLogInInTimeIsClosed(t *testing.T) {
	n := harness.Start(t, only, func(c *config.Config) { c.Limits.LoginTimeout = config.Duration(300e6) })
	late, bob := n.ConnectCSP(), n.LoginCSP("bob")
	late.ExpectClosed()
	bob.Silent()
	harness.Eventually(t, "the end is counted", func() bool { return n.Ended()[session.WordTimeout] == 1 })
}

func TestTooManySessionsOfOneAccountAreRefused(t *testing.T) {
	n := harness.Start(t, only, func(c *config.Config) { c.Accounts.MaxSessions = 2 })
	first, second, third := n.LoginCSP("bob"), n.LoginCSP("bob"), n.ConnectCSP()
	login := harness.CSPRequest("bob", "AUTH", "", "password", "pw")
	third.Ask(login, no)
	second.Close()
	harness.Eventually(t, "there is room again", func() bool {
		third.Send(login)
		return third.Line() == yes
	})
	first.Silent()
	n.Login("bob").Silent() // one of version 0.1 stands beside them
}

func TestAClientThatReadsNothingCostsLittleAndHindersNobody(t *testing.T) {
	n := harness.Start(t, only, func(c *config.Config) { c.Store.TailBytes = 1 << 20 })
	slow := &harness.CSP{Client: harness.DialSmall(t, n.Address("csp"), 4096)}
	slow.Name = "slow"
	slow.Ask(harness.CSPRequest("slow", "NWUA", "", "password", "pw"), yes)
	bob := n.LoginCSP("bob")
	bob.Found("go")
	slow.Join("go")
	bob.Expect(joinedBy("slow"))
	before := inUse()
	const rounds, burst = 20, 100
	text := "(bob) " + strings.Repeat("x", 4000)
	for range rounds {
		bob.Send(slices.Repeat([]string{harness.CSPRequest("bob", "MSSG", "go", "payload", text)}, burst)...)
		bob.Hears(slices.Repeat([]string{text}, burst)...)
	}
	if grown := int64(inUse()) - int64(before); grown > 4<<20 {
		t.Errorf("for eight megabytes that nobody reads the node keeps %d KiB", grown>>10)
	}
	slow.Hears(slices.Repeat([]string{text}, rounds*burst)...) // and nothing is lost
	slow.Silent()
}

// inUse is how many bytes of memory are in use.
func inUse() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func TestAClientThatReadsNoAnswersIsStoppedAndGetsThemAll(t *testing.T) {
	n := harness.Start(t, only, func(c *config.Config) { c.Limits.ReplyBytes = 64 << 10 })
	slow, bob := n.LoginCSP("slow"), n.LoginCSP("bob")
	const asked = 20_000
	sent := make(chan error, 1)
	go func() {
		_, err := slow.Conn.Write([]byte(strings.Repeat(harness.CSPRequest("slow", "REDY", "")+"\n", asked)))
		sent <- err
	}()
	bob.Silent()
	slow.Expect(slices.Repeat([]string{ready}, asked)...)
	if err := <-sent; err != nil {
		t.Error(err)
	}
}
