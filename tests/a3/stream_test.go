package a3_test

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"chatnode/node/session"
	"chatnode/tests/harness"
)

// speech is what one client says, with NAME for its name, and answers what it is told.
var (
	speech = lines("LIST", "", "HELLO-FROM a b", "HELLO-FROM NAME", "HELLO-FROM other", "LIST ", "SEND NAME Grüße,  世界 🎉 ", "QUIT",
		"SEND nobody hi", "SEND NAME a\rb\r", "SEND NAME ", "\r", "SEND nobody@a.test hi", "SEND NAME LIST")
	answers = lines(header, header, body, "HELLO NAME", header, body, "DELIVERY NAME Grüße,  世界 🎉 ", "SEND-OK", header,
		nobody, "DELIVERY NAME a\rb\r", "SEND-OK", body, header, nobody, "DELIVERY NAME LIST", "SEND-OK")
)

// as gives a text a name.
func as(name, text string) string { return strings.ReplaceAll(text, "NAME", name) }

func TestASpeechInOnePacketIsAnsweredInOrder(t *testing.T) {
	n := harness.Start(t, harness.Gateways)
	for i := range 20 {
		c := n.A3()
		name := fmt.Sprint("n", i)
		c.SendRaw(as(name, speech) + "SEND " + name + " not quite a l")
		endSending(t, c)
		same(t, "answers", received(t, c), as(name, answers))
	}
	n.Stop()
	if got := n.Ended()[session.WordEOF]; got != 20 {
		t.Errorf("ended: %v", n.Ended())
	}
}

func TestASpeechCutAnywhereIsAnsweredAlike(t *testing.T) {
	n := harness.Start(t, harness.Gateways)
	probe := n.EnterA3("probe")
	for cut := 1; cut < len(as("us", speech)); cut++ {
		c, said := n.A3(), as("us", speech)
		c.SendRaw(said[:cut])
		whole := strings.Count(said[:cut], "\n") // so many lines can be answered, and are before more is sent
		want := as("us", answers)
		head := answered(want, whole)
		got := make([]byte, len(head))
		if _, err := io.ReadFull(c.Conn, got); err != nil {
			t.Fatalf("cut at %d: %v after %q", cut, err, got)
		}
		same(t, fmt.Sprint("first part up to ", cut), string(got), head)
		c.SendRaw(said[cut:])
		endSending(t, c)
		same(t, fmt.Sprint("second part from ", cut), received(t, c), want[len(head):])
		probe.List("probe")
	}
}

// answered is what so many lines are answered with: a delivery to oneself belongs to the line after it.
func answered(answers string, sent int) string {
	var b strings.Builder
	for line := range strings.Lines(answers) {
		if sent == 0 {
			break
		}
		b.WriteString(line)
		if !strings.HasPrefix(line, "DELIVERY ") {
			sent--
		}
	}
	return b.String()
}

func TestASpeechByteByByteIsAnsweredAlike(t *testing.T) {
	n := harness.Start(t, harness.Gateways)
	c := n.A3()
	said := as("us", speech)
	for i := range len(said) {
		c.SendRaw(said[i : i+1])
	}
	endSending(t, c)
	same(t, "answers", received(t, c), as("us", answers))
}

func TestManyMessagesInOnePacketAreAllAnswered(t *testing.T) {
	n := harness.Start(t, harness.Gateways)
	bob, eve := n.A3(), n.EnterA3("eve")
	const count = 1000
	var said, heard, want strings.Builder
	said.WriteString("HELLO-FROM bob\n")
	want.WriteString("HELLO bob\n")
	for i := range count {
		fmt.Fprintf(&said, "SEND eve %d\nSEND nobody %d\nSEND bob %d\n", i, i, i)
		fmt.Fprintf(&want, "SEND-OK\n%s\nDELIVERY bob %d\nSEND-OK\n", nobody, i)
		fmt.Fprintf(&heard, "DELIVERY bob %d\n", i)
	}
	bob.SendRaw(said.String() + "LIST\nNO")
	want.WriteString("LIST-OK eve,bob\n")
	endSending(t, bob)
	same(t, "bob", received(t, bob), want.String())
	same(t, "eve", lines(eve.Drain()...), heard.String())
}

func TestReturnsBelongToTheLine(t *testing.T) {
	n := harness.Start(t, harness.Gateways)
	c := n.A3()
	c.SendRaw("HELLO-FROM bob\r\n\nHELLO-FROM bob\n\nLIST\r\n\nSEND bob hi\r\n\n") // as a client behind a terminal writes
	c.Expect(body, header, "HELLO bob", header, header, header, "DELIVERY bob hi\r", "SEND-OK", header)
}
