package federation

import (
	"context"
	"slices"
	"strings"
	"time"

	"chatnode/channels"
	"chatnode/node/session"
)

// What people of this node ask of other nodes. Service is their session.Remote.

var _ session.Remote = (*Service)(nil)

// linkTo finds the peer of a host, and its link; nil while it is away. Nobody may ask anything of a host that was never
// linked.
func (s *Service) linkTo(host string) (id channels.PeerID, l *link, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.peers[host]
	switch {
	case p == nil || p.Naming == channels.NamedByHearsay:
		return 0, nil, channels.Refuse(channels.PeerUnknown)
	case p.link == nil:
		return p.ID, nil, channels.Refuse(channels.PeerDown)
	}
	return p.ID, p.link, nil
}

// Join implements session.Remote.
func (s *Service) Join(of *session.Session, channel, host string, reply func(error) []byte) {
	id, l, err := s.linkTo(host)
	name, bad := channels.ParseName(channel)
	if bad != nil && err == nil {
		err = channels.Refuse(channels.NoSuchChannel)
	}
	if err != nil {
		of.Reply(reply(err))
		return
	}
	q := &question{asker: of, verb: "JOIN", person: of.Person(), name: name, done: make(chan struct{}),
		reply: func(_ channels.RefResult, err error) []byte { return reply(err) }}
	if l.kind == channels.PlainLink {
		s.joinPlain(q, id, l)
		return
	}
	key, ok := s.sendAsk(q, id, func(tx channels.Tx) (channels.Row, error) {
		c, err := tx.RemoteChannel(id, name)
		if err != nil {
			return channels.Row{}, err
		}
		if c != nil {
			if _, member := c.Members[q.person.ID]; member {
				return channels.Row{}, channels.Refuse(channels.AlreadyMember)
			}
		}
		return joinRow(q.person, name), nil
	})
	if ok && !s.wait(q) {
		s.tellNo(key, channels.Timeout)
	}
}

// sendAsk puts a row in the outbox of a peer that is linked, and notes who waits for its answer. Else it answers at once.
func (s *Service) sendAsk(q *question, id channels.PeerID, make func(channels.Tx) (channels.Row, error)) (key rowKey, ok bool) {
	var row channels.Row
	s.submit(channels.Step{Asker: q.asker, Do: func(tx channels.Tx) (err error) {
		if tx.Linked(id) != channels.ExtendedLink {
			return channels.Refuse(channels.PeerDown)
		}
		if row, err = make(tx); err != nil {
			return err
		}
		return tx.Send(id, &row)
	}, Done: func(_ *channels.Delivery, err error) {
		if err != nil {
			q.answer(channels.RefResult{}, err)
			return
		}
		key, ok = rowKey{id, row.Position}, true
		s.ask(key, q)
	}})
	return key, ok
}

// wait waits for an answer; false: it has not come in time, or nobody waits any more.
func (s *Service) wait(q *question) bool {
	timeout := time.NewTimer(s.Settings().ReplyTimeout)
	defer timeout.Stop()
	select {
	case <-q.done:
		return true
	case <-timeout.C:
	case <-q.asker.Closed():
	case <-q.asker.Stopping():
	}
	return false
}

// tellNo answers a JOIN with no, unless it has been answered: a yes that comes later is taken back.
func (s *Service) tellNo(key rowKey, why channels.Word) {
	late := false
	s.submit(channels.Step{Do: func(tx channels.Tx) error {
		row, err := tx.Row(key.peer, key.at)
		late = row == nil || row.Told == channels.NotTold && !row.Ended
		if err != nil || row == nil || !late {
			return err
		}
		return tx.SetTold(key.peer, key.at, channels.ToldNo)
	}, Done: func(_ *channels.Delivery, err error) {
		if late || err != nil {
			s.answer(key, channels.RefResult{}, channels.Refuse(why))
		}
	}})
}

// Say implements session.Remote.
func (s *Service) Say(of *session.Session, channel, host, text, ref string, reply func(channels.RefResult, error) []byte) channels.Step {
	by, most := of.Person(), s.Settings().QueueBytes
	var row channels.Row
	var became channels.RefResult
	var plain *link
	var id channels.PeerID
	linked := false
	asks := func(queued bool) *question {
		return &question{asker: of, verb: "SAY", person: by, name: channel, reply: reply, done: make(chan struct{}), queued: queued}
	}
	return channels.Step{Do: func(tx channels.Tx) error {
		plain, row = nil, channels.Row{}
		p, err := tx.Peer(host)
		if err != nil {
			return err
		}
		if p == nil || p.Naming == channels.NamedByHearsay {
			return channels.Refuse(channels.PeerUnknown)
		}
		id, linked = p.ID, tx.Linked(p.ID) == channels.ExtendedLink
		if !p.Extended || tx.Linked(p.ID) == channels.PlainLink {
			plain, err = s.plainFor(tx, by, p, channel, text)
			return err
		}
		row, became, err = channels.SayRemote(tx, by, p, channel, text, ref, most)
		return err
	}, Done: func(_ *channels.Delivery, err error) {
		switch {
		case err != nil:
		case plain != nil:
			s.sayPlain(plain, asks(false), text)
			return
		case row.Seq != 0:
			s.ask(rowKey{id, row.Position}, asks(!linked))
			if linked {
				return
			}
		case became.Queued: // it was said before, and this one too is told its end
			s.ask(rowKey{id, became.Row}, asks(true))
		case became.Unknown:
			err = channels.Refuse(channels.Unknown)
		}
		of.Answer(func() []byte { return reply(became, err) })
	}}
}

