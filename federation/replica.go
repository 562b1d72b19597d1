package federation

import (
	"strings"
	"time"

	"chatnode/channels"
)

// What the home of a channel says of it: the log of which this node keeps a replica, and the channel's state (federation
// protocol §2). The replica's own place is the cursor: what is not the next entry changes nothing.

// receive is FEDRECV touser from chan:home text.
func (l *link) receive(ln line) {
	words := append(ln.words(4), "", "", "")
	name, host, okFrom := parseAddress(words[1], '@')
	if own := words[1] == "*@"+l.host; own {
		name, host, okFrom = "*", l.host, true // what its home does not vouch for, passed on by another
	}
	channel, home, okChannel := parseAddress(words[2], ':')
	switch {
	case !okFrom || !okChannel || words[3] == "":
		l.refuse(ln, "malformed")
	case l.kind == channels.PlainLink:
		l.receivePlain(words[0], name, host, words[2], words[3])
	case home == l.own:
		l.recoverOwn(ln, channel, name, host, words[3])
	case home != l.host:
		l.refuse(ln, "not-its-channel")
	case ln.at == (channels.Position{}) || ln.id == (channels.Position{}):
		l.refuse(ln, "no-place")
	case ln.n != (channels.Position{}) || l.within(channel, ln.at):
		l.receiveOld(ln, channel, name, host, words[3])
	default:
		l.replicate(ln, channel, name, host, words[3])
	}
}

// refuse passes over a line; a row counts as had all the same.
func (l *link) refuse(ln line, why string) {
	l.pass(why)
	if ln.n != (channels.Position{}) {
		l.ask(asking{line: ln, do: func(channels.Tx, *channels.Peer) (at channels.Position, err error) {
			return at, channels.Refuse(channels.Forbidden)
		}})
	}
}

// replicate stores the next entry of a channel's log.
func (l *link) replicate(ln line, channel, name, host, text string) {
	var again *channels.Position
	var said *ended
	moved := false
	l.session.Do(channels.Step{Do: func(tx channels.Tx) error {
		again, said, moved = nil, nil, false
		s, err := tx.RemoteChannel(l.id, channel)
		if err != nil || s == nil || len(s.Epochs()) == 0 || !s.Place.Before(ln.at) {
			return err
		}
		if s.Place.Epoch != ln.at.Epoch || s.Place.Seq+1 != ln.at.Seq {
			at := s.Place
			again = &at
			return nil
		}
		author, o, err := l.author(tx, channel, name, host, text, ln.id, false)
		if err != nil {
			return err
		}
		moved = true
		if _, err = tx.Replicate(s, ln.at, author, o, ln.ms, text); err != nil {
			return err
		}
		if o.Peer == channels.Myself {
			said, err = l.endSaid(tx, s, ln.id, ln.at)
		}
		return err
	}, Done: func(d *channels.Delivery, err error) {
		switch {
		case err != nil:
			l.fail(err)
		case again != nil:
			l.syncAgain(channel, *again)
		case moved:
			l.hasMoved(channel)
		}
		if said != nil {
			l.service.answer(rowKey{l.id, said.Position}, channels.RefResult{Channel: said.in, Position: ln.at}, nil)
		}
	}})
	l.applyPending(channel)
}

// hasMoved notes that a replica goes on.
func (l *link) hasMoved(channel string) {
	l.moved[channel] = true
	delete(l.resync, channel)
	l.touch(channel)
}

// ended is a row of ours whose end has come, and the channel that it stands in.
type ended struct {
	channels.Position
	in *channels.Channel
}

// endSaid ends the row of a message of ours that its channel's home has numbered.
func (l *link) endSaid(tx channels.Tx, s *channels.State, id, at channels.Position) (*ended, error) {
	row, err := tx.Row(l.id, id)
	if err != nil || row == nil || row.Ended {
		return nil, err
	}
	return &ended{id, s.Channel}, tx.EndRow(l.id, row, &channels.RefResult{Channel: s.Channel, Position: at})
}

