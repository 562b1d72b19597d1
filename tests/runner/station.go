package runner

import (
	"context"
	"net"
	"sync"
)

// A station is where a peer listens that nodes dial.
type station struct {
	listener *net.TCPListener
	accepted sync.WaitGroup

	mu      sync.Mutex
	waiting []*client // guarded by mu; connections that no step has taken
}

// newStation listens for a peer.
func newStation(ctx context.Context, name string, log *transcript, wake chan<- struct{}) (*station, error) {
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return nil, err
	}
	s := &station{listener: l}
	s.accepted.Go(func() {
		for {
			conn, err := l.AcceptTCP()
			if err != nil {
				return
			}
			c := newClient(ctx, name, true, conn, log, wake)
			log.add(name, Note, "a node connects")
			s.mu.Lock()
			s.waiting = append(s.waiting, c)
			s.mu.Unlock()
			c.poke()
		}
	})
	return s, nil
}

func (s *station) address() string { return s.listener.Addr().String() }

// take returns the oldest connection that somebody is still at, or on which something was said, or nil.
func (s *station) take() *client {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.waiting) > 0 {
		c := s.waiting[0]
		s.waiting = s.waiting[1:]
		if came, _, ended := c.state(); !ended || came > 1 {
			return c
		}
		c.close()
	}
	return nil
}

// close ends the station and the connections that were not taken.
func (s *station) close() {
	_ = s.listener.Close()
	s.accepted.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.waiting {
		c.close()
	}
}
