package federation

import (
	"context"
	"strings"
	"sync"
	"time"

	"chatnode/channels"
	"chatnode/node/session"
)

// After a restore a node asks its peers for what it has lost of its own channels and they still have, before it takes new
// messages and rows of theirs (federation protocol §2, "Incarnations and epochs").

// recoveryPing asks a peer to answer when it has said all that it has to say about its replicas.
const recoveryPing = "recovery"

// recovery is that time: it ends when every trusted peer has given back what it has, or is not waited for any more.
type recovery struct {
	over chan struct{} // closed when it has ended

	state sync.Mutex
	// guarded by state
	active   bool
	expected map[string]bool // lines of the peers file whose peer has not answered, by address
}

func (r *recovery) init(s *Service) {
	r.over = make(chan struct{})
	r.expected = map[string]bool{}
	for _, l := range s.list {
		if l.Trust == Full && !l.Plain {
			r.expected[l.Address] = true
		}
	}
	r.active = s.Raised && len(r.expected) > 0
	if !r.active {
		close(r.over)
	}
}

// Recovered is closed when new messages are taken.
func (s *Service) Recovered() <-chan struct{} { return s.recovery.over }

// Recover waits until what was lost has been given back, for federation.recover_wait at the most, and lets new messages
// in then. Peers that come later give back what they have all the same.
func (s *Service) Recover(ctx context.Context) {
	timeout := time.NewTimer(s.Settings().RecoverWait)
	defer timeout.Stop()
	select {
	case <-s.over:
		return
	case <-ctx.Done():
	case <-timeout.C:
		s.Log.Warn("not every peer has said in time what it has of this node's channels")
	}
	s.recovery.end(s)
}

// begin asks a peer what it has of what this node may have lost, and lets it send its rows after that: messages of its
// people that stand in its replicas must not be numbered again. restored: this node ever lost something.
func (r *recovery) begin(l *link, restored bool) {
	if restored && l.trusted() {
		l.tellBy.Store(time.Now().Add(l.limits.RecoverWait).UnixMilli())
		l.say("FEDPING", recoveryPing)
		return
	}
	if !r.isActive() {
		l.tellRows()
	}
}

// late lets a peer send its rows that has not said in time what it has. Called each second.
func (r *recovery) late(l *link, now time.Time) {
	if by := l.tellBy.Load(); by != 0 && now.UnixMilli() >= by && !l.told.Load() && !r.isActive() {
		l.tellRows()
	}
}

func (r *recovery) isActive() bool {
	r.state.Lock()
	defer r.state.Unlock()
	return r.active
}

// answered notes that a peer has said all about its replicas. If it has given back all that was asked, it is waited for no
// more.
func (r *recovery) answered(l *link) {
	r.skip(l)
}

// skip does not wait for a peer any more that has nothing to say of replicas.
func (r *recovery) skip(l *link) {
	l.fetches.mu.Lock()
	l.fetches.recovering = true
	l.fetches.mu.Unlock()
	r.complete(l)
}

// complete looks whether a peer has given back all.
func (r *recovery) complete(l *link) {
	l.fetches.mu.Lock()
	done := l.fetches.recovering && len(l.fetches.all) == 0
	l.fetches.mu.Unlock()
	if !done || l.line == nil {
		return
	}
	r.state.Lock()
	delete(r.expected, l.line.Address)
	last, active := r.active && len(r.expected) == 0, r.active
	r.state.Unlock()
	switch {
	case last:
		r.end(l.service)
	case !active && l.established.Load() && !l.told.Load():
		l.tellRows()
	}
}

// end lets new messages and rows in.
func (r *recovery) end(s *Service) {
	r.state.Lock()
	was := r.active
	r.active = false
	r.state.Unlock()
	if !was {
		return
	}
	close(r.over)
	for _, l := range s.all() {
		if l.established.Load() {
			l.tellRows()
		}
	}
}