// author is who said a message, as far as the home of its channel is believed: one of our own people only if this node
// sent it that message. pulled: rows that are kept no more are believed too.
func (l *link) author(tx channels.Tx, channel, name, host, text string, id channels.Position, pulled bool) (by channels.Person, o channels.Origin, err error) {
	peer, err := tx.PeerByID(l.id)
	if err != nil {
		return by, o, err
	}
	if host == l.own {
		if by, err = l.ownAuthor(tx, channel, name, text, id, pulled); err != nil || by.ID != 0 {
			return by, channels.Origin{Peer: channels.Myself, Inc: id.Epoch, N: id.Seq}, err
		}
		l.pass("not-said-here")
		name, host = "*", l.host
	}
	if host != l.host {
		if peer, err = hearsay(tx, host); err != nil {
			return by, o, err
		}
	}
	by, err = tx.RemotePerson(peer, name, true)
	return by, channels.Origin{Peer: peer.ID, Inc: id.Epoch, N: id.Seq}, err
}

// ownAuthor is the person of this node who said a message; the zero Person if nobody did.
func (l *link) ownAuthor(tx channels.Tx, channel, name, text string, id channels.Position, pulled bool) (by channels.Person, err error) {
	row, err := tx.Row(l.id, id)
	if err != nil {
		return by, err
	}
	if row != nil {
		if row.Line != "FEDSAY "+name+"@"+channels.OwnHost+" "+channel+" "+text {
			return by, nil
		}
		return tx.PersonByID(row.Person)
	}
	if pulled || tx.Restored() && id.Epoch < tx.Incarnation() {
		return tx.Person(name)
	}
	return by, nil
}

// hearsay is a node that is only spoken of.
func hearsay(tx channels.Tx, host string) (*channels.Peer, error) {
	p, err := tx.Peer(host)
	if p != nil || err != nil {
		return p, err
	}
	made := channels.Peer{Host: host, Naming: channels.NamedByHearsay, Line: defaultLine}
	return &made, tx.KeepPeer(&made)
}

// receiveOld files an entry that belongs before the replica's place: one that the home got back after a restore, or that
// this node has asked for.
func (l *link) receiveOld(ln line, channel, name, host, text string) {
	var said *ended
	var at channels.Position
	l.ask(asking{line: ln, quiet: true, do: func(tx channels.Tx, p *channels.Peer) (none channels.Position, err error) {
		said = nil
		s, err := tx.RemoteChannel(l.id, channel)
		if err != nil || s == nil || len(s.Epochs()) == 0 {
			return none, err
		}
		author, o, err := l.author(tx, channel, name, host, text, ln.id, ln.n == (channels.Position{}) || l.trusted())
		if err != nil {
			return none, err
		}
		if s.Place.Before(ln.at) || ln.n != (channels.Position{}) && !s.Start().Before(ln.at) {
			return none, nil // it will come in its turn, or stands before what is kept here
		}
		if _, err := tx.Recover(s, ln.at, author, o, ln.ms, text, channels.Myself); err != nil || o.Peer != channels.Myself {
			return none, err
		}
		var found bool
		if at, found, err = tx.Stored(s, o); err == nil && found {
			said, err = l.endSaid(tx, s, ln.id, at)
		}
		return none, err
	}, then: func(*channels.Delivery, error) {
		if said != nil {
			l.service.answer(rowKey{l.id, said.Position}, channels.RefResult{Channel: said.in, Position: at}, nil)
		}
	}})
}

// ensureSync asks for a log, once on a link, when somebody here hears it: those that nobody heard when the link began were
// not asked for.
func (l *link) ensureSync(s *channels.State) {
	if !l.synced[s.Name] {
		l.synced[s.Name] = true
		l.say("FEDSYNC", s.Name, numbers(s.Place))
	}
}

// syncAgain asks for a log again from the replica's place, once until it moves.
func (l *link) syncAgain(channel string, at channels.Position) {
	if !l.resync[channel] {
		l.resync[channel] = true
		l.say("FEDSYNC", channel, numbers(at))
	}
}

// gap is FEDGAP chan e from to: the entries of a stretch are gone.
func (l *link) gap(ln line) {
	words := append(ln.words(4), "", "", "")
	channel, ok := l.ofPeer(words[0])
	from, to := parsePlace(words[1], words[2]), parsePlace(words[1], words[3])
	if !ok || to.Before(from) {
		l.pass("malformed")
		return
	}
	l.onReplica(channel, func(tx channels.Tx, s *channels.State) (resync bool, err error) {
		switch {
		case !s.Place.Before(to):
			return false, nil
		case s.Place.Epoch != from.Epoch || s.Place.Seq+1 < from.Seq:
			return true, nil
		}
		if ln.moved {
			return false, tx.PassTo(s, to)
		}
		return false, tx.SkipTo(s, to)
	})
}

