package channels

import "slices"

// What the hub does for links to other nodes. An ExtendedLink hears a channel of this node once, whatever the number of
// members there, and the log of its peer's outbox; a PlainLink hears a channel once for each member there.

// AttachLink seats a link to a peer. Only a step's Done may call it.
func (d *Delivery) AttachLink(l Listener, p PeerID, k LinkKind) *Seat {
	seat := &Seat{listener: l, peer: p, kind: k, synced: map[ChannelID]Position{}}
	d.hub.links = append(d.hub.links, seat)
	return seat
}

// DetachLink takes a link off: it hears nothing more.
func (h *Hub) DetachLink(seat *Seat) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.detachLinkLocked(seat)
}

// DetachLink is Hub.DetachLink for a step's Done.
func (d *Delivery) DetachLink(seat *Seat) { d.hub.detachLinkLocked(seat) }

func (h *Hub) detachLinkLocked(seat *Seat) {
	i := slices.Index(h.links, seat)
	if i < 0 {
		return
	}
	h.links = slices.Delete(h.links, i, i+1)
	for _, s := range seat.subs {
		h.endLocked(s, Position{})
	}
	seat.subs = nil
}

// Listen lets a link hear a log from a position on, at its turn in the output. If it hears the log already, it begins
// again there. head is the log's.
func (d *Delivery) Listen(seat *Seat, c *Channel, from, head Position) {
	if !slices.Contains(d.hub.links, seat) {
		return
	}
	d.hub.endOfLinkLocked(seat, c.ID, 0, Position{})
	delete(seat.synced, c.ID)
	s := d.hub.subscribeLocked(seat, c, head)
	s.Cursor, s.ReplayTo = from, from
	seat.listener.Subscribed(s)
}

// ListenFor lets a PlainLink hear a channel for a member, from a position on.
func (d *Delivery) ListenFor(seat *Seat, c *Channel, hearer Person, from Position) {
	d.hub.endOfLinkLocked(seat, c.ID, hearer.ID, Position{})
	s := d.hub.subscribeLocked(seat, c, from)
	s.Hearer, s.Cursor, s.ReplayTo = hearer, from, from
	d.grant(s)
}

// ListenLater keeps where a link's peer has a channel that it has no member in: when it has one, the link hears it from
// there on.
func (d *Delivery) ListenLater(seat *Seat, c *Channel, from Position) {
	d.hub.endOfLinkLocked(seat, c.ID, 0, Position{})
	seat.synced[c.ID] = from
}

// Listens reports whether a link hears a channel.
func (d *Delivery) Listens(seat *Seat, c *Channel) bool {
	return seat.hearsLocked(func(other *Channel) bool { return other.ID == c.ID }) != nil
}

// endOfLinkLocked ends what a link hears of a channel, for a member or, with 0, for all.
func (h *Hub) endOfLinkLocked(seat *Seat, c ChannelID, hearer PersonID, at Position) {
	seat.subs = slices.DeleteFunc(seat.subs, func(s *Subscription) bool {
		if s.Channel.ID != c || hearer != 0 && s.Hearer.ID != hearer {
			return false
		}
		h.endLocked(s, at)
		seat.listener.Wake(s)
		return true
	})
}

func (d *Delivery) heardNoMore(e HeardNoMore) {
	for _, seat := range d.hub.links {
		if seat.peer == e.Peer && seat.kind == ExtendedLink && d.Listens(seat, e.Channel) {
			d.hub.endOfLinkLocked(seat, e.Channel.ID, 0, e.At)
			seat.synced[e.Channel.ID] = e.At
		}
	}
}

func (d *Delivery) heardAgain(e HeardAgain) {
	for _, seat := range d.hub.links {
		if at, waits := seat.synced[e.Channel.ID]; waits && seat.peer == e.Peer {
			d.Listen(seat, e.Channel, at, e.Head)
		}
	}
}

func (d *Delivery) joinedByPlainLink(e Joined) {
	for _, seat := range d.hub.links {
		if seat.kind == PlainLink && seat.peer == e.Person.Peer && e.Channel.Home == 0 {
			d.ListenFor(seat, e.Channel, e.Person, e.After)
		}
	}
}

func (d *Delivery) leftByPlainLink(e Left) {
	for _, seat := range d.hub.links {
		if seat.kind == PlainLink && seat.peer == e.Person.Peer {
			d.hub.endOfLinkLocked(seat, e.Channel.ID, e.Person.ID, e.At)
		}
	}
}

func (d *Delivery) created(c *Channel) {
	if c.Home != 0 {
		return
	}
	d.hub.addNameLocked(c.Name)
	for _, seat := range d.hub.links {
		seat.listener.Notify(Notice{Event: ChannelMade, Channel: c})
	}
}

func (d *Delivery) deleted(e Deleted) {
	c := e.Channel
	if c.Home != 0 { // forgotten here
		return
	}
	d.hub.removeNameLocked(c.Name)
	for _, seat := range d.hub.links {
		delete(seat.synced, c.ID)
		d.hub.endOfLinkLocked(seat, c.ID, 0, Position{})
		seat.listener.Notify(Notice{Event: ChannelGone, Channel: c, At: e.At})
	}
}

// epochOpened lets those who hear a channel know how its numbers go on.
func (d *Delivery) epochOpened(e EpochOpened) {
	l := d.hub.channels[e.Channel.ID]
	if l == nil {
		return
	}
	l.SetEpochs(e.Epochs...)
	if last := e.Epochs[len(e.Epochs)-1]; e.Channel.Home == 0 {
		l.head = Position{last.Epoch, last.Base}
	}
	for _, s := range l.subs {
		s.seat.listener.Wake(s)
	}
}

// NotifyAll tells everybody on line who hears a channel of another node something that is no message.
func (h *Hub) NotifyAll(home PeerID, event Presence, text func(*Channel) string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, l := range h.channels {
		if l.Home == home && l.Kind == Public {
			h.notifyLocked(l.Channel, Notice{Event: event, Channel: l.Channel, Text: text(l.Channel)}, nil)
		}
	}
}

// Names lists the public channels of this node, in code point order.
func (d *Delivery) Names() []string { return slices.Clone(d.hub.names) }
