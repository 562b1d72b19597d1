package harness

import (
	"fmt"
	"strings"
)

// A3 is a client of the A3 protocol. A failure ends its test.
type A3 struct {
	*Client
}

// A3 connects to the node in the A3 protocol.
func (n *Node) A3() *A3 {
	n.t.Helper()
	return &A3{Dial(n.t, n.Address("a3"))}
}

// EnterA3 connects and takes a name.
func (n *Node) EnterA3(name string) *A3 {
	n.t.Helper()
	c := n.A3()
	c.Hello(name)
	return c
}

// Hello takes a name.
func (c *A3) Hello(name string) {
	c.t.Helper()
	c.Ask("HELLO-FROM "+name, "HELLO "+name)
	c.Name = name
}

// List expects just these people on line, in this order.
func (c *A3) List(names ...string) {
	c.t.Helper()
	c.Ask("LIST", "LIST-OK "+strings.Join(names, ","))
}

// Tell sends a text to somebody else who is on line.
func (c *A3) Tell(name, text string) {
	c.t.Helper()
	c.Ask("SEND "+name+" "+text, "SEND-OK")
}

// Hear expects a text from somebody.
func (c *A3) Hear(from, text string) {
	c.t.Helper()
	c.Expect("DELIVERY " + from + " " + text)
}

// Drain returns every line that is owed now: all that comes before the answers to a message to oneself, or, of one who is
// not logged in, before the answer to what is no command. Such a one must not be owed the same answer.
func (c *A3) Drain() (lines []string) {
	c.t.Helper()
	sent, want := "?", "BAD-RQST-HDR"
	if c.Name != "" {
		text := fmt.Sprint(c.Name, " barrier-", barriers.Add(1))
		sent, want = "SEND "+text, "DELIVERY "+text
	}
	c.Send(sent)
	for {
		line := c.Line()
		if line != want {
			lines = append(lines, line)
			continue
		}
		if c.Name != "" {
			c.Expect("SEND-OK")
		}
		return lines
	}
}

// Silent fails if anything is owed.
func (c *A3) Silent() {
	c.t.Helper()
	if got := c.Drain(); len(got) > 0 {
		c.t.Fatalf("%s: got %q, want nothing", c.Name, got)
	}
}
