package main

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"chatnode/node/admin"
)

type addCmd struct {
	Name          string `arg:"" help:"The name of the account."`
	Admin         bool   `help:"Make it an admin's."`
	PasswordStdin bool   `help:"Read the password from standard input, one line."`
}

// Help is shown by --help.
func (addCmd) Help() string {
	return `Examples:

  chatnode user add bob
  chatnode user add carol --admin
  pass show chat/dave | chatnode user add dave --password-stdin`
}

// Run makes the account.
func (c *addCmd) Run(u *userCmd, s streams) error {
	password, err := s.newPassword(c.PasswordStdin)
	if err != nil {
		return err
	}
	said := "added"
	if c.Admin {
		said = "added as an admin"
	}
	return u.change(s, change{name: c.Name, done: said, makes: true, work: func(ctx context.Context, a admin.Accounts) error {
		return a.Add(ctx, c.Name, password, c.Admin)
	}})
}

type listCmd struct{}

// Help is shown by --help.
func (listCmd) Help() string {
	return `Examples:

  chatnode user list
  chatnode user list --json`
}

// Run lists the accounts.
func (c *listCmd) Run(u *userCmd, s streams) error {
	var all []admin.Account
	err := u.do(s, false, func(ctx context.Context, a admin.Accounts) (err error) {
		all, err = a.List(ctx)
		return err
	})
	if err != nil {
		return err
	}
	if u.JSON {
		return s.printJSON(append([]admin.Account{}, all...)) // [] and not null
	}
	return s.print(table(all))
}

func table(all []admin.Account) string {
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tADMIN\tSTATE\tCHANNELS\tCREATED")
	for _, a := range all {
		isAdmin, state := "no", "active"
		if a.Admin {
			isAdmin = "yes"
		}
		if a.Disabled {
			state = "disabled"
		}
		created := time.UnixMilli(a.Created).UTC().Format(time.RFC3339)
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%s\n", a.Name, isAdmin, state, a.Channels, created)
	}
	_ = w.Flush() // a Builder takes everything
	return text.String()
}

type passwdCmd struct {
	Name          string `arg:"" help:"The name of the account."`
	PasswordStdin bool   `help:"Read the password from standard input, one line."`
}

// Help is shown by --help.
func (passwdCmd) Help() string {
	return `The sessions of the account end.

Examples:

  chatnode user passwd bob
  pass show chat/bob | chatnode user passwd bob --password-stdin`
}

// Run changes the password.
func (c *passwdCmd) Run(u *userCmd, s streams) error {
	password, err := s.newPassword(c.PasswordStdin)
	if err != nil {
		return err
	}
	return u.change(s, change{name: c.Name, done: "password changed", work: func(ctx context.Context, a admin.Accounts) error {
		return a.SetPassword(ctx, c.Name, password)
	}})
}

type adminCmd struct {
	Name string `arg:"" help:"The name of the account."`
	Off  bool   `help:"Make it no admin's any more."`
}

// Help is shown by --help.
func (adminCmd) Help() string {
	return `Examples:

  chatnode user admin bob
  chatnode user admin bob --off`
}

// Run makes somebody an admin, or no longer.
func (c *adminCmd) Run(u *userCmd, s streams) error {
	said := "admin"
	if c.Off {
		said = "no admin any more"
	}
	return u.change(s, change{name: c.Name, done: said, work: func(ctx context.Context, a admin.Accounts) error {
		return a.SetAdmin(ctx, c.Name, !c.Off)
	}})
}

type disableCmd struct {
	Name string `arg:"" help:"The name of the account."`
}

// Help is shown by --help.
func (disableCmd) Help() string {
	return `The sessions of the account end, and its password opens nothing until it is enabled again.

Examples:

  chatnode user disable bob`
}

// Run disables the account.
func (c *disableCmd) Run(u *userCmd, s streams) error {
	return u.change(s, change{name: c.Name, done: "disabled", work: func(ctx context.Context, a admin.Accounts) error {
		return a.SetDisabled(ctx, c.Name, true)
	}})
}

type enableCmd struct {
	Name string `arg:"" help:"The name of the account."`
}

// Help is shown by --help.
func (enableCmd) Help() string {
	return `Examples:

  chatnode user enable bob`
}

// Run enables the account.
func (c *enableCmd) Run(u *userCmd, s streams) error {
	return u.change(s, change{name: c.Name, done: "enabled", work: func(ctx context.Context, a admin.Accounts) error {
		return a.SetDisabled(ctx, c.Name, false)
	}})
}

type deleteCmd struct {
	Name string `arg:"" help:"The name of the account."`
	Yes  bool   `help:"Do not ask."`
}

// Help is shown by --help.
func (deleteCmd) Help() string {
	return `Nobody can have the name again. The channels of the account stay, without an owner.

Examples:

  chatnode user delete bob
  chatnode user delete bob --yes`
}

// Run deletes the account, once the operator is sure.
func (c *deleteCmd) Run(u *userCmd, s streams) error {
	if !c.Yes {
		if err := s.confirm("Delete the account " + c.Name + "? Nobody can have the name again. [y/N] "); err != nil {
			return err
		}
	}
	return u.change(s, change{name: c.Name, done: "deleted", note: "; the name stays reserved", work: func(ctx context.Context, a admin.Accounts) error {
		return a.Delete(ctx, c.Name)
	}})
}
