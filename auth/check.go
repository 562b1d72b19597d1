package auth

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"chatnode/channels"

	"golang.org/x/crypto/bcrypt"
)

// check compares once, whatever it finds. The caller holds a slot.
func (s *Service) check(ctx context.Context, name, password string) (Verified, error) {
	a, ok, err := s.find(ctx, name)
	if err != nil {
		return Verified{}, fmt.Errorf("find the account: %w", err)
	}
	hash := a.Hash
	if !ok {
		hash = dummy(s.configured())
	}
	if password == "" || len(password) > MaxPassword {
		password, ok = "none", false // bcrypt itself would be content with the first 72 bytes
	}
	err = s.compare(hash, []byte(password))
	if errors.Is(err, bcrypt.ErrMismatchedHashAndPassword) || err == nil && !ok {
		return Verified{}, channels.Refuse(channels.BadCredentials)
	}
	if err != nil {
		return Verified{}, errHash
	}
	return s.remake(a, password)
}

// errHash stands for bcrypt's own errors, which quote the hash.
var errHash = errors.New("the stored hash is not one of bcrypt's")

// find finds an account that a password can open.
func (s *Service) find(ctx context.Context, name string) (Account, bool, error) {
	if name == "" {
		return Account{}, false, nil
	}
	a, ok, err := s.accounts.Account(ctx, name)
	return a, ok && !a.Disabled && len(a.Hash) > 0, err
}

// remake hashes a right password again if its hash is of another cost than the configured one.
func (s *Service) remake(a Account, password string) (Verified, error) {
	cost, err := bcrypt.Cost(a.Hash)
	if err != nil {
		return Verified{}, errHash
	}
	v := Verified{Account: a}
	if configured := s.configured(); cost != configured {
		v.Rehash, err = s.generate([]byte(password), configured)
	}
	return v, err
}

// dummy is what the passwords of nobodies are compared with. It was made of no password but put together by hand, its
// digest being as good as any, and a password that fitted it would be refused all the same.
func dummy(cost int) []byte {
	b := []byte("$2a$")
	if cost < 10 {
		b = append(b, '0')
	}
	b = strconv.AppendInt(b, int64(cost), 10)
	return append(b, "$NobodyHasThisForASalt.NeitherThisForADigestOfAnything"...)
}
