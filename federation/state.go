package federation

import (
	"strings"

	"chatnode/channels"
)

// What the home of a channel says of it besides its messages: who is a member, its topic, its end. Each line stands at a
// place of the log and takes effect when the replica has come there.

// maxPendingBytes bounds their length, all that a link ever let wait.
const maxPendingBytes = 16 << 20

// maxPending bounds the state lines of a peer that wait for its entries.
const maxPending = 4096

// members is FEDMEMBERS chan a, b@x: everybody who is a member.
func (l *link) members(ln line) { l.state(ln) }

// member is FEDMEMBER chan +a or -a.
func (l *link) member(ln line) { l.state(ln) }

// topic is FEDTOPIC chan text.
func (l *link) topic(ln line) { l.state(ln) }

// A stateLine waits until the replica of its channel has come to its place.
type stateLine struct {
	line
	ours   map[channels.PersonID]bool // our own people who were on the way in or out when it came: it says nothing of them
	before channels.Position          // our last row then: nor of those who moved later
}

// state keeps a line about what a channel is until its replica has come so far. What it says of our own people is judged
// as it comes: the answers to their rows stand in order with it.
func (l *link) state(ln line) {
	words := append(ln.words(2), "")
	channel, ok := l.ofPeer(words[0])
	if !ok {
		l.pass("malformed")
		return
	}
	ln.rest = words[1]
	kept := stateLine{line: ln}
	applied, heard := false, (*channels.State)(nil)
	l.session.Do(channels.Step{Do: func(tx channels.Tx) (err error) {
		if kept.before, err = tx.LastRow(l.id); err != nil {
			return err
		}
		if kept.ours, err = l.moving(tx, channel); err != nil {
			return err
		}
		s, err := tx.RemoteChannel(l.id, channel)
		applied, heard = err == nil && s != nil && len(s.Epochs()) > 0 && !s.Place.Before(ln.at) && len(l.pending[channel]) == 0, nil
		if applied {
			err = l.apply(tx, s, kept)
			heard = heardHere(s)
		}
		return err
	}, Done: func(_ *channels.Delivery, err error) {
		switch {
		case err != nil:
			l.fail(err)
		case !applied:
			l.keepState(channel, kept)
		case heard != nil:
			l.ensureSync(heard)
		}
	}})
}

func (l *link) keepState(channel string, kept stateLine) {
	if kept.verb == "FEDMEMBERS" { // it says all that was said before
		l.waiting -= len(l.pending[channel])
		delete(l.pending, channel)
	}
	l.waitingBytes += len(kept.rest)
	if l.waiting >= maxPending || l.waitingBytes > maxPendingBytes {
		l.word = byeFull
		return
	}
	l.pending[channel] = append(l.pending[channel], kept)
	l.waiting++
	l.touched[channel] = true
}

// moving are our own people who are on the way into a channel, or out of it.
func (l *link) moving(tx channels.Tx, channel string) (map[channels.PersonID]bool, error) {
	all, err := tx.AllMoving(l.id, channel)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	moving := map[channels.PersonID]bool{}
	for _, id := range all {
		moving[id] = true
	}
	return moving, nil
}

// touch has the state of a channel looked at when what was read is carried out.
func (l *link) touch(channel string) {
	if len(l.pending[channel]) > 0 {
		l.touched[channel] = true
	}
}

// applyTouched lets state take effect as far as replicas have come.
func (l *link) applyTouched() {
	for channel := range l.touched {
		l.applyPending(channel)
	}
	clear(l.touched)
}

func (l *link) applyPending(channel string) {
	var applied int
	var heard *channels.State
	l.now(func(tx channels.Tx) error {
		applied, heard = 0, nil
		s, err := tx.RemoteChannel(l.id, channel)
		if err != nil {
			return err
		}
		for _, ln := range l.pending[channel] {
			if s != nil && s.Place.Before(ln.at) && len(s.Epochs()) > 0 {
				break
			}
			applied++
			if s == nil || len(s.Epochs()) == 0 {
				if s, err = l.beginFrom(tx, s, channel, ln); err != nil {
					return err
				}
				if s == nil {
					continue
				}
			}
			if err := l.apply(tx, s, ln); err != nil {
				return err
			}
			if ln.verb == "FEDGONE" {
				s = nil
			}
		}
		heard = heardHere(s)
		return nil
	}, func(*channels.Delivery) {
		l.waiting -= applied
		if l.pending[channel] = l.pending[channel][applied:]; len(l.pending[channel]) == 0 {
			delete(l.pending, channel)
		}
		if heard != nil {
			l.ensureSync(heard)
		}
	})
}

// heardHere is a channel, if there is a log of it and people of this node hear it.
func heardHere(s *channels.State) *channels.State {
	if s == nil || len(s.Epochs()) == 0 {
		return nil
	}
	elsewhere := 0
	for _, n := range s.Elsewhere {
		elsewhere += n
	}
	if len(s.Members) == elsewhere {
		return nil
	}
	return s
}

// beginFrom begins a replica when its home names members of this node that this node has forgotten. Nil: it names none.
func (l *link) beginFrom(tx channels.Tx, s *channels.State, channel string, ln stateLine) (*channels.State, error) {
	if ln.verb != "FEDMEMBERS" || ln.at == (channels.Position{}) || !l.remembers(tx) {
		return nil, nil
	}
	for address := range strings.SplitSeq(ln.rest, ",") {
		p, err := l.memberCalled(tx, strings.TrimSpace(address), false)
		if err != nil {
			return nil, err
		}
		_, host, _ := strings.Cut(address, "@")
		switch {
		case host != l.own:
		case p.ID == 0:
			if err := l.leaveFor(tx, strings.TrimSpace(address), channel); err != nil {
				return nil, err
			}
		case p.Peer == 0 && !ln.ours[p.ID]:
			return l.begin(tx, s, channel, ln.at)
		}
	}
	return nil, nil
}

