package federation

import (
	"strings"

	"chatnode/channels"
)

// What is said with a peer of version 0.1: each line once, on its newest link, and nothing is kept for one that cannot
// acknowledge (federation protocol §1).

// establishPlain begins a plain link: the peer's people hear our channels from now on, and ours ask to join its again.
func (l *link) establishPlain() {
	var filed *channels.Peer
	var heard []hearing
	var again []string
	l.session.Do(channels.Step{Do: func(tx channels.Tx) (err error) {
		if filed, err = l.file(tx); err != nil {
			return err
		}
		if heard, err = hearings(tx, filed.ID); err != nil {
			return err
		}
		if again, err = l.joins(tx, filed.ID); err != nil {
			return err
		}
		return tx.SetLinked(filed.ID, channels.PlainLink)
	}, Done: func(d *channels.Delivery, err error) {
		if err != nil {
			l.fail(err)
			return
		}
		if l.seat != nil {
			d.DetachLink(l.seat)
		}
		l.session.LookAs((&plainForm{l.own, l.host}).form())
		if before := l.service.linkOf(filed.ID); before != nil && before != l && before.seat != nil {
			d.DetachLink(before.seat) // lines go out on the newest
		}
		l.seat = d.AttachLink(l.session, filed.ID, channels.PlainLink)
		l.tellNewChannels(d)
		for _, h := range heard {
			d.ListenFor(l.seat, h.in, h.person, h.from)
		}
		for _, line := range again {
			l.say(line)
		}
	}})
	l.session.Commit()
	if !l.failed(filed) {
		l.take(filed)
		l.service.recovery.skip(l)
		l.showNames()
	}
}

// A hearing is a person of a peer who hears a channel of ours.
type hearing struct {
	in     *channels.Channel
	person channels.Person
	from   channels.Position
}

func hearings(tx channels.Tx, id channels.PeerID) (all []hearing, err error) {
	heard, err := tx.ChannelsHeardBy(id)
	if err != nil {
		return nil, err
	}
	for _, s := range heard {
		for member := range s.Members {
			p, err := tx.PersonByID(member)
			if err != nil {
				return nil, err
			}
			if p.Peer == id {
				all = append(all, hearing{s.Channel, p, s.Head})
			}
		}
	}
	return all, nil
}

// joins are the FEDJOIN lines for the members here of the peer's channels. Their answers change nothing.
func (l *link) joins(tx channels.Tx, id channels.PeerID) (lines []string, err error) {
	all, err := tx.RemoteChannels(id)
	if err != nil {
		return nil, err
	}
	for _, c := range all {
		for member := range c.Members {
			p, err := tx.PersonByID(member)
			if err != nil {
				return nil, err
			}
			if p.Peer == 0 {
				lines = append(lines, "FEDJOIN "+p.Name+"@"+l.own+" "+c.Name)
			}
		}
	}
	return lines, nil
}

// rename gives a plain peer a better name than its address, as it has said whose people it acts for.
func (l *link) rename() {
	before, by := l.host, l.naming
	if w := l.mayStay(); w != "" {
		l.word = w
		return
	}
	if l.host == before || l.naming >= by {
		l.service.mu.Lock()
		l.host = before
		l.service.mu.Unlock()
		l.naming = by
		return
	}
	if l.word = l.conflict(); l.word == "" {
		l.service.release(l)
		l.dropForeignNames()
		l.establishPlain()
	}
}

// release takes a link off the peer that it was taken for.
func (s *Service) release(l *link) {
	s.mu.Lock()
	p := l.peer
	current := p != nil && p.link == l
	var of channels.Peer
	if current {
		p.link, of = nil, p.Peer
	}
	s.mu.Unlock()
	if current {
		s.Hub.SetRemote(of.Host, nil)
		s.lost(of.ID, l)
	}
}

// joinPlain asks a plain peer to let somebody in.
func (s *Service) joinPlain(q *question, id channels.PeerID, l *link) {
	var refused error
	s.submit(channels.Step{Asker: q.asker, Do: func(tx channels.Tx) error {
		c, err := tx.RemoteChannel(id, q.name)
		if err != nil || c == nil {
			return err
		}
		if _, member := c.Members[q.person.ID]; member {
			return channels.Refuse(channels.AlreadyMember)
		}
		return nil
	}, Done: func(_ *channels.Delivery, err error) {
		if refused = err; err != nil {
			q.answer(channels.RefResult{}, err)
			return
		}
		s.askPlain(id, q)
		l.say("FEDJOIN", q.person.Name+"@"+l.own, q.name)
	}})
	if refused == nil && !s.wait(q) && s.withdrawPlain(id, q) {
		q.answer(channels.RefResult{}, channels.Refuse(channels.Timeout))
	}
}

// resultPlain is a FEDRESULT that says nothing of a row.
func (l *link) resultPlain(user, what, subject string, yes bool) {
	name, ok := l.ofPeer(subject)
	user = channels.NormalName(user)
	if !ok {
		return
	}
	switch what {
	case "JOIN":
		l.joinedPlain(user, name, yes)
	case "SAY":
		if !yes {
			l.service.saidInVain(l.id, user, name)
		}
	default:
		l.pass("unasked")
	}
}