// tellRows tells the peer which of its rows have taken effect here, one FEDHAVE for each of its incarnations: it sends
// what comes after them. Safe for concurrent use.
func (l *link) tellRows() {
	var have []channels.Position
	l.service.submit(channels.Step{Asker: l.session, Do: func(tx channels.Tx) (err error) {
		have, err = tx.HaveAll(l.id)
		return err
	}, Done: func(_ *channels.Delivery, err error) {
		if err != nil {
			l.endWith(byeUnavailable)
			return
		}
		for _, h := range have {
			l.say("FEDHAVE", numbers(h))
		}
		if len(have) == 0 {
			l.say("FEDHAVE 0 0")
		}
		l.told.Store(true)
	}})
}

// raised notes that the node goes on in a new incarnation, while it runs. It is called inside the transaction.
func (s *Service) raised(inc int64, rows []channels.Renumbered) {
	s.mu.Lock()
	s.inc = inc
	s.mu.Unlock()
	s.renumber(rows)
	for _, l := range s.all() { // what was said on them stands under the old one
		l.endWith(session.WordClosing)
	}
}

// fetches are the parts of logs that a peer was asked for.
type fetches struct {
	mu sync.Mutex
	// guarded by mu
	all        map[string]*fetch // by the channel, as it was asked for
	recovering bool              // the peer has said all about its replicas
}

// A fetch is one FEDPULL.
type fetch struct {
	lost     string // the channel of ours that it is of; "": it is of one of the peer's
	from, to channels.Position
	got      int           // entries that have come; guarded by fetches.mu
	done     chan struct{} // closed at FEDPULLED, or when the link ends
}

// pull asks the peer for what it has of a channel after one place and up to another. It may run in a step's Done.
func (l *link) pull(channel string, after, upto channels.Position) *fetch {
	return l.fetch(l.ofOurs(channel), channel, channels.Position{Epoch: after.Epoch, Seq: after.Seq + 1}, upto)
}

// ofOurs is how a peer is asked for what it has of a channel of ours: with our host, if it has one of that name itself.
func (l *link) ofOurs(channel string) string {
	if _, both := l.known[channel]; both {
		return channel + ":" + l.own
	}
	return channel
}

// fetch asks the peer for a part of a log. lost is the name of our channel that it is of; "": it is one of the peer's.
func (l *link) fetch(asked, lost string, from, to channels.Position) *fetch {
	l.fetches.mu.Lock()
	defer l.fetches.mu.Unlock()
	if f := l.fetches.all[asked]; f != nil {
		return f
	}
	f := &fetch{lost: lost, from: from, to: to, done: make(chan struct{})}
	if l.fetches.all == nil {
		l.fetches.all = map[string]*fetch{}
	}
	l.fetches.all[asked] = f
	upto := number(to.Seq)
	if to.Epoch != from.Epoch {
		upto = pair(to)
	}
	l.say("FEDPULL", asked, numbers(from), upto)
	return f
}

// within reports whether the peer was asked for an entry, and counts it.
func (l *link) within(asked string, at channels.Position) bool {
	l.fetches.mu.Lock()
	defer l.fetches.mu.Unlock()
	f := l.fetches.all[asked]
	if f == nil || at.Before(f.from) || f.to.Before(at) {
		return false
	}
	f.got++
	return true
}

// pulled is FEDPULLED chan e from to: the peer has sent what it had.
func (l *link) pulled(ln line) {
	l.session.Commit() // what it sent is filed
	channel, _, _ := strings.Cut(ln.rest, " ")
	l.fetches.mu.Lock()
	f := l.fetches.all[channel]
	delete(l.fetches.all, channel)
	l.fetches.mu.Unlock()
	if f == nil {
		return
	}
	close(f.done)
	if f.lost == "" {
		return
	}
	l.now(func(tx channels.Tx) error {
		s, err := tx.Channel(f.lost)
		if s == nil || err != nil {
			return err
		}
		return l.hasTold(tx, s)
	}, func(*channels.Delivery) {})
	l.service.recovery.complete(l)
}

