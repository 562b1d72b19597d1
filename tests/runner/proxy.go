package runner

import (
	"errors"
	"io"
	"net"
	"sync"
)

// A proxy is the way from a node to one of its peers. It can be cut.
type proxy struct {
	listener *net.TCPListener
	target   string
	running  sync.WaitGroup

	mu    sync.Mutex
	cut   bool                  // guarded by mu
	ended bool                  // guarded by mu
	open  map[*net.TCPConn]bool // guarded by mu
}

// newProxy makes a proxy to an address and lets connections through.
func newProxy(target string) (*proxy, error) {
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return nil, err
	}
	p := &proxy{listener: l, target: target, open: map[*net.TCPConn]bool{}}
	p.running.Go(p.accept)
	return p, nil
}

// address is where the node finds its peer.
func (p *proxy) address() string { return p.listener.Addr().String() }

// accept lets nodes in. While the link is cut they are reset at once: were the listener closed instead, somebody else
// might get its port.
func (p *proxy) accept() {
	for {
		in, err := p.listener.AcceptTCP()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err == nil {
			p.running.Go(func() { p.join(in) })
		}
	}
}

// join carries what one side says to the other until both have ended.
func (p *proxy) join(in *net.TCPConn) {
	defer p.drop(in)
	if !p.add(in) {
		return
	}
	conn, err := net.Dial("tcp", p.target)
	if err != nil {
		reset(in)
		return
	}
	out, ok := conn.(*net.TCPConn)
	if !ok {
		return
	}
	defer p.drop(out)
	if !p.add(out) {
		return
	}
	var both sync.WaitGroup
	both.Go(func() { pass(out, in) })
	both.Go(func() { pass(in, out) })
	both.Wait()
}

// pass copies until the end of one direction, and hands that end on.
func pass(to, from *net.TCPConn) {
	if _, err := io.Copy(to, from); err != nil {
		reset(to)
		reset(from)
		return
	}
	_ = to.CloseWrite() // it may have ended itself
}

// reset closes a connection so that the other side sees more than an end.
func reset(c *net.TCPConn) {
	_ = c.SetLinger(0) // both fail only for a connection that is closed
	_ = c.Close()
}

// add notes an open connection. While the link is cut, it closes it instead.
func (p *proxy) add(c *net.TCPConn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cut || p.ended {
		reset(c)
		return false
	}
	p.open[c] = true
	return true
}

func (p *proxy) drop(c *net.TCPConn) {
	_ = c.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.open, c)
}

// sever closes what is open, and refuses new connections until it is told otherwise.
func (p *proxy) sever(cut bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut = cut
	if cut {
		p.resetAll()
	}
}

func (p *proxy) resetAll() {
	for c := range p.open {
		reset(c)
	}
}

// close ends the proxy and all that goes through it.
func (p *proxy) close() {
	p.mu.Lock()
	p.ended = true
	p.resetAll()
	p.mu.Unlock()
	_ = p.listener.Close()
	p.running.Wait()
}
