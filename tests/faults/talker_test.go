//go:build linux

package faults_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// window is how many messages somebody says before the first of them is answered.
const window = 8

// How long somebody waits before a message that was refused, or is said to be queued, is said once more under its ref.
const (
	afterRefusal = 300 * time.Millisecond
	afterQueued  = 2 * time.Second
)

// A message is what somebody says in one place, once.
type message struct {
	ref, text string
	place     place

	stored  bool     // and its author was told where
	at      position // of it
	queued  bool     // its author was told so
	refused string   // the last word that was against it
	said    int      // how often
	open    bool     // it was said on this connection and not answered
	next    time.Time
}

// A hearing is what one connection has heard.
type hearing struct {
	who   string // name@host
	host  string
	round int  // the connections of one person
	whole bool // what was missed before is heard too: the connection has the capability replay, and the one before was read to its end
	torn  bool // it was not read to its end: a reset takes back what the system had not handed over yet
	last  bool // nothing more was owed when it ended
	loose bool // places may have been left and joined again meanwhile
	plain bool // nobody said where the messages stand, and what they are called
	heard map[place][]entry
}

// A talker is somebody who talks and listens in places, from connection to connection: what was not answered is said again
// on the next, under the same ref.
type talker struct {
	name    string
	home    *station
	caps    string
	places  []place
	wanders bool // leaves a place now and then, and joins it again
	patient bool // does not ask on the same connection what became of a message that is queued

	pace     time.Duration
	complain func(format string, args ...any) // of what must not happen; safe for any goroutine

	mu       sync.Mutex
	dice     *rand.Rand          // guarded by mu
	member   map[place]bool      // guarded by mu: as far as was told
	messages []*message          // guarded by mu
	pending  []*message          // guarded by mu: of which it is not known that they are stored
	byRef    map[string]*message // guarded by mu
	hearings []*hearing          // guarded by mu; what they heard is the reader's while they last
	told     map[string]int      // guarded by mu: how often, by word
	hushed   bool                // guarded by mu: nothing new is said
	final    bool                // guarded by mu: the connection stays
	stays    bool                // guarded by mu: all places are joined and none is left; always, but for one who wanders
	now      *conn               // guarded by mu: nil: none
}

func newTalker(name string, home *station, places []place, dice *rand.Rand, pace time.Duration) *talker {
	return &talker{name: name, stays: true, home: home, caps: "tags multi", places: places, pace: pace,
		dice: rand.New(rand.NewPCG(dice.Uint64(), 0)), member: map[place]bool{}, byRef: map[string]*message{}, told: map[string]int{}}
}

func (t *talker) address() string { return t.name + "@" + t.home.host }

// A conn is a connection to a node.
type conn struct {
	net.Conn
	in      *bufio.Reader
	hearing *hearing
	answers chan string   // to what is asked one at a time: all but RECV and the results of SAY
	ended   chan struct{} // closed when nothing more comes
}

func dial(ctx context.Context, address string) (*conn, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return &conn{Conn: c, in: bufio.NewReader(c), answers: make(chan string, 64), ended: make(chan struct{})}, nil
}

func (c *conn) say(lines ...string) error {
	_, err := io.WriteString(c, strings.Join(lines, "\n")+"\n")
	return err
}

// ask says a line and waits for its answer.
func (c *conn) ask(ctx context.Context, line string) (said, error) {
	if err := c.say(line); err != nil {
		return said{}, err
	}
	patience := time.NewTimer(patience)
	defer patience.Stop()
	select {
	case answer := <-c.answers:
		return parse(answer), nil
	case <-c.ended:
		return said{}, io.ErrUnexpectedEOF
	case <-ctx.Done():
		return said{}, ctx.Err()
	case <-patience.C:
		return said{}, fmt.Errorf("%q is not answered", line)
	}
}

