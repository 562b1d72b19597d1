package node

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"

	"chatnode/node/session"
)

// listener is an address on which one tongue is spoken.
type listener struct {
	net.Listener
	name   string // of the tongue
	tongue session.Tongue
}

func newListener(name, address string, t session.Tongue) (*listener, error) {
	l, err := net.Listen("tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("%s is in use by another program: end it, or choose another port", address)
	}
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", address, err)
	}
	return &listener{l, name, t}, nil
}

// accept takes connections until the listener is closed. Each is served on a goroutine of its own, which n.serving counts.
func (n *Node) accept(ctx context.Context, l *listener) error {
	pause := time.Duration(0)
	for {
		conn, err := l.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return nil
		case err != nil:
			pause = min(max(2*pause, 5*time.Millisecond), time.Second)
			n.log.Warn("no connection can be accepted for now", "error", err, "again_in", pause)
			select {
			case <-time.After(pause):
			case <-ctx.Done():
			}
		default:
			pause = 0
			n.serving.Go(func() { n.serve(ctx, conn, l.tongue) })
		}
	}
}

// serve speaks a tongue on a connection, if there is room for one more.
func (n *Node) serve(ctx context.Context, conn net.Conn, t session.Tongue) {
	ip := addressOf(conn)
	if !n.admit(conn, ip) {
		return
	}
	defer n.connections.leave(ip)
	n.sessions.Serve(ctx, conn, t)
}

// admit counts a connection, or refuses and closes it.
func (n *Node) admit(conn net.Conn, ip netip.Addr) bool {
	limits := &n.config.Load().Limits
	if n.connections.enter(ip, limits.Connections, limits.ConnectionsPerIP) {
		return true
	}
	n.sessions.Count(session.WordBusy)
	n.log.Debug("connection refused", "remote", conn.RemoteAddr(), "word", session.WordBusy)
	_ = conn.Close() // nothing was said on it
	return false
}

func addressOf(conn net.Conn) netip.Addr {
	a, err := netip.ParseAddrPort(conn.RemoteAddr().String())
	if err != nil {
		return netip.Addr{}
	}
	return a.Addr().Unmap()
}

// connections counts connections, all of them and by address.
type connections struct {
	mu    sync.Mutex
	total int                // guarded by mu
	byIP  map[netip.Addr]int // guarded by mu
}

// enter counts one more, unless there are most already, or mostPerIP from its address; 0 is no limit.
func (c *connections) enter(ip netip.Addr, most, mostPerIP int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if most > 0 && c.total >= most || mostPerIP > 0 && c.byIP[ip] >= mostPerIP {
		return false
	}
	if c.byIP == nil {
		c.byIP = map[netip.Addr]int{}
	}
	c.total++
	c.byIP[ip]++
	return true
}

func (c *connections) leave(ip netip.Addr) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.total--
	if c.byIP[ip]--; c.byIP[ip] == 0 {
		delete(c.byIP, ip)
	}
}
