package channels

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// world is a hub with a log of its own: what the store would be.
type world struct {
	*Hub
	t       *testing.T
	heads   map[*Channel]Position
	journal []string // of all that the listeners were told, in order
}

const muchTail = 1 << 20

func newWorld(t *testing.T, tailBytes int) *world {
	return &world{Hub: NewHub(nil, tailBytes), t: t, heads: map[*Channel]Position{}}
}

func (w *world) channel(id ChannelID, name string) *Channel {
	c := inEpochs(&Channel{ID: id, Name: name}, Epoch{Epoch: 1})
	w.heads[c] = c.Start()
	return c
}

// said is a message at the head of a channel.
func (w *world) said(c *Channel, body string) Appended {
	p := w.heads[c]
	p.Seq++
	w.heads[c] = p
	return Appended{&Entry{Channel: c, Position: p, Body: body}}
}

// say delivers messages together.
func (w *world) say(c *Channel, bodies ...string) {
	var all []Event
	for _, b := range bodies {
		all = append(all, w.said(c, b))
	}
	w.deliver(nil, all...)
}

// deliver carries out one step. It is answered to the journal if somebody asks.
func (w *world) deliver(asker *listener, events ...Event) {
	w.Deliver([]Outcome{step(asker, events...)})
}

func step(asker *listener, events ...Event) Outcome {
	if asker == nil {
		return Outcome{Step: &Step{}, Events: events}
	}
	return Outcome{Events: events, Step: &Step{Asker: asker, Done: func(*Delivery, error) { asker.tell("is answered") }}}
}

// seat attaches a listener to a person who hears some channels from their heads on.
func (w *world) seat(l *listener, p Person, multi bool, hears ...*Channel) *Seat {
	w.t.Helper()
	var in []Membership
	for _, c := range hears {
		in = append(in, Membership{Channel: c, Head: w.heads[c], Heard: w.heads[c]})
	}
	seat, err := w.attach(l, p, multi, 8, in...)
	if err != nil {
		w.t.Fatal(err)
	}
	return seat
}

func (w *world) attach(l *listener, p Person, multi bool, most int, in ...Membership) (seat *Seat, err error) {
	w.Deliver([]Outcome{{Step: &Step{Asker: l, Done: func(d *Delivery, _ error) {
		seat, err = d.Attach(l, p, SeatKind{Multi: multi}, most, in)
		l.tell("is answered")
	}}}})
	return seat, err
}

// wantJournal checks what the listeners were told since the last time.
func (w *world) wantJournal(want ...string) {
	w.t.Helper()
	if !slices.Equal(w.journal, want) {
		w.t.Errorf("told:\n\t%s\nwant:\n\t%s", strings.Join(w.journal, "\n\t"), strings.Join(want, "\n\t"))
	}
	w.journal = nil
}

// wantSorted is wantJournal where the order is nobody's promise.
func (w *world) wantSorted(want ...string) {
	w.t.Helper()
	slices.Sort(w.journal)
	w.wantJournal(want...)
}

// wantOwed checks what a subscription is owed up to an order: texts, and "behind" where the log must be read.
func (w *world) wantOwed(s *Subscription, barrier uint64, want string) {
	w.t.Helper()
	w.View(func() {
		var got []string
		o := s.Owed(barrier)
		for _, e := range o.Entries {
			got = append(got, e.Body)
		}
		if o.Behind {
			got = append(got, "behind")
		}
		if text := strings.Join(got, " "); text != want {
			w.t.Errorf("owed in %s after %d: %q; want %q", s.Channel.Name, s.Cursor.Seq, text, want)
		}
	})
}

// all is a barrier above every order.
const all = ^uint64(0)

// listener notes what it is told.
type listener struct {
	gone bool
	w    *world
	name string
	deaf bool // to presence
	subs map[*Channel]*Subscription
}

func (w *world) listener(name string) *listener {
	return &listener{w: w, name: name, subs: map[*Channel]*Subscription{}}
}

func (l *listener) tell(what string) { l.w.journal = append(l.w.journal, l.name+" "+what) }

func (l *listener) Subscribed(s *Subscription) {
	l.subs[s.Channel] = s
	l.tell(fmt.Sprintf("hears %s after %d", s.Channel.Name, s.Cursor.Seq))
}

func (l *listener) Wake(s *Subscription) { l.tell("wakes for " + s.Channel.Name) }
func (l *listener) WantsPresence() bool  { return !l.deaf }
func (l *listener) Gone() bool           { return l.gone }
func (l *listener) End(word string)      { l.tell("ends: " + word) }

func (l *listener) Notify(n Notice) {
	text := []string{"is told", n.Person.Name, []string{"entered", "left", "came", "went"}[n.Event]}
	if n.Channel != nil {
		text = append(text, n.Channel.Name)
	}
	if n.Reason != OwnWill {
		text = append(text, string(n.Reason))
	}
	if n.Self {
		text = append(text, "itself")
	}
	l.tell(strings.Join(text, " "))
}

var (
	bob = Person{ID: 1, Name: "bob"}
	eve = Person{ID: 2, Name: "eve"}
	kim = Person{ID: 3, Name: "kim", Host: "there"}
)

func sorted(s []string) []string { return slices.Sorted(slices.Values(s)) }

// inEpochs gives a channel its epochs.
func inEpochs(c *Channel, e ...Epoch) *Channel {
	c.SetEpochs(e...)
	return c
}
