package channels

import (
	"strings"
	"testing"
)

func TestJoiningIsToldToTheOthers(t *testing.T) {
	w := newWorld(t, muchTail)
	lobby := w.channel(1, "go")
	b, e, k := w.listener("b"), w.listener("e"), w.listener("k")
	k.deaf = true
	w.seat(b, bob, false)
	w.seat(e, eve, false, lobby)
	w.seat(k, kim, false, lobby)
	w.journal = nil
	w.deliver(b, Joined{Channel: lobby, Person: bob})
	w.wantJournal("e is told bob entered go", "b is answered", "b hears go after 0")
	w.deliver(nil, Joined{Channel: w.channel(2, "empty"), Person: kim})
	w.wantJournal("k hears empty after 0")
}

func TestLeavingIsToldWithItsReason(t *testing.T) {
	for _, k := range []struct {
		reason Reason
		want   []string
	}{
		{OwnWill, []string{"one wakes for go", "two is told bob left go itself", "two wakes for go", "e is told bob left go"}},
		{Kicked, []string{"one wakes for go", "two is told bob left go kicked itself", "two wakes for go", "e is told bob left go kicked"}},
		{ChannelDeleted, []string{"one wakes for go", "two is told bob left go deleted itself", "two wakes for go"}},
	} {
		w := newWorld(t, muchTail)
		lobby := w.channel(1, "go")
		one, two, e := w.listener("one"), w.listener("two"), w.listener("e")
		one.deaf = true
		w.seat(one, bob, false, lobby)
		w.seat(two, bob, true, lobby)
		w.seat(e, eve, false, lobby)
		w.journal = nil
		w.deliver(nil, Left{Channel: lobby, Person: bob, Reason: k.reason})
		w.wantSorted(sorted(k.want)...)
	}
}

func TestTheOneWhoAskedIsNotToldOfItsOwnLeaving(t *testing.T) {
	w := newWorld(t, muchTail)
	lobby := w.channel(1, "go")
	one, two := w.listener("one"), w.listener("two")
	w.seat(one, bob, false, lobby)
	w.seat(two, bob, true, lobby)
	w.journal = nil
	w.deliver(one, Left{Channel: lobby, Person: bob})
	w.wantJournal("one wakes for go", "two wakes for go", "two is told bob left go itself", "one is answered")
	w.deliver(one, Left{Channel: lobby, Person: eve}) // of one who is not on line, in a channel that nobody hears
	w.wantJournal("one is answered")
}

func TestTheOneWhoKicksKnowsByItsAnswer(t *testing.T) {
	w := newWorld(t, muchTail)
	lobby := w.channel(1, "go")
	b, e, k := w.listener("b"), w.listener("e"), w.listener("k")
	w.seat(b, bob, false, lobby)
	w.seat(e, eve, false, lobby)
	w.seat(k, kim, false, lobby)
	w.journal = nil
	w.deliver(e, Left{Channel: lobby, Person: bob, Reason: Kicked})
	w.wantJournal("b wakes for go", "b is told bob left go kicked itself", "k is told bob left go kicked", "e is answered")
}

func TestWhoeverComesIsToldOnceToEachWhoSharesAChannel(t *testing.T) {
	w := newWorld(t, muchTail)
	lobby, chess, other := w.channel(1, "go"), w.channel(2, "chess"), w.channel(3, "other")
	e, k, x := w.listener("e"), w.listener("k"), w.listener("x")
	w.seat(e, eve, false, lobby, chess)
	w.seat(x, kim, false, other)
	k.deaf = true
	w.seat(k, kim, true, lobby)
	w.journal = nil
	one, two := w.listener("one"), w.listener("two")
	first := w.seat(one, bob, false, lobby, chess)
	w.wantJournal("e is told bob came", "one is answered", "one hears go after 0", "one hears chess after 0")
	second := w.seat(two, bob, true, chess, lobby)
	w.wantJournal("two is answered", "two hears chess after 0", "two hears go after 0")
	w.Hub.Detach(first)
	w.wantSorted("one wakes for chess", "one wakes for go")
	w.Hub.Detach(second)
	w.wantSorted("e is told bob went", "two wakes for chess", "two wakes for go")
}

