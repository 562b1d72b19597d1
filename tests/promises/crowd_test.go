//go:build linux

package promises_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"chatnode/tests/harness"
)

// window is how many messages somebody says before the first of them is answered.
const window = 1000

// An ear hears all that comes on a connection until that ends.
type ear struct {
	*harness.Client
	texts map[string]string // by ref: what was said, of a speaker

	// the listening goroutine's until done is closed
	lines []string
	done  chan struct{}
}

func newEar(c *harness.Client) *ear {
	return &ear{Client: c, texts: map[string]string{}, done: make(chan struct{})}
}

// listen collects lines, and calls hear with each, until the node ends the connection. Then it closes its side.
func (e *ear) listen(hear func(line []byte)) {
	defer close(e.done)
	defer e.Conn.Close()                  //nolint:errcheck // it has ended
	_ = e.Stream(func(line []byte) bool { // it ends as the node ends
		e.lines = append(e.lines, string(line))
		hear(line)
		return true
	})
}

// A saying is a message on its way.
type saying struct{ place, ref, text string }

func (s saying) String() string { return fmt.Sprintf("@ref=%s SAY %s %s\n", s.ref, s.place, s.text) }

// A speaker says messages as fast as they are answered. It lives from connection to connection: what was not answered is
// said again on the next, under the same ref.
type speaker struct {
	name       string
	dice       *rand.Rand
	last       int      // message said
	unanswered []saying // in order

	// of the connection in hand
	ear  *ear
	room chan struct{} // gets a token for each answer
	said []saying      // the talking goroutine's until it has ended
}

func newSpeaker(name string, dice *rand.Rand) *speaker {
	return &speaker{name: name, dice: rand.New(rand.NewPCG(dice.Uint64(), 0))}
}

// enter is the speaker's next connection. Both channels are joined already, or now.
func (s *speaker) enter(n *harness.Process) *ear {
	s.ear = newEar(enter(n, s.name, places, "tags"))
	s.room = make(chan struct{}, window)
	s.said = nil
	return s.ear
}

// enter logs somebody in who is a member of channels from now on.
func enter(n *harness.Process, name string, channels []string, caps ...string) *harness.Client {
	c := n.Login(name, caps...)
	for _, place := range channels {
		c.Send("JOIN " + place)
		c.Match(`(?:@err=already-member )?RESULT JOIN ` + place + ` [01]`)
	}
	return c
}

// talk says what was not answered, and then ever more, until the connection ends or stop is closed.
func (s *speaker) talk(stop <-chan struct{}) {
	again := s.unanswered
	for {
		var batch bytes.Buffer
		for range 1 + s.dice.IntN(32) {
			select {
			case s.room <- struct{}{}:
			case <-s.ear.done:
				return
			}
			var m saying
			if len(again) > 0 {
				m, again = again[0], again[1:]
			} else {
				m = s.invent()
			}
			s.said = append(s.said, m)
			s.ear.texts[m.ref] = m.text
			batch.WriteString(m.String())
		}
		if _, err := s.ear.Conn.Write(batch.Bytes()); err != nil {
			return
		}
		select {
		case <-stop:
			return
		default:
		}
	}
}

// invent makes a message that nobody has said before.
func (s *speaker) invent() saying {
	s.last++
	ref := fmt.Sprintf("%s-%d", s.name, s.last)
	return saying{places[s.dice.IntN(len(places))], ref, ref + " " + strings.Repeat("~", s.dice.IntN(200))}
}

func (s *speaker) hear(line []byte) {
	if bytes.HasPrefix(line, []byte("@ref=")) {
		<-s.room
	}
}

// account finds, after the connection's end, what was not answered.
func (s *speaker) account() {
	answered := map[string]bool{}
	for _, line := range s.ear.lines {
		if strings.HasPrefix(line, "@ref=") {
			answered[parse(line).tags["ref"]] = true
		}
	}
	left := s.said
	if again := s.unanswered; len(again) > len(left) {
		left = again // not all of it was even said
	}
	s.unanswered = nil
	for _, m := range left {
		if !answered[m.ref] {
			s.unanswered = append(s.unanswered, m)
		}
	}
}

// A crowd is people who talk and listen in two channels, for as long as one process lives.
type crowd struct {
	speakers []*speaker
	ears     []*ear // the speakers' too
	first    signal
	refused  signal
	stop     chan struct{} // closed: nobody talks any more
	talking  sync.WaitGroup
}

// A signal is given once.
type signal struct {
	given chan struct{}
	once  sync.Once
}

func (s *signal) give() { s.once.Do(func() { close(s.given) }) }

func (s *signal) await(t *testing.T) {
	t.Helper()
	await(t, s.given)
}

// await waits for a channel to be closed.
func await(t *testing.T, c <-chan struct{}) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(harness.Patience):
		t.Fatal("what has to happen does not")
	}
}

// gather brings speakers and silent members to a node: one who hears both channels, one of each, with and without tags.
func gather(n *harness.Process, speakers []*speaker) *crowd {
	c := &crowd{speakers: speakers, stop: make(chan struct{})}
	c.first.given, c.refused.given = make(chan struct{}), make(chan struct{})
	for _, s := range speakers {
		c.ears = append(c.ears, s.enter(n))
	}
	c.ears = append(c.ears,
		newEar(enter(n, "all", places, "tags")),
		newEar(enter(n, "gopher", places[:1])),
		newEar(enter(n, "drinker", places[1:], "tags")))
	return c
}

// talk lets everybody begin. A signal is given when a message has been heard, another when one was refused.
func (c *crowd) talk() {
	for i, e := range c.ears {
		hear := c.hear
		if i < len(c.speakers) {
			s := c.speakers[i]
			hear = func(line []byte) { c.hear(line); s.hear(line) }
			c.talking.Go(func() { s.talk(c.stop) })
		}
		go e.listen(hear)
	}
}

func (c *crowd) hear(line []byte) {
	switch {
	case bytes.Contains(line, []byte("RECV ")):
		c.first.give()
	case bytes.Contains(line, []byte("err=unavailable")):
		c.refused.give()
	}
}

// inFullSwing waits for a random moment, 5 to 150 ms after the first message was heard.
func (c *crowd) inFullSwing(t *testing.T, dice *rand.Rand) {
	t.Helper()
	c.first.await(t)
	<-time.After(time.Duration(5+dice.IntN(146)) * time.Millisecond)
}

// leave ends the talk, and then, when everybody has been answered, the connections.
func (c *crowd) leave(t *testing.T) {
	t.Helper()
	close(c.stop)
	c.talking.Wait()
	for _, e := range c.ears {
		e.Send("QUIT")
		await(t, e.done)
	}
	c.wait(t)
}

// wait waits until everybody's connection has ended.
func (c *crowd) wait(t *testing.T) {
	t.Helper()
	for _, e := range c.ears {
		await(t, e.done)
	}
	c.talking.Wait()
	for _, s := range c.speakers {
		s.account()
	}
}

// check holds what everybody heard and was answered against a ledger. Nobody may have been refused anything.
func (c *crowd) check(t *testing.T, book *ledger, from map[string]int) {
	t.Helper()
	for _, e := range c.ears {
		if n := book.check(e, from); n > 0 {
			t.Errorf("%d messages of %s were refused", n, e.Name)
		}
	}
}

// heard counts the lines that everybody got.
func (c *crowd) heard() (n int) {
	for _, e := range c.ears {
		n += len(e.lines)
	}
	return n
}
