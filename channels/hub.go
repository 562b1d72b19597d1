package channels

import (
	"cmp"
	"slices"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
)

// Hub knows who is on line and what they hear. It learns of what is said through Deliver alone, after the commit.
//
// It keeps the recent entries of the channels that somebody hears, all of them together within one budget, the oldest
// leaving first; what is not in memory is in the log.
type Hub struct {
	order atomic.Uint64 // of the last entry delivered; written under mu

	mu sync.RWMutex // held by a delivery from its first step to its last, so that outputs see all of it or nothing
	// guarded by mu
	names     []string            // of public channels, in code point order
	remote    map[string][]string // the names of channels of each linked node
	list      string              // names and remote joined, "" when it has to be made again
	channels  map[ChannelID]*live
	people    map[PersonID][]*Seat
	seats     uint64 // so far
	links     []*Seat
	recent    ring // every entry of a tail, oldest first
	tailBytes int  // their bound
}

// NewHub returns a hub of a node with these public channels. tailBytes bounds the memory of recent entries.
func NewHub(names []string, tailBytes int) *Hub {
	names = append([]string(nil), names...)
	sort.Strings(names)
	return &Hub{
		names:     names,
		remote:    map[string][]string{},
		channels:  map[ChannelID]*live{},
		people:    map[PersonID][]*Seat{},
		tailBytes: tailBytes,
	}
}

// SetTailBytes changes the bound of the memory of recent entries; it is kept from the next entry on.
func (h *Hub) SetTailBytes(n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.tailBytes = n
}

// Order is that of the last entry delivered: what is asked now comes after it.
func (h *Hub) Order() uint64 { return h.order.Load() }

// View runs f while no delivery is in hand. f must not call the hub, and must not block.
func (h *Hub) View(f func()) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	f()
}

// A Delivery is the hub in the hands of the store's writer, for the time that it carries out one commit.
type Delivery struct {
	hub     *Hub
	asker   Listener        // of the step in hand
	granted []*Subscription // to the asker, to be heard after its answer
	touched []*live
}

// Deliver carries what a transaction did to those who hear it, and answers those who asked for it, in the order of the
// log. Only the store's writer calls it, after the commit and before the next transaction.
func (h *Hub) Deliver(outcomes []Outcome) {
	h.mu.Lock()
	defer h.mu.Unlock()
	d := &Delivery{hub: h}
	for _, o := range outcomes {
		d.carryOut(o)
	}
	for _, l := range d.touched {
		l.touched = false
		for _, s := range l.subs {
			s.seat.listener.Wake(s)
		}
	}
}

// Order is that of the last entry delivered: what is answered now comes after it.
func (d *Delivery) Order() uint64 { return d.hub.Order() }

func (d *Delivery) carryOut(o Outcome) {
	d.asker = o.Step.Asker
	for _, e := range o.Events {
		d.apply(e)
	}
	if o.Step.Done != nil {
		o.Step.Done(d, o.Err)
	}
	for _, s := range d.granted {
		d.asker.Subscribed(s)
	}
	d.granted = d.granted[:0]
}

func (d *Delivery) apply(e Event) {
	switch e := e.(type) {
	case Appended:
		d.appended(e.Entry)
	case Joined:
		d.joined(e)
	case Left:
		d.left(e)
	case KeptOut:
		d.hub.notifyLocked(e.Channel, Notice{Event: BannedOutside, Person: e.Person, Channel: e.Channel, Reason: WasBanned}, d.asker)
	case Created:
		d.created(e.Channel)
	case Deleted:
		d.deleted(e)
	case TopicSet:
		d.hub.notifyLocked(e.Channel, Notice{Event: TopicChanged, Channel: e.Channel, At: e.At, Text: e.Topic}, nil)
	case EpochOpened:
		d.epochOpened(e)
	case HeardNoMore:
		d.heardNoMore(e)
	case HeardAgain:
		d.heardAgain(e)
	case AccountEnded:
		for _, seat := range d.hub.people[e.Person] {
			if seat.listener != d.asker {
				seat.listener.End(e.Word)
			}
		}
	}
}

