package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"syscall"

	"chatnode/channels"
	"chatnode/node"
	"chatnode/node/admin"
	"chatnode/node/config"
)

type userCmd struct {
	Config string `placeholder:"FILE" help:"The node's configuration; otherwise ./chatnode.toml or /etc/chatnode/chatnode.toml if there is one, or the defaults."`
	JSON   bool   `name:"json" help:"Answer in JSON."`

	Add     addCmd     `cmd:"" help:"Make an account."`
	List    listCmd    `cmd:"" help:"List the accounts."`
	Passwd  passwdCmd  `cmd:"" help:"Change the password of an account."`
	Admin   adminCmd   `cmd:"" help:"Make somebody an admin, or no longer."`
	Disable disableCmd `cmd:"" help:"Let somebody log in no more."`
	Enable  enableCmd  `cmd:"" help:"Let somebody log in again."`
	Delete  deleteCmd  `cmd:"" help:"Delete an account; its name stays reserved."`
}

// Help is shown by --help.
func (userCmd) Help() string {
	return `While the node runs this asks it; otherwise it goes to the database itself. Do it as the user that the node runs as.

Examples:

  chatnode user add bob
  chatnode user list --json --config /etc/chatnode/chatnode.toml`
}

// places are where a configuration is looked for.
var places = []string{"chatnode.toml", "/etc/chatnode/chatnode.toml"}

// configuration returns that of the node whose accounts are meant.
func (u *userCmd) configuration() (config.Config, error) {
	if u.Config != "" {
		return load(u.Config)
	}
	for _, path := range places {
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			return load(path)
		}
	}
	return config.Default(), nil
}

// A job is what a command does to the accounts.
type job func(context.Context, admin.Accounts) error

// do does a job to the accounts of the node that is meant. A signal ends it. Only a job that makes something may make the
// data folder.
func (u *userCmd) do(s streams, makes bool, work job) error {
	cfg, err := u.configuration()
	if err != nil {
		return err
	}
	if cfg.Data == config.Memory {
		return fmt.Errorf("the configuration has data = %q, so that its accounts end with the node: set data to a folder", config.Memory)
	}
	if _, err := os.Stat(cfg.Data); errors.Is(err, fs.ErrNotExist) && !makes {
		return fmt.Errorf("there is no data folder %s: say which node is meant with --config FILE", cfg.Data)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	accounts, closeAccounts, err := node.OpenAccounts(ctx, cfg, newLog(s.stderr, config.LevelWarn, config.FormatText))
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("%w: do this as the user that the node runs as", err)
	}
	if err != nil {
		return err
	}
	return errors.Join(work(ctx, accounts), closeAccounts())
}

// A change is something that is done to one account.
type change struct {
	name  string
	done  string // what has been done, when it has
	note  string // what else there is to say
	makes bool   // may be the first thing that is done to a node
	work  job
}

// change does it and says so.
func (u *userCmd) change(s streams, c change) error {
	if err := u.do(s, c.makes, c.work); err != nil {
		return explain(c.name, err)
	}
	if u.JSON {
		return s.printJSON(struct {
			Name string `json:"name"`
			Done string `json:"done"`
		}{c.name, c.done})
	}
	return s.print(c.name + ": " + c.done + c.note + "\n")
}

// sentences say what the words of refusals mean to an operator.
var sentences = map[channels.Word]string{
	channels.NameTaken:   "the name is taken, if only by an account that was deleted: choose another",
	channels.BadName:     `this is not a name: it needs 1 to 64 bytes, no blanks, none of "@", ":" and ",", no "#" in front, and not to be the node's own`,
	channels.NoSuchUser:  "there is no such account: see chatnode user list",
	channels.TooLong:     "the password is longer than 72 bytes",
	channels.Malformed:   "the password is empty",
	channels.RateLimited: "the node has too many passwords to look at: try again in a moment",
}

// explain says in words why something was refused.
func explain(name string, err error) error {
	if sentence, known := sentences[channels.WordOf(err)]; known && channels.IsRefusal(err) {
		return errors.New(name + ": " + sentence)
	}
	return err
}
