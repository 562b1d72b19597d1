package store

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"chatnode/channels"
)

// peer files a peer that has said FEDHELLO.
func (w *opened) peer(host string) *channels.Peer {
	w.t.Helper()
	p := &channels.Peer{Host: host, Naming: channels.NamedByList, IP: "192.0.2.1", Extended: true, Inc: 7, Line: 69632}
	w.must(func(tx channels.Tx) error { return tx.KeepPeer(p) })
	return p
}

// remote files a person of a peer.
func (w *opened) remote(p *channels.Peer, name string) (person channels.Person) {
	w.t.Helper()
	w.must(func(tx channels.Tx) (err error) { person, err = tx.RemotePerson(p, name, true); return err })
	return person
}

// events returns what was delivered since the last call, by type, but for messages.
func (w *opened) events() (all []string) {
	for _, e := range w.delivered {
		switch e := e.(type) {
		case channels.Appended:
		case channels.Joined:
			all = append(all, fmt.Sprintf("joined %s after %d", e.Person.Address(), e.After.Seq))
		case channels.Left:
			all = append(all, fmt.Sprintf("left %s at %d", e.Person.Address(), e.At.Seq))
		case channels.HeardAgain:
			all = append(all, fmt.Sprintf("heard again %d", e.Peer))
		case channels.HeardNoMore:
			all = append(all, fmt.Sprintf("heard no more %d at %d", e.Peer, e.At.Seq))
		default:
			all = append(all, fmt.Sprintf("%T", e))
		}
	}
	w.delivered = nil
	return all
}

var errTakeBack = errors.New("take it back")

// takenBack runs a step in a transaction that is taken back.
func (w *opened) takenBack(f func(channels.Tx) error) {
	w.t.Helper()
	errs := w.do(f, func(channels.Tx) error { return errTakeBack })
	if channels.WordOf(errs[0]) != channels.Unavailable || !errors.Is(errs[1], errTakeBack) {
		w.t.Fatalf("the transaction was not taken back for that reason: %v", errs)
	}
}

func TestAPeerIsKeptByItsHost(t *testing.T) {
	w := open(t, Options{})
	p := w.peer("a.example")
	again := *p
	again.ID, again.Inc, again.Naming = 0, 9, channels.NamedByKey
	w.must(func(tx channels.Tx) error { return tx.KeepPeer(&again) })
	w.peer("b.example")
	w = w.again()
	w.must(func(tx channels.Tx) error {
		got, err := tx.Peer("a.example")
		if err != nil || *got != again || got.ID != p.ID {
			t.Errorf("got %+v, %v; want %+v", got, err, again)
		}
		if byID, err := tx.PeerByID(p.ID); err != nil || byID != got {
			t.Errorf("by id: %+v, %v", byID, err)
		}
		if none, err := tx.Peer("c.example"); none != nil || err != nil {
			t.Errorf("a peer that is not known: %+v, %v", none, err)
		}
		return nil
	})
	all, err := w.Peers(context.Background())
	if err != nil || len(all) != 2 || all[0] != again || all[1].Host != "b.example" {
		t.Errorf("the list is %+v, %v", all, err)
	}
}

func TestAPeerThatWasTakenBackIsNotRemembered(t *testing.T) {
	w := open(t, Options{})
	w.takenBack(func(tx channels.Tx) error { return tx.KeepPeer(&channels.Peer{Host: "a.example"}) })
	w.must(func(tx channels.Tx) error {
		if p, err := tx.Peer("a.example"); p != nil || err != nil {
			t.Errorf("got %+v, %v", p, err)
		}
		return nil
	})
}

func TestPeopleOfAnotherNodeHaveItsHost(t *testing.T) {
	w := open(t, Options{})
	local := w.people("go", "bob")[0]
	a, b := w.peer("a.example"), w.peer("b.example")
	bob, other := w.remote(a, "bob"), w.remote(b, "bob")
	if bob.ID == other.ID || bob.ID == local.ID || bob != w.remote(a, "bob") {
		t.Errorf("%+v, %+v and %+v", local, bob, other)
	}
	w = w.again()
	w.must(func(tx channels.Tx) error {
		for _, want := range []channels.Person{local, bob, other} {
			if got, err := tx.PersonByID(want.ID); got != want || err != nil {
				t.Errorf("got %+v, %v; want %+v", got, err, want)
			}
		}
		if none, err := tx.RemotePerson(a, "eve", false); none.ID != 0 || err != nil {
			t.Errorf("one that is not known: %+v, %v", none, err)
		}
		if taken, err := tx.NameTaken("eve"); taken || err != nil {
			t.Errorf("taken: %v, %v", taken, err)
		}
		got, err := tx.RemotePerson(a, "bob", false)
		if got != bob || bob.Address() != "bob@a.example" {
			t.Errorf("got %+v, %v", got, err)
		}
		return err
	})
}

