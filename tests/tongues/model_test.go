package tongues_test

import (
	"fmt"
	"maps"
	"runtime"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"chatnode/tests/harness"
)

// A world is what ought to be: who is in the lobby, in the order in which they logged in.
type world struct {
	t     testing.TB
	node  *harness.Node
	here  map[string]person
	order []string
	count int
}

// others are all that are here but one.
func (w *world) others(name string) map[string]person {
	all := maps.Clone(w.here)
	delete(all, name)
	return all
}

func (w *world) enter(tongue, name string) {
	p, member := tongues[tongue](w.t, w.node, name, w.order) // it compares the list of those who are here, where there is one
	for _, other := range w.here {
		other.came(name, member)
	}
	w.here[name], w.order = p, append(w.order, name)
}

func (w *world) leave(name string) {
	member := w.here[name].leave()
	delete(w.here, name)
	w.settle()
	w.order = slices.DeleteFunc(w.order, func(other string) bool { return other == name })
	for _, other := range w.here {
		other.went(name, member)
	}
}

// say has somebody say something. Each other hears it next, so nothing else has come meanwhile, and the speaker hears it
// only as the tongue has it.
func (w *world) say(name string) bool {
	w.count++
	text := fmt.Sprint("text ", w.count)
	if !w.here[name].say(text) {
		return false
	}
	for _, other := range w.others(name) {
		other.said(name, text)
	}
	return true
}

func (w *world) whisper(from, to string) {
	w.count++
	text := fmt.Sprint("text ", w.count)
	if from != to && w.here[from].whisper(to, text) {
		w.here[to].whispered(from, text)
	}
}

// refuse has somebody try for a name that is taken.
func (w *world) refuse(name, answer string) {
	c := w.node.Proofchat("")
	c.Send(harness.ProofchatReg(name))
	c.ExpectErr(0)
	c.Close()
	a := w.node.A3()
	a.Ask("HELLO-FROM "+name, answer)
	a.Close()
	w.settle()
}

// settle waits until the node has noticed who is gone.
func (w *world) settle() {
	end := time.Now().Add(harness.Patience)
	for w.node.Sessions() > len(w.here) {
		if time.Now().After(end) {
			w.t.Fatalf("%d sessions, and %d people are here", w.node.Sessions(), len(w.here))
		}
		runtime.Gosched()
	}
}

// TestTheLobbyIsWhatAModelSays has people of all tongues come, talk, whisper and go at random. A message reaches every other
// exactly once and its speaker never; a whisper exactly one; who has gone is in no list and their name is free; no list has
// a name twice; a name that is taken, or SERVER, is refused.
func TestTheLobbyIsWhatAModelSays(t *testing.T) {
	node := harness.Start(t, gateways)
	keys := slices.Sorted(maps.Keys(tongues))
	visits := 0
	rapid.Check(t, func(r *rapid.T) {
		w := &world{t: t, node: node, here: map[string]person{}}
		visits++
		names := make([]string, 6)
		for i := range names {
			names[i] = fmt.Sprintf("p%d-%d", visits, i) // accounts stay members
		}
		spoke := map[string]string{} // the tongue of each name: an account is nobody's in another
		somebody := func(r *rapid.T) string {
			if len(w.order) == 0 {
				r.Skip("nobody is here")
			}
			return rapid.SampledFrom(w.order).Draw(r, "who")
		}
		r.Repeat(map[string]func(*rapid.T){
			"enter": func(r *rapid.T) {
				name := rapid.SampledFrom(names).Draw(r, "name")
				if w.here[name] != nil {
					w.refuse(name, "IN-USE")
					return
				}
				if spoke[name] == "" {
					spoke[name] = rapid.SampledFrom(keys).Draw(r, "tongue")
				}
				w.enter(spoke[name], name)
			},
			"leave":   func(r *rapid.T) { w.leave(somebody(r)) },
			"say":     func(r *rapid.T) { w.say(somebody(r)) },
			"whisper": func(r *rapid.T) { w.whisper(somebody(r), somebody(r)) },
			"be the server": func(*rapid.T) {
				w.refuse("SERVER", "BAD-RQST-BODY")
			},
		})
		for _, name := range w.order { // whoever had heard more than is said above would read that first
			if w.say(name) {
				break
			}
		}
		for len(w.order) > 0 {
			w.leave(w.order[0])
		}
		for _, name := range names {
			if tongue := spoke[name]; tongue == "chat" || tongue == "csp" {
				c := w.node.Login(name)
				c.Ask("UNREGISTER pw", "RESULT UNREGISTER 1")
				c.Close()
				w.settle()
			}
		}
	})
}
