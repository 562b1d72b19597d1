package main

import (
	"errors"
	"net"
	"sync"
	"sync/atomic"
)

// road is the way from one node to another: it counts what goes over it, and can be closed.
type road struct {
	listener net.Listener  // static
	bytes    atomic.Int64  // both ways
	opened   chan struct{} // gets a token for a connection that is let through
	carrying sync.WaitGroup

	mu sync.Mutex
	// guarded by mu
	target string // "": nothing is let through
	open   map[net.Conn]bool
}

func openRoad(target string) (*road, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &road{listener: l, target: target, opened: make(chan struct{}, 1), open: map[net.Conn]bool{}}
	r.carrying.Go(r.run)
	return r, nil
}

func (r *road) address() string { return r.listener.Addr().String() }

// lead lets through what comes from now on.
func (r *road) lead(target string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	select {
	case <-r.opened:
	default:
	}
	r.target = target
}

// shut ends all connections, and lets none through.
func (r *road) shut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.target = ""
	for c := range r.open {
		_ = c.Close() // whoever carries sees it
	}
}

// end closes the road, and returns when nothing goes over it.
func (r *road) end() error {
	err := r.listener.Close()
	r.shut()
	r.carrying.Wait()
	return err
}

func (r *road) run() {
	for {
		in, err := r.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err == nil {
			r.carrying.Go(func() { r.carry(in) })
		}
	}
}

func (r *road) carry(in net.Conn) {
	defer in.Close() //nolint:errcheck // its other end sees it
	r.mu.Lock()
	target := r.target
	r.mu.Unlock()
	if target == "" {
		return
	}
	out, err := net.Dial("tcp", target)
	if err != nil {
		return
	}
	defer out.Close() //nolint:errcheck // its other end sees it
	if !r.keep(in, out) {
		return
	}
	defer r.drop(in, out)
	select {
	case r.opened <- struct{}{}:
	default:
	}
	var both sync.WaitGroup
	both.Go(func() { r.pass(in, out) })
	both.Go(func() { r.pass(out, in) })
	both.Wait()
}

// pass carries one direction; its end is the end of both.
func (r *road) pass(from, to net.Conn) {
	defer from.Close() //nolint:errcheck // it is closed twice
	defer to.Close()   //nolint:errcheck // it is closed twice
	buf := make([]byte, 256<<10)
	for {
		n, err := from.Read(buf)
		r.bytes.Add(int64(n))
		if _, failed := to.Write(buf[:n]); err != nil || failed != nil {
			return
		}
	}
}

func (r *road) keep(conns ...net.Conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range conns {
		r.open[c] = true
	}
	return r.target != ""
}

func (r *road) drop(conns ...net.Conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range conns {
		delete(r.open, c)
	}
}
