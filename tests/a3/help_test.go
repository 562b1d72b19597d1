package a3_test

import (
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"chatnode/node/config"
	"chatnode/tests/harness"
)

const (
	header = "BAD-RQST-HDR"
	body   = "BAD-RQST-BODY"
	nobody = "BAD-DEST-USER"
)

// talk plays a transcript, after which nothing is owed.
func talk(t *testing.T, c *harness.A3, transcript ...string) {
	t.Helper()
	c.Talk(transcript...)
	c.Silent()
}

// received is all that a client is sent until its connection ends.
func received(t *testing.T, c *harness.A3) string {
	t.Helper()
	if err := c.Conn.SetReadDeadline(time.Now().Add(harness.Patience)); err != nil {
		t.Fatal(err)
	}
	all, err := io.ReadAll(c.Conn)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("the connection is not closed after %.200q", all)
	}
	return string(all)
}

// endSending closes the client's half of a connection.
func endSending(t *testing.T, c *harness.A3) {
	t.Helper()
	if err := c.Conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
}

// reset breaks a connection off.
func reset(t *testing.T, c *harness.A3) {
	t.Helper()
	if err := c.Conn.(*net.TCPConn).SetLinger(0); err != nil {
		t.Fatal(err)
	}
	c.Close()
}

// same fails unless two texts are the same, and tells where they differ.
func same(t *testing.T, what, got, want string) {
	t.Helper()
	if got == want {
		return
	}
	at := 0
	for at < min(len(got), len(want)) && got[at] == want[at] {
		at++
	}
	from := max(0, at-20)
	t.Fatalf("%s: from byte %d on %.60q, want %.60q", what, from, got[from:], want[from:])
}

// lines ends each of some lines.
func lines(all ...string) string { return strings.Join(append(all, ""), "\n") }

func milliseconds(n int) config.Duration {
	return config.Duration(time.Duration(n) * time.Millisecond)
}
