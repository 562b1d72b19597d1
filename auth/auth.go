// Package auth tells whether a password is an account's. It is the only package that knows bcrypt: it hashes in a bounded
// pool, on the caller's goroutine, and slows down those who guess without locking anybody out (native protocol §7).
//
// bcrypt cannot be interrupted: a call whose context ends while it hashes comes back when the hash is done. It is only
// while waiting, for the throttle or for the pool, that a context ends it at once.
package auth

import (
	"context"
	"fmt"
	"net/netip"
	"runtime"
	"sync/atomic"
	"time"

	"chatnode/channels"

	"golang.org/x/crypto/bcrypt"
)

// MaxPassword is the longest password in bytes: bcrypt reads no further.
const MaxPassword = 72

// An Account is what the store keeps of one account of this node.
type Account struct {
	Person   channels.PersonID
	Name     string
	Hash     []byte // as Hash made it; empty: no password opens the account
	Admin    bool
	Disabled bool
}

// Accounts is what auth needs of the store. It must be safe for concurrent use, and is called while a slot of the pool
// is held, so that it should be quick.
type Accounts interface {
	// Account finds an account by its name in normal form (channels.ParseName); false where there is none, or no longer.
	// An error means that the store could not tell.
	Account(ctx context.Context, name string) (Account, bool, error)
}

// Options say how hard passwords are hashed and guessing is made.
type Options struct {
	Cost     int              // bcrypt's, 4 to 31, brought within these; each step doubles the time; 0 = 10
	Throttle bool             // slow down those who guess
	Workers  int              // hashes at a time; 0 = GOMAXPROCS-1, but at least 1
	Queue    int              // callers that may wait for a worker, those of each address in turn; 0 = 256
	Now      func() time.Time // the throttle's clock; nil = time.Now
}

// A Verified is an account whose password was right.
type Verified struct {
	// Account is as the store had it when the password was checked. What is then done in its name should make sure, in its
	// transaction, that Hash is still the account's (channels.SameHash).
	Account
	// Rehash is a new hash of the same password if the stored one is of another cost than the configured one, or else
	// nil. The caller stores it (channels.ChangePassword).
	Rehash []byte
}

// A Service verifies and hashes passwords. It has no goroutines of its own and needs no closing. Safe for concurrent use.
type Service struct {
	// Static.
	accounts  Accounts
	throttled bool
	now       func() time.Time
	pool      *pool
	compare   func(hash, password []byte) error // bcrypt's; tests put their own
	generate  func(password []byte, cost int) ([]byte, error)

	throttle *throttle
	cost     atomic.Int64
}

// New makes a Service that finds accounts in the given store. It starts nothing.
func New(accounts Accounts, o Options) *Service {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Workers <= 0 {
		o.Workers = max(1, runtime.GOMAXPROCS(0)-1)
	}
	if o.Queue <= 0 {
		o.Queue = 256
	}
	s := &Service{
		accounts:  accounts,
		throttled: o.Throttle,
		now:       o.Now,
		pool:      newPool(o.Workers, o.Queue),
		compare:   bcrypt.CompareHashAndPassword,
		generate:  bcrypt.GenerateFromPassword,
		throttle:  newThrottle(tableSize),
	}
	s.SetCost(o.Cost)
	return s
}

// SetCost changes what new hashes cost, in the units and bounds of Options.Cost. Hashes of another cost stay good and are
// remade when their owners log in. For a reload; what is hashing already goes on at the old cost.
func (s *Service) SetCost(cost int) {
	if cost == 0 {
		cost = bcrypt.DefaultCost
	}
	s.cost.Store(int64(min(max(cost, bcrypt.MinCost), bcrypt.MaxCost)))
}

// Verify tells whether a password is that of an account, for somebody who asks from an address. It may wait up to 30 s
// for the throttle, and for the pool. An address that is not valid, as that of a Unix socket, is never throttled, and
// waits for the pool as one of its own. For those who log people in.
//
// The refusals are BadCredentials, which takes the same work whether the name is nobody's, the account is disabled or
// the password is wrong (the work is that of the stored hash's cost, which differs from a nobody's between a SetCost and
// the account's next login), and RateLimited where too many wait and no address has more of them. Other errors are the context's and
// the store's. None contains a password or a hash.
func (s *Service) Verify(ctx context.Context, name, password string, from netip.Addr) (Verified, error) {
	name, _ = channels.ParseName(name) // a name that nobody can have is empty from here on, and is nobody's
	v, err := s.verify(ctx, name, password, from)
	if err != nil {
		return Verified{}, fmt.Errorf("verify %q: %w", name, err)
	}
	return v, nil
}

// Hash makes the hash to store of a new password of 1 to MaxPassword bytes, at the configured cost, for somebody who asks
// from an address, which need not be valid. It refuses an empty password as Malformed, a longer one as TooLong, and any as
// RateLimited where too many wait for the pool and no address has more of them; its other errors are the context's. It is
// not throttled: for those who have leave to set a password.
func (s *Service) Hash(ctx context.Context, password string, from netip.Addr) ([]byte, error) {
	hash, err := s.hash(ctx, password, from)
	if err != nil {
		return nil, fmt.Errorf("hash a password: %w", err)
	}
	return hash, nil
}

func (s *Service) hash(ctx context.Context, password string, from netip.Addr) ([]byte, error) {
	if password == "" {
		return nil, channels.Refuse(channels.Malformed)
	}
	if len(password) > MaxPassword {
		return nil, channels.Refuse(channels.TooLong)
	}
	if err := s.pool.acquire(ctx, from); err != nil {
		return nil, err
	}
	defer s.pool.release()
	return s.generate([]byte(password), s.configured())
}

func (s *Service) verify(ctx context.Context, name, password string, from netip.Addr) (Verified, error) {
	a := attempt{name, network(from)}
	if !s.throttled {
		a.from = netip.Prefix{}
	}
	t, err := s.enter(ctx, a, from)
	if err != nil {
		return Verified{}, err
	}
	o := undecided
	defer func() { // the failure is counted before the next attempt has the slot
		s.throttle.settle(s.now(), a, t, o)
		s.pool.release()
	}()
	v, err := s.check(ctx, name, password)
	o = outcomeOf(err)
	return v, err
}

// enter waits until an attempt may be made, and for a slot to make it in. The caller must settle and release.
func (s *Service) enter(ctx context.Context, a attempt, from netip.Addr) (ticket, error) {
	t, ok := s.throttle.reserve(s.now(), a)
	for ok {
		if err := s.standInLine(ctx, t.wait, from); err != nil {
			s.throttle.settle(s.now(), a, t, undecided)
			return ticket{}, err
		}
		if t.placed() {
			return t, nil
		}
		// It was free to go when it came, but others of its address may have failed while it waited for the slot.
		if t, ok = s.throttle.reserve(s.now(), a); ok && t.wait == 0 {
			return t, nil
		}
		s.pool.release()
	}
	return ticket{}, channels.Refuse(channels.RateLimited)
}

// standInLine waits for the throttle first, so that those it slows down take up no room in the pool's queue.
func (s *Service) standInLine(ctx context.Context, d time.Duration, from netip.Addr) error {
	if err := sleep(ctx, d); err != nil {
		return err
	}
	return s.pool.acquire(ctx, from)
}

func (s *Service) configured() int { return int(s.cost.Load()) }
