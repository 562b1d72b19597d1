package store

import (
	"errors"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"chatnode/channels"
)

// nobodyIsGone says that the connections of all guests are open.
func nobodyIsGone(channels.PersonID) bool { return false }

// arrive lets a guest in.
func (w *opened) arrive(g channels.Guest, gone func(channels.PersonID) bool) (p channels.Person, err error) {
	w.t.Helper()
	err = errors.Join(w.do(func(tx channels.Tx) (err error) { p, err = channels.Arrive(tx, g, gone); return err })...)
	return p, err
}

// wantRefused fails unless a guest is refused with a word.
func (w *opened) wantRefused(g channels.Guest, gone func(channels.PersonID) bool, want channels.Word) {
	w.t.Helper()
	if p, err := w.arrive(g, gone); !channels.IsRefusal(err) || channels.WordOf(err) != want {
		w.t.Errorf("%+v: %v, %v; want %s", g, p, err, want)
	}
}

func TestAGuestIsAMemberAsLongAsTheConnectionIsThere(t *testing.T) {
	w := open(t, Options{})
	w.people("go", "bob")
	g := channels.Guest{Name: "zoë", Tongue: "bcp", Channel: "lobby", Session: 7}
	zoe, err := w.arrive(g, nobodyIsGone)
	if err != nil {
		t.Fatal(err)
	}
	w.must(func(tx channels.Tx) error { _, err := channels.Say(tx, zoe, "lobby", "hi", ""); return err })
	w.must(func(tx channels.Tx) error { return channels.Depart(tx, zoe, 8) }) // another connection's
	w.must(func(tx channels.Tx) error { _, err := channels.Say(tx, zoe, "lobby", "still", ""); return err })
	w.must(func(tx channels.Tx) error { return channels.Depart(tx, zoe, 7) })
	err = errors.Join(w.do(func(tx channels.Tx) error { _, err := channels.Say(tx, zoe, "lobby", "gone", ""); return err })...)
	if channels.WordOf(err) != channels.NotMember {
		t.Errorf("who has left may speak: %v", err)
	}
	again, err := w.arrive(g, nobodyIsGone)
	if err != nil || again != zoe {
		t.Errorf("the next of the name is %+v, %v; was %+v", again, err, zoe)
	}
	w.gapless("lobby", 2)
}

func TestTheNameOfAGuestIsNobodyElses(t *testing.T) {
	w := open(t, Options{})
	bob := w.people("go", "bob", "eve")[0]
	w.must(func(tx channels.Tx) error { return channels.CloseAccount(tx, bob) })
	for name, want := range map[string]channels.Word{
		"eve": channels.NameTaken, "bob": channels.NameTaken, "server": channels.BadName, "": channels.BadName, "a b": channels.BadName,
	} {
		w.wantRefused(channels.Guest{Name: name, Tongue: "a3", Session: 1}, nobodyIsGone, want)
	}
	kim := channels.Guest{Name: "kim", Tongue: "a3", Session: 1}
	p, err := w.arrive(kim, nobodyIsGone)
	if err != nil {
		t.Fatal(err)
	}
	kim.Session, kim.Tongue = 2, "bcp"
	w.wantRefused(kim, nobodyIsGone, channels.NameTaken)
	register := func(tx channels.Tx) error { return channels.Register(tx, "kim", []byte("h"), false) }
	if err := errors.Join(w.do(register)...); channels.WordOf(err) != channels.NameTaken {
		t.Errorf("the name of a guest on line is registered: %v", err)
	}
	w.must(func(tx channels.Tx) error {
		_, err := channels.Whisper(tx, w.personIn(tx, "eve"), "kim", "psst", "")
		return err
	})
	w.must(func(tx channels.Tx) error { return channels.Depart(tx, p, 1) })
	whisper := func(tx channels.Tx) error {
		_, err := channels.Whisper(tx, w.personIn(tx, "eve"), "kim", "psst", "")
		return err
	}
	if err := errors.Join(w.do(whisper)...); channels.WordOf(err) != channels.NoSuchUser {
		t.Errorf("somebody whispers to a guest who has left: %v", err)
	}
	w.must(register)
	w.must(func(tx channels.Tx) error {
		inbox, err := tx.Inbox(w.personIn(tx, "kim").ID)
		if err == nil && inbox.Head.Seq != 0 {
			t.Errorf("an account reads what was whispered to a guest of its name: %+v", inbox)
		}
		return err
	})
	w.wantRefused(kim, nobodyIsGone, channels.NameTaken)
}