func (d *Delivery) appended(e *Entry) {
	h := d.hub
	e.Order = h.order.Add(1)
	l := h.channels[e.Channel.ID]
	if l == nil {
		return
	}
	l.head = e.Position
	l.tail = append(l.tail, e)
	h.recent.push(kept{e, l})
	for h.recent.bytes > h.tailBytes && h.recent.len() > 0 {
		h.recent.pop().live.dropOldest() // what is oldest of all is oldest in its own tail
	}
	if !l.touched {
		l.touched = true
		d.touched = append(d.touched, l)
	}
}

func (d *Delivery) joined(e Joined) {
	if e.Quiet {
		return
	}
	d.hub.notifyLocked(e.Channel, Notice{Event: EnteredChannel, Person: e.Person, Channel: e.Channel, At: e.After}, d.asker)
	d.joinedByPlainLink(e)
	for _, seat := range d.hub.people[e.Person.ID] {
		if seat.listener != d.asker && seat.listener.WantsPresence() {
			seat.listener.Notify(Notice{Event: EnteredChannel, Person: e.Person, Channel: e.Channel, Self: true})
		}
		if !seat.Enters {
			d.hear(seat, e.Channel, e.After)
		}
	}
}

// Enter lets a seat that Enters hear a public channel from its head on, and no other. back: the person was a member all the
// time, and those who hear the channel are told that they are on line in it again. Only a step's Done may call it.
func (d *Delivery) Enter(seat *Seat, c *Channel, head Position, back bool) {
	if l := d.hub.channels[c.ID]; back && (l == nil || !slices.Contains(l.people(), seat.Person)) {
		d.hub.notifyLocked(c, Notice{Event: CameOnLine, Person: seat.Person}, d.asker)
	}
	d.exit(seat)
	d.hear(seat, c, head)
}

// exit ends what a seat that Enters hears of the channel that it is in.
func (d *Delivery) exit(seat *Seat) {
	seat.subs = slices.DeleteFunc(seat.subs, func(s *Subscription) bool {
		if s.Channel.Kind != Public {
			return false
		}
		d.hub.endLocked(s, s.live.head)
		seat.listener.Wake(s)
		return true
	})
}

func (d *Delivery) hear(seat *Seat, c *Channel, after Position) {
	s := d.hub.subscribeLocked(seat, c, after)
	s.Cursor, s.ReplayTo = after, after
	d.grant(s)
}

// grant hands a subscription to its listener; to the one that asked only after its answer.
func (d *Delivery) grant(s *Subscription) {
	if s.seat.listener == d.asker {
		d.granted = append(d.granted, s)
	} else {
		s.seat.listener.Subscribed(s)
	}
}

func (d *Delivery) left(e Left) {
	for _, seat := range d.hub.people[e.Person.ID] {
		s := seat.hearsLocked(func(c *Channel) bool { return c.ID == e.Channel.ID })
		if s != nil {
			d.hub.endLocked(s, e.At)
			seat.subs = slices.DeleteFunc(seat.subs, func(other *Subscription) bool { return other == s })
			seat.listener.Wake(s)
		}
		told := s != nil || !seat.Enters                                                       // one that Enters knows of no channel but the one that it is in
		if told && seat.listener != d.asker && (seat.Guest || seat.listener.WantsPresence()) { // a guest's session ends with it
			seat.listener.Notify(Notice{Event: LeftChannel, Person: e.Person, Channel: e.Channel, Reason: e.Reason, Self: true})
		}
	}
	d.leftByPlainLink(e)
	if e.Reason != ChannelDeleted { // of that each member hears for itself
		d.hub.notifyLocked(e.Channel, Notice{Event: LeftChannel, Person: e.Person, Channel: e.Channel, At: e.At, Reason: e.Reason}, d.asker)
	}
}

