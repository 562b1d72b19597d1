package federation

import (
	"context"
	"net"
	"time"
)

// A dialer keeps the link to one line of the peers file up, for as long as the line is there.
type dialer struct {
	// static
	line Listed
	stop context.CancelFunc
	wake chan struct{} // of size 1: a link of the peer has ended, or it has shown a sign of life

	never bool // guarded by Service.mu: it is this node itself
}

// dial begins to dial the lines that are new, and ends with those that are gone.
func (s *Service) dial() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx == nil || s.stopped {
		return
	}
	wanted := map[string]Listed{}
	for _, l := range s.list {
		if l.Trust != Blocked {
			wanted[l.Address] = l
		}
	}
	for address, d := range s.dialers {
		if wanted[address] != d.line {
			d.stop()
			delete(s.dialers, address)
		}
	}
	for address, l := range wanted {
		if s.dialers[address] == nil {
			ctx, stop := context.WithCancel(s.ctx)
			d := &dialer{line: l, stop: stop, wake: make(chan struct{}, 1)}
			s.dialers[address] = d
			s.running.Go(func() { s.keepUp(ctx, d) })
		}
	}
}

// keepUp dials a peer whenever it has no link, until ctx ends.
func (s *Service) keepUp(ctx context.Context, d *dialer) {
	wait := newBackoff(s.Settings().RetryMax)
	for ctx.Err() == nil {
		if s.isNever(d) {
			return
		}
		if s.linked(&d.line) {
			wait.Reset()
			select {
			case <-ctx.Done():
			case <-d.wake:
			}
			continue
		}
		if s.once(ctx, d) {
			wait.Reset()
		}
		select {
		case <-d.wake: // by the end of this very link
		default:
		}
		pause := time.NewTimer(wait.Next())
		select {
		case <-ctx.Done():
		case <-pause.C:
		case <-d.wake:
		}
		pause.Stop()
	}
}

// once dials, and serves the link to its end. It reports whether the peer gave a sign of life.
func (s *Service) once(ctx context.Context, d *dialer) (alive bool) {
	conn, err := dialPeer(ctx, d.line.Address)
	if err != nil {
		s.Log.Debug("a peer cannot be reached", "address", d.line.Address, "error", err)
		return false
	}
	s.Sessions.Serve(ctx, conn, tongue{service: s, line: d.line, ended: func(l *link) { alive = l.lived() }})
	return alive
}

// lived reports whether a link was one: its peer has introduced itself, and neither side refused the other.
func (l *link) lived() bool {
	switch l.word {
	case byeSelf, byeSameHost, byeHello, byeNotListed, byeBlocked, byeUnavailable:
		return false
	}
	return l.introduced
}

// linked reports whether the peer of a line has a link.
func (s *Service) linked(line *Listed) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for l := range s.links {
		if l.peer == nil || l.peer.link != l {
			continue
		}
		if l.dialled != nil && l.dialled.Address == line.Address || l.peer.Host == line.NameWhenDialled() || l.line != nil && l.line.Address == line.Address {
			return true
		}
	}
	return false
}

// wakeDialers has them look again, after a link has come or gone.
func (s *Service) wakeDialers() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range s.dialers {
		select {
		case d.wake <- struct{}{}:
		default:
		}
	}
}

// never stops dialling a line at which this node met itself.
func (s *Service) never(line *Listed) {
	if line == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if d := s.dialers[line.Address]; d != nil {
		d.never = true
	}
}

func (s *Service) isNever(d *dialer) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return d.never
}

func dialPeer(ctx context.Context, address string) (net.Conn, error) {
	d := net.Dialer{Timeout: dialTimeout}
	return d.DialContext(ctx, "tcp", address)
}

// dialTimeout is how long a connection may take to be made.
const dialTimeout = 10 * time.Second
