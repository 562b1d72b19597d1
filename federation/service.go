// Package federation links this node with others: it names them, carries what is said between them, and sees to it that
// nothing is lost on the way (federation protocol).
//
// A link is a session that speaks FED verbs. What a peer hears of a channel is a cursor in its log, and lines that are for
// a peer alone are a log too, its outbox: both are written by the one mechanism that serves people.
package federation

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"chatnode/channels"
	"chatnode/node/session"
)

// A Store is what federation reads beside what it asks in steps.
type Store interface {
	Peers(ctx context.Context) ([]channels.Peer, error)
	Waiting(ctx context.Context, p channels.PeerID) (channels.Waiting, error)
}

// Service is all links of a node, and what waits for them. Its static fields are set before Init; then every method is
// safe for concurrent use.
type Service struct {
	// static
	Host     string // this node's; "": the address that each peer dials
	Port     string // where the node listens, for a Host of ""
	Hub      *channels.Hub
	Submit   func([]channels.Step) error
	Sessions *session.Server
	Store    Store
	Settings func() *Settings
	Log      hclog.Logger
	Inc      int64            // this node's incarnation as it starts
	Now      func() time.Time // the clock that rows have their times from; nil: time.Now
	Raised   bool             // it is a new one: the end of the log may be lost, and what others hold of it is asked back

	resolver *resolver
	woken    chan struct{} // of size 1: something that was put off can be done
	questions
	recovery
	ignored counter

	mu sync.Mutex
	// guarded by mu
	list    []Listed
	peers   map[string]*peer          // by the name that they are known by
	byID    map[channels.PeerID]*peer // those of them that are filed
	links   map[*link]struct{}
	dialers map[string]*dialer // by address
	running sync.WaitGroup     // dialers; Add under mu while not stopped
	stopped bool
	ctx     context.Context // of Run
	inc     int64           // this node's incarnation
}

// A peer is another node, linked or away. Its fields are guarded by Service.mu.
type peer struct {
	channels.Peer
	link     *link // that lines go out on; nil: it is away
	away     time.Time
	notified bool // people were told that it is away
	acked    map[string]channels.Position
}

// Init prepares a service whose static fields are set: it reads which peers are known.
func (s *Service) Init(ctx context.Context, list []Listed) error {
	if s.Now == nil {
		s.Now = time.Now
	}
	s.resolver, s.woken = newResolver(), make(chan struct{}, 1)
	s.list = list
	s.peers, s.byID = map[string]*peer{}, map[channels.PeerID]*peer{}
	s.links, s.dialers = map[*link]struct{}{}, map[string]*dialer{}
	s.questions.init()
	s.recovery.init(s)
	known, err := s.Store.Peers(ctx)
	if err != nil {
		return err
	}
	now := time.Now()
	for _, p := range known {
		mine := &peer{Peer: p, away: now}
		s.peers[p.Host], s.byID[p.ID] = mine, mine
	}
	s.inc = s.Inc
	return nil
}

// every is how often the service looks after what waits: rows that are given up, peers that people are told of, links
// that have to be asked whether they live.
const every = time.Second

// Run dials the peers of the list until ctx ends, and has ended all links then.
func (s *Service) Run(ctx context.Context) error {
	s.mu.Lock()
	s.ctx = ctx
	s.mu.Unlock()
	s.dial()
	tick := time.NewTicker(every)
	defer tick.Stop()
	for sweep := time.Now(); ; {
		select {
		case <-ctx.Done():
			s.mu.Lock()
			s.stopped = true
			s.mu.Unlock()
			s.running.Wait()
			return nil
		case <-s.woken:
			for _, l := range s.all() {
				l.requests.next(l)
			}
		case now := <-tick.C:
			s.tellOfAbsence(now)
			for _, l := range s.all() {
				l.tick(now)
			}
			if now.Sub(sweep) >= sweepEvery {
				sweep = now
				s.sweep()
			}
		}
	}
}

// wake has what was put off done.
func (s *Service) wake() {
	select {
	case s.woken <- struct{}{}:
	default:
	}
}

// submit carries steps out beside those of any link.
func (s *Service) submit(steps ...channels.Step) {
	if err := s.Submit(steps); err != nil {
		s.Log.Debug("the store takes nothing any more", "error", err)
	}
}

// all lists the links that are open now.
func (s *Service) all() []*link {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]*link, 0, len(s.links))
	for l := range s.links {
		all = append(all, l)
	}
	return all
}

// Reload takes over a peers file that was read again, and the settings as they are now: it dials who is new, and ends the
// links of those who may link no more.
func (s *Service) Reload(list []Listed) {
	s.mu.Lock()
	s.list = list
	s.mu.Unlock()
	for _, l := range s.all() {
		l.admitAgain()
	}
	s.dial()
	s.removeBlocked()
}

// own is this node's host as the other end of a connection knows it.
func (s *Service) own(conn net.Conn, dialled bool) string {
	if s.Host != "" {
		return s.Host
	}
	local, err := netip.ParseAddrPort(conn.LocalAddr().String())
	if err != nil {
		return "localhost"
	}
	if dialled {
		return net.JoinHostPort(local.Addr().Unmap().String(), s.Port)
	}
	return netip.AddrPortFrom(local.Addr().Unmap(), local.Port()).String()
}

// linkOf is the link that lines for a peer go out on; nil while it is away.
func (s *Service) linkOf(id channels.PeerID) *link {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.byID[id]; p != nil {
		return p.link
	}
	return nil
}

// peerCalled finds a peer by the name it is known by; nil if there is none.
func (s *Service) peerCalled(host string) *peer {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.peers[host]
}

// keepLocked notes what has been filed of a peer.
func (s *Service) keepLocked(p channels.Peer) *peer {
	mine := s.peers[p.Host]
	if mine == nil {
		mine = &peer{away: time.Now()}
		s.peers[p.Host] = mine
	}
	mine.Peer = p
	s.byID[p.ID] = mine
	return mine
}

// A view is the registry that the naming of one link asks.
type view struct {
	*Service
	of *link
}

func (v view) listed() []Listed {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.list
}

func (v view) addresses(l Listed) []netip.Addr { return v.resolves(l.Host) }

func (v view) resolves(host string) []netip.Addr {
	all, err := v.resolver.resolve(host)
	if err != nil {
		v.Log.Debug("a host cannot be resolved", "host", host, "error", err)
	}
	return all
}

func (v view) known(host string) *channels.Peer {
	v.mu.Lock()
	defer v.mu.Unlock()
	if p := v.peers[host]; p != nil && p.Naming != channels.NamedByHearsay {
		known := p.Peer
		return &known
	}
	return nil
}

func (v view) bearers(host string) []claimant {
	v.mu.Lock()
	defer v.mu.Unlock()
	var all []claimant
	for l := range v.links {
		if l != v.of && l.host == host {
			all = append(all, l.claim)
		}
	}
	return all
}

// counter counts lines of peers that were passed over, by the reason.
type counter struct {
	mu sync.Mutex
	n  map[string]uint64 // guarded by mu
}

func (c *counter) add(why string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n == nil {
		c.n = map[string]uint64{}
	}
	c.n[why]++
}
