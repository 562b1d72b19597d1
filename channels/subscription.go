package channels

import "sort"

// A Listener is what the hub knows of a connection. Its methods are called while the hub is held: they put something in
// the connection's output and return, and never call the hub.
type Listener interface {
	// Subscribed hands over a channel to be heard from its cursor on, after all that the listener was given before.
	Subscribed(*Subscription)
	// Wake says that there may be more to hear in a subscription.
	Wake(*Subscription)
	// Notify tells of somebody's coming or going, if the listener wants to know.
	Notify(Notice)
	WantsPresence() bool
	// End asks that the connection be closed under a word.
	End(word string)
	// Gone reports whether the connection has ended, or the client has closed it and nobody has noticed yet.
	Gone() bool
}

// A Notice tells of somebody's coming or going, or of something else that is no message.
type Notice struct {
	Event   Presence
	Person  Person
	Channel *Channel // nil for CameOnLine and WentOffLine
	Reason  Reason
	Self    bool     // the listener's own account: never dropped
	At      Position // of the channel's log, that it comes after
	Text    string   // of HomeAway, HomeBack and TopicChanged
}

// Presence is what a notice tells.
type Presence int

// The notices. Those from ChannelMade on are for links alone: every link hears of channels made and deleted, and of the
// topics of those that it is subscribed to.
const (
	EnteredChannel Presence = iota
	LeftChannel
	CameOnLine
	WentOffLine
	HomeAway // the home of the channel, another node, cannot be reached
	HomeBack
	BannedOutside // somebody was banned who is not in the channel
	ChannelMade
	ChannelGone
	TopicChanged
)

// A SeatKind is how somebody is logged in on a listener.
type SeatKind struct {
	Multi  bool // may coexist with other seats of the person
	Enters bool // hears one public channel at a time, the one that it has entered, and not all that the person is in
	Guest  bool // comes and goes with the channel that the guest is in: that is told, and not twice
}

// A Seat is a listener with somebody logged in on it.
type Seat struct {
	Person Person
	SeatKind

	number   uint64 // in the order in which all were seated
	listener Listener
	subs     []*Subscription // guarded by Hub.mu; few for a person, so that looking for one is quick

	// of a link: to whom, and of what kind
	peer PeerID
	kind LinkKind
	// synced is where an ExtendedLink's peer has each channel that it has asked for and has no member in. Guarded by Hub.mu.
	synced map[ChannelID]Position
}

// hearsLocked finds a subscription of the seat's.
func (seat *Seat) hearsLocked(is func(*Channel) bool) *Subscription {
	for _, s := range seat.subs {
		if is(s.Channel) {
			return s
		}
	}
	return nil
}

// A Subscription is one listener's place in one channel's log.
type Subscription struct {
	// static
	Channel *Channel
	Hearer  Person // of a PlainLink's: the one member that it is for
	Last    []byte // of a range: what follows it
	Over    func() // of a range: called when it has been gathered; it may only make a note
	seat    *Seat
	live    *live

	// guarded by Hub.mu
	index int       // in live.subs
	until *Position // nil while it goes on; else the last message that is owed

	// the listener's own bookkeeping; the hub sets the first three before Subscribed and then never touches any
	Cursor   Position // the last message that went to the output
	Gap      bool     // what comes next does not follow it
	ReplayTo Position // messages up to here were said before the login
	Active   bool     // it has come to its turn in the output
	Ready    bool     // it is in the output's list of those with something to hear
	Heard    Position // the last message that was written to the socket
	Saved    Position // the last that the store knows was heard

	Pause     Position // for the item number PausedFor of the output, the log is read up to here
	PausedFor uint64
}

// A live channel is one that somebody on line hears: the end of its log in memory, and who hears it.
type live struct {
	*Channel
	head    Position
	tail    []*Entry // without a hole, up to the head
	subs    []*Subscription
	touched bool // by the delivery in hand
}

func (l *live) add(s *Subscription) {
	s.index = len(l.subs)
	l.subs = append(l.subs, s)
}

func (l *live) remove(s *Subscription) {
	last := len(l.subs) - 1
	l.subs[s.index] = l.subs[last]
	l.subs[s.index].index = s.index
	l.subs[last] = nil
	l.subs = l.subs[:last]
}

// dropOldest forgets the first entry of the tail. Nobody else reads the tail meanwhile: the hub is held.
func (l *live) dropOldest() {
	l.tail[0] = nil
	if l.tail = l.tail[1:]; len(l.tail) == 0 {
		l.tail = nil
	}
}

// Owed is what a subscription is owed after its cursor.
type Owed struct {
	Entries []*Entry // from memory, in order; to be used while the hub is held, and not after
	Behind  bool     // what comes next is not in memory: read it from the log
	End     Position // of what is owed: the channel's head, or where the subscription ended
}

// Owed says what comes after the cursor, from memory only, and no entry of an order above barrier. The caller holds the
// hub (Hub.View) and owns the output.
func (s *Subscription) Owed(barrier uint64) Owed {
	o := Owed{End: s.live.head}
	if s.until != nil {
		o.End = *s.until
	}
	if !s.Cursor.Before(o.End) {
		return o
	}
	tail := s.live.tail
	from := sort.Search(len(tail), func(i int) bool { return s.Cursor.Before(tail[i].Position) })
	if from == len(tail) || from == 0 && !tail[0].Precedes(s.Cursor) || o.End.Before(tail[from].Position) || s.crosses(tail[from]) {
		o.Behind = true
		return o
	}
	to := from
	for to < len(tail) && tail[to].Order <= barrier && !o.End.Before(tail[to].Position) && tail[to].Epoch == tail[from].Epoch {
		to++
	}
	o.Entries = tail[from:to]
	return o
}

// Range is what stands in a channel's log after a position and up to another, to be given to a listener as if it heard it;
// then comes what last says, and over is called.
func Range(c *Channel, after, upto Position, last []byte, over func()) *Subscription {
	return &Subscription{Channel: c, Cursor: after, Last: last, Over: over, seat: &Seat{}, live: &live{Channel: c, head: upto}, until: &upto}
}

// crosses reports whether an entry is of another epoch than the cursor: what was lost and given back may stand between,
// and only the log has it.
func (s *Subscription) crosses(e *Entry) bool {
	return s.Channel.Kind == Public && s.Cursor.Epoch != e.Epoch
}

// Head is the last that there is to hear. The caller holds the hub.
func (s *Subscription) Head() Position { return s.live.head }

// ForLink reports whether it is a link that hears: nobody's position is kept for it.
func (s *Subscription) ForLink() bool { return s.seat.Person.ID == 0 }

// Person is who hears it.
func (s *Subscription) Person() PersonID { return s.seat.Person.ID }

// Ended reports whether nothing will ever come after the cursor. The caller holds the hub and owns the output.
func (s *Subscription) Ended() bool { return s.until != nil && !s.Cursor.Before(*s.until) }
