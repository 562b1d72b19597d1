package session

import (
	"context"
	"fmt"
	"runtime/debug"
	"strings"

	"chatnode/auth"
	"chatnode/channels"
)

// Register makes an account. It waits for its turn to hash the password.
func (s *Session) Register(name, password string, reply func(error) []byte) {
	s.Commit()
	s.Reply(reply(s.register(name, password)))
}

func (s *Session) register(name, password string) error {
	if !s.server.Settings().Registration {
		return channels.Refuse(channels.RegistrationClosed)
	}
	name, err := channels.ParseName(name)
	if err != nil {
		return err
	}
	err = s.now(func(tx channels.Tx) error { // before the hash, which costs a thousand times as much
		taken, err := tx.NameTaken(name)
		if taken {
			err = channels.Refuse(channels.NameTaken)
		}
		return err
	})
	if err != nil {
		return err
	}
	hash, err := s.hash(password)
	if err != nil {
		return err
	}
	return s.now(func(tx channels.Tx) error { return channels.Register(tx, name, hash, false) })
}

// private logs an error that is the node's own fault, and returns it.
func (s *Session) private(doing string, err error) error {
	if err != nil && !channels.IsRefusal(err) && s.ctx.Err() == nil {
		s.log().Error("a command failed", "command", doing, "error", err)
	}
	return err
}

// LoginOptions is how somebody logs in.
type LoginOptions struct {
	Kind   channels.SeatKind
	Replay bool // what was said since the account last heard it comes first
}

// Login seats the person on the session: from the answer on they hear their channels.
func (s *Session) Login(name, password string, o LoginOptions, reply func(error) []byte) {
	s.Commit()
	if s.seat != nil {
		s.refuse(channels.AlreadyLoggedIn, reply)
		return
	}
	name = channels.NormalName(name)
	for attempts := 3; ; attempts-- {
		v, err := s.verify(name, password)
		if err != nil {
			s.Reply(reply(err))
			return
		}
		if s.attach(v, o, attempts == 1, reply) {
			return
		}
	}
}

// verify checks a password, under the deadline of the login.
func (s *Session) verify(name, password string) (auth.Verified, error) {
	ctx, cancel := s.ctx, context.CancelFunc(func() {})
	if s.settings.LoginTimeout > 0 {
		ctx, cancel = context.WithDeadline(ctx, s.opened.Add(s.settings.LoginTimeout))
	}
	defer cancel()
	return s.check(ctx, name, password)
}

// check compares a password with an account's.
func (s *Session) check(ctx context.Context, name, password string) (v auth.Verified, err error) {
	s.aside(ctx, func(ctx context.Context) { v, err = s.server.Auth.Verify(ctx, name, password, s.remote) })
	return v, s.private("check a password", err)
}

// hash makes the hash of a new password.
func (s *Session) hash(password string) (hash []byte, err error) {
	s.aside(s.ctx, func(ctx context.Context) { hash, err = s.server.Auth.Hash(ctx, password, s.remote) })
	return hash, s.private("hash a password", err)
}

// aside runs f on a goroutine of its own and waits for it: what reads the database needs a deep stack, which the serving
// goroutine would then keep for as long as the connection lives. f's context ends with the session. A panic in f is one
// of the serving goroutine.
func (s *Session) aside(ctx context.Context, f func(context.Context)) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	panicked := make(chan string, 1) // closed when f is done
	go func() {
		defer close(panicked)
		defer func() {
			if v := recover(); v != nil {
				panicked <- fmt.Sprintf("%v\n%s", v, debug.Stack())
			}
		}()
		f(ctx)
	}()
	var stack string
	var bad bool
	select {
	case stack, bad = <-panicked:
	case <-s.out.closed:
		cancel()
		stack, bad = <-panicked
	}
	if bad {
		panic(stack)
	}
}

// attach seats the person whose password was right. It is false, and nothing was answered, when the hash was remade
// between the check and the transaction, as by another login of the account: the check has to be made again, unless last.
func (s *Session) attach(v auth.Verified, o LoginOptions, last bool, reply func(error) []byte) (done bool) {
	most := -1
	if o.Replay {
		most = s.settings.Replay
	}
	person := channels.Person{ID: v.Person, Name: strings.Clone(v.Name)} // not the whole line that it is a part of
	done = true
	var hears []channels.Membership
	s.pending = append(s.pending, channels.Step{Asker: s, Do: func(tx channels.Tx) (err error) {
		done = true
		if err = channels.SameHash(tx, v.Person, v.Hash); err != nil {
			done = last || !channels.IsRefusal(err)
			return err
		}
		if v.Rehash != nil {
			if err = tx.SetPasswordHash(v.Person, v.Rehash); err != nil {
				return err
			}
		}
		hears, err = tx.Memberships(v.Person, most)
		return err
	}, Done: func(d *channels.Delivery, err error) {
		if err == nil {
			s.seat, err = d.Attach(s, person, o.Kind, s.settings.MaxSessions, hears)
		}
		if done {
			s.admin = err == nil && v.Admin
			s.answer(d.Order(), func() []byte { return reply(err) })
		}
	}})
	s.Commit()
	return done
}

// Logout ends the login, not the connection.
func (s *Session) Logout(reply func(error) []byte) {
	s.Commit()
	if s.seat == nil {
		s.refuse(channels.NotLoggedIn, reply)
		return
	}
	s.leaveSeat()
	s.out.waitUntilWritten() // so that nothing of it is replayed at the next LOGIN
	s.server.saveHeard(s.out.takeHeard())
	s.Reply(reply(nil))
}

// ChangePassword replaces the account's password.
func (s *Session) ChangePassword(old, next string, reply func(error) []byte) {
	s.Commit()
	s.Reply(reply(s.changePassword(old, next)))
}

func (s *Session) changePassword(old, next string) error {
	v, err := s.confirm(old)
	if err != nil {
		return err
	}
	hash, err := s.hash(next)
	if err != nil {
		return err
	}
	return s.now(func(tx channels.Tx) error { return channels.ChangePassword(tx, v.Person, v.Hash, hash) })
}

// Unregister closes the account. Its other sessions end, this one is logged out.
func (s *Session) Unregister(password string, reply func(error) []byte) {
	s.Commit()
	s.Reply(reply(s.unregister(password)))
}

func (s *Session) unregister(password string) error {
	v, err := s.confirm(password)
	if err != nil {
		return err
	}
	person := s.seat.Person
	err = s.now(func(tx channels.Tx) error { return channels.Unregister(tx, person, v.Hash) })
	if err == nil {
		s.leaveSeat()
	}
	return err
}

// confirm checks the password of whoever is logged in.
func (s *Session) confirm(password string) (auth.Verified, error) {
	if s.seat == nil {
		return auth.Verified{}, channels.Refuse(channels.NotLoggedIn)
	}
	return s.check(s.ctx, s.seat.Person.Name, password)
}
