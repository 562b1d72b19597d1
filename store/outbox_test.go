package store

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"chatnode/channels"
)

// send makes a row for a peer and returns it as it was filed.
func (w *opened) send(p *channels.Peer, verb string, by channels.Person, channel, ref string) channels.Row {
	w.t.Helper()
	r := channels.Row{Verb: verb, Line: verb + " bob@\x00 " + channel + " x", Person: by.ID, Channel: channel, Ref: ref}
	w.must(func(tx channels.Tx) error {
		if err := tx.Send(p.ID, &r); err != nil || ref == "" {
			return err
		}
		return tx.KeepRowRef(by.ID, ref, p.ID, r.Position)
	})
	return r
}

// expire removes all that may go of what was made before a time, and returns what was given up.
func (w *opened) expire(before time.Time) (all []channels.Expired) {
	w.t.Helper()
	for more := true; more; {
		w.must(func(tx channels.Tx) (err error) {
			var some []channels.Expired
			some, more, err = tx.Expire(before.UnixMilli())
			all = append(all, some...)
			return err
		})
	}
	return all
}

// ref is what a ref became.
func (w *opened) ref(p channels.Person, ref string) (r *channels.RefResult) {
	w.t.Helper()
	w.must(func(tx channels.Tx) (err error) { r, err = tx.Ref(p.ID, ref); return err })
	return r
}

func (w *opened) acknowledge(p *channels.Peer, inc, n int64) {
	w.t.Helper()
	w.must(func(tx channels.Tx) error { return tx.Acknowledge(p.ID, inc, n) })
}

// ends checks the ends of what a peer does not have.
func (w *opened) ends(p *channels.Peer, from, last channels.Position) {
	w.t.Helper()
	w.must(func(tx channels.Tx) error {
		gotFrom, err := tx.Unacknowledged(p.ID)
		gotLast, err2 := tx.LastRow(p.ID)
		if gotFrom != from || gotLast != last {
			w.t.Errorf("from %v to %v, want from %v to %v", gotFrom, gotLast, from, last)
		}
		return errors.Join(err, err2)
	})
}

// clock is a time that a test moves.
type clock struct{ now time.Time }

func (c *clock) options() Options {
	return Options{Durability: Power, Now: func() time.Time { return c.now }}
}

func (c *clock) pass(d time.Duration) { c.now = c.now.Add(d) }

func newClock() *clock { return &clock{time.Unix(1_700_000_000, 0)} }

func TestAnOutboxIsALogOfItsOwn(t *testing.T) {
	w := open(t, Options{})
	bob := w.people("go", "bob")[0]
	a, b := w.peer("a.example"), w.peer("b.example")
	w.delivered = nil
	first := w.send(a, "FEDJOIN", bob, "go", "")
	w.send(b, "FEDSAY", bob, "far", "")
	w.send(a, "FEDSAY", bob, "go", "")
	log, err := w.After(context.Background(), channels.Outbox(a.ID), channels.Position{}, channels.Last, 10, 1<<20)
	if err != nil || len(log) != 2 || log[0].Position != first.Position || log[0].Body != first.Line || log[0].At != first.At || log[1].Seq != 2 {
		t.Fatalf("the log holds %+v, %v", log, err)
	}
	last, err := w.Before(context.Background(), channels.Outbox(a.ID), channels.Last, 1, 1<<20)
	if err != nil || len(last) != 1 || last[0].Position != log[1].Position || !last[0].Precedes(log[0].Position) {
		t.Errorf("its end is %+v, %v", last, err)
	}
	var live []*channels.Entry
	for _, e := range w.delivered {
		live = append(live, e.(channels.Appended).Entry)
	}
	if len(live) != 3 || live[0].Channel != live[2].Channel || live[0].Channel == live[1].Channel || live[0].Body != first.Line ||
		live[0].Channel.Kind != channels.OutboxLog || live[0].Channel.ID != channels.ChannelID(-a.ID) || live[1].Seq != 1 {
		t.Errorf("delivered %+v", live)
	}
}

