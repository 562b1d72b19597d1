package runner

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// The bounds of what is taken from a server.
const (
	longestLine = 1 << 20  // bytes, without the LF; a longer line is a difference
	mostUnread  = 16 << 20 // bytes that no step has read; a client reads no further then
	shownRest   = 1000     // bytes of a line that has no end yet
)

// What keeps the next line from coming.
var (
	errNothing = errors.New("no line came in time")
	errClosed  = errors.New("the connection was closed")
	errEndless = errors.New("the line does not end")
)

// A client is one connection to a server. Its reader puts lines into its inbox; all else is for the goroutine of its case.
type client struct {
	name string
	peer bool
	conn *net.TCPConn
	log  *transcript
	wake chan<- struct{} // of size 1: gets a token when the inbox changes
	room chan struct{}   // of size 1: gets a token when the inbox shrinks
	quit chan struct{}   // closed when the client closes
	read chan struct{}   // closed when the reader has ended
	once sync.Once       // closes the client

	waits int  // with None: how much had come when the last line was sent, plus one; 0 for no such line
	gone  bool // a step closed it

	mu    sync.Mutex
	lines []string // guarded by mu, as all below; those that no step has read
	rest  string   // the beginning of the next line, up to shownRest
	size  int      // bytes of lines
	came  int      // lines and ends that have come
	end   error    // why no more comes; nil while it may
}

// newClient makes a client of a connection, and begins to read it. It ends with ctx, or is closed.
func newClient(ctx context.Context, name string, peer bool, conn *net.TCPConn, log *transcript, wake chan<- struct{}) *client {
	c := &client{
		name: name, peer: peer, conn: conn, log: log, wake: wake,
		room: make(chan struct{}, 1), quit: make(chan struct{}), read: make(chan struct{}),
	}
	stop := context.AfterFunc(ctx, c.hangUp)
	go func() {
		defer close(c.read)
		defer stop()
		c.receive()
	}()
	return c
}

// hangUp closes the connection.
func (c *client) hangUp() {
	c.once.Do(func() {
		close(c.quit)
		_ = c.conn.Close() // nothing depends on how that goes
	})
}

// close closes the connection and waits for its reader.
func (c *client) close() {
	c.hangUp()
	<-c.read
}

// receive reads lines until the connection ends or a line does not.
func (c *client) receive() {
	buffer := make([]byte, 64<<10)
	var line []byte
	for {
		n, err := c.conn.Read(buffer)
		for part := range bytes.Lines(buffer[:n]) {
			line = append(line, part...)
			if len(line) > longestLine+1 || len(line) > longestLine && !ended(line) {
				c.finish(errEndless, line)
				return
			}
			if ended(line) {
				if !c.put(string(line[:len(line)-1])) {
					return
				}
				line = line[:0]
			}
		}
		if err != nil {
			c.finish(errClosed, line)
			return
		}
		c.setRest(line)
	}
}

func ended(line []byte) bool { return bytes.HasSuffix(line, []byte("\n")) }

// put gives a line to the steps. It waits while too much is unread, and returns false if the client closes meanwhile.
func (c *client) put(line string) bool {
	c.log.add(c.name, Received, line)
	c.mu.Lock()
	c.lines = append(c.lines, line)
	c.size += len(line) + 1
	c.came++
	full := c.size > mostUnread
	c.mu.Unlock()
	c.poke()
	for full {
		select {
		case <-c.room:
		case <-c.quit:
			return false
		}
		c.mu.Lock()
		full = c.size > mostUnread
		c.mu.Unlock()
	}
	return true
}

// setRest notes the beginning of a line, or a part of that.
func (c *client) setRest(rest []byte) {
	c.mu.Lock()
	c.rest = string(rest[:min(len(rest), shownRest)])
	c.mu.Unlock()
	if len(rest) > 0 {
		c.poke()
	}
}

// finish notes why no more comes. The transcript has it unless this side closed the connection.
func (c *client) finish(why error, rest []byte) {
	c.mu.Lock()
	c.end, c.rest = why, string(rest[:min(len(rest), shownRest)])
	c.came++
	c.mu.Unlock()
	select {
	case <-c.quit: // it was ours
	default:
		c.log.add(c.name, Note, why.Error())
	}
	c.poke()
}

func (c *client) poke() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// take returns the next line, or why there will be none, or neither.
func (c *client) take() (line string, ok bool, end error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.lines) == 0 {
		return "", false, c.end
	}
	line = c.lines[0]
	c.lines = c.lines[1:]
	c.size -= len(line) + 1
	select {
	case c.room <- struct{}{}:
	default:
	}
	return line, true, nil
}

// state returns how much has come, and the beginning of a line whose end has not.
func (c *client) state() (came int, rest string, ended bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.came, c.rest, c.end != nil
}

// send writes bytes, within a time.
func (c *client) send(text string, limit time.Duration) error {
	if err := c.conn.SetWriteDeadline(time.Now().Add(limit)); err != nil {
		return err
	}
	_, err := io.WriteString(c.conn, text)
	c.log.add(c.name, Sent, text)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return errNothing
	}
	return err
}
