package federation

import (
	"errors"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"chatnode/channels"
	"chatnode/node/session"
	"chatnode/node/wire"
)

// The words of FEDBYE that a link ends with, beside those of sessions.
const (
	byeSelf        = "self"        // it is this node itself
	byeSameHost    = "same-host"   // another node that says it has our host
	byeHello       = "hello"       // a peer that knew FEDHELLO once says it no more
	byeDuplicate   = "duplicate"   // another link to the same node stays
	byeUnavailable = "unavailable" // something that it said could not be stored
	byeDead        = "dead"        // no byte came, and none was taken
	byeFull        = "full"        // too much of what it said waits
)

// A link is one connection to another node.
type link struct {
	// static
	service *Service
	session *session.Session
	dialled *Listed // the line of the peers file that was dialled; nil: it came in
	own     string  // this node's host, as the peer knows it
	opened  time.Time
	limits  *Settings

	// guarded by Service.mu; written by the serving goroutine alone
	claim claimant
	host  string // that the peer is known by
	peer  *peer  // nil until it has introduced itself
	named bool   // its FEDHELLO was compared with those of the other links

	// owned by the serving goroutine; written in a Done of its steps too, while it waits for them
	hello        hello
	confirmed    bool
	introduced   bool
	naming       channels.Naming
	line         *Listed // of the peers file
	kind         channels.LinkKind
	id           channels.PeerID
	seat         *channels.Seat
	form         *extendedForm
	sent         []string                     // the names of our channels that it was told
	names        []string                     // of its channels
	known        map[string]string            // the same, with the host that it wrote behind it
	heard        bool                         // its first FEDHAVE has come
	listening    bool                         // its outbox is sent
	have         map[int64]int64              // of each incarnation of its rows, what took effect here and it was not told yet
	moved        map[string]bool              // its channels that moved since the last FEDACK
	acked        time.Time                    // when that was
	untold       [][]byte                     // state that is told when the outbox is sent
	putOff       map[string]channels.Position // FEDSYNCs that are answered when there is room
	peerHas      map[int64]int64              // of each incarnation of ours, the rows that it has said to have
	leftFor      int                          // people it named that are not here, and that it was told so of
	epochs       int                          // FEDEPOCHs that it has said
	synced       map[string]bool              // its channels that FEDSYNC was sent for
	resync       map[string]bool              // its channels that FEDSYNC was sent for again
	pending      map[string][]stateLine       // state that takes effect when a replica has come so far
	waitingBytes int                          // of all that ever waited
	waiting      int                          // lines in pending
	touched      map[string]bool              // those of pending that may take effect now
	joined       map[string]bool              // FEDJOINs of a plain peer that were answered 1
	read         uint64                       // lines
	timedOut     bool                         // nothing came for so long that it would be dead if it took nothing either
	word         string                       // why it ends
	said         string                       // why the peer ends it

	established atomic.Bool  // it is extended, and both sides have said who they are
	told        atomic.Bool  // FEDHAVE was sent for each incarnation
	tellBy      atomic.Int64 // when it is sent at the latest, in milliseconds since 1970; 0: it waits for nothing of this peer's

	bye   atomic.Pointer[string] // why somebody else ends it
	asked atomic.Int64           // when FEDPING was last sent, in milliseconds since 1970
	took  atomic.Int64           // when the peer was last seen to take some of what waits, in milliseconds since 1970

	taken uint64 // owned by Service.Run: the bytes that it had taken at the last look

	requests
	fetches fetches
}

// Accept serves a connection that came in and whose first line was FEDERATE-OUT, to its end. It returns the word of the end.
func (s *Service) Accept(session *session.Session) (word string) {
	l := s.newLink(session, nil)
	if l.word = l.mayStay(); l.word == "" {
		l.confirmed = true
		session.Put([]byte("FEDERATECONFIRM\n"))
		l.introduceSelf()
	}
	return l.serve()
}

// tongue speaks on a connection that this node made.
type tongue struct {
	service *Service
	line    Listed
	ended   func(l *link)
}

var _ session.Tongue = tongue{}

// Form implements session.Tongue.
func (t tongue) Form() session.Form { return session.Form{} }

// Serve implements session.Tongue.
func (t tongue) Serve(s *session.Session) (word string) {
	l := t.service.newLink(s, &t.line)
	defer t.ended(l)
	s.Put([]byte("FEDERATE-OUT\n"))
	return l.serve()
}

