package federation

import (
	"strings"
	"sync"
	"time"

	"chatnode/channels"
)

// What a home does for those who keep replicas of its channels: it sends them the log from where they are, and the state.

// maxIncarnations bounds the incarnations of ours that a peer may speak of on a link.
const maxIncarnations = 1024

// hasRows is FEDHAVE inc n: what the peer has of this node's rows. The first tells what it had when the link began.
func (l *link) hasRows(ln line) {
	words := append(ln.words(2), "")
	at := parsePlace(words[0], words[1])
	first := !l.heard
	if l.heard = true; l.listening && at.Seq <= l.peerHas[at.Epoch] {
		return // within a link the highest counts
	}
	if len(l.peerHas) < maxIncarnations {
		l.peerHas[at.Epoch] = at.Seq
	}
	if !l.listening {
		l.form.has(at.Epoch, at.Seq)
	}
	l.session.Do(channels.Step{Do: func(tx channels.Tx) error {
		if first {
			if err := tx.Acknowledge(l.id, 0, 0); err != nil {
				return err
			}
		}
		sent, err := tx.LastSent(l.id)
		if err != nil {
			return err
		}
		ahead := at.Epoch > tx.Incarnation() || at.Epoch == tx.Incarnation() && at.Seq > sent
		if err := l.seeRollback(tx, ahead, at.Epoch); err != nil || at.Epoch == 0 || ahead {
			return err
		}
		return tx.Acknowledge(l.id, at.Epoch, at.Seq)
	}, Done: func(_ *channels.Delivery, err error) {
		if err != nil {
			l.fail(err)
		}
	}})
}

// waitsToListen reports whether the peer has said what it has of our rows, and this node has not said yet what it has of
// the peer's: until then neither rows nor state are sent, as the peer could not tell what they follow.
func (l *link) waitsToListen() bool { return l.heard && !l.listening }

// listen has the outbox sent, from the first row on that the peer does not have, and the state of our channels behind it.
func (l *link) listen() {
	if !l.waitsToListen() || !l.told.Load() {
		return
	}
	l.listening = true
	var from, last channels.Position
	var states [][]byte
	l.now(func(tx channels.Tx) (err error) {
		if states, err = l.states(tx); err != nil {
			return err
		}
		if from, err = tx.Unacknowledged(l.id); err != nil {
			return err
		}
		if last, err = tx.LastRow(l.id); err != nil {
			return err
		}
		return tx.SetLinked(l.id, channels.ExtendedLink)
	}, func(d *channels.Delivery) {
		d.Listen(l.seat, channels.Outbox(l.id), from, last)
		for _, p := range append(l.untold, states...) {
			l.session.PutState(p)
		}
		l.untold = nil
	})
}

// states is the state of all channels that have members of the peer: also of those that it has forgotten, and did not ask
// for.
func (l *link) states(tx channels.Tx) (states [][]byte, err error) {
	heard, err := tx.ChannelsHeardBy(l.id)
	if err != nil {
		return nil, err
	}
	for _, s := range heard {
		members, err := memberList(tx, s)
		if err != nil {
			return nil, err
		}
		states = append(states, stateLines(s, members, l.hello.line))
	}
	return states, nil
}

// syncAsked is FEDSYNC chan e s: the peer has the log of a channel of ours up to there.
func (l *link) syncAsked(ln line) {
	words := append(ln.words(3), "", "")
	channel, at := l.ours(words[0]), parsePlace(words[1], words[2])
	switch _, err := channels.ParseName(channel); {
	case err != nil:
		l.pass("malformed")
	case l.session.HasRoom():
		l.session.Do(l.sync(channel, at))
		l.session.Commit() // a list of members is long: others come between
	case len(l.putOff) >= l.limits.MaxChannels:
		l.word = byeFull
	default:
		l.putOff[strings.Clone(channel)] = at
	}
}

