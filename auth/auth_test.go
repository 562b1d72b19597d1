package auth

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"chatnode/channels"

	"go.uber.org/goleak"
	"golang.org/x/crypto/bcrypt"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const secret = "open sesame"

var home = netip.MustParseAddr("192.0.2.1")

// book is a store of accounts that are all opened by the same password, or by none.
type book map[string]Account

func (b book) Account(_ context.Context, name string) (Account, bool, error) {
	a, ok := b[name]
	return a, ok, nil
}

type brokenStore struct{ error }

func (b brokenStore) Account(context.Context, string) (Account, bool, error) {
	return Account{}, true, b.error
}

func accounts(t testing.TB) book {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(secret), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	return book{
		"alice":    {Person: 1, Name: "alice", Hash: hash},
		"zoë":      {Person: 2, Name: "zoë", Hash: hash},
		"disabled": {Person: 3, Name: "disabled", Hash: hash, Disabled: true},
		"hashless": {Person: 4, Name: "hashless"},
	}
}

// service makes one of real bcrypt at the lowest cost.
func service(t testing.TB, o Options) *Service {
	t.Helper()
	if o.Cost == 0 {
		o.Cost = bcrypt.MinCost
	}
	return New(accounts(t), o)
}

// quick makes a service that takes no time for its hashes, and calls hashing for each.
func quick(t testing.TB, o Options, hashing func()) *Service {
	t.Helper()
	s := service(t, o)
	s.compare = func(_, password []byte) error {
		hashing()
		if string(password) == secret {
			return nil
		}
		return bcrypt.ErrMismatchedHashAndPassword
	}
	return s
}

func verify(t testing.TB, s *Service, name, password string, from netip.Addr) error {
	t.Helper()
	_, err := s.Verify(t.Context(), name, password, from)
	return err
}

func wantWord(t testing.TB, err error, w channels.Word) {
	t.Helper()
	if err == nil || channels.WordOf(err) != w {
		t.Errorf("got %v, want %s", err, w)
	}
}

func TestARightPasswordGivesTheAccount(t *testing.T) {
	s := service(t, Options{Throttle: true})
	v, err := s.Verify(t.Context(), "alice", secret, home)
	if err != nil || v.Person != 1 || v.Rehash != nil || len(v.Hash) == 0 {
		t.Errorf("got %+v, %v", v, err)
	}
}

func TestANameMayComeInAnyNormalForm(t *testing.T) {
	s := service(t, Options{})
	v, err := s.Verify(t.Context(), "zoe\u0308", secret, home)
	if err != nil || v.Person != 2 {
		t.Errorf("got %+v, %v", v, err)
	}
}

// failures are all the ways not to be let in.
var failures = []struct{ what, name, password string }{
	{"wrong password", "alice", "wrong"},
	{"unknown user", "mallory", secret},
	{"disabled account", "disabled", secret},
	{"account without a password", "hashless", secret},
	{"name that nobody can have", "a b", secret},
	{"no password", "alice", ""},
	{"too long a password", "alice", strings.Repeat("x", MaxPassword+1)},
	{"no password of an unknown user", "mallory", ""},
}

func TestUnknownUserAndWrongPasswordCostTheSame(t *testing.T) {
	s := service(t, Options{})
	var costs []int
	s.compare = func(hash, password []byte) error {
		cost, err := bcrypt.Cost(hash)
		if err != nil || len(password) == 0 || len(password) > MaxPassword {
			t.Errorf("compared %q with %q: %v", hash, password, err)
		}
		costs = append(costs, cost)
		return bcrypt.CompareHashAndPassword(hash, password)
	}
	s.generate = func([]byte, int) ([]byte, error) { t.Error("made a hash"); return nil, nil }
	for _, f := range failures {
		costs = nil
		wantWord(t, verify(t, s, f.name, f.password, home), channels.BadCredentials)
		if !slices.Equal(costs, []int{bcrypt.MinCost}) {
			t.Errorf("%s: compared hashes of the costs %v", f.what, costs)
		}
	}
}

func TestNobodyIsLetInThoughTheHashFits(t *testing.T) {
	s := service(t, Options{})
	s.compare = func([]byte, []byte) error { return nil }
	for _, f := range failures[1:] {
		wantWord(t, verify(t, s, f.name, f.password, home), channels.BadCredentials)
	}
}

