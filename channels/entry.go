package channels

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
)

// PersonID names an author, member or banned person whatever their name is now. 0 is nobody.
type PersonID int64

// ChannelID names a channel whatever its name is now. 0 is none.
type ChannelID int64

// A Person is somebody who may speak: an account of this node, or one of another node.
type Person struct {
	ID   PersonID
	Name string
	Host string // empty: a person of this node
	Peer PeerID // the node of Host
}

// Address is the name as people of this node see it: bare for one of its own, name@host for another's.
func (p Person) Address() string {
	if p.Host == "" {
		return p.Name
	}
	return p.Name + "@" + p.Host
}

// Kind says what a channel's log is for.
type Kind int

// The kinds of a channel.
const (
	Public    Kind = iota // a channel that people join by name
	Inbox                 // the private messages of one account
	OutboxLog             // the lines for one peer
)

// InboxName is what an inbox is called on the wire, whoever it belongs to.
const InboxName = "@"

// A Channel is what a channel is for as long as the node runs. It is shared and read-only, but for its epochs, of which
// there may be more.
type Channel struct {
	ID   ChannelID
	Kind Kind
	Name string
	Host string // empty: this node is its home
	Home PeerID // the node of Host

	epochs atomic.Pointer[[]Epoch]
}

// Epochs returns the stretches of the channel's numbering, ascending; the first is the one that it was made in, or that
// this node's log of it begins in. Not to be changed. A channel of another node that there is no log of has none.
func (c *Channel) Epochs() []Epoch {
	if e := c.epochs.Load(); e != nil {
		return *e
	}
	return nil
}

// SetEpochs is for those who make a channel, and for the hub when there is a new one.
func (c *Channel) SetEpochs(e ...Epoch) { c.epochs.Store(&e) }

// An Epoch is a stretch of a channel's numbering. A home opens a new one when it may have lost the end of the last.
type Epoch struct {
	Epoch int64
	Base  int64 // its first message has the number Base+1
	After int64 // the number that the epoch before ended at, where it is another than Base: its home had lost count; 0: Base
}

// end is the number that the epoch before ended at.
func (e Epoch) end() int64 {
	if e.After != 0 {
		return e.After
	}
	return e.Base
}

// Address is the channel's name as people of this node see it.
func (c *Channel) Address() string {
	if c.Kind == Inbox {
		return InboxName
	}
	if c.Host == "" {
		return c.Name
	}
	return c.Name + ":" + c.Host
}

// Follows reports whether nothing can stand between the positions p and q of the channel's log. Of an epoch that is not
// known here, as it was lost or is older than the log, only what stands within it is known.
func (c *Channel) Follows(p, q Position) bool {
	if c.Kind == OutboxLog { // whose rows go when they are done: what is missing is no loss
		return p.Epoch == q.Epoch && q.Seq == p.Seq+1
	}
	if start := c.Start(); p.Before(start) && start.Before(q) {
		p = start
	}
	switch {
	case p.Epoch == q.Epoch:
		return q.Seq == p.Seq+1
	case p.Epoch > q.Epoch:
		return false
	case !c.knows(q.Epoch):
		return q.Epoch < c.next(0).Epoch
	}
	lost, at := !c.knows(p.Epoch), p.Seq
	for _, e := range c.Epochs() { // an epoch ends where the next one begins
		switch {
		case e.Epoch <= p.Epoch:
		case !lost && at < e.end():
			return false
		case e.Epoch == q.Epoch:
			return q.Seq == e.Base+1
		case !lost:
			at = e.Base // which took no message, if q follows
		}
	}
	return false
}

func (c *Channel) knows(epoch int64) bool {
	return slices.ContainsFunc(c.Epochs(), func(e Epoch) bool { return e.Epoch == epoch })
}

// next is the epoch that ends another, or with 0 the last of all.
func (c *Channel) next(epoch int64) (next Epoch) {
	for _, e := range c.Epochs() {
		if next = e; epoch != 0 && e.Epoch > epoch {
			break
		}
	}
	return next
}

// EndBefore is where the epoch before another ended; the zero Position if there is none before it.
func (c *Channel) EndBefore(epoch int64) (end Position) {
	for i, e := range c.Epochs() {
		if i > 0 && e.Epoch <= epoch {
			end = Position{c.Epochs()[i-1].Epoch, e.end()}
		}
	}
	return end
}