func TestALinkIsTakenBackWithItsTransaction(t *testing.T) {
	w := open(t, Options{})
	p := w.peer("a.example")
	check := func(want channels.LinkKind, sent bool) {
		t.Helper()
		w.must(func(tx channels.Tx) error {
			if got := tx.Linked(p.ID); got != want {
				t.Errorf("linked: %v, want %v", got, want)
			}
			r, err := tx.Row(p.ID, channels.Position{Epoch: tx.Incarnation(), Seq: 1})
			if err == nil && r.Sent != sent {
				t.Errorf("sent: %v, want %v", r.Sent, sent)
			}
			return err
		})
	}
	w.must(func(tx channels.Tx) error { return tx.Send(p.ID, &channels.Row{Verb: "FEDSAY", Line: "FEDSAY x"}) })
	check(channels.NoLink, false)
	link := func(k channels.LinkKind) func(channels.Tx) error {
		return func(tx channels.Tx) error { return tx.SetLinked(p.ID, k) }
	}
	w.must(link(channels.PlainLink))
	check(channels.PlainLink, false)
	w.takenBack(func(tx channels.Tx) error {
		return errors.Join(link(channels.NoLink)(tx), link(channels.ExtendedLink)(tx))
	})
	check(channels.PlainLink, false)
	w.must(link(channels.ExtendedLink))
	check(channels.ExtendedLink, true)
	w.must(link(channels.NoLink))
	check(channels.NoLink, true)
	w = w.again()
	check(channels.NoLink, true)
}

func TestAPeerHearsAChannelFromItsFirstMemberToItsLast(t *testing.T) {
	w := open(t, Options{})
	local := w.people("go", "bob")[0]
	a, b := w.peer("a.example"), w.peer("b.example")
	eve, ann, joe := w.remote(a, "eve"), w.remote(a, "ann"), w.remote(b, "joe")
	join := func(p channels.Person) func(channels.Tx) error {
		return func(tx channels.Tx) error { return channels.Join(tx, p, "go") }
	}
	leave := func(p channels.Person) func(channels.Tx) error {
		return func(tx channels.Tx) error { return channels.Leave(tx, p, "go") }
	}
	w.must(say(local, "go", "1"))
	w.events()
	w.must(join(eve), join(ann), join(joe), leave(eve))
	want := fmt.Sprint([]string{"joined eve@a.example after 1", "heard again 1", "joined ann@a.example after 1",
		"joined joe@b.example after 1", "heard again 2", "left eve@a.example at 1"})
	if got := fmt.Sprint(w.events()); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	w = w.again()
	w.must(func(tx channels.Tx) error {
		s, err := tx.Channel("go")
		if fmt.Sprint(s.Elsewhere) != "map[1:1 2:1]" {
			t.Errorf("elsewhere: %v", s.Elsewhere)
		}
		heard, err2 := tx.ChannelsHeardBy(a.ID)
		if len(heard) != 1 || heard[0].Name != "go" {
			t.Errorf("a hears %v", heard)
		}
		return errors.Join(err, err2)
	})
	c, _ := w.log("go")
	elsewhere, err := w.MembersElsewhere(context.Background(), c)
	if fmt.Sprint(elsewhere) != fmt.Sprint([]channels.Person{ann, joe}) || err != nil {
		t.Errorf("members elsewhere: %v, %v", elsewhere, err)
	}
	w.events()
	w.must(leave(ann), func(tx channels.Tx) error { return channels.SetTopic(tx, local, "go", "t") },
		func(tx channels.Tx) error { return channels.Delete(tx, local, "go") })
	got := w.events()
	if len(got) < 5 || got[0] != "left ann@a.example at 1" || got[1] != "heard no more 1 at 1" || got[2] != "channels.TopicSet" ||
		got[len(got)-1] != "channels.Deleted" {
		t.Errorf("at the end: %q", got)
	}
}