func TestARowIsNumberedOnceWhateverHappens(t *testing.T) {
	c := newClock()
	w := open(t, c.options())
	bob := w.people("go", "bob")[0]
	p := w.peer("a.example")
	given := map[channels.Position]bool{}
	want := int64(0)
	more := func(n int) {
		t.Helper()
		for range n {
			r := w.send(p, "FEDSAY", bob, "far", "")
			want++
			if given[r.Position] || r.Seq != want {
				t.Fatalf("row %v, want number %d", r.Position, want)
			}
			given[r.Position] = true
		}
	}
	more(3)
	w = w.again()
	more(1)
	w.takenBack(func(tx channels.Tx) error { return tx.Send(p.ID, &channels.Row{Verb: "FEDSAY", Line: "never seen"}) })
	more(2)
	c.pass(time.Hour)
	if expired := w.expire(c.now); len(expired) != 6 {
		t.Fatalf("%d rows are given up, want 6", len(expired))
	}
	more(1)
	c.pass(time.Hour)
	w.expire(c.now)
	w = w.again()
	more(1)
	w.ends(p, channels.Position{Epoch: w.age.incarnation, Seq: want - 1}, channels.Position{Epoch: w.age.incarnation, Seq: want})
	c.pass(time.Hour)
	w.expire(c.now)
	w.takenBack(func(tx channels.Tx) error { return tx.Send(p.ID, &channels.Row{Verb: "FEDSAY", Line: "never seen"}) })
	w.ends(p, channels.Position{Epoch: w.age.incarnation, Seq: want}, channels.Position{Epoch: w.age.incarnation, Seq: want})
	more(1)
}

func TestARefIsQueuedUntilItsEndIsKnown(t *testing.T) {
	c := newClock()
	w := open(t, c.options())
	bob := w.people("go", "bob")[0]
	p := w.peer("a.example")
	far := w.replica(p, "far", at(5, 40), bob)
	said, refused := w.send(p, "FEDSAY", bob, "far", "said"), w.send(p, "FEDSAY", bob, "far", "refused")
	whisper := channels.Row{Verb: "FEDWHISPER", Line: "@x=y FEDWHISPER bob@\x00 eve hello there", Person: bob.ID, Ref: "whisper"}
	w.must(func(tx channels.Tx) error {
		return errors.Join(tx.Send(p.ID, &whisper), tx.KeepRowRef(bob.ID, "whisper", p.ID, whisper.Position))
	})
	for ref, to := range map[string]string{"said": "far:a.example", "refused": "far:a.example", "whisper": "eve@a.example"} {
		if r := w.ref(bob, ref); r == nil || !r.Queued || r.Channel != nil || r.Unknown || r.To != to {
			t.Errorf("%s: %+v, want queued to %s", ref, r, to)
		}
	}
	c.pass(48 * time.Hour)
	prune := func() {
		t.Helper()
		if _, err := w.Prune(context.Background(), Retention{}); err != nil {
			t.Fatal(err)
		}
	}
	prune()
	w = w.again()
	end := func(at channels.Position, became *channels.RefResult) {
		t.Helper()
		w.must(func(tx channels.Tx) error {
			row, err := tx.Row(p.ID, at)
			if err != nil || row.Ended {
				return fmt.Errorf("row %v: %+v, %w", at, row, err)
			}
			if err := tx.EndRow(p.ID, row, became); err != nil {
				return err
			}
			row, err = tx.Row(p.ID, at)
			if !row.Ended {
				t.Error("it has not ended")
			}
			return err
		})
	}
	end(said.Position, &channels.RefResult{Channel: far, Position: at(5, 41)})
	end(refused.Position, nil)
	if r := w.ref(bob, "said"); r == nil || r.Queued || r.Channel.Address() != "far:a.example" || r.Position != at(5, 41) || r.To != "" {
		t.Errorf("said: %+v", r)
	}
	if r := w.ref(bob, "refused"); r != nil {
		t.Errorf("refused: %+v", r)
	}
	c.pass(23 * time.Hour)
	prune()
	if w.ref(bob, "said") == nil || w.ref(bob, "whisper") == nil {
		t.Error("a ref was forgotten within a day of its end")
	}
	w.must(func(tx channels.Tx) error { // an answer that comes twice changes nothing
		said.Ref = "said"
		return tx.EndRow(p.ID, &said, nil)
	})
	if w.ref(bob, "said") == nil {
		t.Error("a second answer took the ref back")
	}
	c.pass(2 * time.Hour)
	prune()
	if w.ref(bob, "said") != nil || w.ref(bob, "whisper") == nil {
		t.Error("a day after its end the ref is kept, or one without an end is not")
	}
}