// begin begins the log of a channel of the peer's after a position.
func (l *link) begin(tx channels.Tx, s *channels.State, channel string, after channels.Position) (*channels.State, error) {
	if s == nil {
		peer, err := tx.PeerByID(l.id)
		if err != nil {
			return nil, err
		}
		if s, err = tx.MakeRemoteChannel(peer, channel); err != nil {
			return nil, err
		}
	}
	if err := tx.BeginReplica(s, after); err != nil {
		return nil, err
	}
	return tx.RemoteChannel(l.id, channel)
}

// apply lets one line of state take effect.
func (l *link) apply(tx channels.Tx, s *channels.State, ln stateLine) error {
	switch ln.verb {
	case "FEDGONE":
		return tx.DeleteChannel(s)
	case "FEDMEMBERS":
		return l.applyMembers(tx, s, ln)
	case "FEDMEMBER":
		if ln.rest == "" {
			return nil
		}
		_, err := l.applyMember(tx, s, ln, ln.rest[1:], ln.rest[0] == '+')
		return err
	}
	if len(ln.rest) > channels.MaxTopic || s.Topic == ln.rest {
		return nil
	}
	return tx.SetTopic(s, ln.rest)
}

func (l *link) applyMembers(tx channels.Tx, s *channels.State, ln stateLine) error {
	listed := map[channels.PersonID]bool{}
	for address := range strings.SplitSeq(ln.rest, ",") {
		p, err := l.applyMember(tx, s, ln, strings.TrimSpace(address), true)
		if err != nil {
			return err
		}
		listed[p.ID] = true
	}
	var gone []channels.PersonID
	for id := range s.Members {
		if !listed[id] {
			gone = append(gone, id)
		}
	}
	for _, id := range gone {
		p, err := tx.PersonByID(id)
		if err != nil {
			return err
		}
		if ln.rest == "" && p.Peer != 0 { // it names nobody to us, as none of ours is a member
			continue
		}
		if err := l.setMember(tx, s, ln, p, false); err != nil {
			return err
		}
	}
	return nil
}

// applyMember makes somebody a member, or ends it, as the home says, and returns who it is; the zero Person: nobody here.
func (l *link) applyMember(tx channels.Tx, s *channels.State, ln stateLine, address string, is bool) (channels.Person, error) {
	p, err := l.memberCalled(tx, address, is)
	if err != nil {
		return p, err
	}
	if p.ID != 0 {
		return p, l.setMember(tx, s, ln, p, is)
	}
	if _, host, _ := strings.Cut(address, "@"); host == l.own && is {
		err = l.leaveFor(tx, address, s.Name)
	}
	return p, err
}

// remembers reports whether the peer may know of memberships of our people that this node has forgotten: nobody is put into
// a channel otherwise.
func (l *link) remembers(tx channels.Tx) bool { return l.trusted() && tx.Restored() }

// maxLeftFor bounds for how many people a home is told on a link that they are no members.
const maxLeftFor = 256

// leaveFor tells the home of a channel that a member of this node that it names is not here any more.
func (l *link) leaveFor(tx channels.Tx, address, channel string) error {
	name, _, ok := parseAddress(address, '@')
	if !ok || l.leftFor >= maxLeftFor {
		return nil
	}
	l.leftFor++
	row := leaveRow(name, channel)
	return tx.Send(l.id, &row)
}

// setMember lets what the home says of a member take effect; not of one of ours who was on the way in or out then, or has
// moved since.
func (l *link) setMember(tx channels.Tx, s *channels.State, ln stateLine, p channels.Person, is bool) error {
	_, member := s.Members[p.ID]
	if is == member {
		return nil
	}
	if p.Peer == 0 {
		moved, err := tx.LaterMove(l.id, p.ID, s.Name, ln.before)
		if moved || ln.ours[p.ID] || err != nil {
			return err
		}
	}
	switch {
	case !is && p.Peer != 0: // its home says that others are gone, and not why
		return tx.Remove(s, p, channels.OwnWill)
	case !is:
		return tx.Remove(s, p, channels.Kicked)
	case p.Peer == 0 && l.remembers(tx):
		return tx.Admit(s, p, s.Head)
	case p.Peer == 0:
		return l.leaveFor(tx, p.Name+"@"+l.own, s.Name)
	case ln.verb == "FEDMEMBERS":
		return tx.Enrol(s, p)
	}
	return tx.SetRole(s, p, channels.Member)
}

// memberCalled finds somebody by the address that the home of a channel writes; the zero Person if there is none.
func (l *link) memberCalled(tx channels.Tx, address string, is bool) (p channels.Person, err error) {
	name, host, remote := strings.Cut(address, "@")
	if !remote {
		host = l.host
	}
	if name, err = channels.ParseName(name); err != nil || validClaim(host) == "" {
		return p, nil // nobody is called so
	}
	if host == l.own {
		return tx.Person(name)
	}
	peer, err := tx.Peer(host)
	if err != nil {
		return p, err
	}
	if peer == nil {
		if !is {
			return p, nil
		}
		if peer, err = hearsay(tx, host); err != nil {
			return p, err
		}
	}
	return tx.RemotePerson(peer, name, is)
}

// gone is FEDGONE chan: the channel is deleted, or is another one than this node has a log of.
func (l *link) gone(ln line) {
	if channel, ok := l.ofPeer(ln.rest); ok {
		l.dropName(channel)
		delete(l.synced, channel) // one that is made anew is asked for anew
	}
	l.state(ln)
}
