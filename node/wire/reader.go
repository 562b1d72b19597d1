// Package wire reads lines from a connection and writes bytes to it, within bounds. It imports nothing of the node's.
package wire

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// ErrTooLong says that a line was longer than the reader takes. It has been passed over up to its end; reading goes on.
var ErrTooLong = errors.New("line too long")

// idleBuffer is the size of a read buffer of a connection that says little, in bytes; a busy one's grows.
const idleBuffer = 512

// ReaderOptions bounds a Reader.
type ReaderOptions struct {
	Line         int           // the longest line, in bytes, without its end
	KeepReturn   bool          // a carriage return before a line feed belongs to the line
	Unterminated time.Duration // see Reader.ReadLine; 0: off
	// Deadline says until when the next byte must have come; the zero time: no limit. Nil: never one.
	Deadline func() time.Time
	// Stopping reports whether Interrupt was called: nothing more is read. Nil: never.
	Stopping func() bool
}

// A Reader cuts what comes in on a connection into lines. It belongs to one goroutine.
type Reader struct {
	conn   net.Conn
	socket *socket
	o      ReaderOptions

	buf        []byte // buf[from:to] has been read and not been handed out
	from, to   int
	scanned    int  // buf[from:scanned] holds no line feed
	discarding bool // the rest of a line that is too long
	terminated bool // a line feed has been seen
	deadline   bool // a read deadline is set
}

// NewReader returns a reader of conn.
func NewReader(conn net.Conn, o ReaderOptions) *Reader {
	return &Reader{conn: conn, socket: newSocket(conn, syscall.Read), o: o, buf: make([]byte, idleBuffer)}
}

// ReadLine returns the next line without its line feed and one carriage return before it. The line is valid until the
// next call. The error is ErrTooLong, after which reading goes on; io.EOF; os.ErrDeadlineExceeded when Deadline has
// passed or the reader is stopping; or the connection's own.
//
// With Unterminated, what has been quiet that long on a connection that never sent a line feed is a line, and so is what
// is left at the end of any.
func (r *Reader) ReadLine() ([]byte, error) {
	for {
		if i := bytes.IndexByte(r.buf[r.scanned:r.to], '\n'); i >= 0 {
			line := r.buf[r.from : r.scanned+i]
			r.from = r.scanned + i + 1
			r.scanned = r.from
			r.terminated = true
			line = r.trim(line)
			if r.discarding || len(line) > r.o.Line {
				r.discarding = false
				return nil, ErrTooLong
			}
			return line, nil
		}
		r.scanned = r.to
		if r.discarding || len(r.trim(r.buf[r.from:r.to])) > r.o.Line { // a carriage return may still belong to the end
			r.discarding = true
			r.from, r.to, r.scanned = 0, 0, 0
		}
		quiet, err := r.fill()
		if err != nil || quiet {
			if line := r.rest(quiet, err); line != nil {
				return line, nil
			}
			if err != nil {
				return nil, err
			}
		}
	}
}

// rest is what is taken as a line although it does not end; nil if nothing is.
func (r *Reader) rest(quiet bool, err error) []byte {
	if r.o.Unterminated == 0 || r.discarding || r.from == r.to || !quiet && err != io.EOF {
		return nil
	}
	line := r.buf[r.from:r.to]
	r.from, r.scanned = r.to, r.to
	return r.trim(line)
}

// Next returns the next n bytes, at most ReaderOptions.Line, valid until the next call. Its errors are those of ReadLine
// but ErrTooLong.
func (r *Reader) Next(n int) ([]byte, error) {
	for r.to-r.from < n {
		if _, err := r.fill(); err != nil {
			return nil, err
		}
	}
	p := r.buf[r.from : r.from+n]
	r.from += n
	r.scanned = r.from
	return p, nil
}

// Has is how many bytes have come in and were not returned.
func (r *Reader) Has() int { return r.to - r.from }

// Rebind changes the bounds of what comes next.
func (r *Reader) Rebind(o ReaderOptions) { r.o = o }

// Buffered reports whether a whole line has come in already.
func (r *Reader) Buffered() bool {
	i := bytes.IndexByte(r.buf[r.scanned:r.to], '\n')
	if i < 0 {
		r.scanned = r.to
	} else {
		r.scanned += i // where ReadLine finds it at once
	}
	return i >= 0
}

