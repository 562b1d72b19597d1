package wire

import (
	"net"
	"syscall"
)

// socket reads or writes a connection without waiting, one call to the system each. It belongs to one goroutine at a time.
type socket struct {
	raw syscall.RawConn // nil: the connection is no socket, and nothing is read or written

	// the call in hand
	p   []byte
	n   int
	err error
	// attempt makes the call. It is made once, as it would be an allocation a call.
	attempt func(fd uintptr) bool
}

// newSocket returns the socket under a connection, for one of syscall.Read and syscall.Write.
func newSocket(conn net.Conn, system func(fd int, p []byte) (int, error)) *socket {
	s := &socket{}
	if c, ok := conn.(syscall.Conn); ok {
		if raw, err := c.SyscallConn(); err == nil {
			s.raw = raw
		}
	}
	s.attempt = func(fd uintptr) bool {
		for {
			if s.n, s.err = system(int(fd), s.p); s.err != syscall.EINTR {
				return true
			}
		}
	}
	return s
}

func (s *socket) tryRead(p []byte) (int, error) {
	if s.raw == nil {
		return 0, nil
	}
	s.p = p
	return s.result(s.raw.Read(s.attempt))
}

func (s *socket) tryWrite(p []byte) (int, error) {
	if s.raw == nil {
		return 0, nil
	}
	s.p = p
	return s.result(s.raw.Write(s.attempt))
}

func (s *socket) result(err error) (int, error) {
	s.p = nil
	if err != nil {
		return 0, err
	}
	if s.err == syscall.EAGAIN {
		return 0, nil
	}
	return max(s.n, 0), s.err
}

// Closed reports whether the other side has closed a connection, or its sending half, and nothing that it sent before waits
// to be read. It never waits; of a connection that is no socket it is false. Safe for concurrent use.
func Closed(conn net.Conn) bool {
	c, ok := conn.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return true
	}
	closed := false
	err = raw.Control(func(fd uintptr) {
		var p [1]byte
		n, _, err := syscall.Recvfrom(int(fd), p[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		closed = n == 0 && err == nil || err == syscall.ECONNRESET
	})
	return closed || err != nil
}