// dropFetches ends the waiting for a peer whose link is gone.
func (l *link) dropFetches() {
	l.fetches.mu.Lock()
	defer l.fetches.mu.Unlock()
	for _, f := range l.fetches.all {
		close(f.done)
	}
	l.fetches.all = nil
}

// Fetch implements session.Remote. What stands before the epoch that this node's log begins in can only be asked for by
// its count; a home that does not know how says nothing.
func (s *Service) Fetch(ctx context.Context, c *channels.Channel, before channels.Position, limit int) {
	l := s.linkOf(c.Home)
	to := channels.Position{Epoch: before.Epoch, Seq: before.Seq - 1}
	if l == nil || !l.established.Load() || before.Epoch == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, s.Settings().ReplyTimeout)
	defer cancel()
	if to.Seq < 1 || !l.fetched(ctx, c.Name, channels.Position{Epoch: to.Epoch, Seq: max(1, to.Seq-int64(limit)+1)}, to) {
		l.fetched(ctx, c.Name, channels.Position{Seq: int64(limit)}, to)
	}
}

// fetched waits for a part of a log, and reports whether there was anything in it.
func (l *link) fetched(ctx context.Context, channel string, from, to channels.Position) bool {
	f := l.fetch(channel, "", from, to)
	select {
	case <-f.done:
		l.fetches.mu.Lock()
		defer l.fetches.mu.Unlock()
		return f.got > 0
	case <-ctx.Done():
		return true
	}
}

// recoverOwn files an entry of a channel of this node that it has lost and the peer has given back.
func (l *link) recoverOwn(ln line, channel, name, host, text string) {
	if !l.trusted() || !l.within(l.ofOurs(channel), ln.at) {
		l.refuse(ln, "not-its-channel")
		return
	}
	l.session.Do(channels.Step{Do: func(tx channels.Tx) error {
		s, err := tx.Channel(channel)
		if err != nil || s == nil {
			return err
		}
		author, o, err := l.lostAuthor(tx, name, host, ln.id)
		if err != nil {
			return err
		}
		news, err := tx.Recover(s, ln.at, author, o, ln.ms, text, l.id)
		if err != nil || !news {
			return err
		}
		return l.passOn(tx, s, ln, name+"@"+hostOr(host, l.own), text)
	}, Done: func(_ *channels.Delivery, err error) {
		if err != nil {
			l.fail(err)
		}
	}})
}

// hostOr is a host as it stands in a row.
func hostOr(host, own string) string {
	if host == own {
		return channels.OwnHost
	}
	return host
}

// lostAuthor is who said a message of a channel of ours, as a peer remembers it. An account that was lost too leaves its
// name behind.
func (l *link) lostAuthor(tx channels.Tx, name, host string, id channels.Position) (by channels.Person, o channels.Origin, err error) {
	o = channels.Origin{Inc: id.Epoch, N: id.Seq}
	peer := &channels.Peer{}
	if host != l.own {
		if peer, err = hearsay(tx, host); err != nil {
			return by, o, err
		}
		o.Peer = peer.ID
	}
	by, err = tx.RemotePerson(peer, name, true)
	return by, o, err
}

// passOn sends a message that was given back to every other node that has told what it has of the channel.
func (l *link) passOn(tx channels.Tx, s *channels.State, ln line, from, text string) error {
	peers, err := tx.AskedPeers(s.ID)
	if err != nil {
		return err
	}
	for _, id := range peers {
		if id == l.id {
			continue
		}
		row := recoveredRow(s, ln.at, ln.id, ln.ms, from, text)
		if err := tx.Send(id, &row); err != nil {
			return err
		}
	}
	return nil
}

// recoveredRow tells another node of a message that was given back.
func recoveredRow(s *channels.State, at, id channels.Position, ms int64, from, text string) channels.Row {
	return channels.Row{Verb: "FEDRECV", Line: "@" + place(at) + ";id=" + pair(id) + ";t=" + number(ms) +
		" FEDRECV * " + from + " " + s.Name + ":" + channels.OwnHost + " " + channels.PlainText(text)}
}