// personIn finds an account in a transaction that is open.
func (w *opened) personIn(tx channels.Tx, name string) channels.Person {
	w.t.Helper()
	p, err := tx.Person(name)
	if err != nil || p.ID == 0 {
		w.t.Fatalf("%s: %v", name, err)
	}
	return p
}

func TestAGuestWhoIsGoneMakesRoomAtOnce(t *testing.T) {
	w := open(t, Options{})
	guest := func(name string, session uint64) channels.Guest {
		return channels.Guest{Name: name, Tongue: "a3", Most: 3, Session: session}
	}
	var all []channels.Person
	for i := range 3 {
		p, err := w.arrive(guest(fmt.Sprint("g", i), uint64(i+1)), nobodyIsGone)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	w.wantRefused(guest("g1", 9), nobodyIsGone, channels.NameTaken) // before it is full
	w.wantRefused(guest("g9", 9), nobodyIsGone, channels.Full)
	isGone := func(p channels.PersonID) bool { return p == all[1].ID }
	if _, err := w.arrive(guest("g1", 10), isGone); err != nil {
		t.Errorf("the name of one who is gone: %v", err)
	}
	w.must(func(tx channels.Tx) error { return channels.Depart(tx, all[1], 2) }) // as the connection notices at last
	w.wantRefused(guest("g1", 11), nobodyIsGone, channels.NameTaken)
	isGone = func(p channels.PersonID) bool { return p == all[0].ID }
	if _, err := w.arrive(guest("g4", 12), isGone); err != nil {
		t.Errorf("the place of one who is gone: %v", err)
	}
	other := guest("g5", 13)
	other.Tongue = "bcp"
	if _, err := w.arrive(other, nobodyIsGone); err != nil {
		t.Errorf("guests of another tongue take room: %v", err)
	}
}

func TestAGuestWhoWasBannedStaysOut(t *testing.T) {
	w := open(t, Options{})
	bob := w.people("lobby", "bob")[0]
	g := channels.Guest{Name: "troll", Tongue: "bcp", Channel: "lobby", Session: 1}
	troll, err := w.arrive(g, nobodyIsGone)
	if err != nil {
		t.Fatal(err)
	}
	w.must(func(tx channels.Tx) error { return channels.Ban(tx, bob, "lobby", "troll") })
	w.must(func(tx channels.Tx) error { return channels.Depart(tx, troll, 1) })
	w.wantRefused(g, nobodyIsGone, channels.Banned)
	g.Channel = ""
	if _, err := w.arrive(g, nobodyIsGone); err != nil {
		t.Errorf("a ban is of one channel: %v", err)
	}
}

func TestAGuestWhoSaidNothingLeavesNothingBehind(t *testing.T) {
	w := open(t, Options{})
	bob := w.people("go", "bob")[0]
	rows := func() (n int) {
		if _, err := w.conn.one(`SELECT (SELECT count(*) FROM person) + (SELECT count(*) FROM channel) + (SELECT count(*) FROM member) + (SELECT count(*) FROM epoch)`, nil, &n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := rows()
	for i, k := range []struct {
		name string
		do   func(tx channels.Tx, p channels.Person) error
		left bool
	}{
		{"silent", func(channels.Tx, channels.Person) error { return nil }, false},
		{"told", func(tx channels.Tx, p channels.Person) error {
			_, err := channels.Whisper(tx, bob, p.Name, "psst", "")
			return err
		}, true},
		{"banned", func(tx channels.Tx, p channels.Person) error { return channels.Ban(tx, bob, "go", p.Name) }, true},
	} {
		g := channels.Guest{Name: k.name, Tongue: "a3", Session: uint64(i + 1)}
		p, err := w.arrive(g, nobodyIsGone)
		if err != nil {
			t.Fatal(err)
		}
		w.must(func(tx channels.Tx) error { return k.do(tx, p) })
		w.must(func(tx channels.Tx) error { return tx.ForgetGuest(p) }) // who is on line is not forgotten
		w.must(func(tx channels.Tx) error {
			if err := channels.Depart(tx, p, g.Session); err != nil {
				return err
			}
			return tx.ForgetGuest(p)
		})
		if left := rows() > before; left != k.left {
			t.Errorf("%s leaves rows behind: %v", k.name, left)
		}
		if _, err := w.arrive(g, nobodyIsGone); err != nil {
			t.Errorf("%s comes again: %v", k.name, err)
		}
		w.must(func(tx channels.Tx) error { return channels.Depart(tx, channels.Person{ID: p.ID, Name: p.Name}, 0) })
		before = rows()
	}
}

func TestGuestsEndWithTheRun(t *testing.T) {
	w := open(t, Options{})
	w.people("go", "bob")
	g := channels.Guest{Name: "kim", Tongue: "bcp", Channel: "lobby", Session: 1}
	if _, err := w.arrive(g, nobodyIsGone); err != nil {
		t.Fatal(err)
	}
	w = w.again()
	w.must(func(tx channels.Tx) error {
		s, err := tx.Channel("lobby")
		if err == nil && len(s.Members) != 0 {
			t.Errorf("%d members are left", len(s.Members))
		}
		return err
	})
	if _, err := w.arrive(g, nobodyIsGone); err != nil {
		t.Error(err)
	}
}

// TestNamesAreOneForAllTongues holds accounts and guests of several tongues, who come, go and vanish, to a plain model.
func TestNamesAreOneForAllTongues(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		w := open(t, Options{})
		defer w.close()
		type present struct {
			person  channels.Person
			tongue  string
			session uint64
			gone    bool
		}
		here, accounts := map[string]*present{}, map[string]bool{}
		gone := func(p channels.PersonID) bool {
			for _, g := range here {
				if g.person.ID == p {
					return g.gone
				}
			}
			return true
		}
		var sessions uint64
		name := rapid.SampledFrom([]string{"ann", "bob", "kim", "zoë"})
		r.Repeat(map[string]func(*rapid.T){
			"arrive": func(r *rapid.T) {
				n, tongue := name.Draw(r, "name"), rapid.SampledFrom([]string{"a3", "bcp"}).Draw(r, "tongue")
				sessions++
				g := channels.Guest{Name: n, Tongue: tongue, Most: 2, Channel: "lobby", Session: sessions}
				want := channels.Word("")
				others := 0
				for other, p := range here {
					if other != n && p.tongue == tongue && !p.gone {
						others++
					}
				}
				switch {
				case accounts[n], here[n] != nil && !here[n].gone:
					want = channels.NameTaken
				case others >= 2:
					want = channels.Full
				}
				p, err := w.arrive(g, gone)
				if (err == nil) != (want == "") || err != nil && channels.WordOf(err) != want {
					r.Fatalf("%s: %v; want %q", n, err, want)
				}
				if err == nil {
					all := 0
					for _, p := range here {
						if p.tongue == tongue {
							all++
						}
					}
					for other, p := range here {
						if all >= 2 && p.tongue == tongue && p.gone {
							delete(here, other) // who made room
						}
					}
					here[n] = &present{person: p, tongue: tongue, session: sessions}
				}
			},
			"depart": func(r *rapid.T) {
				n := name.Draw(r, "name")
				if g := here[n]; g != nil {
					w.must(func(tx channels.Tx) error { return channels.Depart(tx, g.person, g.session) })
					delete(here, n)
				}
			},
			"vanish": func(r *rapid.T) {
				if g := here[name.Draw(r, "name")]; g != nil {
					g.gone = true
				}
			},
			"register": func(r *rapid.T) {
				n := name.Draw(r, "name")
				err := errors.Join(w.do(func(tx channels.Tx) error { return channels.Register(tx, n, []byte("h"), false) })...)
				taken := accounts[n] || here[n] != nil
				if (err != nil) != taken {
					r.Fatalf("%s is registered: %v; taken: %v", n, err, taken)
				}
				accounts[n] = accounts[n] || err == nil
			},
			"": func(r *rapid.T) {
				w.must(func(tx channels.Tx) error {
					s, err := tx.Channel("lobby")
					if err != nil || s == nil {
						return err
					}
					for n, g := range here {
						if _, member := s.Members[g.person.ID]; !member && !g.gone {
							r.Fatalf("%s is no member", n)
						}
					}
					if len(s.Members) > len(here) {
						r.Fatalf("%d members, %d guests", len(s.Members), len(here))
					}
					return nil
				})
			},
		})
	})
}