func TestTheRefOfARowThatIsGivenUpIsForgottenOrUnknown(t *testing.T) {
	c := newClock()
	w := open(t, c.options())
	bob := w.people("go", "bob")[0]
	p := w.peer("a.example")
	w.send(p, "FEDSAY", bob, "far", "sent")
	w.must(func(tx channels.Tx) error {
		return errors.Join(tx.SetLinked(p.ID, channels.ExtendedLink), tx.SetLinked(p.ID, channels.NoLink))
	})
	w.send(p, "FEDSAY", bob, "far", "unsent")
	c.pass(time.Hour)
	w.expire(c.now)
	if r := w.ref(bob, "unsent"); r != nil {
		t.Errorf("never sent: %+v", r)
	}
	if r := w.ref(bob, "sent"); r == nil || r.Queued || r.Channel != nil || !r.Unknown || r.To != "far:a.example" {
		t.Errorf("sent: %+v", r)
	}
	c.pass(25 * time.Hour)
	if _, err := w.Prune(context.Background(), Retention{}); err != nil {
		t.Fatal(err)
	}
	if r := w.ref(bob, "sent"); r != nil {
		t.Errorf("a day later: %+v", r)
	}
}

func TestWhatAPeerHasMayBecomeLess(t *testing.T) {
	w := open(t, Options{Durability: Power})
	bob := w.people("go", "bob")[0]
	p := w.peer("a.example")
	inc := w.age.incarnation
	w.ends(p, at(inc, 0), at(inc, 0))
	for range 10 {
		w.send(p, "FEDSAY", bob, "far", "")
	}
	for _, had := range []int64{0, 4, 10, 3, 12, 7} {
		w.acknowledge(p, inc, had)
		w.ends(p, at(inc, min(had, 10)), at(inc, 10))
		w = w.again()
		w.ends(p, at(inc, min(had, 10)), at(inc, 10))
	}
	w.must(
		func(tx channels.Tx) error { return tx.SetLinked(p.ID, channels.ExtendedLink) }, // what was sent keeps its number
		func(tx channels.Tx) error { _, err := tx.Raise(0); return err },
	)
	w.must(func(tx channels.Tx) error {
		all, err := tx.Waiting(p.ID)
		if all.Rows != 3 {
			t.Errorf("%d rows wait, want 3", all.Rows)
		}
		return err
	})
	next := w.age.incarnation
	w.send(p, "FEDSAY", bob, "far", "")
	w.ends(p, at(inc, 7), at(next, 1))
	w.acknowledge(p, next, 1)
	w.ends(p, at(inc, 7), at(next, 1))
	w.acknowledge(p, next, 0)
	w.acknowledge(p, inc, 10)
	w.ends(p, at(next, 0), at(next, 1))
}

func TestRowsGoWhenTheyAreDoneOrHaveWaitedTooLong(t *testing.T) {
	c := newClock()
	w := open(t, c.options())
	bob := w.people("go", "bob")[0]
	had, down := w.peer("had.example"), w.peer("down.example")
	for _, p := range []*channels.Peer{had, down} {
		for _, verb := range []string{"FEDSAY", "FEDSAY", "FEDLEAVE", "FEDWHISPER"} {
			w.send(p, verb, bob, "far", "")
		}
	}
	inc := w.age.incarnation
	w.acknowledge(had, inc, 4)
	w.must(func(tx channels.Tx) error {
		r, err := tx.Row(had.ID, at(inc, 2))
		return errors.Join(err, tx.EndRow(had.ID, r, nil))
	})
	c.pass(time.Hour)
	w.send(down, "FEDSAY", bob, "far", "")
	left := func(p *channels.Peer) (s string) {
		t.Helper()
		for _, e := range w.all(channels.Outbox(p.ID)) {
			s += fmt.Sprint(e.Seq, " ")
		}
		return s
	}
	var given []int64
	for _, e := range w.expire(c.now.Add(-time.Minute)) {
		if e.Peer != down.ID {
			t.Errorf("%+v is given up, and its peer has it", e)
		}
		given = append(given, e.Seq)
	}
	if fmt.Sprint(given) != "[1 2 4]" || left(had) != "1 " || left(down) != "3 5 " {
		t.Errorf("given up %v; left %q and %q", given, left(had), left(down))
	}
	for range pruneStep + 1 {
		w.send(down, "FEDSAY", bob, "far", "")
	}
	c.pass(time.Hour)
	w.must(func(tx channels.Tx) error {
		some, more, err := tx.Expire(c.now.UnixMilli())
		if len(some) != pruneStep || !more {
			t.Errorf("%d at once, more: %v", len(some), more)
		}
		return err
	})
}

