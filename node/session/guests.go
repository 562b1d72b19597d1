package session

import "chatnode/channels"

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
		before, err := tx.GuestPerson(channels.NormalName(g.Name), false)
		if err != nil {
			return err
		}
		if p, err = channels.Arrive(tx, g, gone); err != nil {
			return err
		}
		s.fresh = before.ID == 0
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
		s.depart(p)
	}
}

// A departure is the end of a guest's presence on a connection.
type departure struct {
	guest   channels.Person
	session uint64
	forget  bool // the name was new, and nothing was said under it
}

func (d departure) do(tx channels.Tx) error {
	if err := channels.Depart(tx, d.guest, d.session); err != nil || !d.forget {
		return err
	}
	return tx.ForgetGuest(d.guest)
}

// depart ends a guest's presence, and takes their seat, if there is one, in the same step: whoever asks for the name next
// finds it free. What the store cannot do now it does later.
func (s *Session) depart(p channels.Person) {
	d := departure{p, s.id, s.fresh && !s.spoke}
	seat := s.seat
	s.server.depart(channels.Step{Asker: s, Do: d.do, Done: func(at *channels.Delivery, err error) {
		if seat != nil {
			at.Detach(seat)
		}
		if err != nil {
			s.server.later(d)
		}
	}})
}

// later keeps a departure that the store could not carry out.
func (v *Server) later(d departure) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.departures = append(v.departures, d)
}

// FinishDepartures carries out the departures of guests that the store could not carry out before.
func (v *Server) FinishDepartures() {
	v.mu.Lock()
	left := v.departures
	v.departures = nil
	v.mu.Unlock()
	for _, d := range left {
		v.depart(channels.Step{Do: d.do, Done: func(_ *channels.Delivery, err error) {
			if err != nil {
				v.later(d)
			}
		}})
	}
}

func (v *Server) depart(step channels.Step) {
	if err := v.Submit([]channels.Step{step}); err != nil {
		v.Logger.Debug("the store takes nothing any more", "error", err)
	}
}