func TestALongPasswordIsNotCutToARightOne(t *testing.T) {
	long := strings.Repeat("x", MaxPassword)
	s := service(t, Options{})
	hash, err := s.Hash(t.Context(), long, home)
	if err != nil {
		t.Fatal(err)
	}
	s.accounts = book{"alice": {Name: "alice", Hash: hash}}
	if err := verify(t, s, "alice", long, home); err != nil {
		t.Error(err)
	}
	wantWord(t, verify(t, s, "alice", long+"x", home), channels.BadCredentials)
}

func TestTheDummyIsAHashOfEveryCost(t *testing.T) {
	for cost := bcrypt.MinCost; cost <= bcrypt.MaxCost; cost++ {
		if got, err := bcrypt.Cost(dummy(cost)); got != cost || err != nil {
			t.Errorf("%d: got %d, %v", cost, got, err)
		}
	}
	model := accounts(t)["alice"].Hash
	if d := dummy(bcrypt.MinCost); len(d) != len(model) || string(d[:7]) != string(model[:7]) {
		t.Errorf("%q looks different from %q", d, model)
	}
	err := bcrypt.CompareHashAndPassword(dummy(bcrypt.MinCost), []byte(secret))
	if !errors.Is(err, bcrypt.ErrMismatchedHashAndPassword) {
		t.Errorf("comparing with it: %v", err)
	}
}

func TestAHashOfAnotherCostIsRemadeAtLogin(t *testing.T) {
	s := service(t, Options{})
	s.SetCost(bcrypt.MinCost + 1)
	v, err := s.Verify(t.Context(), "alice", secret, home)
	if err != nil {
		t.Fatal(err)
	}
	if cost, err := bcrypt.Cost(v.Rehash); cost != bcrypt.MinCost+1 {
		t.Fatalf("remade at %d: %v", cost, err)
	}
	s.accounts = book{"alice": {Name: "alice", Hash: v.Rehash}}
	if v, err = s.Verify(t.Context(), "alice", secret, home); err != nil || v.Rehash != nil {
		t.Errorf("with the new hash: remade %t, %v", v.Rehash != nil, err)
	}
	s.SetCost(bcrypt.MinCost)
	if v, err = s.Verify(t.Context(), "alice", secret, home); err != nil || v.Rehash == nil {
		t.Errorf("with the cost lowered: remade %t, %v", v.Rehash != nil, err)
	}
}

func TestTheCostStaysInBounds(t *testing.T) {
	s := service(t, Options{})
	for _, c := range []struct{ set, want int }{{0, 10}, {-1, 4}, {3, 4}, {4, 4}, {12, 12}, {31, 31}, {99, 31}} {
		if s.SetCost(c.set); s.configured() != c.want {
			t.Errorf("SetCost(%d): %d", c.set, s.configured())
		}
	}
}

func TestPasswordsAreOf1To72Bytes(t *testing.T) {
	s := service(t, Options{})
	for _, c := range []struct {
		bytes int
		want  channels.Word
	}{{0, channels.Malformed}, {1, ""}, {72, ""}, {73, channels.TooLong}} {
		hash, err := s.Hash(t.Context(), strings.Repeat("x", c.bytes), home)
		if c.want != "" {
			wantWord(t, err, c.want)
		} else if cost, _ := bcrypt.Cost(hash); err != nil || cost != bcrypt.MinCost {
			t.Errorf("%d bytes: cost %d, %v", c.bytes, cost, err)
		}
	}
}

func TestAStoreThatFailsIsNoWrongPassword(t *testing.T) {
	s := service(t, Options{Throttle: true})
	down := errors.New("disk on fire")
	s.accounts = brokenStore{down}
	for range 3 * free {
		err := verify(t, s, "alice", secret, home)
		if !errors.Is(err, down) || channels.IsRefusal(err) {
			t.Fatalf("got %v", err)
		}
	}
}

func TestErrorsSayWhoAndQuoteNoSecrets(t *testing.T) {
	s := service(t, Options{})
	s.accounts = book{"alice": {Name: "alice", Hash: []byte(strings.Repeat(secret, 6))}}
	err := verify(t, s, "alice", secret, home)
	if !errors.Is(err, errHash) || channels.IsRefusal(err) {
		t.Errorf("an unreadable hash: %v", err)
	}
	_, tooLong := s.Hash(t.Context(), strings.Repeat(secret, 10), home)
	for _, err := range []error{err, tooLong, verify(t, service(t, Options{}), "alice", "close sesame", home)} {
		if err == nil || strings.Contains(err.Error(), "sesame") {
			t.Errorf("got %v", err)
		}
	}
	if !strings.Contains(err.Error(), `verify "alice"`) {
		t.Errorf("%v does not say who", err)
	}
}
