package federation

import (
	"slices"
	"strings"
	"time"

	"chatnode/channels"
)

// introduce settles who the peer is and what the link can do, once it has said FEDHELLO, or has begun without.
func (l *link) introduce() {
	l.introduced = true
	l.kind = channels.PlainLink
	if l.hello.said && (l.line == nil || !l.line.Plain) {
		l.kind = channels.ExtendedLink
	}
	if l.word = l.mayStay(); l.word != "" {
		return
	}
	if l.word = l.conflict(); l.word != "" {
		return
	}
	if l.kind == channels.ExtendedLink {
		l.establish()
	} else {
		l.establishPlain()
	}
	if l.word == "" {
		l.service.wakeDialers()
		l.session.Logger().Info("linked", "peer", l.host, "extended", l.kind == channels.ExtendedLink, "remote", l.session.Conn().RemoteAddr(), "dialled", l.dialled != nil)
	}
}

// conflict is the word of a link that must not be: to this node itself, a second one to a node, a peer that has forgotten
// what it could do.
func (l *link) conflict() string {
	s := l.service
	if known := s.peerCalled(l.host); known != nil && l.kind == channels.PlainLink && known.Extended && (l.line == nil || !l.line.Plain) {
		return byeHello
	}
	if l.kind == channels.PlainLink {
		return ""
	}
	switch {
	case l.hello.host == l.own && l.hello.inc == s.incarnation():
		s.never(l.dialled)
		return byeSelf
	case l.hello.host == l.own:
		l.session.Logger().Error("another node says that it has our host: one of them has to be renamed", "host", l.own, "remote", l.session.Conn().RemoteAddr())
		return byeSameHost
	}
	return l.duplicate()
}

// duplicate ends all but one of the links to the same node.
func (l *link) duplicate() string {
	s := l.service
	s.mu.Lock()
	defer s.mu.Unlock()
	for other := range s.links {
		if other == l || !other.named || other.kind != channels.ExtendedLink || other.hello.host != l.hello.host || other.hello.inc != l.hello.inc {
			continue
		}
		if other.host != l.host {
			continue // one of them says what it is not
		}
		if other.stays(l) {
			return byeDuplicate
		}
		other.endWith(byeDuplicate)
	}
	l.named = true
	return ""
}

// stays reports whether l stays rather than a newer link to the same node: of two dialled by different sides the one
// dialled by the smaller host, of two dialled by the same side the newer.
func (l *link) stays(newer *link) bool {
	if (l.dialled != nil) == (newer.dialled != nil) {
		return false
	}
	weAreSmaller := l.own < l.hello.host
	return (l.dialled != nil) == weAreSmaller
}

// trusted reports whether what the peer says of this node's own past is believed.
func (l *link) trusted() bool {
	return l.line != nil && l.line.Trust == Full && l.naming <= channels.NamedByAddress
}

// credible is how far ahead of this node's clock an incarnation may be that a peer speaks of.
const credible = 10 * 365 * 24 * time.Hour

// file is what is kept of the peer, brought up to date.
func (l *link) file(tx channels.Tx) (*channels.Peer, error) {
	known, err := tx.Peer(l.host)
	if err != nil {
		return nil, err
	}
	p := channels.Peer{Host: l.host, Naming: l.naming, Line: defaultLine}
	if known != nil {
		p = *known
		if p.Naming == channels.NamedByHearsay || l.naming < p.Naming {
			p.Naming = l.naming
		}
	}
	p.IP = l.claim.ip.String()
	raised := l.kind == channels.ExtendedLink && p.Inc != l.hello.inc
	if l.kind == channels.ExtendedLink {
		p.Extended, p.Line = true, l.hello.line
		p.Inc = max(p.Inc, l.hello.inc)
	}
	if err := tx.KeepPeer(&p); err != nil {
		return nil, err
	}
	if raised && known != nil { // until it says what it has, it may have forgotten all that it had
		return &p, tx.Acknowledge(p.ID, 0, 0)
	}
	return &p, nil
}

// take makes the link the one that lines for its peer go out on, and returns the one that was.
func (l *link) take(p *channels.Peer) (before *link) {
	s := l.service
	s.mu.Lock()
	defer s.mu.Unlock()
	mine := s.keepLocked(*p)
	before, mine.link = mine.link, l
	l.peer, l.id = mine, p.ID
	return before
}

// establish begins an extended link: each side tells what it has of the other.
func (l *link) establish() {
	var filed *channels.Peer
	var replicas []*channels.State
	restored := false
	l.form.line.Store(int64(l.hello.line))
	l.session.Do(channels.Step{Do: func(tx channels.Tx) (err error) {
		if filed, err = l.file(tx); err != nil {
			return err
		}
		if err := l.seeRollback(tx, l.hello.saw > tx.Incarnation(), l.hello.saw); err != nil {
			return err
		}
		restored = tx.Restored()
		replicas, err = l.replicas(tx, filed)
		return err
	}, Done: func(d *channels.Delivery, err error) {
		if err != nil {
			l.fail(err)
			return
		}
		l.session.LookAs(l.form.form())
		l.seat = d.AttachLink(l.session, filed.ID, channels.ExtendedLink)
		l.tellNewChannels(d)
		for _, s := range replicas {
			l.ensureSync(s)
		}
	}})
	l.session.Commit()
	if l.failed(filed) {
		return
	}
	if before := l.take(filed); before != nil {
		before.endWith(byeDuplicate)
	}
	l.established.Store(true)
	l.service.recovery.begin(l, restored)
	l.showNames()
}