// maxEpochs bounds the epochs that a peer may open on a link: a home opens one for each channel when it was restored.
const maxEpochs = 20_000

// epoch is FEDEPOCH chan e base: the numbers go on in a new epoch, after the place of its tags. What the home has kept of the
// epoch before, and this node never had, is asked for.
func (l *link) epoch(ln line) {
	words := append(ln.words(3), "", "")
	channel, ok := l.ofPeer(words[0])
	at := parsePlace(words[1], words[2])
	if !ok || at.Epoch == 0 {
		l.pass("malformed")
		return
	}
	if l.epochs++; l.epochs > maxEpochs {
		l.word = byeFull
		return
	}
	var lacks int64
	l.onReplica(channel, func(tx channels.Tx, s *channels.State) (resync bool, err error) {
		lacks = 0
		follows := s.Place.Seq >= at.Seq
		if ln.at != (channels.Position{}) {
			follows = s.Place.Epoch == ln.at.Epoch && !s.Place.Before(ln.at)
		}
		switch {
		case at.Epoch <= s.Place.Epoch:
			return false, nil
		case !follows:
			return true, nil
		}
		if end := s.EndOf(ln.had.Epoch); end < ln.had.Seq && s.Start().Epoch <= ln.had.Epoch {
			lacks = end + 1
		}
		return false, tx.OpenEpoch(s, channels.Epoch{Epoch: at.Epoch, Base: at.Seq})
	})
	l.session.Do(channels.Step{Done: func(*channels.Delivery, error) {
		if lacks != 0 {
			l.fetch(channel, "", channels.Position{Epoch: ln.had.Epoch, Seq: lacks}, ln.had)
		}
	}})
}

// onReplica changes the replica of a channel; resync: something before is missing.
func (l *link) onReplica(channel string, change func(tx channels.Tx, s *channels.State) (resync bool, err error)) {
	var at channels.Position
	resync := false
	l.session.Do(channels.Step{Do: func(tx channels.Tx) error {
		s, err := tx.RemoteChannel(l.id, channel)
		if err != nil || s == nil || len(s.Epochs()) == 0 {
			return err
		}
		at = s.Place
		resync, err = change(tx, s)
		return err
	}, Done: func(_ *channels.Delivery, err error) {
		switch {
		case err != nil && !channels.IsRefusal(err):
			l.fail(err)
		case resync:
			l.syncAgain(channel, at)
		default:
			delete(l.resync, channel)
			l.touch(channel)
		}
	}})
	l.applyPending(channel)
}

// now carries something out at once, beside what is pending, and ends the link if it cannot be stored.
func (l *link) now(do func(channels.Tx) error, then func(*channels.Delivery)) {
	l.service.submit(channels.Step{Asker: l.session, Do: do, Done: func(d *channels.Delivery, err error) {
		if err != nil {
			l.fail(err)
		} else {
			then(d)
		}
	}})
}

// ackEvery is how often a peer is told what this node has stored of its channels, at the most.
const ackEvery = time.Second

// acknowledge tells the peer what is stored of its channels that moved.
func (l *link) acknowledge() {
	if len(l.moved) == 0 || time.Since(l.acked) < ackEvery || l.word != "" {
		return
	}
	l.acked = time.Now()
	moved := l.moved
	l.moved = map[string]bool{}
	var lines []string
	l.now(func(tx channels.Tx) error {
		lines = lines[:0]
		for name := range moved {
			s, err := tx.RemoteChannel(l.id, name)
			if err != nil {
				return err
			}
			if s != nil {
				lines = append(lines, "FEDACK "+name+" "+numbers(s.Place))
			}
		}
		return nil
	}, func(*channels.Delivery) {
		for _, line := range lines {
			l.say(line)
		}
	})
}

// acknowledged is FEDACK chan e s: what the peer has stored of a channel of ours.
func (l *link) acknowledged(ln line) {
	words := append(ln.words(3), "", "")
	name, err := channels.ParseName(l.ours(words[0]))
	if err != nil {
		l.pass("malformed")
		return
	}
	s := l.service
	s.mu.Lock()
	defer s.mu.Unlock()
	if l.peer.acked == nil {
		l.peer.acked = map[string]channels.Position{}
	}
	if _, known := l.peer.acked[name]; known || len(l.peer.acked) < l.limits.MaxChannels {
		l.peer.acked[strings.Clone(name)] = parsePlace(words[1], words[2])
	}
}