// fill reads more. quiet: nothing came for as long as an unterminated message needs.
func (r *Reader) fill() (quiet bool, err error) {
	r.makeRoom()
	waits, err := r.setDeadline()
	if err != nil {
		return false, err
	}
	n, err := r.conn.Read(r.buf[r.to:])
	r.to += n
	if n > 0 {
		r.fillUp()
		return false, nil // an error comes again
	}
	if waits && errors.Is(err, os.ErrDeadlineExceeded) && !r.stopping() {
		return true, nil
	}
	if err == nil {
		err = io.ErrNoProgress
	}
	return false, err
}

// fillUp takes what else has come in, in a larger buffer, without waiting: what was sent in one go is carried out in one.
func (r *Reader) fillUp() {
	for r.to == len(r.buf) && r.socket.raw != nil {
		if r.from == 0 && !r.enlarge() {
			return
		}
		r.shift()
		n, err := r.socket.tryRead(r.buf[r.to:])
		if n <= 0 || err != nil {
			return // the next read tells what is wrong
		}
		r.to += n
	}
}

// Discard passes over what has come in, without waiting, and reports whether that was anything.
func (r *Reader) Discard() bool {
	n, _ := r.socket.tryRead(r.buf) // what is wrong with the connection does not matter any more
	return n > 0
}

// makeRoom leaves space to read into, and gives back a large buffer when there is nothing in it.
func (r *Reader) makeRoom() {
	if r.from == r.to {
		r.from, r.to, r.scanned = 0, 0, 0
		if len(r.buf) > idleBuffer {
			r.release()
			r.buf = make([]byte, idleBuffer)
		}
		return
	}
	if r.to == len(r.buf) {
		r.shift()
	}
	if r.to == len(r.buf) {
		r.enlarge()
	}
}

// shift moves what is unread to the front of the buffer.
func (r *Reader) shift() {
	copy(r.buf, r.buf[r.from:r.to])
	r.to -= r.from
	r.scanned -= r.from
	r.from = 0
}

// enlarge changes to a buffer that holds the longest line and more; false: it is one already.
func (r *Reader) enlarge() bool {
	if len(r.buf) > r.o.Line+1 { // a carriage return may belong to the end
		return false
	}
	large := largeBuffer(min(r.o.Line+idleBuffer, max(firstLarge, 4*len(r.buf))))
	copy(large, r.buf[:r.to])
	r.buf = large
	return true
}

// firstLarge is the size of the first buffer of a line that may be longer still, in bytes: one whose end never comes costs
// what was sent of it.
const firstLarge = 64<<10 + idleBuffer

// large holds buffers that busy connections gave back. They are of one size as long as limits are, most of them.
var large sync.Pool

func largeBuffer(size int) []byte {
	if b, ok := large.Get().(*[]byte); ok && len(*b) == size {
		return *b
	}
	return make([]byte, size)
}

func (r *Reader) release() {
	if len(r.buf) > idleBuffer {
		b := r.buf
		large.Put(&b)
	}
}

// setDeadline limits the next read. waits: by the quiet that makes an unterminated message.
func (r *Reader) setDeadline() (waits bool, err error) {
	var at time.Time
	if r.o.Deadline != nil {
		at = r.o.Deadline()
	}
	if r.o.Unterminated > 0 && !r.terminated && !r.discarding && r.to > r.from {
		if quiet := time.Now().Add(r.o.Unterminated); at.IsZero() || quiet.Before(at) {
			at, waits = quiet, true
		}
	}
	if r.deadline || !at.IsZero() {
		if err := r.conn.SetReadDeadline(at); err != nil {
			return false, err
		}
		r.deadline = !at.IsZero()
	}
	if r.stopping() {
		return false, os.ErrDeadlineExceeded
	}
	return waits, nil
}

func (r *Reader) stopping() bool { return r.o.Stopping != nil && r.o.Stopping() }

// trim takes one carriage return off the end of a line, unless it belongs to it.
func (r *Reader) trim(line []byte) []byte {
	if n := len(line); n > 0 && line[n-1] == '\r' && !r.o.KeepReturn {
		return line[:n-1]
	}
	return line
}
