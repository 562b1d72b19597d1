// Package tongues_test has people of every tongue on one node at once.
package tongues_test

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"chatnode/node/config"
	"chatnode/tests/harness"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// gateways switches every tongue on, and has A3 hear the lobby.
func gateways(c *config.Config) {
	harness.Gateways(c)
	c.Gateways.A3Lobby = true
}

// A person is somebody in the lobby, whatever they speak. Its methods fail the test when something else comes than they
// say.
type person interface {
	// say says something in the lobby, or does nothing and is false in a tongue that cannot. said hears what another has said.
	say(text string) bool
	said(from, text string)
	// tell says something in the lobby, if the tongue can, and waits for nothing. next is what another says there next.
	tell(text string)
	next() (from, text string)
	// whisper says something to one person, or does nothing and is false in a tongue that cannot.
	whisper(to, text string) bool
	whispered(from, text string)
	// came and went hear of another. member: they became a member of the lobby, or are none any more.
	came(name string, member bool)
	went(name string, member bool)
	// leave ends it; member: the membership too.
	leave() (member bool)
}

// enter brings somebody into the lobby in a tongue. here is all who are there already, in the order in which they logged in.
type enter func(t testing.TB, n *harness.Node, name string, here []string) (p person, member bool)

// tongues are all, by the key of their listener.
var tongues = map[string]enter{
	"chat":      enterNative,
	"csp":       enterCSP,
	"a3":        enterA3,
	"bcp":       enterBCP,
	"proofchat": enterProofchat,
}

type nativePerson struct{ *harness.Client }

func enterNative(_ testing.TB, n *harness.Node, name string, _ []string) (person, bool) {
	p := nativePerson{n.Login(name)}
	p.Send("JOIN lobby")
	return p, p.Line() == "RESULT JOIN lobby 1"
}

func (p nativePerson) say(text string) bool {
	p.Ask("SAY lobby "+text, "RECV "+p.Name+" lobby "+text)
	return true
}
func (p nativePerson) said(from, text string) { p.Expect("RECV " + from + " lobby " + text) }
func (p nativePerson) whisper(to, text string) bool {
	p.Ask("WHISPER "+to+" "+text, "RESULT WHISPER "+to+" 1")
	return true
}
func (p nativePerson) whispered(from, text string) { p.Expect("RECV " + from + " @ " + text) }
func (p nativePerson) tell(text string)            { p.Send("SAY lobby " + text) }
func (p nativePerson) next() (from, text string) {
	for {
		words := strings.SplitN(p.Line(), " ", 4)
		if words[0] == "RECV" && words[1] != p.Name {
			return words[1], words[3]
		}
	}
}
func (nativePerson) came(string, bool) {}
func (nativePerson) went(string, bool) {}
func (p nativePerson) leave() bool {
	p.Ask("LOGOUT", "RESULT LOGOUT 1")
	p.Close()
	return false
}

type cspPerson struct{ *harness.CSP }

func enterCSP(_ testing.TB, n *harness.Node, name string, _ []string) (person, bool) {
	p := cspPerson{n.LoginCSP(name)}
	p.Join("lobby")
	return p, true
}

func (p cspPerson) say(text string) bool {
	p.Say("lobby", text)
	p.said(p.Name, text)
	return true
}
func (p cspPerson) said(from, text string)      { p.Hears("(" + from + ") " + text) }
func (cspPerson) whisper(_, _ string) bool      { return false }
func (p cspPerson) whispered(from, text string) { p.Hears("(" + from + ") [PM] " + text) }
func (p cspPerson) tell(text string)            { p.Say("lobby", text) }
func (p cspPerson) next() (from, text string) {
	for {
		var answer struct{ Payload string }
		if err := json.Unmarshal([]byte(p.Line()), &answer); err != nil {
			return "", err.Error()
		}
		if from, text, _ = strings.Cut(answer.Payload[1:], ") "); from != p.Name {
			return from, text
		}
	}
}
func (p cspPerson) came(name string, member bool) {
	if member {
		p.ExpectAnswer("180", "CC", name+" has joined lobby.", "username", name, "chat_name", "lobby")
	}
}
func (p cspPerson) went(name string, member bool) {
	if member {
		p.ExpectAnswer("190", "", name+" has left lobby.", "username", name)
	}
}
func (p cspPerson) leave() bool {
	p.Request("LEVE", "lobby")
	p.ExpectAnswer("190", "", p.Name+" has left the group.", "username", p.Name)
	p.Close()
	return true
}

