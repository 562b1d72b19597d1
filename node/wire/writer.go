package wire

import (
	"errors"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"time"
)

// ErrStalled says that the other side took nothing for as long as it may.
var ErrStalled = errors.New("the other side reads nothing")

// A Writer writes bytes to a connection. It belongs to one goroutine at a time.
type Writer struct {
	conn   net.Conn
	socket *socket
	taken  atomic.Uint64
}

// NewWriter returns a writer to conn.
func NewWriter(conn net.Conn) *Writer {
	return &Writer{conn: conn, socket: newSocket(conn, syscall.Write)}
}

// TryWrite writes what the socket takes now, in one call, and returns how many bytes that was. It never waits. A socket
// that is full is no error. A connection that is no socket takes nothing.
func (w *Writer) TryWrite(p []byte) (int, error) {
	n, err := w.socket.tryWrite(p)
	w.taken.Add(uint64(max(n, 0)))
	return n, err
}

// Taken is how many bytes the connection has taken so far. Safe for concurrent use.
func (w *Writer) Taken() uint64 { return w.taken.Load() }

// Write writes all of p, waiting as long as it must. When the other side has taken no byte for stall, and at the latest
// for twice as long, it returns ErrStalled. 0: it waits for ever.
func (w *Writer) Write(p []byte, stall time.Duration) error {
	for len(p) > 0 {
		if stall > 0 {
			if err := w.conn.SetWriteDeadline(time.Now().Add(stall)); err != nil {
				return err
			}
		}
		n, err := w.conn.Write(p)
		w.taken.Add(uint64(n))
		p = p[n:]
		switch {
		case err == nil:
		case !errors.Is(err, os.ErrDeadlineExceeded):
			return err
		case n == 0:
			return ErrStalled
		}
	}
	if stall > 0 {
		return w.conn.SetWriteDeadline(time.Time{})
	}
	return nil
}
