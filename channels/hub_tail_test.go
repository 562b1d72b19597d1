package channels

import (
	"math/rand/v2"
	"strconv"
	"testing"
)

// tailOf is the memory of n entries of one letter.
func tailOf(n int) int { return n * footprint(&Entry{Body: "x"}) }

func TestTheOldestEntryOfAllChannelsLeavesFirst(t *testing.T) {
	w := newWorld(t, tailOf(3))
	lobby, chess := w.channel(1, "go"), w.channel(2, "chess")
	b := w.listener("b")
	w.seat(b, bob, false, lobby, chess)
	inGo, inChess := b.subs[lobby], b.subs[chess]
	w.say(lobby, "a")
	w.say(chess, "b")
	w.say(lobby, "c")
	w.wantOwed(inGo, all, "a c")
	w.wantOwed(inChess, all, "b")
	w.say(chess, "d")
	w.wantOwed(inGo, all, "behind")
	w.wantOwed(inChess, all, "b d")
	w.say(lobby, "e")
	w.wantOwed(inChess, all, "behind")
	inGo.Cursor, inChess.Cursor = Position{1, 1}, Position{1, 1} // as if read from the log
	w.wantOwed(inGo, all, "c e")
	w.wantOwed(inChess, all, "d")
	w.say(lobby, "f", "g", "h")
	w.wantOwed(inChess, all, "behind")
	w.wantOwed(inGo, all, "behind")
	inGo.Cursor = Position{1, 4}
	w.wantOwed(inGo, all, "g h")
	if w.recent.len() != 3 || w.recent.bytes != tailOf(3) {
		t.Errorf("%d entries of %d bytes are kept", w.recent.len(), w.recent.bytes)
	}
}

func TestWithoutTailEverythingIsInTheLog(t *testing.T) {
	w := newWorld(t, 0)
	lobby := w.channel(1, "go")
	b := w.listener("b")
	w.seat(b, bob, false, lobby)
	w.say(lobby, "a", "b")
	w.wantOwed(b.subs[lobby], all, "behind")
	w.SetTailBytes(tailOf(2))
	w.say(lobby, "c")
	w.wantOwed(b.subs[lobby], all, "behind")
	b.subs[lobby].Cursor = Position{1, 2}
	w.wantOwed(b.subs[lobby], all, "c")
	w.SetTailBytes(0)
	w.wantOwed(b.subs[lobby], all, "c")
	w.say(lobby, "d")
	w.wantOwed(b.subs[lobby], all, "behind")
}

func TestWhatNobodyHearsIsNotKept(t *testing.T) {
	w := newWorld(t, muchTail)
	lobby := w.channel(1, "go")
	w.say(lobby, "a")
	b := w.listener("b")
	seat := w.seat(b, bob, false, lobby)
	w.say(lobby, "b")
	w.Hub.Detach(seat)
	w.say(lobby, "c")
	if w.recent.len() != 1 || w.Order() != 3 {
		t.Errorf("%d kept of %d", w.recent.len(), w.Order())
	}
	e := w.listener("e")
	if _, err := w.attach(e, eve, false, 1, Membership{Channel: lobby, Head: w.heads[lobby], Heard: Position{1, 1}, Gap: true}); err != nil {
		t.Fatal(err)
	}
	s := e.subs[lobby]
	if s.ReplayTo != w.heads[lobby] || !s.Gap || s.Cursor != (Position{1, 1}) {
		t.Errorf("%+v", s)
	}
	w.wantOwed(s, all, "behind")
	w.say(lobby, "d")
	w.wantOwed(s, all, "behind")
	s.Cursor = Position{1, 3}
	w.wantOwed(s, all, "d")
	w.SetTailBytes(0)
	w.say(lobby, "e") // also the one of the time before leaves
	w.wantOwed(s, all, "behind")
	if w.recent.len() != 0 || w.recent.bytes != 0 {
		t.Errorf("%d entries of %d bytes are kept", w.recent.len(), w.recent.bytes)
	}
}

func TestAMessageOfALaterEpochDoesNotHideTheEndOfTheLast(t *testing.T) {
	w := newWorld(t, muchTail)
	c := inEpochs(&Channel{ID: 1, Name: "go"}, Epoch{Epoch: 1}, Epoch{Epoch: 2, Base: 5})
	w.heads[c] = Position{2, 5}
	b := w.listener("b")
	if _, err := w.attach(b, bob, false, 1, Membership{Channel: c, Head: w.heads[c], Heard: Position{1, 3}}); err != nil {
		t.Fatal(err)
	}
	w.say(c, "6")
	w.wantOwed(b.subs[c], all, "behind")
	b.subs[c].Cursor = Position{1, 5}
	w.wantOwed(b.subs[c], all, "behind") // what was lost and given back may stand between, in the log alone
	b.subs[c].Cursor = Position{2, 5}
	w.wantOwed(b.subs[c], all, "6")
}