func TestTheCountOfWhatWaitsIsThatOfTheRows(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	c := newClock()
	w := open(t, c.options())
	bob := w.people("go", "bob")[0]
	p := w.peer("a.example")
	for range 400 {
		c.pass(time.Second)
		inc := w.age.incarnation
		switch random.IntN(12) {
		case 0:
			w.must(func(tx channels.Tx) error { _, err := tx.Raise(0); return err })
		case 1:
			w.expire(c.now.Add(-time.Duration(random.IntN(60)) * time.Second))
		case 2:
			w = w.again()
		case 3:
			w.takenBack(func(tx channels.Tx) error { return tx.Send(p.ID, &channels.Row{Verb: "FEDSAY", Line: "x"}) })
		case 4:
			kind := channels.LinkKind(random.IntN(3))
			w.must(func(tx channels.Tx) error { return tx.SetLinked(p.ID, kind) })
		case 5, 6, 7:
			w.acknowledge(p, inc-random.Int64N(2), random.Int64N(20))
		default:
			w.send(p, []string{"FEDSAY", "FEDLEAVE", "FEDJOIN"}[random.IntN(3)], bob, "far", "")
		}
		want, err := w.Store.Waiting(context.Background(), p.ID)
		if err != nil {
			t.Fatal(err)
		}
		w.must(func(tx channels.Tx) error {
			got, err := tx.Waiting(p.ID)
			if got != want {
				t.Errorf("it counts %+v, and the table holds %+v", got, want)
			}
			return err
		})
	}
}

func TestAMoveIsInHandUntilThePeerHasItAndHasAnswered(t *testing.T) {
	w := open(t, Options{})
	p := w.people("go", "bob", "ann")
	a := w.peer("a.example")
	join := w.send(a, "FEDJOIN", p[0], "far", "")
	inc := join.Epoch
	w.send(a, "FEDSAY", p[1], "far", "")
	check := func(who channels.Person, channel string, after channels.Position, moving, later bool) {
		t.Helper()
		w.must(func(tx channels.Tx) error {
			m, err := tx.Moving(a.ID, who.ID, channel)
			l, err2 := tx.LaterJoin(a.ID, who.ID, channel, after)
			if m != moving || l != later {
				t.Errorf("%s, %s after %v: moving %v, a later join %v", who.Name, channel, after, m, l)
			}
			return errors.Join(err, err2)
		})
	}
	check(p[0], "far", at(inc, 0), true, true)
	check(p[0], "far", at(inc, 1), true, false)
	check(p[0], "near", at(inc, 0), false, false)
	check(p[1], "far", at(inc, 0), false, false)
	w.must(func(tx channels.Tx) error { return tx.EndRow(a.ID, &join, nil) })
	check(p[0], "far", at(inc, 0), true, true)
	w.acknowledge(a, inc, 1)
	check(p[0], "far", at(inc, 0), false, true)
	w.send(a, "FEDLEAVE", p[0], "far", "")
	check(p[0], "far", at(inc, 1), true, false)
	w.must(func(tx channels.Tx) error {
		err := tx.SetTold(a.ID, join.Position, channels.ToldYes)
		r, err2 := tx.Row(a.ID, join.Position)
		none, err3 := tx.Row(a.ID, at(inc, 99))
		join.Told = channels.ToldYes // and Ended
		if *r != join || none != nil {
			t.Errorf("the row is %+v, want %+v; one that is not there: %+v", *r, join, none)
		}
		return errors.Join(err, err2, err3)
	})
}
