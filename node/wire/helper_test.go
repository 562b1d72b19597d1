package wire

import (
	"bytes"
	"errors"
	"io"
	"net"
	"sync"
	"syscall"
	"testing"
	"time"
)

// onEither runs a test over a TCP connection and over a pipe. What is closed is closed twice: that is no error here.
func onEither(t *testing.T, f func(t *testing.T, ours, theirs net.Conn)) {
	t.Run("tcp", func(t *testing.T) {
		ours, theirs := dialled(t)
		f(t, ours, theirs)
	})
	t.Run("pipe", func(t *testing.T) {
		ours, theirs := piped(t)
		f(t, ours, theirs)
	})
}

func dialled(t *testing.T) (ours, theirs *net.TCPConn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	a, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	b, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = a.Close(), b.Close() })
	return b.(*net.TCPConn), a.(*net.TCPConn)
}

func piped(t *testing.T) (ours, theirs net.Conn) {
	ours, theirs = net.Pipe()
	t.Cleanup(func() { _, _ = ours.Close(), theirs.Close() })
	return ours, theirs
}

// say writes the parts one after the other and closes, without keeping the test waiting.
func say(t *testing.T, conn net.Conn, parts ...string) {
	t.Helper()
	beside(t, conn, func() {
		for _, p := range parts {
			if _, err := io.WriteString(conn, p); err != nil {
				t.Errorf("write %.20q: %v", p, err)
				return
			}
		}
	})
}

// beside runs f on a goroutine that ends with the test, and then closes the connection.
func beside(t *testing.T, conn net.Conn, f func()) {
	var wg sync.WaitGroup
	wg.Go(func() {
		f()
		_ = conn.Close()
	})
	t.Cleanup(func() {
		if t.Failed() {
			_ = conn.Close() // it may be waiting for a reader that has gone
		}
		wg.Wait()
	})
}

// tooLong is how lines shows a line that was passed over.
const tooLong = "<too long>"

// lines reads until the end of the connection.
func lines(t *testing.T, r *Reader) (all []string) {
	t.Helper()
	for {
		line, err := r.ReadLine()
		switch {
		case errors.Is(err, ErrTooLong):
			all = append(all, tooLong)
		case err == io.EOF:
			return all
		case err != nil:
			t.Fatalf("after %q: %v", all, err)
		default:
			all = append(all, string(line))
		}
	}
}

// wantLine reads one line.
func wantLine(t *testing.T, r *Reader, want string) {
	t.Helper()
	if line, err := r.ReadLine(); err != nil || string(line) != want {
		t.Fatalf("read %.60q, %v; want %.60q", line, err, want)
	}
}

// wantError reads no line.
func wantError(t *testing.T, r *Reader, want error) {
	t.Helper()
	if line, err := r.ReadLine(); !errors.Is(err, want) {
		t.Fatalf("read %.60q, %v; want %v", line, err, want)
	}
}

// arrived waits until n bytes lie in the socket's buffer.
func arrived(t *testing.T, conn *net.TCPConn, n int) {
	t.Helper()
	raw, err := conn.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	peek := make([]byte, n)
	err = raw.Read(func(fd uintptr) bool {
		got, _, err := syscall.Recvfrom(int(fd), peek, syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		return got >= n || err != nil && err != syscall.EAGAIN && err != syscall.EINTR
	})
	if err != nil {
		t.Fatal(err)
	}
}

// watched is a connection whose reads are told beforehand. It is still a socket.
type watched struct {
	*net.TCPConn
	reading func()
}

func (c *watched) Read(p []byte) (int, error) {
	c.reading()
	return c.TCPConn.Read(p)
}

// pause lets time pass in a bubble.
func pause(d time.Duration) { <-time.After(d) }

func repeated(c byte, n int) string { return string(bytes.Repeat([]byte{c}, n)) }
