package runner

import (
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
)

// The ports that servers are told to listen on. They are below those that systems give to outgoing connections, so that
// none of those takes one between our choice and the server's start. They come in blocks: a run listens on the first port
// of each block that it uses, and so no other run on this machine does.
const (
	firstPort = 20000
	blockSize = 100
	blocks    = 120
)

// ports gives every server of a run a port of its own.
type ports struct {
	mu     sync.Mutex
	claims []net.Listener // guarded by mu; on the first port of each block of ours
	unused []int          // guarded by mu
}

// take returns a port of 127.0.0.1 that nobody listens on. It is given back by free.
func (p *ports) take() (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		for len(p.unused) > 0 {
			port := p.unused[0]
			p.unused = p.unused[1:]
			if l, err := net.Listen("tcp", loopback(port)); err == nil && l.Close() == nil {
				return port, nil
			}
		}
		if err := p.claimLocked(); err != nil {
			return 0, err
		}
	}
}

// claimLocked makes a block ours that is nobody's.
func (p *ports) claimLocked() error {
	for _, block := range rand.Perm(blocks) {
		first := firstPort + block*blockSize
		l, err := net.Listen("tcp", loopback(first))
		if err != nil {
			continue
		}
		p.claims = append(p.claims, l)
		for port := first + 1; port < first+blockSize; port++ {
			p.unused = append(p.unused, port)
		}
		return nil
	}
	return errors.New("no port of 127.0.0.1 is free")
}

// free gives a port back. It is the last to be taken again.
func (p *ports) free(port int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.unused = append(p.unused, port)
}

// close gives all blocks back.
func (p *ports) close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var errs []error
	for _, l := range p.claims {
		errs = append(errs, l.Close())
	}
	p.claims, p.unused = nil, nil
	return errors.Join(errs...)
}

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
