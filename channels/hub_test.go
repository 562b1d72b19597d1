package channels

import (
	"strings"
	"testing"
)

func TestADeliveryWakesEachSubscriberOnceForAChannel(t *testing.T) {
	w := newWorld(t, muchTail)
	lobby, chess := w.channel(1, "go"), w.channel(2, "chess")
	b, e := w.listener("b"), w.listener("e")
	w.seat(b, bob, false, lobby, chess)
	w.seat(e, eve, false, lobby)
	w.journal = nil
	w.Deliver([]Outcome{
		step(nil, w.said(lobby, "1"), w.said(chess, "x")),
		step(b, w.said(lobby, "2")),
		step(nil, w.said(lobby, "3"), w.said(chess, "y")),
	})
	w.wantJournal("b is answered", "b wakes for go", "e wakes for go", "b wakes for chess")
	w.wantOwed(b.subs[lobby], all, "1 2 3")
	w.wantOwed(e.subs[lobby], all, "1 2 3")
	w.wantOwed(b.subs[chess], all, "x y")
	w.say(chess, "z")
	w.wantJournal("b wakes for chess")
	w.deliver(nil)
	w.wantJournal()
}

func TestTheAskerHearsAChannelAfterItsAnswerAndItsOtherSessionsAtOnce(t *testing.T) {
	w := newWorld(t, muchTail)
	lobby, chess := w.channel(1, "go"), w.channel(2, "chess")
	one, two := w.listener("one"), w.listener("two")
	w.seat(one, bob, false)
	w.seat(two, bob, true)
	w.say(lobby, "before")
	w.journal = nil
	w.Deliver([]Outcome{
		step(one, Joined{Channel: lobby, Person: bob, After: w.heads[lobby]}),
		step(one, w.said(lobby, "mine")),
		step(one, Joined{Channel: chess, Person: bob, After: w.heads[chess]}),
	})
	w.wantJournal(
		"two is told bob entered go itself", "two hears go after 1", "one is answered", "one hears go after 1",
		"one is answered",
		"two is told bob entered chess itself", "two hears chess after 0", "one is answered", "one hears chess after 0",
		"one wakes for go", "two wakes for go",
	)
	for _, l := range []*listener{one, two} {
		w.wantOwed(l.subs[lobby], all, "mine")
		if s := l.subs[lobby]; s.ReplayTo != s.Cursor || s.Gap || s.Person() != bob.ID {
			t.Errorf("%s: %+v", l.name, s)
		}
	}
}

func TestASubscriptionEndsAtItsPlaceInTheLog(t *testing.T) {
	w := newWorld(t, muchTail)
	lobby := w.channel(1, "go")
	b, e := w.listener("b"), w.listener("e")
	w.seat(b, bob, false, lobby)
	w.seat(e, eve, false, lobby)
	w.say(lobby, "1")
	w.journal = nil
	w.Deliver([]Outcome{
		step(nil, w.said(lobby, "2"), Left{Channel: lobby, Person: bob, At: w.heads[lobby]}),
		step(nil, w.said(lobby, "3")),
	})
	w.wantJournal("b wakes for go", "b is told bob left go itself", "e is told bob left go", "e wakes for go")
	s := b.subs[lobby]
	w.wantOwed(s, all, "1 2")
	w.wantOwed(e.subs[lobby], all, "1 2 3")
	if s.Ended() {
		t.Error("ended before its end was heard")
	}
	s.Cursor = Position{1, 2}
	w.wantOwed(s, all, "")
	w.say(lobby, "4")
	w.wantOwed(s, all, "")
	if !s.Ended() || e.subs[lobby].Ended() {
		t.Error("the one that has heard its end is ended, and no other")
	}
	w.wantJournal("e wakes for go")
}

func TestWhoeverComesBackHearsTheChannelAnew(t *testing.T) {
	w := newWorld(t, muchTail)
	lobby := w.channel(1, "go")
	b := w.listener("b")
	w.seat(b, bob, false, lobby)
	w.say(lobby, "1")
	first := b.subs[lobby]
	leaves := Left{Channel: lobby, Person: bob, At: w.heads[lobby]}
	w.Deliver([]Outcome{
		step(b, leaves),
		step(nil, w.said(lobby, "2")),
		step(b, Joined{Channel: lobby, Person: bob, After: Position{1, 2}}),
		step(b, w.said(lobby, "3")),
	})
	w.wantOwed(first, all, "1")
	w.wantOwed(b.subs[lobby], all, "3")
}

