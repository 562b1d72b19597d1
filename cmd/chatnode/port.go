package main

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"chatnode/node/config"
)

// portCmd is the original command line (native protocol §6).
type portCmd struct {
	Port  string  `arg:"" help:"The port to listen on; 0 takes a free one."`
	Peers string  `arg:"" optional:"" help:"A file with the address of a peer, host:port, on each line."`
	Data  *string `placeholder:"DIR" help:"Keep the data in this folder, and not in a temporary one that is removed at the end."`
	Bind  string  `placeholder:"ADDR" help:"The address to listen on: 127.0.0.1, or with a peers file that of every interface, unless you say."`
}

// Help is shown by --help.
func (portCmd) Help() string {
	return `The original command line runs a node without rate limits, and takes what a client sends without a newline for a message
when nothing follows for 200ms. With a peers file any node may link, and each knows this one by the address that it dials.
Flags may stand anywhere.

Examples:

  chatnode 5050
  chatnode 5050 --data ./data --bind 0.0.0.0
  chatnode 5050 peers.txt`
}

// Run runs the node until it is told to stop.
func (c *portCmd) Run(s streams) error {
	cfg, err := c.configuration()
	if err != nil {
		return err
	}
	return serve(s, service{cfg: cfg, unthrottled: true, namedByPeers: c.Peers != ""})
}

// configuration returns what the command line asks for, validated.
func (c *portCmd) configuration() (config.Config, error) {
	if _, err := strconv.ParseUint(c.Port, 10, 16); err != nil {
		return config.Config{}, usageError(c.Port + " is not a port: those go from 0 to 65535")
	}
	cfg := config.Default()
	cfg.Data = config.Memory
	if c.Data != nil {
		cfg.Data = *c.Data
	}
	cfg.Limits.CommandsPerS = 0
	cfg.Compat.Unterminated = config.Duration(200 * time.Millisecond)
	cfg.Listen.Chat = config.Addresses{net.JoinHostPort(c.address(), c.Port)}
	if err := c.link(&cfg); err != nil {
		return config.Config{}, err
	}
	if err := cfg.Validate(); err != nil {
		return config.Config{}, badConfig{err}
	}
	return cfg, nil
}

// address is where the node listens.
func (c *portCmd) address() string {
	switch {
	case c.Bind != "":
		return strings.Trim(c.Bind, "[]") // JoinHostPort puts them back
	case c.Peers != "":
		return "0.0.0.0"
	}
	return "127.0.0.1"
}

// link configures the links to the peers of the file, if there is one: as in the original, any node may link, and each
// knows this one by the address that it dials.
func (c *portCmd) link(cfg *config.Config) error {
	if c.Peers == "" {
		return nil
	}
	if _, err := os.ReadFile(c.Peers); err != nil {
		return fmt.Errorf("the peers file cannot be read (%w): give the path of one, or none", err)
	}
	cfg.Federation.Peers = c.Peers
	cfg.Federation.Accept = config.AcceptAny
	cfg.Host = "chatnode" // not the default, which a node with peers may not have; no peer is told it
	return nil
}
