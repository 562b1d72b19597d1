package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"time"

	"chatnode/node/config"
)

type healthCmd struct {
	File    string        `arg:"" optional:"" help:"The configuration that the node runs with; without one, the defaults."`
	Timeout time.Duration `default:"3s" help:"How long the node may take to answer."`
}

// Help is shown by --help.
func (healthCmd) Help() string {
	return `It connects to each address of listen.chat and sends PING. It exits with 0 if every one answers, and with 1 and a line that says
what is wrong if one does not. To the node it is a connection like any other, which limits.connections may refuse.

Examples:

  chatnode health
  chatnode health chatnode.toml
  chatnode health --timeout 500ms chatnode.toml`
}

// Run asks the node.
func (c *healthCmd) Run(s streams) error {
	if c.Timeout <= 0 {
		return usageError("--timeout must be more than 0")
	}
	cfg, err := c.configuration()
	if err != nil {
		return err
	}
	if len(cfg.Listen.Chat) == 0 {
		return errors.New("listen.chat is off, so that nobody can be asked")
	}
	late := time.Now().Add(c.Timeout)
	for _, address := range cfg.Listen.Chat {
		if err := ping(address, late); err != nil {
			return explainPing(address, c.Timeout, err)
		}
	}
	return s.print(strings.Join(cfg.Listen.Chat, ", ") + ": well\n")
}

func (c *healthCmd) configuration() (config.Config, error) {
	if c.File == "" {
		return config.Default(), nil
	}
	return load(c.File)
}

// errNoPort is an address whose port is known to nobody but the running node.
var errNoPort = errors.New("port 0 can be any: give listen.chat a port of its own")

// ping has a node answer a PING until a time.
func ping(address string, late time.Time) error {
	if _, port, err := net.SplitHostPort(address); err == nil && strings.Trim(port, "0") == "" {
		return errNoPort
	}
	conn, err := (&net.Dialer{Deadline: late}).Dial("tcp", address)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }() // the answer has come, or never will
	if err := conn.SetDeadline(late); err != nil {
		return err
	}
	if _, err := io.WriteString(conn, "PING health\n"); err != nil {
		return err
	}
	answer, err := bufio.NewReader(io.LimitReader(conn, maxTyped)).ReadString('\n')
	switch {
	case answer == "PONG health\n":
		return nil
	case answer != "":
		return fmt.Errorf("answers %.80q: this is no chatnode", answer)
	}
	return err
}

// explainPing says in words why a node did not answer.
func explainPing(address string, timeout time.Duration, err error) error {
	slow, ok := errors.AsType[net.Error](err)
	switch {
	case ok && slow.Timeout():
		return fmt.Errorf("%s: no answer within %s", address, timeout)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("%s: nobody listens there", address)
	case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET):
		return fmt.Errorf("%s: closes the connection without an answer", address)
	}
	return fmt.Errorf("%s: %w", address, err)
}
