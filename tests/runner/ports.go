package runner

import (
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
)

// The ports that servers are told to listen on. They are below those that systems give to outgoing connections, so that
// none of those takes one between our choice and the server's start.
const (
	firstPort = 20000
	manyPorts = 12000
)

// ports gives every server of a run a port of its own.
type ports struct {
	mu    sync.Mutex
	next  int // guarded by mu; how far from firstPort
	taken map[int]bool
}

func newPorts() *ports {
	return &ports{next: rand.IntN(manyPorts), taken: map[int]bool{}} // other runs on this machine begin elsewhere
}

// take returns a port of 127.0.0.1 that nobody listens on. It is given back by free.
func (p *ports) take() (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for range manyPorts {
		port := firstPort + p.next
		p.next = (p.next + 1) % manyPorts
		if p.taken[port] {
			continue
		}
		l, err := net.Listen("tcp", loopback(port))
		if err != nil {
			continue
		}
		if l.Close() == nil {
			p.taken[port] = true
			return port, nil
		}
	}
	return 0, errors.New("no port of 127.0.0.1 is free")
}

func (p *ports) free(port int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.taken, port)
}

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