// Attach seats somebody on a listener, with all that they hear. A person has at most one seat that is not Multi and at
// most maxMulti that are: beyond that it is refused with AlreadyLoggedIn. Only a step's Done may call it.
func (d *Delivery) Attach(l Listener, p Person, k SeatKind, maxMulti int, hears []Membership) (*Seat, error) {
	h := d.hub
	most := 1
	if k.Multi {
		most = maxMulti
	}
	if h.seatsLocked(p, k.Multi) >= most {
		h.clearLocked(p)
		if h.seatsLocked(p, k.Multi) >= most {
			return nil, Refuse(AlreadyLoggedIn)
		}
	}
	h.seats++
	seat := &Seat{Person: p, SeatKind: k, number: h.seats, listener: l, subs: make([]*Subscription, 0, len(hears))}
	for _, m := range hears {
		if k.Enters && m.Channel.Kind == Public {
			continue
		}
		s := h.subscribeLocked(seat, m.Channel, m.Head)
		s.Cursor, s.Gap, s.ReplayTo = m.Heard, m.Gap, m.Head
		d.grant(s)
	}
	if len(h.people[p.ID]) == 0 && !k.Guest {
		h.announceLocked(seat, CameOnLine)
	}
	h.people[p.ID] = append(h.people[p.ID], seat)
	return seat, nil
}

// seatsLocked counts a person's seats of a kind.
func (h *Hub) seatsLocked(p Person, multi bool) (n int) {
	for _, s := range h.people[p.ID] {
		if s.Multi == multi {
			n++
		}
	}
	return n
}

// clearLocked takes a person off listeners that are gone: a connection that is closed frees its login at once.
func (h *Hub) clearLocked(p Person) {
	for _, s := range slices.Clone(h.people[p.ID]) {
		if s.listener.Gone() {
			h.detachLocked(s)
		}
	}
}

// Detach takes somebody off a listener: what was said before is still owed, nothing after it.
func (d *Delivery) Detach(seat *Seat) { d.hub.detachLocked(seat) }

// Detach is Delivery.Detach for a listener that closes.
func (h *Hub) Detach(seat *Seat) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.detachLocked(seat)
}

func (h *Hub) detachLocked(seat *Seat) {
	seats := h.people[seat.Person.ID]
	at := -1
	for i, s := range seats {
		if s == seat {
			at = i
		}
	}
	if at < 0 {
		return
	}
	if len(seats) == 1 {
		delete(h.people, seat.Person.ID)
		if !seat.Guest {
			h.announceLocked(seat, WentOffLine)
		}
	} else {
		h.people[seat.Person.ID] = append(append([]*Seat(nil), seats[:at]...), seats[at+1:]...)
	}
	for _, s := range seat.subs {
		h.endLocked(s, s.live.head)
		seat.listener.Wake(s)
	}
	seat.subs = nil
}

// subscribeLocked adds a seat to those who hear a channel. head is the channel's, for one that nobody heard yet.
func (h *Hub) subscribeLocked(seat *Seat, c *Channel, head Position) *Subscription {
	l := h.channels[c.ID]
	if l == nil {
		l = &live{Channel: c, head: head}
		h.channels[c.ID] = l
	}
	s := &Subscription{Channel: l.Channel, seat: seat, live: l}
	seat.subs = append(seat.subs, s)
	l.add(s)
	return s
}

// endLocked ends a subscription at a place. The caller takes it off its seat.
func (h *Hub) endLocked(s *Subscription, at Position) {
	s.until = &at
	s.live.remove(s)
	if len(s.live.subs) == 0 {
		delete(h.channels, s.Channel.ID)
	}
}

func (h *Hub) notifyLocked(c *Channel, n Notice, except Listener) {
	l := h.channels[c.ID]
	if l == nil {
		return
	}
	for _, s := range l.subs {
		if o := s.seat.listener; (o != except || s.ForLink()) && o.WantsPresence() {
			n.Self = s.seat.Person.ID == n.Person.ID
			o.Notify(n)
		}
	}
}

// announceLocked tells each listener that shares a channel with a seat, once, that its person came or went.
func (h *Hub) announceLocked(seat *Seat, what Presence) {
	told := map[Listener]bool{seat.listener: true}
	for _, mine := range seat.subs {
		for _, s := range mine.live.subs {
			if o := s.seat.listener; o.WantsPresence() && !told[o] {
				told[o] = true
				o.Notify(Notice{Event: what, Person: seat.Person})
			}
		}
	}
}

