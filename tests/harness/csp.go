package harness

import (
	"encoding/json"
	"fmt"
	"strings"
)

// CSP is a client of the Chat Service Protocol. A failure ends its test.
type CSP struct {
	*Client
}

// ConnectCSP dials the node. Nobody is logged in.
func (n *Node) ConnectCSP() *CSP {
	n.t.Helper()
	return &CSP{Dial(n.t, n.Address("csp"))}
}

// LoginCSP connects and logs in, with a new account if there is none of the name. The password is pw.
func (n *Node) LoginCSP(name string) *CSP {
	n.t.Helper()
	c := n.ConnectCSP()
	c.Name = name
	c.Request("NWUA", "", "password", "pw")
	if c.Line() == CSPAnswer("200", "", "") {
		c.Ask(CSPRequest(name, "AUTH", "", "password", "pw"), CSPAnswer("110", "CC", ""))
	}
	return c
}

// CSPRequest is a line as the stock client sends it: with all five keys. The extra parameters are keys, each with its
// value; "payload" is no parameter.
func CSPRequest(user, command, group string, extra ...string) string {
	channel, payload, more := "CC", "", ""
	switch command {
	case "MSSG":
		channel = "DC"
	case "KICK", "BANN":
		channel = "AC"
	}
	for i := 0; i < len(extra); i += 2 {
		if extra[i] == "payload" {
			payload = extra[i+1]
		} else {
			more += ", " + quoted(extra[i]) + ": " + quoted(extra[i+1])
		}
	}
	return fmt.Sprintf(`{"version": 1.0, "command": %s, "channel": "%s", "parameters": {"username": %s, "chat_name": %s%s}, "payload": %s}`,
		quoted(command), channel, quoted(user), quoted(group), more, quoted(payload))
}

// CSPAnswer is a response as the node sends it. The parameters are keys, each with its value. Names and texts are ASCII.
func CSPAnswer(code, channel, payload string, parameters ...string) string {
	var all []string
	for i := 0; i < len(parameters); i += 2 {
		all = append(all, quoted(parameters[i])+":"+quoted(parameters[i+1]))
	}
	return fmt.Sprintf(`{"version":1.0,"response_code":"%s","parameters":{%s},"channel":"%s","payload":%s}`,
		code, strings.Join(all, ","), channel, quoted(payload))
}

// quoted is a string of JSON.
func quoted(s string) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		panic(err) // a string can be encoded
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// Request sends a request as the stock client does.
func (c *CSP) Request(command, group string, extra ...string) {
	c.t.Helper()
	c.Send(CSPRequest(c.Name, command, group, extra...))
}

// Say sends a message with the name of its author in front, as the stock client does.
func (c *CSP) Say(group, text string) {
	c.t.Helper()
	c.Request("MSSG", group, "payload", "("+c.Name+") "+text)
}

// ExpectAnswer reads a response and compares. See CSPAnswer.
func (c *CSP) ExpectAnswer(code, channel, payload string, parameters ...string) {
	c.t.Helper()
	c.Expect(CSPAnswer(code, channel, payload, parameters...))
}

// Hears expects messages.
func (c *CSP) Hears(payloads ...string) {
	c.t.Helper()
	for _, p := range payloads {
		c.ExpectAnswer("140", "DC", p)
	}
}

// Found makes a group and enters it.
func (c *CSP) Found(group string) {
	c.t.Helper()
	c.Request("CHAT", group)
	c.ExpectAnswer("170", "", "")
}

// Join enters a group.
func (c *CSP) Join(group string) {
	c.t.Helper()
	c.Request("JOIN", group)
	c.ExpectAnswer("180", "CC", c.Name+" has joined "+group+".", "username", c.Name, "chat_name", group)
}

// Drain returns every line that is owed now: all that comes before the answer to what is no command.
func (c *CSP) Drain() (lines []string) {
	c.t.Helper()
	c.Send(`{"version": 1.0, "command": "barrier"}`)
	for {
		line := c.Line()
		if line == CSPAnswer("310", "CC", "There is no such command.") {
			return lines
		}
		lines = append(lines, line)
	}
}

// Silent fails if anything is owed.
func (c *CSP) Silent() {
	c.t.Helper()
	if got := c.Drain(); len(got) > 0 {
		c.t.Fatalf("%s: got %q, want nothing", c.Name, got)
	}
}
