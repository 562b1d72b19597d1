// Package harness starts nodes for tests and talks to them.
package harness

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// Patience is how long a test waits for what must come. It is never waited out in a test that passes.
const Patience = 20 * time.Second

// Client is a client of the native protocol, or of any other made of lines. A failure ends its test.
type Client struct {
	Name string
	t    testing.TB
	Conn net.Conn
	in   *bufio.Reader
}

// Dial connects to an address.
func Dial(t testing.TB, address string) *Client {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	return Wrap(t, conn)
}

// Wrap makes a client of a connection. It is closed at the end of the test.
func Wrap(t testing.TB, conn net.Conn) *Client {
	t.Cleanup(func() { _ = conn.Close() }) // the test may have closed it
	return &Client{t: t, Conn: conn, in: bufio.NewReader(conn)}
}

// SendRaw writes bytes as they are.
func (c *Client) SendRaw(p string) {
	c.t.Helper()
	if _, err := io.WriteString(c.Conn, p); err != nil {
		c.t.Fatalf("%s sends %.60q: %v", c.Name, p, err)
	}
}

// Send writes lines, in one go.
func (c *Client) Send(lines ...string) {
	c.t.Helper()
	c.SendRaw(strings.Join(lines, "\n") + "\n")
}

// Read returns the next line, without its end.
func (c *Client) Read() (string, error) {
	if err := c.Conn.SetReadDeadline(time.Now().Add(Patience)); err != nil {
		return "", err
	}
	line, err := c.in.ReadString('\n')
	if err != nil {
		return line, err
	}
	return line[:len(line)-1], nil
}

// Line returns the next line.
func (c *Client) Line() string {
	c.t.Helper()
	line, err := c.Read()
	if err != nil {
		c.t.Fatalf("%s waits for a line: %v (has %.60q)", c.Name, err, line)
	}
	return line
}

// Expect reads one line for each argument and compares.
func (c *Client) Expect(lines ...string) {
	c.t.Helper()
	for _, want := range lines {
		if got := c.Line(); got != want {
			c.t.Fatalf("%s: got %q, want %q", c.Name, got, want)
		}
	}
}

// Match reads a line that a pattern matches whole, and returns its groups.
func (c *Client) Match(pattern string) []string {
	c.t.Helper()
	line := c.Line()
	m := regexp.MustCompile(`^(?:` + pattern + `)$`).FindStringSubmatch(line)
	if m == nil {
		c.t.Fatalf("%s: got %q, want /%s/", c.Name, line, pattern)
	}
	return m[1:]
}

var barriers atomic.Uint64

// Drain returns every line that is owed now: all that comes before the answer to a PING.
func (c *Client) Drain() (lines []string) {
	c.t.Helper()
	mark := fmt.Sprint("barrier-", barriers.Add(1))
	c.Send("PING " + mark)
	for {
		line := c.Line()
		if line == "PONG "+mark {
			return lines
		}
		lines = append(lines, line)
	}
}

// Silent fails if anything is owed.
func (c *Client) Silent() {
	c.t.Helper()
	if got := c.Drain(); len(got) > 0 {
		c.t.Fatalf("%s: got %q, want nothing", c.Name, got)
	}
}

// Ask sends a line and expects one back.
func (c *Client) Ask(line, want string) {
	c.t.Helper()
	c.Send(line)
	if got := c.Line(); got != want {
		c.t.Fatalf("%s: %s: got %q, want %q", c.Name, line, got, want)
	}
}

// Close closes the connection.
func (c *Client) Close() {
	c.t.Helper()
	if err := c.Conn.Close(); err != nil {
		c.t.Fatal(err)
	}
}

// ExpectClosed fails unless the other side closes the connection, with nothing said before.
func (c *Client) ExpectClosed() {
	c.t.Helper()
	line, err := c.Read()
	if err == nil || line != "" {
		c.t.Fatalf("%s: got %q, %v; want the end of the connection", c.Name, line, err)
	}
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		c.t.Fatalf("%s: the connection is not closed", c.Name)
	}
}