func TestAPersonWithTwoSeatsIsNamedOnce(t *testing.T) {
	w := newWorld(t, muchTail)
	lobby := w.channel(1, "go")
	e := w.listener("e")
	inGo := w.seat(e, eve, false, lobby)
	w.seat(w.listener("b1"), bob, false, lobby)
	w.seat(w.listener("b2"), bob, true, lobby)
	w.seat(w.listener("k"), kim, false, lobby)
	w.seat(w.listener("z"), Person{ID: 9, Name: "zoë"}, false)
	if got := addresses(w.OnLine()); got != "eve bob kim@there zoë" {
		t.Errorf("on line: %s", got)
	}
	names, err := w.Hearing(inGo, "go")
	if got := addresses(names); err != nil || got != "eve bob kim@there" {
		t.Errorf("in the channel: %s, %v", got, err)
	}
}

func TestWhoHearsAChannelIsToldToThoseWhoHearItOnly(t *testing.T) {
	w := newWorld(t, muchTail)
	lobby, remote := w.channel(1, "go"), w.channel(2, "go")
	remote.Host = "there"
	inbox := &Channel{ID: 3, Kind: Inbox}
	w.deliver(nil, Created{lobby}, Created{w.channel(4, "chess")})
	seat := w.seat(w.listener("b"), bob, false, lobby, remote, inbox)
	for name, want := range map[string]*Channel{"go": lobby, "go:there": remote, "@": inbox} {
		if c, err := w.Heard(seat, name); err != nil || c != want {
			t.Errorf("%s: %v, %v", name, c, err)
		}
		if names, err := w.Hearing(seat, name); err != nil || addresses(names) != "bob" {
			t.Errorf("%s: %v, %v", name, names, err)
		}
	}
	for name, want := range map[string]Word{"chess": NotMember, "nowhere": NoSuchChannel, "": NoSuchChannel, "go:": NoSuchChannel} {
		c, err := w.Heard(seat, name)
		names, err2 := w.Hearing(seat, name)
		if c != nil || names != nil || err == nil || WordOf(err) != want || err2 == nil || WordOf(err2) != want {
			t.Errorf("%s: %v, %v, %v, %v; want %s", name, c, err, names, err2, want)
		}
	}
}

func TestTheListIsInCodePointOrderAndFollowsTheChannels(t *testing.T) {
	names := []string{"go", "Zoo", "été"}
	w := newWorld(t, muchTail)
	w.Hub = NewHub(names, muchTail)
	names[0] = "changed by the caller"
	is := func(want string) {
		t.Helper()
		for range 2 { // made, and then kept
			if got := w.List(); got != want {
				t.Errorf("%q; want %q", got, want)
			}
		}
	}
	is("Zoo, go, été")
	w.deliver(nil, Created{w.channel(1, "chess")}, Created{w.channel(2, "世界")}, Created{w.channel(3, "🎉")}, Created{w.channel(4, "A")})
	is("A, Zoo, chess, go, été, 世界, 🎉")
	w.deliver(nil, Deleted{Channel: w.channel(5, "go")}, Deleted{Channel: w.channel(6, "nowhere")}, Deleted{Channel: w.channel(3, "🎉")})
	is("A, Zoo, chess, été, 世界")
	w.Hub = NewHub(nil, 0)
	is("")
	w.deliver(nil, Created{w.channel(1, "a")})
	is("a")
	w.deliver(nil, Deleted{Channel: w.channel(1, "a")})
	is("")
}

func TestAListenerThatIsGoneDoesNotKeepItsLogin(t *testing.T) {
	w := newWorld(t, muchTail)
	lobby := w.channel(1, "go")
	old := w.listener("old")
	seat := w.seat(old, bob, false, lobby)
	if _, err := w.attach(w.listener("second"), bob, false, 1); WordOf(err) != AlreadyLoggedIn {
		t.Fatalf("got %v", err)
	}
	old.gone = true
	if _, err := w.attach(w.listener("third"), bob, false, 1); err != nil {
		t.Fatal(err)
	}
	w.Hub.Detach(seat) // as its connection will, in the end
	if names := w.OnLine(); len(names) != 1 {
		t.Errorf("on line: %v", names)
	}
}

// addresses joins those of people.
func addresses(all []Person) string {
	names := make([]string, len(all))
	for i, p := range all {
		names[i] = p.Address()
	}
	return strings.Join(names, " ")
}