func (s *Service) newLink(of *session.Session, dialled *Listed) *link {
	l := &link{
		service: s,
		session: of,
		dialled: dialled,
		own:     s.own(of.Conn(), dialled != nil),
		opened:  time.Now(),
		limits:  s.Settings(),
		known:   map[string]string{},
		have:    map[int64]int64{},
		moved:   map[string]bool{},
		putOff:  map[string]channels.Position{},
		peerHas: map[int64]int64{},
		synced:  map[string]bool{},
		resync:  map[string]bool{},
		pending: map[string][]stateLine{},
		touched: map[string]bool{},
		joined:  map[string]bool{},
	}
	l.form = newExtendedForm(l.own)
	l.claim.dialled = dialled
	if a, err := netip.ParseAddrPort(of.Conn().RemoteAddr().String()); err == nil {
		l.claim.ip, l.claim.port = a.Addr().Unmap(), a.Port()
	}
	of.BecomeLink(session.LinkOptions{
		LineBytes:  l.limits.LineBytes + channels.LinkOverhead,
		LinesPerS:  float64(l.limits.LinesPerS),
		ReplyBytes: linkBytes,
		Stall:      l.limits.DeadAfter,
		Deadline:   l.deadline,
		Form:       session.Form{},
		Carried:    l.carried,
	})
	s.mu.Lock()
	s.links[l] = struct{}{}
	s.mu.Unlock()
	return l
}

// linkBytes is how much may wait on a link besides messages before it puts off what it was asked for. At about four times
// as much it is closed.
const linkBytes = 1 << 20

// deadline is until when the next byte must have come.
func (l *link) deadline() time.Time {
	switch {
	case len(l.putOff) > 0 || l.waitsToListen():
		return time.Now().Add(putOffEvery)
	case len(l.moved) > 0 && l.introduced:
		return time.Now().Add(ackEvery)
	case !l.introduced:
		return l.opened.Add(l.limits.Handshake)
	case l.kind == channels.ExtendedLink:
		at := time.Now()
		if took := time.UnixMilli(l.took.Load()); l.timedOut && took.Before(at) {
			at = took
		}
		return at.Add(l.limits.DeadAfter)
	}
	return time.Time{} // a plain peer may have nothing to say
}

// serve reads the peer's lines to the end of the link.
func (l *link) serve() string {
	defer l.leave()
	for l.word == "" {
		text, err := l.session.ReadLine()
		if w := l.bye.Load(); w != nil {
			l.word = *w
			break
		}
		switch {
		case l.word != "":
		case err == nil:
			l.read++
			l.timedOut = false
			l.handle(text)
		case errors.Is(err, wire.ErrTooLong):
			l.tooLong()
		case (len(l.putOff)+len(l.moved) > 0 || l.waitsToListen()) && l.session.EndWord(err) == session.WordIdle:
			l.servePutOff()
			l.listen()
			l.acknowledge()
		case l.alive(err):
			l.timedOut = true
		default:
			return l.ended(err)
		}
	}
	l.session.Commit()
	l.session.Put([]byte("FEDBYE " + l.word + "\n"))
	return l.word
}

// alive reports whether a time-out of reading is no end: the peer is behind with what it is sent, and takes some of it.
// What our own system takes for a peer that is frozen is none.
func (l *link) alive(err error) bool {
	return errors.Is(err, os.ErrDeadlineExceeded) && l.introduced && l.session.EndWord(err) == session.WordIdle &&
		time.Since(time.UnixMilli(l.took.Load())) < l.limits.DeadAfter
}

// look notes whether the peer takes what waits for it. Called by the service, each second.
func (l *link) look(now time.Time) {
	taken, more := l.session.Taken()
	if more && taken > l.taken {
		l.took.Store(now.UnixMilli())
	}
	l.taken = taken
}

// ended is the word of an end by an error of reading.
func (l *link) ended(err error) string {
	word := l.session.EndWord(err)
	if l.said != "" && (word == session.WordEOF || word == session.WordReset) {
		l.word = l.said
		return l.said
	}
	if word == session.WordIdle {
		word = byeDead
		if !l.introduced {
			word = session.WordTimeout
		}
	}
	l.word = word
	if word != session.WordEOF && word != session.WordReset {
		l.session.Put([]byte("FEDBYE " + word + "\n"))
	}
	return word
}

// endWith ends the link from outside, under a word that the peer is told; nothing more is read. Safe for concurrent use.
func (l *link) endWith(word string) {
	if l.bye.CompareAndSwap(nil, &word) {
		l.session.StopReading()
	}
}

// tooLong is a line that was too long to be read: what it would have done cannot be known.
func (l *link) tooLong() {
	if l.kind == channels.ExtendedLink {
		l.word = byeUnavailable
	}
	l.pass("too-long")
}

