package node

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"github.com/hashicorp/go-hclog"
	"golang.org/x/sync/errgroup"

	"chatnode/auth"
	"chatnode/channels"
	"chatnode/node/admin"
	"chatnode/node/config"
	"chatnode/store"
)

// accounts is what operators do to accounts, on an open store.
type accounts struct {
	store *store.Store
	auth  *auth.Service
}

var _ admin.Accounts = accounts{}

// OpenAccounts returns the accounts of the node with this configuration: through the node that runs, or, when none does,
// from the database itself. close gives back what was opened.
func OpenAccounts(ctx context.Context, cfg config.Config, log hclog.Logger) (a admin.Accounts, close func() error, err error) {
	f, err := openFolder(cfg.Data)
	if errors.Is(err, ErrInUse) {
		return admin.Dial(cfg.Data), func() error { return nil }, nil
	}
	if err != nil {
		return nil, nil, err
	}
	s, err := openStore(ctx, f, cfg, Options{Log: log})
	if err != nil {
		return nil, nil, errors.Join(err, f.close())
	}
	working, stop := context.WithCancel(context.Background())
	var writer errgroup.Group
	writer.Go(func() error { return s.Run(working, channels.NewHub(nil, 0).Deliver) })
	close = func() error {
		stop()
		return errors.Join(writer.Wait(), s.Close(), f.close())
	}
	return accounts{s, auth.New(s, auth.Options{Cost: cfg.Accounts.BcryptCost})}, close, nil
}

// serveAdmin serves the operators' socket until ctx ends.
func (n *Node) serveAdmin(ctx context.Context) error {
	return admin.Serve(ctx, n.admin, accounts{n.store, n.auth}, n.log.Named("admin"))
}

// do runs a rule in a transaction and returns its error.
func (a accounts) do(rule func(channels.Tx) error) error {
	var result error
	err := a.store.Submit([]channels.Step{{
		Do:   rule,
		Done: func(_ *channels.Delivery, err error) { result = err },
	}})
	return errors.Join(err, result)
}

// with runs a rule for an account that exists.
func (a accounts) with(name string, rule func(channels.Tx, channels.Person) error) error {
	return a.do(func(tx channels.Tx) error {
		p, err := channels.Account(tx, name)
		if err != nil {
			return err
		}
		return rule(tx, p)
	})
}

// Add implements admin.Accounts.
func (a accounts) Add(ctx context.Context, name, password string, isAdmin bool) error {
	hash, err := a.auth.Hash(ctx, password, netip.Addr{})
	if err != nil {
		return fmt.Errorf("add account %s: %w", name, err)
	}
	return a.do(func(tx channels.Tx) error { return channels.Register(tx, name, hash, isAdmin) })
}

// List implements admin.Accounts.
func (a accounts) List(ctx context.Context) ([]admin.Account, error) {
	stored, err := a.store.Accounts(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]admin.Account, len(stored))
	for i, s := range stored {
		all[i] = admin.Account(s)
	}
	return all, nil
}

// SetPassword implements admin.Accounts.
func (a accounts) SetPassword(ctx context.Context, name, password string) error {
	hash, err := a.auth.Hash(ctx, password, netip.Addr{})
	if err != nil {
		return fmt.Errorf("change the password of %s: %w", name, err)
	}
	return a.with(name, func(tx channels.Tx, p channels.Person) error {
		if err := tx.SetPasswordHash(p.ID, hash); err != nil {
			return err
		}
		return tx.EndSessions(p.ID, "password-changed")
	})
}

// SetAdmin implements admin.Accounts.
func (a accounts) SetAdmin(_ context.Context, name string, isAdmin bool) error {
	return a.with(name, func(tx channels.Tx, p channels.Person) error { return tx.SetAdmin(p.ID, isAdmin) })
}

// SetDisabled implements admin.Accounts.
func (a accounts) SetDisabled(_ context.Context, name string, disabled bool) error {
	return a.with(name, func(tx channels.Tx, p channels.Person) error {
		if err := tx.SetDisabled(p.ID, disabled); err != nil || !disabled {
			return err
		}
		return tx.EndSessions(p.ID, "disabled")
	})
}

// Delete implements admin.Accounts.
func (a accounts) Delete(_ context.Context, name string) error {
	return a.with(name, func(tx channels.Tx, p channels.Person) error { return tx.DeleteAccount(p) })
}
