package session

import (
	"chatnode/channels"
)

// Arrive makes whoever speaks on the session a guest. reply gets who is on line in the guest's channel, the guest included,
// in the order in which they logged in.
func (s *Session) Arrive(g channels.Guest, reply func(here []channels.Person, err error) []byte) {
	s.Commit()
	if s.seat != nil {
		s.Reply(reply(nil, channels.Refuse(channels.AlreadyLoggedIn)))
		return
	}
	g.Session = s.id
	gone := func(p channels.PersonID) bool { return !s.server.Hub.IsOnLine(p) }
	var p channels.Person
	var hears []channels.Membership
	s.pending = append(s.pending, channels.Step{Asker: s, Do: func(tx channels.Tx) (err error) {
		p = channels.Person{}
		if p, err = channels.Arrive(tx, g, gone); err != nil {
			return err
		}
		hears, err = tx.Memberships(p.ID, -1)
		return err
	}, Done: func(d *channels.Delivery, err error) {
		if err == nil {
			s.seat, err = d.Attach(s, p, channels.SeatKind{Guest: true}, 1, hears)
			s.guest.Store(err == nil) // before anybody can put them out
		}
		s.answer(d.Order(), func() []byte {
			if err != nil || g.Channel == "" {
				return reply(nil, err)
			}
			return reply(d.Hearing(channels.NormalName(g.Channel)), nil)
		})
	}})
	s.Commit()
	if s.seat == nil && p.ID != 0 {
		s.depart(p, nil)
	}
}

// depart ends a guest's presence, and takes their seat, if there is one, in the same step: whoever asks for the name next
// finds it free. If the store cannot, the next who wants the name finds nobody on line who has it.
func (s *Session) depart(p channels.Person, seat *channels.Seat) {
	id := s.id
	err := s.server.Submit([]channels.Step{{Asker: s, Do: func(tx channels.Tx) error {
		return channels.Depart(tx, p, id)
	}, Done: func(d *channels.Delivery, _ error) {
		if seat != nil {
			d.Detach(seat)
		}
	}}})
	if err != nil {
		s.log().Debug("the store takes nothing any more", "error", err)
	}
}