// pass notes a line that is passed over.
func (l *link) pass(why string) {
	l.service.ignored.add(why)
	l.session.Logger().Debug("a line of a peer is passed over", "peer", l.host, "why", why)
}

// say writes a line of the words.
func (l *link) say(words ...string) { l.session.Put([]byte(strings.Join(words, " ") + "\n")) }

// introduceSelf says who this node is, and lists its channels.
func (l *link) introduceSelf() {
	if line := l.expected(); line == nil || !line.Plain {
		l.say("FEDHELLO", "v=1", "host="+l.own, "inc="+number(l.service.incarnation()), "saw="+number(l.saw()),
			"line="+number(int64(l.limits.LineBytes+channels.LinkOverhead)), "caps=log")
	}
	l.sent = l.service.Hub.Names()
	list, rest := fitNames(l.sent, l.limits.LineBytes)
	l.say("FEDCHANNELS", list)
	for _, name := range rest {
		l.say("FEDNEW", name)
	}
}

// fitNames joins as many names as fit in a line.
func fitNames(names []string, most int) (list string, rest []string) {
	size := len("FEDCHANNELS ")
	for i, name := range names {
		if size += len(name) + len(", "); size > most {
			return strings.Join(names[:i], ", "), names[i:]
		}
	}
	return strings.Join(names, ", "), nil
}

// expected is the line of the peers file that the link is likely about, before it has said anything.
func (l *link) expected() *Listed {
	if l.dialled != nil {
		return l.dialled
	}
	_, _, line := l.nameNow() // a name that is not claimed yet is of no use
	return line
}

// saw is the highest incarnation that this node knows of the peer that it expects.
func (l *link) saw() int64 {
	host, by, _ := l.nameNow()
	if by == channels.NamedByIP {
		return 0
	}
	if p := l.service.peerCalled(host); p != nil {
		l.service.mu.Lock()
		defer l.service.mu.Unlock()
		return p.Inc
	}
	return 0
}

func (l *link) nameNow() (host string, by channels.Naming, line *Listed) {
	return name(l.claim, view{l.service, l}, l.own, l.limits.StrictNames)
}

// mayStay names the peer by what is known of it now, and returns the word that it is refused with; "" if it may stay.
func (l *link) mayStay() string {
	host, by, line := l.nameNow()
	limits := l.service.Settings()
	word := mayLink(limits.Accept, limits.Blocked, l.claim, host, view{l.service, l})
	l.service.mu.Lock()
	l.host = host
	l.service.mu.Unlock()
	l.naming, l.line = by, line
	return word
}

// admitAgain ends the link if its peer may link no more. Safe for concurrent use.
func (l *link) admitAgain() {
	s := l.service
	s.mu.Lock()
	claim := l.claim
	s.mu.Unlock()
	v := view{s, l}
	limits := s.Settings()
	if claim.dialled != nil {
		list := v.listed()
		i := slices.IndexFunc(list, func(other Listed) bool { return other.Address == claim.dialled.Address })
		claim.dialled = nil // its line is gone: it stays as one that came in would
		if i >= 0 {
			claim.dialled = &list[i]
		}
	}
	host, _, _ := name(claim, v, l.own, limits.StrictNames)
	if word := mayLink(limits.Accept, limits.Blocked, claim, host, v); word != "" {
		l.endWith(word)
	}
}

// tick asks whether the peer lives, and goes on with what it pulls. Called by the service, each second.
func (l *link) tick(now time.Time) {
	if !l.established.Load() {
		return
	}
	l.look(now)
	l.service.recovery.late(l, now)
	if asked := l.asked.Load(); now.UnixMilli()-asked >= l.limits.PingEvery.Milliseconds() {
		l.asked.Store(now.UnixMilli())
		l.say("FEDPING", number(now.UnixMilli()))
	}
	l.requests.next(l)
}

// leave takes the link out of everything that knows it.
func (l *link) leave() {
	s := l.service
	l.session.Commit()
	s.mu.Lock()
	delete(s.links, l)
	p := l.peer
	current := p != nil && p.link == l
	var of channels.Peer
	if current {
		p.link, p.acked = nil, nil
		p.away, p.notified = time.Now(), false
		of = p.Peer
	}
	s.mu.Unlock()
	if l.seat != nil {
		s.Hub.DetachLink(l.seat)
	}
	if current {
		s.Hub.SetRemote(of.Host, nil)
		s.lost(of.ID, l)
		s.wakeDialers()
	}
	l.session.Logger().Info("link ended", "peer", l.host, "remote", l.session.Conn().RemoteAddr(), "word", l.word)
}

// incarnation is this node's own.
func (s *Service) incarnation() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.inc
}
