package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// setup is how a node is started. Its limits are far above what is measured.
type setup struct {
	host       string
	durability string
	peers      []string // lines of its peers file
}

// start runs a node that links with nobody.
func start(ctx context.Context, o options, durability string) (*server, error) {
	return setup{host: "load.test", durability: durability}.start(ctx, o)
}

// start runs the binary with a configuration in a folder of its own.
func (c setup) start(ctx context.Context, o options) (*server, error) {
	dir, err := os.MkdirTemp(o.folder, "node-")
	if err != nil {
		return nil, err
	}
	return c.startIn(ctx, o, dir)
}

// startIn runs the binary with a folder that may hold data already.
func (c setup) startIn(ctx context.Context, o options, dir string) (*server, error) {
	address, _, err := freePort()
	if err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "chatnode.toml")
	text := fmt.Sprintf(`host = %q
[listen]
chat = %q
[accounts]
bcrypt_cost = 4
[federation]
peers = "peers"
reply_timeout = "1m"
lines_per_s = 1000000000
retry_max = "50ms"
[store]
durability = %q
[limits]
commands_per_s = 0
[log]
level = "warn"
`, c.host, address, c.durability)
	err = errors.Join(os.WriteFile(file, []byte(text), 0o600),
		os.WriteFile(filepath.Join(dir, "peers"), []byte(strings.Join(c.peers, "\n")+"\n"), 0o600))
	if err != nil {
		return nil, err
	}
	s, err := launch(ctx, o, address, dir, exec.CommandContext(ctx, o.binary, "serve", file))
	if err != nil {
		return nil, err
	}
	s.orderly = true
	return s, nil
}

// native is the protocol of the node.
type native struct{}

func (native) facts() facts { return facts{ping: "PING x\n", crowd: 32, echo: true, ordered: true} }

func (native) open(s *server, channels []string) error { return s.create(channels...) }

func (native) register(c *client, name string) error { return c.ask(" 1", "REGISTER "+name+" pw") }

func (native) login(c *client, name string) error { return c.ask(" 1", "LOGIN "+name+" pw") }

func (native) join(c *client, channels []string) error {
	for _, name := range channels {
		if err := c.ask(" 1", "JOIN "+name); err != nil {
			return err
		}
	}
	return nil
}

func (native) say(line []byte, channel string, text []byte) []byte {
	return fmt.Appendf(line, "SAY %s %s\n", channel, text)
}

// ask sends lines and expects as many back, each with an ending.
func (c *client) ask(ending string, lines ...string) error {
	if _, err := io.WriteString(c.conn, strings.Join(lines, "\n")+"\n"); err != nil {
		return err
	}
	for _, line := range lines {
		got, err := c.in.ReadString('\n')
		if err != nil {
			return err
		}
		if !strings.HasSuffix(got, ending+"\n") {
			return fmt.Errorf("%q was answered %q", line, got)
		}
	}
	return nil
}

// join makes a member of a channel: registered, logged in, joined.
func (s *server) join(name, channel string, buffer int) (*client, error) {
	c, err := s.dial(buffer)
	if err != nil {
		return nil, err
	}
	return c, c.ask(" 1", "REGISTER "+name+" pw", "LOGIN "+name+" pw", "JOIN "+channel)
}

// create makes channels, by an account of its own.
func (s *server) create(names ...string) error {
	c, err := s.dial(4096)
	if err != nil {
		return err
	}
	defer c.conn.Close() //nolint:errcheck // all was answered
	lines := []string{"REGISTER creator pw", "LOGIN creator pw"}
	for _, n := range names {
		lines = append(lines, "CREATE "+n)
	}
	for some := range slices.Chunk(lines, 1000) { // what is answered has to be read
		if err := c.ask(" 1", some...); err != nil {
			return err
		}
	}
	return nil
}
