package store

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"chatnode/channels"
)

func at(epoch, seq int64) channels.Position { return channels.Position{Epoch: epoch, Seq: seq} }

// replica begins a log of a channel of a peer after a position, with members.
func (w *opened) replica(p *channels.Peer, name string, after channels.Position, members ...channels.Person) (c *channels.Channel) {
	w.t.Helper()
	w.must(func(tx channels.Tx) error {
		s, err := tx.MakeRemoteChannel(p, name)
		if err != nil {
			return err
		}
		if err := tx.BeginReplica(s, after); err != nil {
			return err
		}
		for _, m := range members {
			if err := tx.Admit(s, m, after); err != nil {
				return err
			}
		}
		c = s.Channel
		return nil
	})
	return c
}

// in runs a step on the state of a channel.
func (w *opened) in(c *channels.Channel, f func(channels.Tx, *channels.State) error) {
	w.t.Helper()
	w.must(func(tx channels.Tx) error {
		s, err := tx.ChannelByID(c.ID)
		if err != nil {
			return err
		}
		return f(tx, s)
	})
}

// all reads a log.
func (w *opened) all(c *channels.Channel) []*channels.Entry {
	w.t.Helper()
	all, err := w.After(context.Background(), c, channels.Position{}, channels.Last, 1<<20, 1<<30)
	if err != nil {
		w.t.Fatal(err)
	}
	return all
}

// places checks where the home's numbers and the readers of a channel are.
func (w *opened) places(c *channels.Channel, place, head channels.Position) {
	w.t.Helper()
	w.in(c, func(_ channels.Tx, s *channels.State) error {
		if s.Place != place || s.Head != head {
			w.t.Errorf("place %v and head %v, want %v and %v", s.Place, s.Head, place, head)
		}
		return nil
	})
}

func TestAMessageOfOneOriginIsStoredOnceInAChannel(t *testing.T) {
	w := open(t, Options{})
	w.people("go", "bob")
	p := w.peer("a.example")
	eve := w.remote(p, "eve")
	c, _ := w.log("go")
	o := channels.Origin{Peer: p.ID, Inc: 7, N: 1}
	var places []channels.Position
	twice := func(tx channels.Tx, s *channels.State) error {
		for range 2 {
			place, err := tx.AppendFrom(s, eve, o, "once")
			if err != nil {
				return err
			}
			places = append(places, place)
		}
		_, err := tx.Recover(s, at(1, 1), eve, o, 1, "once", p.ID)
		return err
	}
	w.in(c, twice)
	w = w.again()
	w.in(c, twice)
	if all := w.gapless("go", 1); all[0].Inc != 7 || all[0].N != 1 || all[0].Author != eve {
		t.Errorf("stored as %+v", all[0])
	}
	for _, at := range places {
		if at != places[0] {
			t.Errorf("it is at %v", places)
		}
	}
	w.in(c, func(tx channels.Tx, s *channels.State) error { // the same numbers of ours, and of another peer, are other messages
		_, err := tx.AppendFrom(s, eve, channels.Origin{Peer: p.ID + 1, Inc: 7, N: 1}, "another")
		return err
	})
	w.gapless("go", 2)
}

