// Package a3_test holds a node to the A3 protocol, over real connections.
package a3_test

import (
	"fmt"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"chatnode/tests/harness"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestASessionFromHelloToDelivery(t *testing.T) {
	n := harness.Start(t, harness.Gateways)
	bob := n.A3()
	talk(t, bob,
		"> LIST", "< BAD-RQST-HDR",
		"> HELLO-FROM bob", "< HELLO bob",
	)
	bob.Name = "bob"
	talk(t, bob,
		"> LIST", "< LIST-OK bob",
		"> HELLO-FROM bob", "< BAD-RQST-HDR",
		"> SEND eve hi", "< BAD-DEST-USER",
		"> SEND bob hi", "< DELIVERY bob hi", "< SEND-OK",
	)
	eve := n.A3()
	talk(t, eve, "> HELLO-FROM bob", "< IN-USE", "> HELLO-FROM eve", "< HELLO eve", "> LIST", "< LIST-OK bob,eve")
	eve.Name = "eve"
	eve.Tell("bob", "hello  bob ")
	bob.Hear("eve", "hello  bob ")
	eve.Close()
	bob.List("bob")
	bob.Ask("SEND eve hi", nobody)
	bob.Silent() // nobody is told that eve has left
}

func TestNamesThatAreNoNames(t *testing.T) {
	n := harness.Start(t, harness.Gateways)
	c := n.A3()
	for _, line := range []string{
		"HELLO-FROM", "HELLO-FROM ", "HELLO-FROM    ", "HELLO-FROM \t", "HELLO-FROM a b", "HELLO-FROM  a", "HELLO-FROM a ", "HELLO-FROM a  ",
		"HELLO-FROM a,b", "HELLO-FROM ,", "HELLO-FROM a\tb", "HELLO-FROM a\x00b", "HELLO-FROM a\r", "HELLO-FROM \r", "HELLO-FROM a\u0085",
		"HELLO-FROM \xff", "HELLO-FROM a\xc3", "HELLO-FROM \u2003", "HELLO-FROM a:b", "HELLO-FROM SERVER", "HELLO-FROM server", "HELLO-FROM [Server]",
		"HELLO-FROM " + strings.Repeat("x", 65), "HELLO-FROM " + strings.Repeat("x", 256), "HELLO-FROM " + strings.Repeat("x", 100_000),
	} {
		c.Ask(line, body)
	}
	for _, sign := range "!@#$%^&*" {
		for _, name := range []string{string(sign), "a" + string(sign), string(sign) + "a", "a" + string(sign) + "b"} {
			c.Ask("HELLO-FROM "+name, body)
		}
	}
	c.Hello("bob") // on the same connection
	c.List("bob")
}

func TestNamesThatAreNames(t *testing.T) {
	n := harness.Start(t, harness.Gateways)
	names := []string{"a", "bob", "Bob", "BOB", "a-b_c.d(e)", "42", "HELLO-FROM", "Jérôme", "世界", "🎉", "a;b=c|d~`\\/?<>'\"+[x]{y}", strings.Repeat("x", 64)}
	var all []*harness.A3
	for _, name := range names {
		c := n.EnterA3(name)
		c.List(names[:len(all)+1]...)
		all = append(all, c)
	}
	for i, c := range all {
		all[0].Send("SEND " + names[i] + " hi")
		c.Hear("a", "hi")
		all[0].Expect("SEND-OK")
	}
}

func TestANameIsEchoedAsItWasSentAndKeptInNormalForm(t *testing.T) {
	n := harness.Start(t, harness.Gateways)
	const apart, whole = "Je\u0301ro\u0302me", "J\u00e9r\u00f4me"
	c := n.A3()
	c.Ask("HELLO-FROM "+apart, "HELLO "+apart)
	c.List(whole)
	eve := n.A3()
	eve.Ask("HELLO-FROM "+whole, "IN-USE")
	eve.Hello("eve")
	for _, to := range []string{apart, whole} {
		eve.Tell(to, "hi")
		c.Hear("eve", "hi")
	}
	c.Send("SEND eve hi")
	eve.Hear(whole, "hi")
}

func TestWhatIsNoCommand(t *testing.T) {
	n := harness.Start(t, harness.Gateways)
	stranger, guest := n.A3(), n.EnterA3("me")
	for _, c := range []*harness.A3{stranger, guest} {
		for _, line := range []string{
			"", " ", "   ", "\t", "\r", "\x00", "\xff", "hello-from a", "Hello-From a", "list", "send me hi", " HELLO-FROM a", " LIST", " SEND me hi",
			"HELLO me", "HELLO", "IN-USE", "BUSY", "LIST-OK", "LIST-OK me", "SEND-OK", "BAD-DEST-USER", "BAD-RQST-HDR", "BAD-RQST-BODY",
			"DELIVERY me hi", "DELIVERY", "QUIT", "!quit", "!who", "@me hi", "LIST\r", "LIST\t", "LISTx", "SEND\tme hi", "SENDme hi", "HELLO-FROM\tme",
			"HELLO-FROM\r", "HELLO-FROMme", "HELLO-FROM: a", "FEDERATE-OUT", "LOGIN me pw", "GET / HTTP/1.1\r", strings.Repeat("x", 100_000),
		} {
			c.Ask(line, header)
		}
	}
	guest.Silent()
	stranger.Hello("you")
	guest.List("me", "you")
}

func TestListTakesNothingElse(t *testing.T) {
	n := harness.Start(t, harness.Gateways)
	c := n.EnterA3("me")
	for _, line := range []string{"LIST ", "LIST  ", "LIST x", "LIST \r", "LIST \xff"} {
		c.Ask(line, body)
	}
	c.List("me")
}

func TestMessagesThatAreNoMessages(t *testing.T) {
	n := harness.Start(t, harness.Gateways)
	c := n.EnterA3("me")
	for _, to := range []string{"me", "nobody", "n@b", "a,b", "SERVER"} { // what is wrong with the text comes first
		for _, line := range []string{"SEND " + to, "SEND " + to + " ", "SEND " + to + "    ", "SEND " + to + "\t", "SEND " + to + " \t", "SEND " + to + " \t \t ",
			"SEND " + to + "\thi", "SEND " + to + " \xff", "SEND " + to + " hi\xc3", "SEND  " + to, "SEND  " + to + " hi"} {
			c.Ask(line, body)
		}
	}
	for _, line := range []string{"SEND", "SEND ", "SEND  ", "SEND    ", "SEND \t", "SEND \xff hi"} {
		c.Ask(line, body)
	}
	c.Silent()
}

func TestWhoIsNotThereCannotBeSentTo(t *testing.T) {
	n := harness.Start(t, harness.Gateways)
	c := n.EnterA3("me")
	long := strings.Repeat("x", 100_000)
	for _, to := range []string{"you", "ME", "Me", "n@b", "me@", "me@b.test", "me@b@a.test", "@", "@a.test", "a,b", ",", "me,", "a:b", "SERVER", "\t", "me\r", "me\x00", "*", "#", long} {
		c.Ask("SEND "+to+" hi", nobody)
	}
	c.Silent()
	c.Send("SEND me@a.test hi") // at this node's own host
	c.Hear("me", "hi")
	c.Expect("SEND-OK")
}

func TestTextsAreDeliveredByteForByte(t *testing.T) {
	n := harness.Start(t, harness.Gateways)
	bob, eve := n.EnterA3("bob"), n.EnterA3("eve")
	for _, text := range texts {
		bob.Tell("eve", text)
		eve.Hear("bob", text)
		bob.Send("SEND bob " + text) // to oneself: it comes before its answer
		bob.Hear("bob", text)
		bob.Expect("SEND-OK")
	}
	eve.Silent()
}

// texts are what a message may be.
var texts = []string{
	"x", "hi", "two  blanks", "  in front", "behind  ", "  ", "\ta tab\t", "a return\r", "\r", "a\rb", "\x00", "a\x00b\x01\x1b[1m\x7f", "!@#$%^&*,", "a,b",
	"SEND eve hi", "DELIVERY eve hi", "HELLO bob", "LIST", "BAD-RQST-HDR", "QUIT", "Grüße, 世界 🎉", "\u00a0", "\u0085\u2028\ufeff\u202e", "e\u0301",
	"@bob hi", "\\n", "%s%n", strings.Repeat("x", 4096), strings.Repeat("é", 50_000), strings.Repeat("x y\t", 25_000), "\x00\x00\x00",
}

func init() { // those with nothing but blanks are refused
	for i := range texts {
		if strings.Trim(texts[i], " \t") == "" {
			texts[i] += "."
		}
	}
}

func TestALineMayBeLong(t *testing.T) {
	n := harness.Start(t, harness.Gateways)
	const most = 1 << 20
	c := n.A3()
	c.Ask(strings.Repeat("x", 100_000), header)
	c.Ask(strings.Repeat("x", most), header)
	c.Ask("HELLO-FROM "+strings.Repeat("x", most), body)
	c.Hello("bob")
	for _, length := range []int{100_000, most - 1, most} {
		line := "SEND bob "
		line += strings.Repeat("x", length-len(line))
		c.Send(line)
		c.Hear("bob", line[len("SEND bob "):])
		c.Expect("SEND-OK")
	}
	for _, length := range []int{most + 1, 3 * most} {
		c.Ask("SEND bob "+strings.Repeat("x", length-len("SEND bob ")), body)
		c.Silent()
	}
	c.List("bob")
}

func TestSixteenAndNoMore(t *testing.T) {
	n := harness.Start(t, harness.Gateways)
	native := n.Login("native") // who does not count
	late, idle := n.A3(), n.A3()
	idle.Silent() // nor does who has not said who they are
	var all []*harness.A3
	names := []string{"native"}
	for i := range 16 {
		all = append(all, n.EnterA3(fmt.Sprint("user", i)))
		names = append(names, all[i].Name)
	}
	all[15].List(names...)
	for range 3 {
		late.Ask("HELLO-FROM late", "BUSY")
	}
	late.Ask("HELLO-FROM a b", body)
	late.Ask("HELLO-FROM", body)
	late.Ask("HELLO-FROM user3", "IN-USE")
	late.Ask("HELLO-FROM native", "IN-USE")
	late.Ask("LIST", header)
	late.Ask("SEND user3 hi", header)
	late.Ask("", header)
	all[4].Close()
	late.Hello("late") // on the same connection
	names = append(append(names[:5:5], names[6:]...), "late")
	late.List(names...)
	idle.Ask("HELLO-FROM idle", "BUSY")
	all[0].Ask("HELLO-FROM other", header)
	native.Ask("WHISPER late hi", "RESULT WHISPER late 1")
	late.Hear("native", "hi")
}

func TestASlotAndANameAreFreeAtOnce(t *testing.T) {
	n := harness.Start(t, harness.Gateways)
	for i := range 15 {
		n.EnterA3(fmt.Sprint("user", i))
	}
	waiting := n.A3()
	for i := range 60 {
		last := n.EnterA3("last")
		waiting.Ask("HELLO-FROM other", "BUSY")
		waiting.Ask("HELLO-FROM last", "IN-USE")
		if i%2 == 0 {
			last.Close()
		} else {
			reset(t, last)
		}
	}
	n.EnterA3("other").Close()
	waiting.Hello("last")
}

func TestALeaveIsSeenAtOnce(t *testing.T) {
	n := harness.Start(t, harness.Gateways)
	bob := n.EnterA3("bob")
	for i := range 60 {
		eve := n.EnterA3("eve")
		bob.List("bob", "eve")
		switch i % 3 {
		case 0:
			eve.Close()
		case 1:
			reset(t, eve)
		default:
			endSending(t, eve)
		}
		if i%2 == 0 {
			bob.List("bob")
			bob.Ask("SEND eve hi", nobody)
		} else {
			bob.Ask("SEND eve hi", nobody)
			bob.List("bob")
		}
	}
	bob.Silent()
}