func (h *Hub) addNameLocked(name string) {
	i := sort.SearchStrings(h.names, name)
	h.names = append(h.names, "")
	copy(h.names[i+1:], h.names[i:])
	h.names[i], h.list = name, ""
}

func (h *Hub) removeNameLocked(name string) {
	if i := sort.SearchStrings(h.names, name); i < len(h.names) && h.names[i] == name {
		h.names = append(h.names[:i], h.names[i+1:]...)
		h.list = ""
	}
}

// SetRemote changes the names of the channels of a linked node that List tells; none when the link is lost.
func (h *Hub) SetRemote(host string, names []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(names) == 0 {
		delete(h.remote, host)
	} else {
		h.remote[host] = names
	}
	h.list = ""
}

// List names the channels, in code point order, joined by ", ": those of this node bare, those of linked nodes as
// name:host.
func (h *Hub) List() string {
	h.mu.RLock()
	list, empty := h.list, len(h.names)+len(h.remote) == 0
	h.mu.RUnlock()
	if list != "" || empty {
		return list
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	all := slices.Clone(h.names)
	for host, names := range h.remote {
		for _, name := range names {
			all = append(all, name+":"+host)
		}
	}
	sort.Strings(all)
	h.list = strings.Join(all, ", ")
	return h.list
}

// Names lists the public channels of this node, in code point order.
func (h *Hub) Names() []string {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return slices.Clone(h.names)
}

// OnLine lists everybody who is logged in, in the order in which they did.
func (h *Hub) OnLine() []Person {
	h.mu.RLock()
	defer h.mu.RUnlock()
	all := make([]*Seat, 0, len(h.people))
	for _, seats := range h.people {
		all = append(all, seats[0])
	}
	return inOrder(all)
}

// IsOnLine reports whether somebody is logged in, on a connection that is not gone.
func (h *Hub) IsOnLine(p PersonID) bool {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return slices.ContainsFunc(h.people[p], func(s *Seat) bool { return !s.listener.Gone() })
}

// inOrder lists those who are seated, each once, in the order in which they were.
func inOrder(seats []*Seat) []Person {
	slices.SortFunc(seats, func(a, b *Seat) int { return cmp.Compare(a.number, b.number) })
	seen := map[PersonID]bool{}
	var all []Person
	for _, s := range seats {
		if p := s.Person; !seen[p.ID] {
			seen[p.ID] = true
			all = append(all, p)
		}
	}
	return all
}

// Hearing lists everybody on line who hears a channel that the seat hears, in the order in which they logged in.
func (h *Hub) Hearing(seat *Seat, name string) ([]Person, error) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	s := seat.hearsLocked(called(name))
	if s == nil {
		return nil, h.notHeardLocked(name)
	}
	return s.live.people(), nil
}

// people lists those on line who hear the channel.
func (l *live) people() []Person {
	var seats []*Seat
	for _, s := range l.subs {
		if !s.ForLink() {
			seats = append(seats, s.seat)
		}
	}
	return inOrder(seats)
}

// Hearing is Hub.Hearing, of any channel of this node, for a step's Done.
func (d *Delivery) Hearing(name string) []Person {
	for _, l := range d.hub.channels {
		if l.Kind == Public && l.Home == 0 && l.Name == name {
			return l.people()
		}
	}
	return nil
}

// Heard finds a channel that the seat hears, its inbox under InboxName.
func (h *Hub) Heard(seat *Seat, name string) (*Channel, error) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	s := seat.hearsLocked(called(name))
	if s == nil {
		return nil, h.notHeardLocked(name)
	}
	return s.Channel, nil
}

func called(name string) func(*Channel) bool {
	return func(c *Channel) bool { return c.Address() == name }
}

func (h *Hub) notHeardLocked(name string) error {
	if i := sort.SearchStrings(h.names, name); i < len(h.names) && h.names[i] == name {
		return Refuse(NotMember)
	}
	if bare, host, remote := strings.Cut(name, ":"); remote && slices.Contains(h.remote[host], bare) {
		return Refuse(NotMember)
	}
	return Refuse(NoSuchChannel)
}
