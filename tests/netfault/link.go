package netfault

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// A link is one connection through a proxy.
type link struct {
	number  int
	in, out *net.TCPConn
	lossy   bool // guarded by Proxy.mu: something was lost
	once    sync.Once
	ended   chan struct{} // closed when it is reset
}

// ends are where a direction of the link comes from and where it goes to.
func (l *link) ends(d Direction) (from, to *net.TCPConn) {
	if d == Forth {
		return l.in, l.out
	}
	return l.out, l.in
}

// reset ends the link so that both sides see more than an end.
func (l *link) reset() {
	reset(l.in)
	reset(l.out)
	l.once.Do(func() { close(l.ended) }) // whoever sees it may close them in order
}

func reset(c *net.TCPConn) {
	_ = c.SetLinger(0) // both fail only for a connection that is closed
	_ = c.Close()
}

// carry makes a link of a connection, and carries what is said on it until both sides have ended or it is reset.
func (p *Proxy) carry(ctx context.Context, in *net.TCPConn) {
	target, open := p.open()
	if !open {
		reset(in)
		return
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", target)
	if err != nil {
		reset(in)
		return
	}
	l := p.add(in, conn.(*net.TCPConn)) // a dialler of tcp makes nothing else
	defer p.drop(l)
	var ways sync.WaitGroup
	ways.Go(func() { p.pass(l, Forth) })
	ways.Go(func() { p.pass(l, Back) })
	ways.Wait()
}

// open tells where a new connection goes to, if it goes through.
func (p *Proxy) open() (target string, open bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.target, p.target != "" && !p.severed && !p.ended
}

func (p *Proxy) add(in, out *net.TCPConn) *link {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.count++
	l := &link{number: p.count, in: in, out: out, ended: make(chan struct{})}
	p.links[l] = true
	if p.severed || p.ended {
		l.reset()
	}
	return l
}

func (p *Proxy) drop(l *link) {
	_ = l.in.Close() // it may be closed already
	_ = l.out.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.links, l)
}

// pass carries one direction of a link to its end.
func (p *Proxy) pass(l *link, d Direction) {
	from, to := l.ends(d)
	buffer := make([]byte, chunk)
	var said, heard lines
	for {
		if !p.await(l, d, (*way).thawed) {
			return
		}
		n, failed := from.Read(buffer)
		for rest := buffer[:n]; len(rest) > 0; {
			taken, out, last, ok := p.spoiled(l, d, &said, rest)
			if !ok {
				return
			}
			heard.add(out, func(line []byte) { p.tape.add(l.number, d, line) })
			_, err := to.Write(out)
			switch {
			case err != nil: // the hearer has gone: the speaker sees it when the other way is free
				p.hangUp(l, d.other(), l.reset)
				return
			case last:
				_ = to.CloseWrite() // it may have ended itself
				reset(from)
				return
			}
			rest = rest[taken:]
		}
		if errors.Is(failed, io.EOF) {
			p.hangUp(l, d, func() { _ = to.CloseWrite() }) // it may have ended itself
			return
		} else if failed != nil {
			p.hangUp(l, d, l.reset)
			return
		}
	}
}

// thawed reports whether something is taken, clear whether what is taken arrives.
func (w *way) thawed() bool { return !w.frozen }
func (w *way) clear() bool  { return !w.frozen && !w.cut }

// await waits until a way is as it has to be; false: the link was reset.
func (p *Proxy) await(l *link, d Direction, ready func(*way) bool) bool {
	for {
		p.mu.Lock()
		ok, changed := ready(p.way(d)), p.changed
		p.mu.Unlock()
		if ok {
			return true
		}
		select {
		case <-changed:
		case <-l.ended:
			return false
		}
	}
}

// spoiled waits for as long as the next piece of what was said has to wait. It returns how much that is, what comes out of
// it, and whether that is the last of the connection. False: the link was reset.
func (p *Proxy) spoiled(l *link, d Direction, said *lines, rest []byte) (taken int, out []byte, last, ok bool) {
	p.mu.Lock()
	taken, pause := len(rest), p.way(d).pause
	if pause > 0 {
		taken = min(taken, p.way(d).piece)
	}
	p.mu.Unlock()
	if pause > 0 {
		timer := time.NewTimer(pause)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-l.ended:
			return 0, nil, false, false
		}
	}
	for p.await(l, d, (*way).thawed) {
		if out, last, ok = p.decide(l, d, said, rest[:taken]); ok {
			return taken, out, last, true
		}
	}
	return 0, nil, false, false
}

// decide is spoiled at one moment; false: the way is frozen again.
func (p *Proxy) decide(l *link, d Direction, said *lines, piece []byte) (out []byte, last, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	w := p.way(d)
	if w.frozen {
		return nil, false, false
	}
	if w.cut {
		l.lossy = true
		return nil, false, true
	}
	out = w.repeat(said, piece)
	if !w.torn {
		return out, false, true
	}
	if w.left > int64(len(out)) {
		w.left -= int64(len(out))
		return out, false, true
	}
	w.torn = false
	return out[:w.left], true, true
}

// repeat adds to a piece the lines that are said twice.
func (w *way) repeat(said *lines, piece []byte) []byte {
	var out []byte
	rest := said.add(piece, func(line []byte) {
		part := line[len(line)-min(len(line), said.fresh):]
		out = append(out, part...)
		if w.twice != 0 {
			out = append(out, line...)
			w.twice = max(-1, w.twice-1)
		}
	})
	return append(out, rest...)
}

// hangUp lets one side know of an end as soon as a way is free for it.
func (p *Proxy) hangUp(l *link, d Direction, how func()) {
	if p.await(l, d, (*way).clear) {
		how()
	}
}

// lines puts together the lines of a stream.
type lines struct {
	begun []byte // the line that is under way
	fresh int    // of the line handed out, how many bytes came with the last piece
}

// add takes a piece of the stream, and calls whole with each line that it completes, its end included. It returns the
// beginning of the next line, as far as it is in this piece.
func (l *lines) add(piece []byte, whole func(line []byte)) (rest []byte) {
	for {
		i := bytes.IndexByte(piece, '\n')
		if i < 0 {
			l.begun = append(l.begun, piece...)
			return piece
		}
		l.fresh = i + 1
		l.begun = append(l.begun, piece[:i+1]...)
		whole(l.begun)
		l.begun, piece = l.begun[:0], piece[i+1:]
	}
}
