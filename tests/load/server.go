package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// server is a running node.
type server struct {
	cmd     *exec.Cmd
	address string
}

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
	address, err := freeAddress()
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
	s := &server{cmd: exec.CommandContext(ctx, o.binary, "serve", file), address: address}
	s.cmd.Cancel = func() error { return s.cmd.Process.Signal(syscall.SIGTERM) }
	s.cmd.Stderr = os.Stderr
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s (make build makes it): %w", o.binary, err)
	}
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		return nil, errors.Join(fmt.Errorf("%s did not come up: %w", o.binary, err), s.cmd.Wait())
	}
	return s, nil
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

func (s *server) stop() error {
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	return s.cmd.Wait()
}

// cpu is the processor time that the server has used, its children excluded.
func (s *server) cpu() (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	user, err1 := strconv.ParseInt(fields[11], 10, 64)
	system, err2 := strconv.ParseInt(fields[12], 10, 64)
	const tick = time.Second / 100 // USER_HZ, the same on every Linux that Go runs on
	return time.Duration(user+system) * tick, errors.Join(err1, err2)
}

// rss is the memory that the server holds, in bytes.
func (s *server) rss() (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	_, after, found := strings.Cut(string(text), "VmRSS:")
	if !found {
		return 0, errors.New("no VmRSS in /proc")
	}
	kib, err := strconv.ParseInt(strings.Fields(after)[0], 10, 64)
	return kib << 10, err
}

// client is a connection of the load.
type client struct {
	conn net.Conn
	in   *bufio.Reader
}

func (s *server) dial(buffer int) (*client, error) {
	conn, err := net.Dial("tcp", s.address)
	if err != nil {
		return nil, err
	}
	return &client{conn, bufio.NewReaderSize(conn, buffer)}, nil
}

func (c *client) write(lines string) error {
	_, err := io.WriteString(c.conn, lines)
	return err
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
	return c.ask(" 1", lines...)
}

// quit closes connections.
func quit(clients []*client) error {
	var errs []error
	for _, c := range clients {
		if c != nil {
			errs = append(errs, c.conn.Close())
		}
	}
	return errors.Join(errs...)
}