// EndOf is the number that an epoch ended at; 0 for the last one, and for one that is not known.
func (c *Channel) EndOf(epoch int64) int64 {
	for i, e := range c.Epochs() {
		if i > 0 && c.Epochs()[i-1].Epoch == epoch {
			return e.end()
		}
	}
	return 0
}

// Start is the position before the channel's first message.
func (c *Channel) Start() Position {
	epochs := c.Epochs()
	if len(epochs) == 0 {
		return Position{}
	}
	return Position{epochs[0].Epoch, epochs[0].Base}
}

// A Position is a place in a channel's log: that of a message, or the place after it.
type Position struct{ Epoch, Seq int64 }

// Last is a position after every message of a log.
var Last = Position{math.MaxInt64, math.MaxInt64}

// Before reports whether p comes before q in the log.
func (p Position) Before(q Position) bool {
	return p.Epoch < q.Epoch || p.Epoch == q.Epoch && p.Seq < q.Seq
}

// Precedes reports whether nothing was lost between a position of the log and an entry after it.
func (e *Entry) Precedes(p Position) bool { return e.Channel.Follows(p, e.first()) }

// first is the first position that the entry stands for: of those before it, up to its own, none was lost.
func (e *Entry) first() Position {
	if e.First != 0 {
		return Position{e.Epoch, e.First}
	}
	return e.Position
}

// AppendPosition appends p as clients see it: seq in the channel's first epoch, epoch.seq in later ones.
func (c *Channel) AppendPosition(dst []byte, p Position) []byte {
	if p.Epoch != c.Start().Epoch {
		dst = append(strconv.AppendInt(dst, p.Epoch, 10), '.')
	}
	return strconv.AppendInt(dst, p.Seq, 10)
}

// ParsePosition reads a position that AppendPosition wrote. It may lie past the end of the log.
func (c *Channel) ParsePosition(s string) (Position, error) {
	epoch, seq, later := strings.Cut(s, ".")
	if !later {
		epoch, seq = "", s
	}
	p := Position{Epoch: c.Start().Epoch}
	var err error
	if later {
		if p.Epoch, err = strconv.ParseInt(epoch, 10, 64); err != nil {
			return Position{}, Refuse(Malformed)
		}
	}
	if p.Seq, err = strconv.ParseInt(seq, 10, 64); err != nil || p.Seq < 0 || p.Epoch < 0 {
		return Position{}, Refuse(Malformed)
	}
	return p, nil
}

// An Entry is one message of a channel's log. It is shared and read-only.
type Entry struct {
	Channel *Channel
	Position
	Author Person
	Inc, N int64  // with the author's host the name of the message everywhere: the incarnation and number its node gave it
	At     int64  // milliseconds since 1970 by the clock of the node that numbered it
	Body   string // one line of text

	First     int64    // of the numbers that it stands for: those from here up to Seq name no other message; 0: Seq
	Label     *Channel // of an entry of an inbox: the channel without a log that it was said in; nil: it is private
	Recovered string   // the node that gave it back after a restore; "": none

	// Order is the entry's place among all that the node has delivered since it started; 0 for one read from the log.
	Order uint64

	encoded atomic.Pointer[encoded]
}

// An Encoding turns entries into the bytes of one protocol. Its address is its identity: make one per form of line.
type Encoding struct {
	Append func(dst []byte, e *Entry) []byte
}

// encoded is a list of the forms an entry has been asked for; two or three at the most, as there are few protocols.
type encoded struct {
	by    *Encoding
	bytes []byte
	next  *encoded
}

// Encoded returns the entry in the given encoding, made once and then shared by all who hear it. The caller must not
// change the bytes. Safe for concurrent use.
func (e *Entry) Encoded(by *Encoding) []byte {
	first := e.encoded.Load()
	for f := first; f != nil; f = f.next {
		if f.by == by {
			return f.bytes
		}
	}
	made := &encoded{by: by, bytes: by.Append(nil, e), next: first}
	e.encoded.CompareAndSwap(first, made) // one that loses the race is used once and forgotten
	return made.bytes
}