type a3Person struct{ *harness.A3 }

func enterA3(_ testing.TB, n *harness.Node, name string, _ []string) (person, bool) {
	return a3Person{n.EnterA3(name)}, true
}

func (a3Person) say(string) bool             { return false }
func (p a3Person) said(from, text string)    { p.Hear(from, text) }
func (p a3Person) whisper(to, t string) bool { p.Tell(to, t); return true }
func (p a3Person) whispered(from, t string)  { p.Hear(from, t) }
func (a3Person) tell(string)                 {}
func (p a3Person) next() (from, text string) {
	words := strings.SplitN(p.Line(), " ", 3)
	return words[1], words[2]
}
func (a3Person) came(string, bool) {}
func (a3Person) went(string, bool) {}
func (p a3Person) leave() bool {
	p.Close()
	return true
}

type bcpPerson struct{ *harness.BCP }

func enterBCP(_ testing.TB, n *harness.Node, name string, here []string) (person, bool) {
	return bcpPerson{n.EnterBCP(name, here...)}, true
}

func (p bcpPerson) say(text string) bool        { p.Say(text); return true }
func (p bcpPerson) said(from, text string)      { p.Hear(from, text) }
func (bcpPerson) whisper(_, _ string) bool      { return false }
func (p bcpPerson) whispered(from, text string) { p.Hear(from, "[PM] "+text) }
func (p bcpPerson) tell(text string)            { p.SendRaw(harness.BCPSend(text)) }
func (p bcpPerson) next() (from, text string) {
	for {
		m, err := p.Read()
		if err != nil {
			return "", err.Error()
		}
		if m[0] == 3 {
			p.Acknowledge()
			length := int(binary.BigEndian.Uint16([]byte(m[1:])))
			return m[3 : 3+length], m[5+length:]
		}
	}
}
func (p bcpPerson) came(name string, _ bool) { p.Hear("[Server]", name+" has joined the server.") }
func (p bcpPerson) went(name string, _ bool) { p.Hear("[Server]", name+" has left the server.") }
func (p bcpPerson) leave() bool {
	p.Close()
	return true
}

type proofchatPerson struct{ *harness.Proofchat }

func enterProofchat(t testing.TB, n *harness.Node, name string, here []string) (person, bool) {
	c := n.Proofchat("")
	names := c.Register(name)
	want := []string{name}
	for i := range here {
		want = append(want, here[len(here)-1-i])
	}
	if fmt.Sprint(names) != fmt.Sprint(want) {
		t.Errorf("%s is told that here are %q, and not %q", name, names, want)
	}
	return proofchatPerson{c}, true
}

func (p proofchatPerson) say(text string) bool {
	p.Say(text)
	p.Silent() // a message is not answered
	return true
}
func (p proofchatPerson) said(from, text string)       { p.Expect(from + ": " + text) }
func (p proofchatPerson) whisper(to, text string) bool { p.Whisper(to, text); return true }
func (p proofchatPerson) whispered(from, text string)  { p.Expect(from + ": [PM] " + text) }
func (p proofchatPerson) tell(text string)             { p.Say(text) }
func (p proofchatPerson) next() (from, text string) {
	m := p.Message()
	return m.From, m.Text
}
func (proofchatPerson) came(string, bool)          {}
func (p proofchatPerson) went(name string, _ bool) { p.Expect("SERVER: " + name + " has left") }
func (p proofchatPerson) leave() bool {
	p.Exit()
	p.Close()
	return true
}