// sync is the step that sends a channel's log from a place on.
func (l *link) sync(channel string, at channels.Position) channels.Step {
	var s *channels.State
	var members []string
	var ask *channels.Position
	return channels.Step{Asker: l.session, Do: func(tx channels.Tx) (err error) {
		ask, members = nil, nil
		if s, err = l.syncedChannel(tx, channel, at); s == nil || err != nil {
			return err
		}
		if ask, err = l.doubtful(tx, s, at); err != nil {
			return err
		}
		members, err = memberList(tx, s)
		return err
	}, Done: func(d *channels.Delivery, err error) {
		switch {
		case err != nil:
			l.fail(err)
			return
		case s == nil:
			l.say("@"+place(at), "FEDGONE", channel)
			return
		case s.Elsewhere[l.id] == 0: // it waits for a member; that there is none has to be known there
			d.ListenLater(l.seat, s.Channel, at)
			l.tellState([]byte("@" + place(at) + " FEDMEMBERS " + channel + " \n"))
		default:
			d.Listen(l.seat, s.Channel, at, s.Head)
			if l.listening { // else it is told with all others, behind the rows that were made before
				l.session.PutState(stateLines(s, members, l.hello.line))
			}
		}
		if ask != nil {
			l.pull(channel, *ask, at)
		}
	}}
}

// tellState tells something of a channel, behind the rows that were made before. In a step's Done.
func (l *link) tellState(p []byte) {
	if l.listening {
		l.session.PutState(p)
	} else {
		l.untold = append(l.untold, p)
	}
}

// syncedChannel finds the channel of ours that a peer has a log of up to a place. Nil: there is none, but perhaps another of that
// name.
func (l *link) syncedChannel(tx channels.Tx, channel string, at channels.Position) (*channels.State, error) {
	s, err := tx.Channel(channel)
	if err != nil {
		return nil, err
	}
	if s == nil {
		return l.rebuild(tx, channel, at)
	}
	if at.Epoch < s.Start().Epoch {
		return nil, nil
	}
	if !s.Head.Before(at) {
		return s, nil
	}
	if err := l.seeRollback(tx, true, at.Epoch); err != nil {
		return nil, err
	}
	return tx.Channel(channel)
}

// doubtful is from where on a replica has to be asked what it has of a channel that this node may have lost, once for each
// incarnation of its node: from the end of the first epoch on, which is the last that is known to be whole. Nil: it needs
// not be asked.
func (l *link) doubtful(tx channels.Tx, s *channels.State, at channels.Position) (*channels.Position, error) {
	inc, err := tx.Asked(s.ID, l.id)
	if err != nil || inc == l.hello.inc || s.Elsewhere[l.id] == 0 {
		return nil, err
	}
	if epochs := s.Epochs(); len(epochs) > 1 && l.trusted() {
		if whole := (channels.Position{Epoch: epochs[0].Epoch, Seq: epochs[1].Base}); whole.Before(at) {
			return &whole, nil
		}
	}
	return nil, l.hasTold(tx, s)
}

// hasTold notes that a replica has told all that it has. From now on it gets what others give back, and now what they have
// given back before: it passes over what its stream is still to bring.
func (l *link) hasTold(tx channels.Tx, s *channels.State) error {
	if err := tx.SetAsked(s.ID, l.id, l.hello.inc); err != nil {
		return err
	}
	all, err := tx.Recovered(s)
	if err != nil {
		return err
	}
	for _, e := range all {
		if e.Recovered == l.host {
			continue // its own gift
		}
		row := recoveredRow(s, e.Position, channels.Position{Epoch: e.Inc, Seq: e.N}, e.At, e.Author.Name+"@"+or(e.Author.Host, channels.OwnHost), e.Body)
		if err := tx.Send(l.id, &row); err != nil {
			return err
		}
	}
	return nil
}

// rebuild makes a channel again that a restored node has lost and a trusted peer has a log of.
func (l *link) rebuild(tx channels.Tx, channel string, at channels.Position) (*channels.State, error) {
	name, err := channels.ParseName(channel)
	if err != nil || !l.trusted() || !tx.Restored() || at.Epoch == 0 || at.Epoch >= tx.Incarnation() {
		return nil, nil // a name that no channel of ours has had, or one that cannot have been lost
	}
	return tx.Rebuild(name, at)
}