// replicas are the peer's channels that this node has a log of, and members in. For a channel that there is no log of yet,
// its peer having been plain, the members ask to join again.
func (l *link) replicas(tx channels.Tx, p *channels.Peer) (replicas []*channels.State, err error) {
	all, err := tx.RemoteChannels(p.ID)
	if err != nil {
		return nil, err
	}
	for _, c := range all {
		if len(c.Epochs()) > 0 {
			replicas = append(replicas, c)
			continue
		}
		for id := range c.Members {
			if err := joinAgain(tx, p, c.Name, id); err != nil {
				return nil, err
			}
		}
	}
	return replicas, nil
}

// joinAgain asks to join for one who is a member already.
func joinAgain(tx channels.Tx, p *channels.Peer, name string, id channels.PersonID) error {
	person, err := tx.PersonByID(id)
	if err != nil || person.Peer != 0 {
		return err
	}
	row := joinRow(person, name)
	if err := tx.Send(p.ID, &row); err != nil {
		return err
	}
	return tx.SetTold(p.ID, row.Position, channels.ToldYes)
}

// seeRollback goes on in a new incarnation when the peer proves that this node has lost the end of its log.
func (l *link) seeRollback(tx channels.Tx, proved bool, above int64) error {
	if !proved {
		return nil
	}
	if !l.trusted() || above > l.service.Now().Add(credible).Unix() {
		l.session.Logger().Warn("a peer that is not trusted, or of another time, says that this node has lost the end of its log", "peer", l.host)
		return nil
	}
	l.session.Logger().Warn("a peer proves that this node has lost the end of its log: going on in a new incarnation", "peer", l.host)
	renumbered, err := tx.Raise(max(above, tx.Incarnation()))
	if err == nil {
		l.service.raised(tx.Incarnation(), renumbered)
	}
	return err
}

// tellNewChannels tells the names of channels that were made since the list was sent. From here on it hears of each.
func (l *link) tellNewChannels(d *channels.Delivery) {
	for _, name := range d.Names() {
		if _, found := slices.BinarySearch(l.sent, name); !found {
			l.say("FEDNEW", name)
		}
	}
	l.sent = nil
}

// failed reports whether the link ends before it has begun: something could not be stored, or the store has stopped.
func (l *link) failed(filed *channels.Peer) bool {
	if filed == nil && l.word == "" {
		l.word = byeUnavailable
	}
	return l.word != ""
}

// fail ends the link because something could not be stored; the peer says it again when it comes back.
func (l *link) fail(err error) {
	if l.word == "" {
		l.word = byeUnavailable
		l.session.Logger().Warn("what a peer said cannot be stored", "peer", l.host, "error", err)
	}
}

// channels is FEDCHANNELS a, b: all of the peer's channels.
func (l *link) channels(ln line) {
	l.names, l.known = nil, map[string]string{}
	l.addNames(strings.Split(ln.rest, ",")...)
	if !l.introduced {
		l.introduce()
	}
	l.showNames()
}

// channelName is the name of a channel that the peer lists, "" if it is none. While the peer has no name but its address
// it may list any as its own.
func (l *link) channelName(entry string) (name, host string) {
	name, host, full := strings.Cut(entry, ":")
	if full && l.naming != channels.NamedByIP && host != l.host {
		l.pass("not-its-channel")
		return "", ""
	}
	name, err := channels.ParseName(name)
	if err != nil {
		return "", ""
	}
	return name, host
}

// addNames keeps channels that the peer lists, as many as may be.
func (l *link) addNames(entries ...string) {
	for _, entry := range entries {
		name, host := l.channelName(strings.TrimSpace(entry))
		_, known := l.known[name]
		switch {
		case name == "" || known:
		case len(l.names) >= l.limits.MaxChannels:
			l.pass("max-channels")
		default:
			l.known[name] = host
			l.names = append(l.names, name) // those who read them see no more than they were given
		}
	}
}

// dropName forgets a channel that is gone.
func (l *link) dropName(name string) {
	if _, known := l.known[name]; known {
		delete(l.known, name)
		l.names = slices.DeleteFunc(slices.Clone(l.names), func(other string) bool { return other == name })
		l.showNames()
	}
}

// dropForeignNames forgets what the peer listed before it had a name, and was not its own.
func (l *link) dropForeignNames() {
	l.names = slices.DeleteFunc(slices.Clone(l.names), func(name string) bool {
		foreign := l.known[name] != "" && l.known[name] != l.host
		if foreign {
			delete(l.known, name)
		}
		return foreign
	})
}

// showNames lists the peer's channels to clients.
func (l *link) showNames() {
	if l.peer == nil || l.word != "" {
		return
	}
	s := l.service
	s.mu.Lock()
	current := l.peer.link == l
	s.mu.Unlock()
	if current {
		s.Hub.SetRemote(l.host, l.names)
	}
}