func TestWhatIsLostOfAReplicaIsSeenAndWhatIsRepeatedIsNot(t *testing.T) {
	w := open(t, Options{})
	bob := w.people("go", "bob")[0]
	p := w.peer("a.example")
	eve := w.remote(p, "eve")
	c := w.replica(p, "far", at(5, 40), bob)
	store := func(place channels.Position, n int64) func(channels.Tx, *channels.State) error {
		return func(tx channels.Tx, s *channels.State) error {
			_, err := tx.Replicate(s, place, eve, channels.Origin{Peer: p.ID, Inc: 7, N: n}, 1000+n, fmt.Sprint(n))
			return err
		}
	}
	w.in(c, store(at(5, 41), 1))
	w.in(c, store(at(5, 42), 2))
	w.places(c, at(5, 42), at(5, 42))
	w.in(c, store(at(5, 43), 1)) // known
	w.places(c, at(5, 43), at(5, 42))
	w = w.again()
	w.places(c, at(5, 43), at(5, 42))
	w.in(c, store(at(5, 44), 3))
	w.in(c, func(tx channels.Tx, s *channels.State) error { return tx.SkipTo(s, at(5, 47)) })
	w.places(c, at(5, 47), at(5, 47))
	w.in(c, store(at(5, 48), 4))
	w.in(c, func(tx channels.Tx, s *channels.State) error {
		return tx.OpenEpoch(s, channels.Epoch{Epoch: 9, Base: 48})
	})
	w.places(c, at(9, 48), at(5, 48))
	w = w.again()
	w.places(c, at(9, 48), at(5, 48))
	w.in(c, store(at(9, 49), 4)) // known
	w.in(c, store(at(9, 50), 5))
	w.places(c, at(9, 50), at(9, 50))
	w.in(c, func(_ channels.Tx, s *channels.State) error { c = s.Channel; return nil })
	last, holes := c.Start(), ""
	for _, e := range w.all(c) {
		holes += fmt.Sprint(e.Body, e.Precedes(last), " ")
		last = e.Position
		if e.Author != eve || e.Inc != 7 || fmt.Sprint(e.N) != e.Body || e.At != 1000+e.N {
			t.Errorf("entry %+v", e)
		}
	}
	if want := "1true 2true 3true 4false 5true "; holes != want {
		t.Errorf("follows: %q, want %q", holes, want)
	}
	var live []int64
	for _, e := range w.delivered {
		if e, ok := e.(channels.Appended); ok && e.Channel.ID == c.ID {
			live = append(live, e.First)
		}
	}
	if fmt.Sprint(live) != "[49]" {
		t.Errorf("delivered since the last start, with the first number of each: %v", live)
	}
}

func TestANewEpochDoesNotChangeAChannelThatIsShared(t *testing.T) {
	w := open(t, Options{})
	bob := w.people("go", "bob")[0]
	p := w.peer("a.example")
	c := w.replica(p, "far", at(5, 40), bob)
	if got := fmt.Sprint(c.Epochs()); got != "[{5 40 0}]" {
		t.Fatal(got)
	}
	open := func(tx channels.Tx) error {
		s, err := tx.ChannelByID(c.ID)
		if err == nil {
			err = tx.OpenEpoch(s, channels.Epoch{Epoch: 9, Base: 40})
		}
		return err
	}
	w.takenBack(open)
	w.in(c, func(_ channels.Tx, s *channels.State) error {
		if fmt.Sprint(s.Epochs(), s.Place) != "[{5 40 0}] {5 40}" {
			t.Errorf("taken back: %v, %v", s.Epochs(), s.Place)
		}
		return nil
	})
	w.must(open)
	w.in(c, func(_ channels.Tx, s *channels.State) error {
		if fmt.Sprint(s.Epochs(), c.Epochs()) != "[{5 40 0} {9 40 0}] [{5 40 0}]" {
			t.Errorf("now %v, the one of before %v", s.Epochs(), c.Epochs())
		}
		return nil
	})
	e, ok := w.delivered[len(w.delivered)-1].(channels.EpochOpened)
	if !ok || fmt.Sprint(e.Epochs) != "[{5 40 0} {9 40 0}]" || e.Channel.Host != "a.example" || e.Channel.Home != p.ID {
		t.Errorf("told %+v", e)
	}
}

func TestARemoteChannelWithoutALogIsJoinedAndHeard(t *testing.T) {
	w := open(t, Options{})
	bob := w.people("go", "bob")[0]
	p := w.peer("a.example")
	eve := w.remote(p, "eve")
	var c *channels.Channel
	w.must(func(tx channels.Tx) error {
		s, err := tx.MakeRemoteChannel(p, "go")
		if err != nil {
			return err
		}
		c = s.Channel
		return tx.Admit(s, bob, channels.Position{})
	})
	w.must(func(tx channels.Tx) error {
		inbox, err := tx.Inbox(bob.ID)
		if err != nil {
			return err
		}
		e, err := tx.AppendLabelled(inbox, eve, c, "hello")
		if err == nil && e.Label != c {
			t.Errorf("labelled %+v", e.Label)
		}
		return err
	}, func(tx channels.Tx) error { _, err := channels.Whisper(tx, bob, "bob", "to myself", ""); return err })
	w = w.again()
	w.must(func(tx channels.Tx) error {
		in, err := tx.Memberships(bob.ID, 10)
		found := 0
		for _, m := range in {
			if m.Channel.Home == p.ID {
				found++
				if m.Channel.Address() != "go:a.example" || m.Head != (channels.Position{}) || m.Heard != m.Head || m.Gap {
					t.Errorf("membership %+v", m)
				}
			}
		}
		remote, err2 := tx.RemoteChannels(p.ID)
		if len(in) != 3 || found != 1 || len(remote) != 1 || remote[0].ID != c.ID {
			t.Errorf("%d memberships, %d of them there; channels there: %v", len(in), found, remote)
		}
		own, err3 := tx.Channel("go")
		if own.Home != 0 || own.ID == c.ID {
			t.Error("a channel of this node is taken for another's of the same name")
		}
		inbox, err4 := tx.Inbox(bob.ID)
		c = inbox.Channel
		return errors.Join(err, err2, err3, err4)
	})
	all := w.all(c)
	if len(all) != 2 || all[0].Label == nil || all[0].Label.Address() != "go:a.example" || all[0].Author != eve || all[1].Label != nil {
		t.Errorf("the inbox holds %+v", all)
	}
}

