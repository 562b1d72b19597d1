package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"

	"chatnode/node/config"
)

type checkCmd struct {
	File string `arg:"" help:"The configuration."`
}

// Help is shown by --help.
func (checkCmd) Help() string {
	return `It prints every key with the value that a node would have, as a file that means the same, or what is wrong with which
line. Nothing is opened but the file.

Examples:

  chatnode check chatnode.toml
  chatnode check chatnode.toml && systemctl reload chatnode`
}

// Run prints the effective configuration.
func (c *checkCmd) Run(s streams) error {
	cfg, err := load(c.File)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	fmt.Fprintf(&out, "# What %q comes to, defaults and all.\n", c.File)
	fmt.Fprintln(&out, "# A running node takes over the keys that are marked so on SIGHUP; those of [limits] apply to connections made after")
	fmt.Fprintln(&out, "# that. The others need a restart.")
	for _, l := range listeners(cfg) {
		fmt.Fprintf(&out, "# It listens on %s: %s.\n", l.address, l.tongue)
	}
	fmt.Fprintln(&out)
	if err := cfg.WriteTOML(&out); err != nil {
		return fmt.Errorf("show the configuration: %w", err)
	}
	if _, err := s.stdout.Write(out.Bytes()); err != nil {
		return fmt.Errorf("show the configuration: %w", err)
	}
	return nil
}

// A listener is an address and what is spoken there.
type listener struct{ address, tongue string }

// listeners lists what a node with this configuration opens.
func listeners(c config.Config) []listener {
	var all []listener
	for _, address := range c.Listen.Chat {
		all = append(all, listener{address, "the native protocol and links to other nodes"})
	}
	for _, g := range []listener{{c.Gateways.CSP, "CSP"}, {c.Gateways.A3, "A3"}, {c.Gateways.BCP, "BCP"}, {c.Gateways.Proofchat, "Proofchat"}} {
		if g.address != "" {
			all = append(all, g)
		}
	}
	return all
}

// badConfig is all that is wrong with a configuration, a line each.
type badConfig struct{ error }

func (b badConfig) Unwrap() error { return b.error }

// load reads a configuration from a file.
func load(path string) (config.Config, error) {
	cfg, err := config.Load(path)
	if errors.Is(err, fs.ErrNotExist) {
		return cfg, fmt.Errorf("there is no file %s: give the path of a configuration, or run `chatnode serve` without one for the defaults", path)
	}
	if unread, ok := errors.AsType[*fs.PathError](err); ok {
		return cfg, fmt.Errorf("%s cannot be read (%w): give the path of a configuration that this user may read", path, unread.Err)
	}
	if err != nil {
		return cfg, badConfig{err}
	}
	return cfg, nil
}
