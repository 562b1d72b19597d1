package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// server is a running server: a node, or one that it is compared with.
type server struct {
	cmd     *exec.Cmd
	address string
	log     string // a file of what it printed
	orderly bool   // it ends with status 0 when it is told to
}

// launch starts a program on the server's core, and returns when it takes connections. What it prints goes to a file in
// a folder.
func launch(ctx context.Context, o options, address, folder string, cmd *exec.Cmd) (*server, error) {
	out, err := os.CreateTemp(folder, "log-")
	if err != nil {
		return nil, err
	}
	defer out.Close() //nolint:errcheck // the server has it
	cmd.Stdout, cmd.Stderr = out, out
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	if err := o.cores.start(cmd); err != nil {
		return nil, fmt.Errorf("start %s (make build makes the node): %w", cmd.Path, err)
	}
	s := &server{cmd: cmd, address: address, log: out.Name()}
	if err := s.awaitUp(ctx); err != nil {
		return nil, errors.Join(err, s.kill())
	}
	return s, nil
}

// awaitUp returns when the server takes a connection.
func (s *server) awaitUp(ctx context.Context) error {
	pause := time.NewTicker(time.Millisecond)
	defer pause.Stop()
	for began := time.Now(); time.Since(began) < time.Minute; {
		if conn, err := net.Dial("tcp", s.address); err == nil {
			return conn.Close()
		}
		gone, err := s.gone()
		if err != nil || gone {
			return errors.Join(err, s.complaint("ended at once"))
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-pause.C:
		}
	}
	return s.complaint("takes no connections")
}

// gone reports whether the process has ended.
func (s *server) gone() (bool, error) {
	fields, err := s.stat()
	return err == nil && fields[0] == "Z", err
}

// complaint is an error with what the server printed.
func (s *server) complaint(what string) error {
	printed, err := os.ReadFile(s.log)
	return errors.Join(fmt.Errorf("%s %s\n%s", s.cmd.Path, what, bytes.TrimSpace(printed)), err)
}

func freePort() (address, port string, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", "", err
	}
	_, port, err = net.SplitHostPort(l.Addr().String())
	return l.Addr().String(), port, errors.Join(err, l.Close())
}

// kill ends the server at once.
func (s *server) kill() error {
	if err := s.cmd.Process.Kill(); err != nil {
		return err
	}
	var ended *exec.ExitError
	if err := s.cmd.Wait(); err != nil && !errors.As(err, &ended) {
		return err
	}
	return nil
}

// stop ends the server in order.
func (s *server) stop() error {
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	err := s.cmd.Wait()
	var ended *exec.ExitError
	if errors.As(err, &ended) && s.orderly {
		return errors.Join(err, s.complaint("did not end in order"))
	}
	if errors.As(err, &ended) {
		return nil
	}
	return err
}

// stat are the fields of /proc/PID/stat from the state on.
func (s *server) stat() ([]string, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.cmd.Process.Pid))
	if err != nil {
		return nil, err
	}
	return strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:])), nil
}

// cpu is the processor time that the server has used, its children excluded.
func (s *server) cpu() (time.Duration, error) {
	fields, err := s.stat()
	if err != nil {
		return 0, err
	}
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

// request sends lines, and reads until a line contains a word.
func (c *client) request(lines, word string) error {
	if err := c.write(lines); err != nil {
		return err
	}
	return c.until(word)
}

// until reads until a line contains a word, and answers what keeps a connection of IRC alive.
func (c *client) until(word string) error {
	for {
		line, err := c.in.ReadString('\n')
		if err != nil {
			return fmt.Errorf("wait for %q: %w", word, err)
		}
		if strings.Contains(line, word) {
			return nil
		}
		if rest, asked := strings.CutPrefix(line, "PING "); asked {
			if err := c.write("PONG " + rest); err != nil {
				return err
			}
		}
		if strings.HasPrefix(line, "ERROR") || strings.HasPrefix(line, "-ERR") {
			return fmt.Errorf("wait for %q: %q", word, line)
		}
	}
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