// Whisper implements session.Remote.
func (s *Service) Whisper(of *session.Session, to, host, text, ref string, now bool, reply func(channels.RefResult, error) []byte) {
	most := s.Settings().QueueBytes
	q := &question{asker: of, verb: "WHISPER", person: of.Person(), reply: reply, done: make(chan struct{})}
	var row channels.Row
	var became channels.RefResult
	var key rowKey
	linked := false
	s.submit(channels.Step{Asker: of, Do: func(tx channels.Tx) error {
		row = channels.Row{}
		p, err := tx.Peer(host)
		if err != nil {
			return err
		}
		if p == nil || !p.Extended {
			return channels.Refuse(channels.PeerUnknown)
		}
		if to, err = channels.ParseName(to); err != nil {
			return channels.Refuse(channels.NoSuchUser)
		}
		if linked = tx.Linked(p.ID) == channels.ExtendedLink; now && !linked {
			return channels.Refuse(channels.PeerDown)
		}
		row, became, err = channels.WhisperRemote(tx, q.person, p, to, text, ref, most)
		key = rowKey{p.ID, row.Position}
		return err
	}, Done: func(_ *channels.Delivery, err error) {
		if err == nil && became.Unknown {
			err = channels.Refuse(channels.Unknown)
		}
		if err == nil && linked && row.Seq != 0 {
			s.ask(key, q)
		} else {
			q.answer(became, err)
		}
	}})
	if linked && row.Seq != 0 && !s.wait(q) {
		s.answer(key, channels.RefResult{Queued: true}, nil)
	}
}

// Command implements session.Remote.
func (s *Service) Command(of *session.Session, verb, channel, host, argument string, reply func(error) []byte) {
	id, l, err := s.linkTo(host)
	if err == nil && l.kind == channels.PlainLink {
		err = channels.Refuse(channels.Forbidden)
	}
	if err != nil {
		of.Reply(reply(err))
		return
	}
	q := &question{asker: of, verb: verb, person: of.Person(), name: channel, done: make(chan struct{}),
		reply: func(_ channels.RefResult, err error) []byte { return reply(err) }}
	if verb != "TOPIC" && !strings.Contains(argument, "@") {
		argument += "@" + channels.OwnHost
	} else if verb != "TOPIC" {
		argument = strings.TrimSuffix(argument, "@"+host)
	}
	key, ok := s.sendAsk(q, id, func(channels.Tx) (channels.Row, error) {
		return channels.Row{Verb: "FEDDO", Line: "FEDDO " + q.person.Name + "@" + channels.OwnHost + " " + verb + " " + channel + " " + argument, Person: q.person.ID}, nil
	})
	if ok && !s.wait(q) {
		s.answer(key, channels.RefResult{}, channels.Refuse(channels.Timeout))
	}
}

// Peers implements session.Remote.
func (s *Service) Peers(ctx context.Context) ([]session.PeerState, error) {
	s.mu.Lock()
	var all []session.PeerState
	ids := map[string]channels.PeerID{}
	for host, p := range s.peers {
		if p.Naming == channels.NamedByHearsay || p.ID == 0 {
			continue
		}
		state := session.PeerState{Host: host, State: "down"}
		switch {
		case p.link != nil && p.link.kind == channels.ExtendedLink:
			state.State = "up"
		case p.link != nil:
			state.State = "plain"
		}
		all, ids[host] = append(all, state), p.ID
	}
	s.mu.Unlock()
	for i := range all {
		waiting, err := s.Store.Waiting(ctx, ids[all[i].Host])
		if err != nil {
			return nil, err
		}
		all[i].Waiting = waiting
	}
	s.addLag(all, ids)
	slices.SortFunc(all, func(a, b session.PeerState) int { return strings.Compare(a.Host, b.Host) })
	return all, nil
}

// addLag counts the messages of our channels that each linked peer has not said to have stored.
func (s *Service) addLag(all []session.PeerState, ids map[string]channels.PeerID) {
	s.submit(channels.Step{Do: func(tx channels.Tx) error {
		for i := range all {
			heard, err := tx.ChannelsHeardBy(ids[all[i].Host])
			if err != nil {
				return err
			}
			all[i].Lag = 0
			for _, c := range heard {
				if at, told := s.ackedBy(all[i].Host, c.Name); told && at.Before(c.Head) {
					all[i].Lag += c.Head.Seq - at.Seq
				}
			}
		}
		return nil
	}})
}

func (s *Service) ackedBy(host, channel string) (channels.Position, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at, told := s.peers[host].acked[channel]
	return at, told
}

// lost answers those who waited for a peer whose link is gone.
func (s *Service) lost(id channels.PeerID, l *link) {
	s.submit(channels.Step{Do: func(tx channels.Tx) error {
		if s.linkOf(id) != nil {
			return nil // there is a newer one
		}
		return tx.SetLinked(id, channels.NoLink)
	}})
	for _, q := range s.takeAllPlain(id) {
		q.answer(channels.RefResult{}, channels.Refuse(channels.PeerDown))
	}
	for _, key := range s.waitingFor(id) {
		q := s.asked(key)
		switch {
		case q == nil:
		case q.verb == "JOIN":
			s.tellNo(key, channels.PeerDown)
		case q.verb == "SAY":
			s.tellQueued(key)
		case q.verb == "WHISPER":
			s.answer(key, channels.RefResult{Queued: true}, nil)
		default:
			s.answer(key, channels.RefResult{}, channels.Refuse(channels.Unknown))
		}
	}
	l.dropFetches()
}