// joinedPlain is a plain peer's answer to a FEDJOIN.
func (l *link) joinedPlain(user, name string, yes bool) {
	q := l.service.takePlain(l.id, "JOIN", user, name)
	if q == nil {
		l.pass("unasked")
		return
	}
	if !yes {
		l.refusedPlain(q)
		return
	}
	l.session.Do(channels.Step{Asker: q.asker, Do: func(tx channels.Tx) error {
		p, err := tx.PeerByID(l.id)
		if err != nil {
			return err
		}
		s, err := tx.RemoteChannel(l.id, name)
		if err != nil {
			return err
		}
		if s == nil {
			if s, err = tx.MakeRemoteChannel(p, name); err != nil {
				return err
			}
		}
		return tx.Admit(s, q.person, channels.Position{})
	}, Done: func(_ *channels.Delivery, err error) {
		q.answer(channels.RefResult{}, err)
		if err != nil {
			l.fail(err)
		}
	}})
}

// refusedPlain is a no. A plain home's no to one whom it once let in counts as yes: he is a member there.
func (l *link) refusedPlain(q *question) {
	l.session.Do(channels.Step{Asker: q.asker, Do: func(tx channels.Tx) error {
		let, err := tx.WasMember(l.id, q.person.ID, q.name)
		if err != nil {
			return err
		}
		if !let {
			return channels.Refuse(channels.Forbidden)
		}
		s, err := tx.RemoteChannel(l.id, q.name)
		if err != nil {
			return err
		}
		if s == nil {
			return channels.Refuse(channels.NoSuchChannel)
		}
		return tx.Admit(s, q.person, channels.Position{})
	}, Done: func(_ *channels.Delivery, err error) { q.answer(channels.RefResult{}, err) }})
}

// plainFor checks what is said in a channel of a plain peer, and finds the link that it goes out on.
func (s *Service) plainFor(tx channels.Tx, by channels.Person, p *channels.Peer, channel, text string) (*link, error) {
	if _, err := channels.JoinedRemote(tx, by, p.Host, channel); err != nil {
		return nil, err
	}
	l := s.linkOf(p.ID)
	switch {
	case text == "":
		return nil, channels.Refuse(channels.EmptyMessage)
	case l == nil:
		return nil, channels.Refuse(channels.PeerDown)
	case len(text)+512 > p.Line:
		return nil, channels.Refuse(channels.TooLong)
	}
	return l, nil
}

// utterances are what people of this node said last in channels of a plain peer: it is believed that they said it, when
// it says so, and they are told when it was in vain.
type utterances struct {
	last   []string             // user, channel and text of each
	askers map[string]*question // of each user and channel, the last
}

// maxUtterances is how many are remembered of each peer.
const maxUtterances = 1024

func utterance(user, channel, text string) string { return user + "\n" + channel + "\n" + text }

// sayPlain says something to a plain peer. It runs in a step's Done.
func (s *Service) sayPlain(l *link, q *question, text string) {
	s.waits.Lock()
	u := s.said[l.id]
	if u == nil {
		u = &utterances{askers: map[string]*question{}}
		s.said[l.id] = u
	}
	u.last = append(u.last, utterance(q.person.Name, q.name, text))
	if len(u.last) > maxUtterances {
		u.last = u.last[1:]
	}
	u.askers[q.person.Name+" "+q.name] = q
	s.waits.Unlock()
	l.say("FEDSAY", q.person.Name+"@"+l.own, q.name, text)
}

// saidHere reports whether somebody of this node said something to a plain peer lately.
func (q *questions) saidHere(id channels.PeerID, user, channel, text string) bool {
	q.waits.Lock()
	defer q.waits.Unlock()
	u := q.said[id]
	if u == nil {
		return false
	}
	want := utterance(user, channel, text)
	for _, had := range u.last {
		if had == want {
			return true
		}
	}
	return false
}

// saidInVain tells who said something last in a channel of a plain peer that it was refused.
func (q *questions) saidInVain(id channels.PeerID, user, channel string) {
	q.waits.Lock()
	var of *question
	if u := q.said[id]; u != nil {
		of = u.askers[user+" "+channel]
	}
	q.waits.Unlock()
	if of != nil {
		of.asker.Answer(func() []byte { return of.reply(channels.RefResult{}, channels.Refuse(channels.Forbidden)) })
	}
}

// receivePlain is a FEDRECV of a plain home: it is for one person, and filed in that person's inbox.
func (l *link) receivePlain(to, from, host, channel, text string) {
	user, at, _ := strings.Cut(to, "@")
	name, mine := l.ofPeer(channel)
	if at != l.own || !mine {
		l.pass("not-its-channel")
		return
	}
	l.session.Do(channels.Step{Do: func(tx channels.Tx) error {
		p, err := tx.Person(channels.NormalName(user))
		if err != nil || p.ID == 0 {
			return err
		}
		s, err := tx.RemoteChannel(l.id, name)
		if err != nil || s == nil {
			return err
		}
		if _, member := s.Members[p.ID]; !member {
			return nil
		}
		author, err := l.plainAuthor(tx, name, from, host, text)
		if err != nil {
			return err
		}
		inbox, err := tx.Inbox(p.ID)
		if err != nil {
			return err
		}
		_, err = tx.AppendLabelled(inbox, author, s.Channel, text)
		return err
	}, Done: func(_ *channels.Delivery, err error) {
		if err != nil {
			l.session.Logger().Warn("a message of a plain peer cannot be stored and is lost", "peer", l.host, "error", err)
		}
	}})
}

// plainAuthor is who said something in a channel of a plain peer.
func (l *link) plainAuthor(tx channels.Tx, channel, name, host, text string) (channels.Person, error) {
	if host == l.own {
		if l.service.saidHere(l.id, name, channel, text) {
			return tx.Person(name)
		}
		l.pass("not-said-here")
		name, host = "*", l.host
	}
	peer, err := hearsay(tx, host)
	if err != nil {
		return channels.Person{}, err
	}
	return tx.RemotePerson(peer, name, true)
}