func TestWhatTookEffectOfAPeersRowsIsKeptByIncarnation(t *testing.T) {
	w := open(t, Options{})
	p := w.peer("a.example")
	w.must(
		func(tx channels.Tx) error { return tx.SetHave(p.ID, 9, 2) },
		func(tx channels.Tx) error { return tx.SetHave(p.ID, 7, 5) },
		func(tx channels.Tx) error { return tx.SetHave(p.ID, 7, 6) },
	)
	w = w.again()
	w.must(func(tx channels.Tx) error {
		n, err := tx.Have(p.ID, 7)
		none, err2 := tx.Have(p.ID, 8)
		all, err3 := tx.HaveAll(p.ID)
		if n != 6 || none != 0 || fmt.Sprint(all) != "[{7 6} {9 2}]" {
			t.Errorf("have %d, %d, %v", n, none, all)
		}
		return errors.Join(err, err2, err3)
	})
}

func TestWhatNobodyUsesOfAnotherNodeIsForgotten(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	w := open(t, Options{Now: func() time.Time { return now }})
	bob := w.people("go", "bob")[0]
	home := w.peer("home.example")
	var linked channels.PeerID
	for _, host := range []string{"idle", "linked", "sent", "known"} {
		p := &channels.Peer{Host: host, Naming: channels.NamedByIP}
		w.must(func(tx channels.Tx) error { return tx.KeepPeer(p) })
		switch host {
		case "linked":
			linked = p.ID
			w.must(func(tx channels.Tx) error { return tx.SetLinked(p.ID, channels.PlainLink) })
		case "sent":
			w.must(func(tx channels.Tx) error { return tx.Send(p.ID, &channels.Row{Verb: "FEDDO", Line: "x"}) })
		case "known":
			w.remote(p, "eve")
		}
	}
	s := w.replica(home, "far", at(5, 10), bob)
	w.must(func(tx channels.Tx) error {
		s, err := tx.RemoteChannel(home.ID, "far")
		if err == nil {
			_, err = tx.Replicate(s, at(5, 11), bob, channels.Origin{Peer: home.ID, Inc: 1, N: 1}, 1, "hello")
		}
		return err
	})
	forget := func() (hosts string, replica bool) {
		t.Helper()
		if err := w.Forget(context.Background(), 7*24*time.Hour); err != nil {
			t.Fatal(err)
		}
		all, err := w.Peers(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range all {
			hosts += p.Host + " "
		}
		w.must(func(tx channels.Tx) error {
			s, err := tx.RemoteChannel(home.ID, "far")
			replica = s != nil
			return err
		})
		return hosts, replica
	}
	now = now.Add(40 * 24 * time.Hour)
	w.expire(now) // what was sent is gone, but its number was given
	w.must(func(tx channels.Tx) error { return tx.SetLinked(linked, channels.PlainLink) })
	if hosts, replica := forget(); hosts != "home.example known linked sent " || !replica {
		t.Fatalf("left: %s, replica %v", hosts, replica)
	}
	w.must(func(tx channels.Tx) error {
		s, err := tx.RemoteChannel(home.ID, "far")
		return errors.Join(err, tx.Remove(s, bob, channels.OwnWill))
	})
	w = w.again() // and nobody is linked any more
	now = now.Add(29 * 24 * time.Hour)
	if hosts, replica := forget(); hosts != "home.example known sent " || !replica {
		t.Fatalf("left: %s, replica %v", hosts, replica)
	}
	now = now.Add(2 * 24 * time.Hour)
	if _, replica := forget(); replica {
		t.Error("the replica is kept longer than 30 days")
	}
	if n, err := w.Prune(context.Background(), Retention{}); n != 1 || err != nil {
		t.Errorf("pruned %d of its messages, %v", n, err)
	}
	w.must(func(tx channels.Tx) error { _, err := tx.Raise(0); return err })
	if hosts, _ := forget(); hosts != "home.example known " {
		t.Errorf("left in another incarnation: %s", hosts)
	}
	if again := w.replica(home, "far", at(6, 0), bob); again.ID == s.ID {
		t.Error("a replica made again is the same")
	}
}