func TestAMemberOfAReplicaHearsFromWhereHeWasAdmitted(t *testing.T) {
	w := open(t, Options{})
	p := w.people("go", "bob", "ann")
	a := w.peer("a.example")
	eve := w.remote(a, "eve")
	c := w.replica(a, "far", at(5, 40), p[0])
	w.in(c, func(tx channels.Tx, s *channels.State) error {
		for n := int64(1); n <= 5; n++ {
			if _, err := tx.Replicate(s, at(5, 40+n), eve, channels.Origin{Peer: a.ID, Inc: 7, N: n}, n, fmt.Sprint(n)); err != nil {
				return err
			}
		}
		if _, err := tx.Replicate(s, at(5, 46), eve, channels.Origin{Peer: a.ID, Inc: 7, N: 1}, 1, "known"); err != nil {
			return err
		}
		return errors.Join(tx.Admit(s, p[1], at(5, 43)), tx.Admit(s, p[1], at(5, 45)), tx.BeginReplica(s, at(6, 0)))
	})
	w = w.again()
	for i, want := range []int64{40, 43} {
		w.must(func(tx channels.Tx) error {
			in, err := tx.Memberships(p[i].ID, 100)
			if m := in[len(in)-1]; m.Channel.ID != c.ID || m.Heard != at(5, want) || m.Head != at(5, 45) {
				t.Errorf("membership %+v, want heard %d", m, want)
			}
			return err
		})
	}
}

func TestWhatAnotherNodeGaveBackSaysSo(t *testing.T) {
	w := open(t, Options{})
	bob := w.people("go", "bob")[0]
	p := w.peer("a.example")
	eve := w.remote(p, "eve")
	own, _ := w.log("go")
	far := w.replica(p, "far", at(5, 40), bob)
	w.events()
	for i, k := range []struct {
		c    *channels.Channel
		from channels.PeerID
		at   channels.Position
	}{{own, p.ID, at(own.Start().Epoch, 3)}, {far, 0, at(4, 12)}} {
		w.in(k.c, func(tx channels.Tx, s *channels.State) error {
			head, place := s.Head, s.Place
			for try := range 2 {
				stored, err := tx.Recover(s, k.at, eve, channels.Origin{Peer: p.ID, Inc: 7, N: int64(10*i + try)}, 99, "old", k.from)
				if err != nil || stored != (try == 0) {
					t.Errorf("try %d: stored %v, %v", try, stored, err)
				}
			}
			if s.Head != head || s.Place != place {
				t.Error("the head moved")
			}
			return nil
		})
		all := w.all(k.c)
		if len(all) != 1 || all[0].Recovered != "a.example" || all[0].Position != k.at || all[0].At != 99 {
			t.Errorf("the log holds %+v", all)
		}
	}
	if got := w.events(); len(got) != 0 {
		t.Errorf("told %q", got)
	}
}

