//go:build linux

package promises_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"chatnode/tests/harness"
)

// The two channels that people talk in.
var places = []string{"go", "tea"}

// A message is a line of a channel as somebody heard it, or as HISTORY shows it.
type message struct {
	seq, id string // empty where it was heard without tags
	author  string
	text    string
}

// An event is what a node says in one line.
type event struct {
	tags    map[string]string
	verb    string // RECV, RESULT …
	rest    string // what follows it
	channel string // of a message
	message
}

func parse(line string) event {
	var e event
	if list, rest, found := strings.Cut(line, " "); found && strings.HasPrefix(list, "@") {
		e.tags, line = map[string]string{}, rest
		for tag := range strings.SplitSeq(list[1:], ";") {
			key, value, _ := strings.Cut(tag, "=")
			e.tags[key] = value
		}
	}
	e.verb, e.rest, _ = strings.Cut(line, " ")
	if e.verb == "RECV" {
		author, rest, _ := strings.Cut(e.rest, " ")
		channel, text, _ := strings.Cut(rest, " ")
		e.channel = channel
		e.message = message{e.tags["seq"], e.tags["id"], author, text}
	}
	return e
}

// A ledger is what HISTORY has shown of the two channels, and must show for ever.
type ledger struct {
	t    *testing.T
	logs map[string][]message // by channel
	at   map[string]int       // by channel and seq: where in the log
	said map[string]bool      // by text, and by id
}

func newLedger(t *testing.T) *ledger {
	return &ledger{t: t, logs: map[string][]message{}, at: map[string]int{}, said: map[string]bool{}}
}

// heads is the length of each log.
func (l *ledger) heads() map[string]int {
	heads := map[string]int{}
	for _, c := range places {
		heads[c] = len(l.logs[c])
	}
	return heads
}

// head is the seq of the last message of a channel.
func (l *ledger) head(place string) string {
	if log := l.logs[place]; len(log) > 0 {
		return log[len(log)-1].seq
	}
	return "0"
}

// read turns the pages that have been added since the last time. It fails at a gap in the numbers and at what stands
// there twice.
func (l *ledger) read(c *harness.Client) {
	l.t.Helper()
	for _, place := range places {
		for l.page(c, place) > 0 {
		}
	}
}

func (l *ledger) page(c *harness.Client, place string) int {
	l.t.Helper()
	c.Send(fmt.Sprintf("HISTORY %s after=%s limit=1000", place, l.head(place)))
	n, err := strconv.Atoi(c.Match(`RESULT HISTORY ` + place + ` (\d+)`)[0])
	if err != nil {
		l.t.Fatal(err)
	}
	for range n {
		l.add(place, parse(c.Line()))
	}
	return n
}

func (l *ledger) add(place string, e event) {
	l.t.Helper()
	last := l.head(place)
	switch {
	case e.verb != "RECV" || e.channel != place || e.tags["gap"] != "" || e.id == "":
		l.t.Fatalf("HISTORY %s shows %v after %s", place, e, last)
	case !follows(last, e.seq):
		l.t.Fatalf("HISTORY %s shows seq %s after %s", place, e.seq, last)
	case l.said["text "+e.text] || l.said["id "+e.id]:
		l.t.Fatalf("HISTORY %s shows a second time: %v", place, e.message)
	}
	l.said["text "+e.text], l.said["id "+e.id] = true, true
	l.at[place+" "+e.seq] = len(l.logs[place])
	l.logs[place] = append(l.logs[place], e.message)
}

// follows reports whether nothing stands between two positions: the numbers run on, also into a later epoch.
func follows(last, next string) bool {
	lastEpoch, n := position(last)
	nextEpoch, m := position(next)
	return m == n+1 && nextEpoch >= lastEpoch
}

// position reads [epoch.]seq; -1 is what cannot be read.
func position(s string) (epoch, n int64) {
	before, after, later := strings.Cut(s, ".")
	if !later {
		before, after = "0", s
	}
	epoch, err1 := strconv.ParseInt(before, 10, 64)
	n, err2 := strconv.ParseInt(after, 10, 64)
	if err1 != nil || err2 != nil {
		return -1, -1
	}
	return epoch, n
}

// check fails if somebody heard anything else than what the ledger has from certain heads on, without a hole, or was told
// that something is stored that is not, or refused that is. It returns how many messages were refused.
func (l *ledger) check(e *ear, from map[string]int) (refused int) {
	l.t.Helper()
	at := map[string]int{}
	for _, text := range e.lines {
		v := parse(text)
		switch {
		case v.verb == "RECV":
			i := from[v.channel] + at[v.channel]
			at[v.channel]++
			l.compare(e.Name, v, i)
		case v.tags["ref"] == "" || v.verb != "RESULT":
			l.t.Fatalf("%s got %q", e.Name, text)
		case v.tags["state"] == "stored":
			l.stored(e.Name, v)
		case l.said["text "+e.texts[v.tags["ref"]]]:
			l.t.Fatalf("%s was told that it is not said, and it is: %q", e.Name, text)
		default:
			refused++
		}
	}
	return refused
}

func (l *ledger) compare(name string, v event, i int) {
	l.t.Helper()
	log := l.logs[v.channel]
	if i >= len(log) {
		l.t.Fatalf("%s heard in %s what is not stored: %v; the log ends with %v", name, v.channel, v.message, log[max(0, len(log)-1):])
	}
	want := log[i]
	if v.seq == "" {
		want.seq, want.id = "", ""
	}
	if v.message != want {
		l.t.Fatalf("%s heard in %s %v where the log has %v", name, v.channel, v.message, want)
	}
}

func (l *ledger) stored(name string, v event) {
	l.t.Helper()
	place := strings.Fields(v.rest)[1]
	i, found := l.at[place+" "+v.tags["seq"]]
	if !found {
		l.t.Fatalf("%s was told that %s is stored in %s as %s, and it is not", name, v.tags["ref"], place, v.tags["seq"])
	}
	m := l.logs[place][i]
	if ref, _, _ := strings.Cut(m.text, " "); m.author != name || ref != v.tags["ref"] {
		l.t.Fatalf("%s was told that %s is stored in %s as %s, where %v stands", name, v.tags["ref"], place, v.tags["seq"], m)
	}
}