func TestDetachLeavesWhatWasSaidBefore(t *testing.T) {
	for _, inside := range []bool{false, true} {
		w := newWorld(t, muchTail)
		lobby := w.channel(1, "go")
		b, e := w.listener("b"), w.listener("e")
		seat := w.seat(b, bob, false, lobby)
		w.seat(e, eve, false, lobby)
		w.say(lobby, "1")
		w.journal = nil
		if inside {
			w.Deliver([]Outcome{{Step: &Step{Done: func(d *Delivery, _ error) { d.Detach(seat) }}}})
		} else {
			w.Hub.Detach(seat)
		}
		w.wantJournal("e is told bob went", "b wakes for go")
		w.Hub.Detach(seat) // again: nothing
		w.say(lobby, "2")
		w.wantJournal("e wakes for go")
		w.wantOwed(b.subs[lobby], all, "1")
		if got := addresses(w.OnLine()); got != "eve" {
			t.Errorf("on line: %s", got)
		}
	}
}

func TestAnAccountThatEndsClosesItsOtherSessions(t *testing.T) {
	w := newWorld(t, muchTail)
	one, two, three := w.listener("one"), w.listener("two"), w.listener("three")
	w.seat(one, bob, false)
	w.seat(two, bob, true)
	w.seat(three, eve, false)
	w.journal = nil
	w.deliver(one, AccountEnded{Person: bob.ID, Word: "unregistered"})
	w.wantJournal("two ends: unregistered", "one is answered")
	w.deliver(nil, AccountEnded{Person: bob.ID, Word: "disabled"}, AccountEnded{Person: 99, Word: "disabled"})
	w.wantJournal("one ends: disabled", "two ends: disabled")
}

func TestAPersonHasOnePlainSeatAndSoManyOfTheOtherKind(t *testing.T) {
	w := newWorld(t, muchTail)
	const most = 2
	var seats []*Seat
	for i, k := range []struct{ multi, refused bool }{
		{false, false}, {false, true}, {true, false}, {true, false}, {true, true}, {false, true},
	} {
		l := w.listener("l")
		seat, err := w.attach(l, bob, k.multi, most, Membership{Channel: w.channel(1, "go")})
		if refused := err != nil; refused != k.refused || refused && (WordOf(err) != AlreadyLoggedIn || seat != nil || len(l.subs) > 0) {
			t.Errorf("%d: %v, %v, %d subscriptions", i, seat, err, len(l.subs))
		}
		if seat != nil {
			seats = append(seats, seat)
		}
	}
	if _, err := w.attach(w.listener("l"), eve, false, most); err != nil {
		t.Error("another person is refused: ", err)
	}
	w.Hub.Detach(seats[0])
	if _, err := w.attach(w.listener("l"), bob, false, most); err != nil {
		t.Error("the place that is free again is refused: ", err)
	}
	if _, err := w.attach(w.listener("l"), bob, true, most); err == nil {
		t.Error("the place is of the other kind")
	}
}

func TestOutcomesThatFailedAreAnsweredInTheirPlace(t *testing.T) {
	w := newWorld(t, muchTail)
	var got []string
	var orders []uint64
	done := func(d *Delivery, err error) {
		got = append(got, string(WordOf(err)))
		orders = append(orders, d.Order())
	}
	lobby := w.channel(1, "go")
	w.Deliver([]Outcome{
		{Step: &Step{Done: done}, Err: Refuse(NotMember)},
		{Step: &Step{Done: done}, Err: Refuse(Banned), Events: []Event{w.said(lobby, "1")}},
		{Step: &Step{}},
		{Step: &Step{Done: done}, Err: Refuse(Forbidden), Events: []Event{w.said(lobby, "2"), w.said(lobby, "3")}},
	})
	if strings.Join(got, " ") != "not-member banned forbidden" || orders[0] != 0 || orders[1] != 1 || orders[2] != 3 || w.Order() != 3 {
		t.Errorf("%v, %v, %d", got, orders, w.Order())
	}
}
