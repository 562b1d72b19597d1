package federation

import (
	"context"
	"strconv"
	"time"

	"chatnode/channels"
)

// sweepEvery is how often rows that have waited for too long are looked for.
const sweepEvery = 10 * time.Second

// sweep gives up what has waited for longer than it may, and tells those who asked.
func (s *Service) sweep() {
	s.drop()
	before := s.Now().Add(-s.Settings().QueueTTL).UnixMilli()
	for more := true; more; {
		more = s.expire(before)
	}
}

func (s *Service) expire(before int64) (more bool) {
	var expired []channels.Expired
	s.submit(channels.Step{Do: func(tx channels.Tx) (err error) {
		expired, more, err = tx.Expire(before)
		return err
	}, Done: func(_ *channels.Delivery, err error) {
		if err != nil {
			s.Log.Error("rows that have waited too long cannot be removed", "error", err)
			more = false
			return
		}
		for _, row := range expired {
			why := channels.PeerDown
			if row.Sent {
				why = channels.Unknown
			}
			s.giveUp(rowKey{row.Peer, row.Position}, why)
		}
	}})
	return more
}

// giveUp tells whoever waits for a row that it is given up. Of one that may have been carried out only clients with tags
// are told.
func (s *Service) giveUp(key rowKey, why channels.Word) {
	s.answer(key, channels.RefResult{Unknown: why == channels.Unknown}, channels.Refuse(why))
}

// tellOfAbsence tells people whose channels' home is away, when it has been away for a while.
func (s *Service) tellOfAbsence(now time.Time) {
	after := s.Settings().NoticeAfter
	s.mu.Lock()
	var away, back []channels.Peer
	for _, p := range s.peers {
		switch {
		case p.ID == 0 || p.Naming == channels.NamedByHearsay:
		case p.link == nil && !p.notified && now.Sub(p.away) >= after:
			p.notified = true
			away = append(away, p.Peer)
		case p.link != nil && p.notified:
			p.notified = false
			back = append(back, p.Peer)
		}
	}
	s.mu.Unlock()
	for _, p := range away {
		s.notify(p, channels.HomeAway)
	}
	for _, p := range back {
		s.notify(p, channels.HomeBack)
	}
}

// notify tells those who hear channels of a peer that it is away, or back, and what waits for it.
func (s *Service) notify(p channels.Peer, event channels.Presence) {
	ctx, cancel := context.WithTimeout(context.Background(), resolveTimeout)
	defer cancel()
	waiting, err := s.Store.Waiting(ctx, p.ID)
	if err != nil {
		s.Log.Warn("what waits for a peer cannot be counted", "peer", p.Host, "error", err)
	}
	text := p.Host + " is linked again"
	if event == channels.HomeAway {
		text = p.Host + " cannot be reached"
	}
	if waiting.Rows > 0 {
		age := s.Now().Sub(time.UnixMilli(waiting.Oldest)).Round(time.Second)
		text += ", " + number(waiting.Rows) + " waiting, the oldest for " + age.String()
	}
	s.Log.Info("told the members of its channels", "peer", p.Host, "what", text)
	s.Hub.NotifyAll(p.ID, event, func(*channels.Channel) string { return text })
}

// removeBlocked ends the memberships of people of peers that are blocked, in one step each.
func (s *Service) removeBlocked() {
	limits := s.Settings()
	for _, p := range s.knownPeers() {
		if s.blocked(limits, p.Host) {
			s.submit(channels.Step{Do: func(tx channels.Tx) error { return removePeople(tx, p.ID) }})
		}
	}
}

func (s *Service) knownPeers() (all []channels.Peer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.peers {
		if p.ID != 0 {
			all = append(all, p.Peer)
		}
	}
	return all
}

// blocked reports whether a peer may not link, by its name.
func (s *Service) blocked(limits *Settings, host string) bool {
	for _, entry := range limits.Blocked {
		if sameHost(entry, host) {
			return true
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.list {
		if l.Trust == Blocked && l.NameWhenDialled() == host {
			return true
		}
	}
	return false
}

// removePeople ends the memberships of a peer's people in the channels of this node.
func removePeople(tx channels.Tx, id channels.PeerID) error {
	heard, err := tx.ChannelsHeardBy(id)
	if err != nil {
		return err
	}
	for _, c := range heard {
		var theirs []channels.Person
		for member := range c.Members {
			p, err := tx.PersonByID(member)
			if err != nil {
				return err
			}
			if p.Peer == id {
				theirs = append(theirs, p)
			}
		}
		for _, p := range theirs {
			if err := tx.Remove(c, p, channels.Kicked); err != nil {
				return err
			}
		}
	}
	return nil
}

func number(n int64) string { return strconv.FormatInt(n, 10) }