// requests are the FEDPULLs of a peer.
type requests struct {
	mu    sync.Mutex
	pulls []pullRequest // guarded by mu
	busy  bool          // guarded by mu: one is being written
}

// A pullRequest asks for entries of a channel from after a place up to another.
type pullRequest struct {
	channel   string
	from, to  channels.Position
	last      int64  // above 0: only so many, the last of them
	asked     string // as it was asked, for FEDPULLED
	ofReplica bool   // of a channel of the peer's
	bare      bool   // of ours, or if there is none of that name, of the peer's
}

// maxFetch is how many entries are fetched at a time for a page of HISTORY, at the most.
const maxFetch = 1000

// maxPulls is how many FEDPULLs of a peer may wait.
const maxPulls = 256

// putOffEvery is how often what was put off is looked at.
const putOffEvery = 100 * time.Millisecond

// servePutOff answers the FEDSYNCs that were put off because much was waiting to be written, as far as there is room.
func (l *link) servePutOff() {
	for channel, at := range l.putOff {
		if !l.session.HasRoom() {
			return
		}
		delete(l.putOff, channel)
		l.session.Do(l.sync(channel, at))
		l.session.Commit()
	}
}

// pullAsked is FEDPULL chan e from to: stored entries of a channel of ours, or, for its home, of a replica.
func (l *link) pullAsked(ln line) {
	words := append(ln.words(4), "", "", "")
	from, to := parsePlace(words[1], words[2]), parsePlace(words[1], words[3])
	if epoch, seq, later := strings.Cut(words[3], "."); later {
		to = parsePlace(epoch, seq)
	}
	last := int64(0)
	if from.Epoch == 0 {
		last = min(from.Seq, maxFetch)
	}
	from.Seq = max(from.Seq-1, 0)
	name, host, full := strings.Cut(words[0], ":")
	p := pullRequest{channel: channels.NormalName(name), from: from, to: to, last: last, asked: ln.rest, ofReplica: full && host == l.host, bare: !full}
	l.requests.mu.Lock()
	tooMany := len(l.requests.pulls) >= maxPulls
	if !tooMany {
		l.requests.pulls = append(l.requests.pulls, p)
	}
	l.requests.mu.Unlock()
	if tooMany {
		l.word = byeFull
		return
	}
	l.session.Commit()
	l.requests.next(l)
}

// next begins to write the next of the pulls, when none is being written.
func (r *requests) next(l *link) {
	if p, found := r.take(); found {
		l.service.submit(p.step(l, r))
	}
}

func (r *requests) take() (p pullRequest, found bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.busy || len(r.pulls) == 0 {
		return p, false
	}
	p, r.pulls = r.pulls[0], r.pulls[1:]
	r.busy = true
	return p, true
}

// step looks up what is pulled, and has it written.
func (p pullRequest) step(l *link, r *requests) channels.Step {
	var s *channels.State
	var from channels.Position
	return channels.Step{Do: func(tx channels.Tx) (err error) {
		if s, from = nil, p.from; !p.ofReplica {
			s, err = tx.Channel(p.channel)
		}
		if s != nil && s.Elsewhere[l.id] == 0 {
			s = nil
		} else if err == nil && s == nil && (p.ofReplica || p.bare) {
			s, err = tx.RemoteChannel(l.id, p.channel)
		}
		if s != nil && err == nil && p.last > 0 {
			from, err = tx.Back(s, p.to, p.last)
		}
		return err
	}, Done: func(_ *channels.Delivery, err error) {
		if err != nil {
			l.endWith(byeUnavailable)
			return
		}
		last := []byte("FEDPULLED " + p.asked + "\n")
		if s == nil || !from.Before(p.to) {
			l.session.Put(last)
			l.pullWritten()
			return
		}
		l.session.Hear(channels.Range(s.Channel, from, p.to, last, l.pullWritten))
	}}
}

// pullWritten lets the next pull begin.
func (l *link) pullWritten() {
	l.requests.mu.Lock()
	l.requests.busy = false
	l.requests.mu.Unlock()
	l.service.wake()
}