// live connects again and again until the context ends.
func (t *talker) live(ctx context.Context) {
	for ctx.Err() == nil {
		where, changed := t.home.address()
		if where == "" {
			select {
			case <-changed:
			case <-ctx.Done():
			}
			continue
		}
		if c, err := dial(ctx, where); err == nil {
			t.serve(ctx, c)
		}
		select { // not at once: there may be nobody
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

// serve uses one connection for as long as it lasts.
func (t *talker) serve(ctx context.Context, c *conn) {
	defer context.AfterFunc(ctx, func() { _ = c.Close() })() // the connection may have ended
	t.begin(c)
	go t.listen(c)
	if t.enter(ctx, c) {
		t.talk(ctx, c)
	}
	_ = c.Close() // it may have ended itself
	<-c.ended
	t.mu.Lock()
	t.now = nil
	t.mu.Unlock()
}

func (t *talker) begin(c *conn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c.hearing = &hearing{who: t.address(), host: t.home.host, round: len(t.hearings), heard: map[place][]entry{}}
	c.hearing.whole, c.hearing.loose = strings.Contains(t.caps, "replay"), t.wanders
	t.hearings = append(t.hearings, c.hearing)
	for _, m := range t.pending {
		m.open, m.next = false, time.Time{}
	}
}

// enter logs in, and joins what is not joined yet.
func (t *talker) enter(ctx context.Context, c *conn) bool {
	if _, err := c.ask(ctx, "CAPS "+t.caps); err != nil {
		return false
	}
	if s, err := c.ask(ctx, "LOGIN "+t.name+" pw"); err != nil || s.rest != "LOGIN 1" {
		if err == nil {
			t.count("LOGIN", s.tags["err"])
		}
		return false
	}
	t.mu.Lock()
	t.now = c
	t.mu.Unlock()
	for _, p := range t.missing() {
		if t.join(ctx, c, p) != nil {
			return false
		}
	}
	return true
}

// missing are the places that are to be joined before anything else.
func (t *talker) missing() (all []place) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, p := range t.places {
		if t.stays && !t.member[p] {
			all = append(all, p)
		}
	}
	return all
}

func (t *talker) in(p place) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.member[p]
}

// join joins a place; being refused is no error.
func (t *talker) join(ctx context.Context, c *conn, p place) error {
	s, err := c.ask(ctx, "JOIN "+p.seen(t.home.host))
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.member[p] = strings.HasSuffix(s.rest, " 1") || s.tags["err"] == "already-member"; !t.member[p] {
		t.told["JOIN "+s.tags["err"]]++
	}
	return nil
}

// leave leaves a place.
func (t *talker) leave(ctx context.Context, c *conn, p place) error {
	_, err := c.ask(ctx, "LEAVE "+p.seen(t.home.host))
	t.mu.Lock()
	defer t.mu.Unlock()
	t.member[p] = false
	return err
}

// joined reports whether all places are joined that are to be.
func (t *talker) joined() bool {
	missing := t.missing()
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.now != nil && len(missing) == 0
}

// talk says what has not come to an end, and new things, until the connection ends or enough was said on it.
func (t *talker) talk(ctx context.Context, c *conn) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	next := time.Now()
	for {
		lines, moves, drops := t.turn(&next)
		if drops {
			t.drop(c)
			return
		}
		if len(lines) > 0 && c.say(lines...) != nil {
			return
		}
		for _, p := range moves {
			change := t.join
			if t.in(p) {
				change = t.leave
			}
			if change(ctx, c, p) != nil {
				return
			}
		}
		select {
		case <-tick.C:
		case <-c.ended:
			return
		}
	}
}

// turn decides what to do next: lines to say, places to join or to leave, or to end the connection.
func (t *talker) turn(next *time.Time) (lines []string, moves []place, drops bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	t.pending = slices.DeleteFunc(t.pending, func(m *message) bool { return m.stored })
	waiting := 0
	for _, m := range t.pending {
		if !m.open && waiting < window && !now.Before(m.next) {
			lines = append(lines, t.line(m))
		}
		if m.open {
			waiting++
		}
	}
	for ; now.After(*next) && !t.hushed; *next = next.Add(time.Duration(t.dice.ExpFloat64() * float64(t.pace))) {
		if p := pick(t.dice, t.places); waiting < window && t.member[p] {
			waiting++
			lines = append(lines, t.line(t.invent(p)))
		}
	}
	for _, p := range t.places {
		if t.stays && !t.member[p] || !t.stays && t.dice.IntN(150) == 0 {
			moves = append(moves, p)
		}
	}
	return lines, moves, !t.final && t.dice.IntN(300) == 0
}

// invent makes a message that nobody has said before.
func (t *talker) invent(p place) *message {
	ref := fmt.Sprintf("%s-%d", t.name, len(t.messages)+1)
	m := &message{ref: ref, place: p, text: ref + " " + strings.Repeat("~", t.dice.IntN(60))}
	if t.dice.IntN(50) == 0 {
		m.text += strings.Repeat("~", t.dice.IntN(20_000))
	}
	t.messages, t.pending = append(t.messages, m), append(t.pending, m)
	t.byRef[ref] = m
	return m
}

func (t *talker) line(m *message) string {
	m.open, m.said = true, m.said+1
	return fmt.Sprintf("@ref=%s SAY %s %s", m.ref, m.place.seen(t.home.host), m.text)
}

// drop ends a connection: with replay in order, as else nobody knows what was read of it; or somehow.
func (t *talker) drop(c *conn) {
	if !c.hearing.whole {
		return
	}
	if c.say("QUIT") == nil {
		select {
		case <-c.ended:
		case <-time.After(patience):
		}
	}
}