func TestANumberWhoseMessageStandsElsewhereIsNoHole(t *testing.T) {
	w := open(t, Options{})
	w.people("go", "bob")
	p := w.peer("a.example")
	eve := w.remote(p, "eve")
	own, _ := w.log("go")
	epoch := own.Start().Epoch
	w.in(own, func(tx channels.Tx, s *channels.State) error {
		for i, step := range []struct{ seq, origin, news int64 }{
			{10, 110, 1}, // numbered again here, as are 103 to 106
			{11, 103, 1}, {12, 105, 1}, {13, 106, 1},
			{2, 102, 1},
			{3, 103, 1}, {3, 103, 0}, {4, 104, 1}, {3, 103, 0}, // before the entry that follows
			{7, 107, 1}, {6, 106, 1}, {5, 105, 1}, {5, 105, 0}, {6, 106, 0}, // after it
			{7, 110, 0}, // another message stands there
		} {
			news, err := tx.Recover(s, at(epoch, step.seq), eve, channels.Origin{Peer: p.ID, Inc: 7, N: step.origin}, 99, "old", p.ID)
			if err != nil || news != (step.news == 1) {
				t.Errorf("step %d: %v, %v", i, news, err)
			}
		}
		return nil
	})
	last := at(epoch, 2)
	for _, e := range w.all(own)[1:] {
		if e.Seq < 10 && !e.Precedes(last) {
			t.Errorf("%d.%d, which stands for the numbers from %d on, does not follow %v", e.Epoch, e.Seq, e.First, last)
		}
		last = e.Position
	}
	var left int
	if _, err := w.conn.one(`SELECT count(*) FROM moved`, nil, &left); err != nil || left != 0 {
		t.Errorf("%d are kept that an entry stands for (%v)", left, err)
	}
}

// a model is what a channel of this node ought to hold, by origin and by place.
type model struct {
	places map[channels.Origin]channels.Position
	bodies map[channels.Position]string
}

func (m model) add(o channels.Origin, place channels.Position, body string) {
	m.places[o], m.bodies[place] = place, body
}

func TestAReplicaHoldsWhatAModelHoldsWhateverComesTwice(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	w := open(t, Options{})
	bob := w.people("go", "bob")[0]
	p := w.peer("a.example")
	eve := w.remote(p, "eve")
	own, _ := w.log("go")
	far := w.replica(p, "far", at(5, 0), bob)
	there, here := model{map[channels.Origin]channels.Position{}, map[channels.Position]string{}}, model{map[channels.Origin]channels.Position{}, map[channels.Position]string{}}
	place, head := at(5, 0), at(5, 0)
	for step := range 600 {
		o := channels.Origin{Peer: p.ID, Inc: 7, N: random.Int64N(200)}
		body := fmt.Sprint(o.N)
		switch random.IntN(10) {
		case 0:
			if step%50 == 0 {
				w = w.again()
			}
		case 1:
			place.Seq += random.Int64N(3) + 1
			head = place
			w.in(far, func(tx channels.Tx, s *channels.State) error { return tx.SkipTo(s, place) })
		case 2:
			old := at(5, random.Int64N(place.Seq+1))
			_, known := there.places[o]
			_, taken := there.bodies[old]
			w.in(far, func(tx channels.Tx, s *channels.State) error {
				news, err := tx.Recover(s, old, eve, o, 1, body, 0)
				if !known && news == taken || known && taken && news {
					t.Errorf("recovered: %v, known %v, taken %v", news, known, taken)
				}
				return err
			})
			if !known && !taken {
				there.add(o, old, body)
			}
		case 3, 4, 5:
			w.in(own, func(tx channels.Tx, s *channels.State) error {
				got, err := tx.AppendFrom(s, eve, o, body)
				if want, known := here.places[o]; known && got != want {
					t.Errorf("%v is at %v, and was at %v", o, got, want)
				}
				here.add(o, got, body)
				return err
			})
		default:
			place.Seq++
			_, known := there.places[o]
			w.in(far, func(tx channels.Tx, s *channels.State) error {
				e, err := tx.Replicate(s, place, eve, o, 1, body)
				if (e == nil) != known || e != nil && !e.Precedes(head) {
					t.Errorf("%v at %v after %v: %+v", o, place, head, e)
				}
				return err
			})
			if !known {
				there.add(o, place, body)
				head = place
			}
			w.places(far, place, head)
		}
	}
	for c, m := range map[*channels.Channel]model{own: here, far: there} {
		all := w.all(c)
		if len(all) != len(m.bodies) || len(all) != len(m.places) {
			t.Errorf("%d messages of %d origins, want %d", len(all), len(m.places), len(m.bodies))
		}
		for _, e := range all {
			if m.bodies[e.Position] != e.Body {
				t.Errorf("%v holds %q, want %q", e.Position, e.Body, m.bodies[e.Position])
			}
		}
		w.in(c, func(tx channels.Tx, s *channels.State) error {
			var bytes int64
			for _, e := range all {
				bytes += weight(e.Body)
			}
			if got := tx.(*transaction).cache.byID[c.ID].bytes; got != bytes {
				t.Errorf("it counts %d bytes, and holds %d", got, bytes)
			}
			return nil
		})
	}
}
