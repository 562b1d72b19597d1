// Package model is federation protocol §2 without sockets, clocks and disks: nodes with a durable and a volatile half, links
// that are cut between any two lines, and a checker of what must be true when all has healed. Only its tests use it.
package model

import "fmt"

// A world has up to three nodes with two users each; nodes 0 and 1 are home of one channel each, which bears their number.
const (
	maxNodes     = 3
	usersPerNode = 2
	maxUsers     = maxNodes * usersPerNode
	channels     = 2
)

func homeOf(channel int) int { return channel }
func nodeOf(user int) int    { return user / usersPerNode }

// A set of users.
type set uint16

// everyone stands for all users.
const everyone set = 1<<maxUsers - 1

// usersOf is the set of a node's own users.
func usersOf(node int) set { return (1<<usersPerNode - 1) << (node * usersPerNode) }

func (s set) has(user int) bool { return s&(1<<user) != 0 }

func (s set) put(user int, in bool) set {
	if in {
		return s | 1<<user
	}
	return s &^ (1 << user)
}

// A place in a channel's log.
type place struct{ epoch, seq int }

func (p place) before(q place) bool { return p.epoch < q.epoch || p.epoch == q.epoch && p.seq < q.seq }
func (p place) next() place         { return place{p.epoch, p.seq + 1} }
func (p place) String() string      { return fmt.Sprintf("%d.%d", p.epoch, p.seq) }

// A num is the number of a row: the sender's incarnation, and which row of it for this peer.
type num struct{ inc, n int }

func (n num) String() string { return fmt.Sprintf("%d.%d", n.inc, n.n) }

// An id names a message in its channel: the speaker's node and the number of its row.
type id struct {
	host int
	num
}

// An entry of a log. Its text is unique in the world: it says who spoke, whatever else the entry claims.
type entry struct {
	place
	id        id
	text      int
	recovered bool // on its home: asked back from a replica
}

type verb string

const (
	hello   verb = "FEDHELLO"
	have    verb = "FEDHAVE"
	sync    verb = "FEDSYNC"
	recv    verb = "FEDRECV"
	result  verb = "FEDRESULT"
	join    verb = "FEDJOIN"
	leave   verb = "FEDLEAVE"
	say     verb = "FEDSAY"
	whisper verb = "FEDWHISPER"
	members verb = "FEDMEMBERS"
	member  verb = "FEDMEMBER"
	epoch   verb = "FEDEPOCH"
	gap     verb = "FEDGAP"
	pull    verb = "FEDPULL"
	pulled  verb = "FEDPULLED"
)

// A line on a link. Each verb uses some of the fields.
type line struct {
	verb    verb
	n, re   num // of a row: its own number, and the row that it answers
	channel int
	at, to  place // a place, or a range after at and up to to
	entry   entry
	user    int
	text    int
	ok      bool
	inc     int // FEDHELLO: the sender's
	saw     int // FEDHELLO: the highest of the receiver's that the sender knows
	who     set
	ours    set // of a state line that waits: the receiver's users that it speaks of
}

func (l line) String() string {
	text := string(l.verb)
	if l.n.inc != 0 && l.verb != have {
		text = fmt.Sprintf("@n=%v %s", l.n, text)
	}
	switch l.verb {
	case hello:
		return fmt.Sprintf("%s inc=%d saw=%d", text, l.inc, l.saw)
	case have:
		return fmt.Sprintf("%s %v", text, l.n)
	case join, leave:
		return fmt.Sprintf("%s user%d chan%d", text, l.user, l.channel)
	case say, whisper:
		return fmt.Sprintf("%s user%d chan%d text%d", text, l.user, l.channel, l.text)
	case recv:
		return fmt.Sprintf("%s chan%d %v id=%d/%v text%d", text, l.channel, l.entry.place, l.entry.id.host, l.entry.id.num, l.entry.text)
	case result:
		return fmt.Sprintf("%s re=%v %v chan%d at %v", text, l.re, l.ok, l.channel, l.at)
	case member:
		return fmt.Sprintf("%s chan%d user%d %v at %v", text, l.channel, l.user, l.ok, l.at)
	case members:
		return fmt.Sprintf("%s chan%d %06b at %v", text, l.channel, l.who, l.at)
	default:
		return fmt.Sprintf("%s chan%d %v to %v", text, l.channel, l.at, l.to)
	}
}