// listen hears all that comes.
func (t *talker) listen(c *conn) {
	defer close(c.ended)
	for {
		line, err := c.in.ReadString('\n')
		if err != nil { // what stands after the last line feed is no line
			t.mu.Lock()
			c.hearing.torn = err != io.EOF
			t.mu.Unlock()
			return
		}
		t.hear(c, line[:len(line)-1])
	}
}

func (t *talker) hear(c *conn, line string) {
	s := parse(line)
	switch {
	case s.verb == "RECV":
		p, e, err := s.message(t.home.host)
		if err != nil {
			t.complain("%s is told %.200q: %v", t.address(), line, err)
			return
		}
		if p.name == "@" { // nobody whispers but the liar
			if !strings.HasSuffix(e.author, "@"+liarHost) {
				t.complain("%s is told %.200q", t.address(), line)
			}
			return
		}
		c.hearing.heard[p] = append(c.hearing.heard[p], e)
	case s.verb == "RESULT" && strings.HasPrefix(s.rest, "SAY "):
		t.answered(line, s)
	default:
		select {
		case c.answers <- line:
		default:
			t.complain("%s is told %.200q, and has asked for nothing", t.address(), line)
		}
	}
}

// answered notes what became of a message.
func (t *talker) answered(line string, s said) {
	t.mu.Lock()
	defer t.mu.Unlock()
	m := t.byRef[s.tags["ref"]]
	place := ""
	if m != nil {
		place = "SAY " + m.place.seen(t.home.host)
	}
	switch {
	case m == nil:
		t.complain("%s is told of nothing that was said: %.200q", t.address(), line)
	case s.rest == place+" 1" && s.tags["state"] == "stored":
		at, err := parsePosition(s.tags["seq"])
		if err != nil || m.stored && m.at != at {
			t.complain("%s is told %.200q of what stands at %v", t.address(), line, m.at)
		}
		m.stored, m.at, m.open = true, at, false
	case s.rest == place+" 1" && s.tags["state"] == "queued":
		m.queued, m.open, m.next = true, false, time.Now().Add(afterQueued)
		if t.patient {
			m.next = m.next.Add(time.Hour)
		}
	case s.rest == place+" 0":
		m.open, m.refused, m.next = false, s.tags["err"], time.Now().Add(afterRefusal)
		t.told["SAY "+m.refused]++
		if m.refused == "not-member" {
			t.member[m.place] = false // and is to be joined again
		}
		if !t.mayBeTold(m.refused) {
			t.complain("%s is told %.200q", t.address(), line)
		}
	default:
		t.complain("%s is told %.200q", t.address(), line)
	}
}

// mayBeTold reports whether a member of all places can be refused with a word.
func (t *talker) mayBeTold(word string) bool {
	switch word {
	case "unavailable", "unknown":
		return true
	case "not-member", "":
		return t.wanders
	}
	return false
}

func (t *talker) count(what, word string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.told[what+" "+word]++
}

// wake lets the talker begin.
func (t *talker) wake() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.hushed, t.final, t.stays = false, false, !t.wanders
}

// report says what the talker does not know.
func (t *talker) report(to *testing.T) {
	missing, unended := t.missing(), t.unended()
	t.mu.Lock()
	defer t.mu.Unlock()
	to.Logf("%s is connected: %v; is not in %v; was refused %v; does not know of %d messages that they are stored", t.address(), t.now != nil,
		missing, t.told, len(unended))
	for _, m := range unended[:min(len(unended), most)] {
		to.Logf("%s: %s in %v: said %d times, queued %v, on its way %v, last refused with %q", t.address(), m.ref, m.place, m.said, m.queued, m.open, m.refused)
	}
}

// hush ends all that is new. It keeps the connection, and for good all memberships.
func (t *talker) hush() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.hushed, t.final = true, true
	if !t.stays {
		t.stays = true
		clear(t.member) // what was told may be out of date
	}
}

// conclude says one more message in each place.
func (t *talker) conclude() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, p := range t.places {
		t.invent(p)
	}
}

// unended are the messages whose author does not know that they are stored.
func (t *talker) unended() (all []*message) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, m := range t.messages {
		if !m.stored {
			all = append(all, m)
		}
	}
	return all
}

// finish ends the connection in order, when all that is owed has been heard.
func (t *talker) finish(ctx context.Context) error {
	t.mu.Lock()
	c := t.now
	t.mu.Unlock()
	if c == nil {
		return errors.New("not connected")
	}
	s, err := c.ask(ctx, "PING the-end")
	if err == nil && (s.verb != "PONG" || s.rest != "the-end") {
		err = fmt.Errorf("%v answers PING", s)
	}
	if err == nil {
		c.hearing.last = true
	}
	return err
}