func TestNothingAboveTheBarrierIsOwedYet(t *testing.T) {
	w := newWorld(t, muchTail)
	lobby, chess := w.channel(1, "go"), w.channel(2, "chess")
	b := w.listener("b")
	w.seat(b, bob, false, lobby, chess)
	w.Deliver([]Outcome{step(nil, w.said(lobby, "1"), w.said(chess, "2"), w.said(lobby, "3"), w.said(chess, "4"))})
	for barrier, want := range [][2]string{{"", ""}, {"1", ""}, {"1", "2"}, {"1 3", "2"}, {"1 3", "2 4"}, {"1 3", "2 4"}} {
		w.wantOwed(b.subs[lobby], uint64(barrier), want[0])
		w.wantOwed(b.subs[chess], uint64(barrier), want[1])
	}
}

// TestWhatIsOwedIsWhatComesNextInTheLog holds Owed to the logs, over random talk, places, barriers and bounds.
func TestWhatIsOwedIsWhatComesNextInTheLog(t *testing.T) {
	for seed := range uint64(30) {
		rnd := rand.New(rand.NewPCG(seed, 3))
		w := newWorld(t, tailOf(rnd.IntN(30)))
		logs := map[*Channel][]*Entry{}
		var rooms []*Channel
		b := w.listener("b")
		for i := range 3 {
			rooms = append(rooms, w.channel(ChannelID(i), strconv.Itoa(i)))
		}
		w.seat(b, bob, false, rooms...)
		w.seat(w.listener("e"), eve, false, rooms...)
		leaves := 500 + rnd.IntN(500)
		for i := range 1000 {
			c := rooms[rnd.IntN(len(rooms))]
			a := w.said(c, "x")
			logs[c] = append(logs[c], a.Entry)
			w.deliver(nil, a)
			if i == leaves {
				w.deliver(b, Left{Channel: rooms[0], Person: bob, At: w.heads[rooms[0]]})
			}
			c = rooms[rnd.IntN(len(rooms))]
			if s := b.subs[c]; rnd.IntN(4) == 0 {
				w.View(func() { checkOwed(t, s, logs[c], w.Order()-min(w.Order(), rnd.Uint64N(20))) })
				s.Cursor.Seq = min(s.Cursor.Seq+rnd.Int64N(10), s.Owed(all).End.Seq)
			}
		}
	}
}

// checkOwed compares with a log whose first message has the number 1. The caller holds the hub.
func checkOwed(t *testing.T, s *Subscription, log []*Entry, barrier uint64) {
	t.Helper()
	o := s.Owed(barrier)
	next := s.Cursor.Seq
	for _, e := range o.Entries {
		if e != log[next] || e.Order > barrier || o.End.Before(e.Position) {
			t.Fatalf("owed after %d up to %d: %d", s.Cursor.Seq, o.End.Seq, e.Seq)
		}
		next++
	}
	atEnd := next == o.End.Seq
	if o.Behind && (len(o.Entries) > 0 || atEnd) || !o.Behind && !atEnd && log[next].Order <= barrier {
		t.Fatalf("after %d up to %d: behind is %v, with %d entries", s.Cursor.Seq, o.End.Seq, o.Behind, len(o.Entries))
	}
}

func TestTheBudgetHoldsForChannelsThatNobodyHearsAnyMore(t *testing.T) {
	w := newWorld(t, tailOf(10))
	left, heard := w.channel(1, "left"), w.channel(2, "heard")
	w.seat(w.listener("bob"), Person{ID: 1, Name: "bob"}, false, heard)
	eve := w.seat(w.listener("eve"), Person{ID: 2, Name: "eve"}, false, left)
	s := eve.subs[0]
	for range 10 {
		w.say(left, "x")
	}
	w.Detach(eve) // and reads nothing
	for range 20 {
		w.say(heard, "x")
	}
	if n := len(s.live.tail); n > 0 {
		t.Errorf("%d entries are kept for somebody who has left", n)
	}
	if owed := s.Owed(1 << 60); !owed.Behind || owed.End.Seq != 10 {
		t.Errorf("what is owed is lost: %+v", owed)
	}
}

func TestASubscriptionThatEndedBeforeALaterMessageComesToItsEnd(t *testing.T) {
	w := newWorld(t, muchTail)
	c := w.channel(1, "go")
	c.SetEpochs(Epoch{Epoch: 1}, Epoch{Epoch: 2, Base: 5})
	w.heads[c] = Position{2, 5} // nothing has been said in the new epoch
	w.seat(w.listener("bob"), bob, false, c)
	e := w.listener("eve")
	if _, err := w.attach(e, eve, false, 1, Membership{Channel: c, Head: w.heads[c], Heard: Position{1, 5}}); err != nil {
		t.Fatal(err)
	}
	w.deliver(nil, Left{Channel: c, Person: eve, At: w.heads[c]})
	w.say(c, "later")
	if owed := e.subs[c].Owed(all); len(owed.Entries) > 0 || !owed.Behind || owed.End != (Position{2, 5}) {
		t.Errorf("%+v: want to be sent to the log, where nothing is found", owed)
	}
}
