//go:build linux

package cluster_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"chatnode/tests/harness"
)

// A node is one of compose.yaml.
type node struct{ service, host string }

// address returns how people on the node write what lives at a host: bare where that is the node itself.
func (n node) address(name, mark, host string) string {
	if host == n.host {
		return name
	}
	return name + mark + host
}

// full returns the name in full of what the node's people may write bare.
func (n node) full(name, mark string) string {
	if strings.Contains(name, mark) {
		return name
	}
	return name + mark + n.host
}

// A channel is one with its home.
type channel struct{ name, host string }

func (c channel) String() string { return c.name + ":" + c.host }

// A message is one as it was heard, or as HISTORY tells it, its speaker in full.
type message struct{ seq, from, text string }

// A person is somebody on one node, what they have said and been told of it, and what they have heard. The methods are for
// the test's goroutine.
type person struct {
	t      *testing.T
	name   string
	at     node
	client *harness.Client

	said   int
	states map[string]string    // by ref: the state that was told last
	heard  map[string][]message // by channel in full
	again  bool                 // has come back after a crash, and may hear again what it had heard
}

// newPerson logs somebody in.
func newPerson(c *cluster, name string, at node) *person {
	c.t.Helper()
	p := &person{t: c.t, name: name, at: at, states: map[string]string{}, heard: map[string][]message{}}
	p.client = c.connect(at).Enter(name, "tags", "replay")
	return p
}

// comeBack logs the person in again whose node has crashed.
func (p *person) comeBack(c *cluster) {
	p.t.Helper()
	p.client.Close()
	p.again = true
	p.client = c.connect(p.at).Enter(p.name, "tags", "replay")
}

// knows reports whether the person's node lists a channel.
func (p *person) knows(c channel) bool {
	p.t.Helper()
	p.client.Send("CHANNELS")
	list := strings.TrimPrefix(p.client.Line(), "RESULT CHANNELS ")
	return slices.Contains(strings.Split(list, ", "), p.at.address(c.name, ":", c.host))
}

// join joins a channel once the person's node knows it.
func (p *person) join(c channel) {
	p.t.Helper()
	eventually(p.t, p.at.service+" lists "+c.String(), func() bool { return p.knows(c) })
	name := p.at.address(c.name, ":", c.host)
	p.client.Ask("JOIN "+name, "RESULT JOIN "+name+" 1")
}

// say says so many messages in each of the channels, all in one go. No two messages have the same text.
func (p *person) say(n int, in ...channel) {
	p.t.Helper()
	var lines []string
	for range n {
		for _, c := range in {
			p.said++
			text := fmt.Sprintf("%s %04d", p.name, p.said)
			ref := fmt.Sprintf("%s-%d", p.name, p.said)
			p.states[ref] = ""
			lines = append(lines, fmt.Sprintf("@ref=%s SAY %s %s", ref, p.at.address(c.name, ":", c.host), text))
		}
	}
	p.client.Send(lines...)
}

// hearUntil hears what comes until something is so.
func (p *person) hearUntil(what string, so func() bool) {
	p.t.Helper()
	for !so() {
		line, err := p.client.Read()
		if err != nil {
			p.t.Fatalf("%s waits until %s: %v; states %v; heard %v", p.name, what, err, p.count(), p.numbers())
		}
		p.file(line)
	}
}

// hearAll hears what comes until the person has so many messages of each channel.
func (p *person) hearAll(n map[channel]int) {
	p.t.Helper()
	p.hearUntil(fmt.Sprintf("%v are heard", n), func() bool {
		for c, want := range n {
			if len(p.heard[c.String()]) < want {
				return false
			}
		}
		return true
	})
}

// hearState hears what comes until all that the person has said is in one of the states.
func (p *person) hearState(states ...string) {
	p.t.Helper()
	p.hearUntil(fmt.Sprintf("all is %v", states), func() bool {
		for _, state := range p.states {
			if !slices.Contains(states, state) {
				return false
			}
		}
		return true
	})
}

// count counts what was said by what was told of it.
func (p *person) count() map[string]int {
	n := map[string]int{}
	for _, state := range p.states {
		n[state]++
	}
	return n
}

// numbers counts what was heard, by channel.
func (p *person) numbers() map[string]int {
	n := map[string]int{}
	for c, all := range p.heard {
		n[c] = len(all)
	}
	return n
}

// file takes down a line. Nothing but messages and the states of one's own may come.
func (p *person) file(line string) {
	p.t.Helper()
	tags, words := parse(line)
	switch {
	case tags["gap"] != "":
		p.t.Fatalf("%s hears of a gap: %q", p.name, line)
	case len(words) == 4 && words[0] == "RECV":
		p.hear(p.at.full(words[2], ":"), message{tags["seq"], p.at.full(words[1], "@"), words[3]})
	case len(words) == 4 && words[0] == "RESULT" && words[1] == "SAY" && words[3] == "1" && tags["ref"] != "":
		p.states[tags["ref"]] = tags["state"]
	default:
		p.t.Fatalf("%s did not expect %q", p.name, line)
	}
}

// hear files a message, which must be new unless the person's node has crashed.
func (p *person) hear(channel string, m message) {
	p.t.Helper()
	if slices.Contains(p.heard[channel], m) {
		if !p.again {
			p.t.Errorf("%s hears %v in %s twice", p.name, m, channel)
		}
		return
	}
	p.heard[channel] = append(p.heard[channel], m)
}

// history returns all of a channel as the person's node tells it.
func (p *person) history(c channel) (all []message) {
	p.t.Helper()
	after, name := "0", p.at.address(c.name, ":", c.host)
	for {
		p.client.Send(fmt.Sprintf("HISTORY %s after=%s limit=1000", name, after))
		if got := p.client.Match(`RESULT HISTORY \S+ (\d+)`); got[0] == "0" {
			return all
		} else {
			all = append(all, p.page(got[0])...)
		}
		after = all[len(all)-1].seq
	}
}

// page reads the lines of a page of HISTORY.
func (p *person) page(size string) (all []message) {
	p.t.Helper()
	for fmt.Sprint(len(all)) != size {
		tags, words := parse(p.client.Line())
		if len(words) != 4 || words[0] != "RECV" || tags["gap"] != "" || tags["recovered"] != "" {
			p.t.Fatalf("%s reads %v %q in HISTORY", p.name, tags, words)
		}
		all = append(all, message{tags["seq"], p.at.full(words[1], "@"), words[3]})
	}
	return all
}

// parse cuts a line into its tags, whose values need no unescaping here, and four fields at the most.
func parse(line string) (tags map[string]string, words []string) {
	tags = map[string]string{}
	if rest, tagged := strings.CutPrefix(line, "@"); tagged {
		var all string
		all, line, _ = strings.Cut(rest, " ")
		for tag := range strings.SplitSeq(all, ";") {
			key, value, _ := strings.Cut(tag, "=")
			tags[key] = value
		}
	}
	return tags, strings.SplitN(line, " ", 4)
}
