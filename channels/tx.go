package channels

// A Role is what a member may do in a channel. The owner's rights come from State.Owner, not from a role.
type Role int

// The roles of a member.
const (
	Member Role = iota
	Operator
)

// A State is a channel as the transaction that holds it sees it. The rules read it and never write it: what changes it
// is a method of Tx.
type State struct {
	*Channel
	Owner     PersonID // 0: nobody
	Head      Position // of the last message, or of a hole after it
	Topic     string
	Members   map[PersonID]Role
	Elsewhere map[PeerID]int // how many of the members are people of each other node
	Place     Position       // of a channel of another node: up to where its home's numbers are known here; at least Head
}

// commands reports whether a person may do what operators may.
func (s *State) commands(p PersonID) bool {
	role, member := s.Members[p]
	return s.Owner == p || member && role == Operator
}

// A Membership is a channel that a person hears, as LOGIN finds it.
type Membership struct {
	Channel *Channel
	Head    Position
	Heard   Position // the last message that the account is known to have been sent
	Gap     bool     // messages between what was heard and Heard are passed over
}

// A RefResult is what an earlier SAY or WHISPER with the same ref became.
type RefResult struct {
	Channel *Channel // of the message; nil: it is not known to be stored
	Position
	Queued  bool     // it waits in the outbox, or is on its way
	Row     Position // of one that is Queued: the row
	Unknown bool     // it was given up: it may have been said
	To      string   // of one with no Channel: the address it was said to
}

// Tx is the one transaction that is open at a time. The store implements it and lends it to the steps of a request, one
// after the other, on the writer's goroutine: each step sees what the ones before it left. An error that is not a Refusal
// means that the store could not do it; the step must return it, and everything in the transaction is taken back.
type Tx interface {
	PeerTx

	// Channel finds a public channel by name, Inbox an account's private messages; nil where there is none.
	Channel(name string) (*State, error)
	Inbox(owner PersonID) (*State, error)
	CreateChannel(name string, owner PersonID) error
	DeleteChannel(s *State) error
	SetTopic(s *State, topic string) error

	// Append numbers a message and stores it at the head of the channel's log.
	Append(s *State, author Person, body string) (*Entry, error)
	// Ref finds what a ref of that person became; nil if it is new. KeepRef files it.
	Ref(p PersonID, ref string) (*RefResult, error)
	KeepRef(p PersonID, ref string, e *Entry) error

	// SetRole makes a person a member, or changes what a member may do. Remove ends a membership, if there is one;
	// that somebody is banned is told all the same.
	SetRole(s *State, p Person, r Role) error
	Remove(s *State, p Person, reason Reason) error
	Banned(s *State, p PersonID) (bool, error)
	SetBanned(s *State, p PersonID, banned bool) error
	// Memberships lists the channels that an account hears, its inbox included. With replay at or above 0 each Heard is
	// where the account was, but at most that many messages before the head; below 0 it is the head.
	Memberships(p PersonID, replay int) ([]Membership, error)
	SetHeard(p PersonID, c *Channel, at Position) error

	// Person finds an account in use by name; the zero Person where there is none.
	Person(name string) (Person, error)
	// NameTaken reports whether a name is a guest's on line, or was ever an account's: those are not given twice.
	NameTaken(name string) (bool, error)
	// Guest finds a guest on line by name; the zero Person where there is none. Guests lists those of a tongue.
	Guest(name string) (Person, error)
	Guests(tongue string) ([]Person, error)
	// GuestPerson is who guests of a free name are, with an inbox; with no id where there never was one, unless make.
	GuestPerson(name string, make bool) (Person, error)
	// SeatGuest notes that a guest is on line on a connection, UnseatGuest that they are no more: on that one, or with 0 on
	// any. It reports whether they were.
	SeatGuest(p Person, tongue string, session uint64) error
	UnseatGuest(p PersonID, session uint64) (was bool, err error)
	// ForgetGuest removes all that is kept of a guest who has gone and never said anything, unless there is something: a message
	// in the inbox, a ban, or another guest of the name on line.
	ForgetGuest(p Person) error
	// PasswordHash is an account's stored hash; nil where the account is gone or disabled.
	PasswordHash(p PersonID) ([]byte, error)
	CreateAccount(name string, hash []byte, admin bool) error
	SetPasswordHash(p PersonID, hash []byte) error
	SetAdmin(p PersonID, admin bool) error
	SetDisabled(p PersonID, disabled bool) error
	DeleteAccount(p Person) error
	// EndSessions closes the account's connections under a word, but for the one that asks.
	EndSessions(p PersonID, word string) error
}

// A Reason says why somebody left a channel.
type Reason string

// The reasons for leaving a channel.
const (
	OwnWill        Reason = ""
	Kicked         Reason = "kicked"
	WasBanned      Reason = "banned"
	ChannelDeleted Reason = "deleted"
	AccountDeleted Reason = "unregistered"
)

// An Event is something that a committed transaction changed, for those who are on line to learn of.
type Event interface{ event() }

// The events of a transaction.
type (
	Appended struct{ *Entry }
	Created  struct{ *Channel }
	Deleted  struct {
		*Channel
		At Position // of its last message
	}
	Joined struct {
		Channel *Channel
		Person  Person
		After   Position // the person hears what comes after it
		Quiet   bool     // nobody is told
	}
	Left struct {
		Channel *Channel
		Person  Person
		At      Position // the person heard what came up to it
		Reason  Reason
	}
	// KeptOut says that somebody was banned who is no member.
	KeptOut struct {
		Channel *Channel
		Person  Person
	}
	// HeardNoMore says that a peer has no member of a channel of this node any more, HeardAgain that it has one.
	HeardNoMore struct {
		Channel *Channel
		Peer    PeerID
		At      Position
	}
	HeardAgain struct {
		Channel *Channel
		Peer    PeerID
		Head    Position
	}
	TopicSet struct {
		Channel *Channel
		Topic   string
		At      Position
	}
	// EpochOpened says that a channel goes on in a new epoch, the last of all.
	EpochOpened struct {
		Channel *Channel
		Epochs  []Epoch
	}
	// AccountEnded closes the account's connections under a word.
	AccountEnded struct {
		Person PersonID
		Word   string
	}
)

func (Appended) event()     {}
func (Created) event()      {}
func (Deleted) event()      {}
func (Joined) event()       {}
func (Left) event()         {}
func (KeptOut) event()      {}
func (AccountEnded) event() {}
func (HeardNoMore) event()  {}
func (HeardAgain) event()   {}
func (TopicSet) event()     {}
func (EpochOpened) event()  {}

// A Step is one thing asked of the log.
type Step struct {
	// Do runs inside the transaction, on the writer's goroutine. A Refusal means that it has changed nothing. It may run
	// twice, when the transaction it was in had to be taken back for another's sake. Nil does nothing.
	Do func(Tx) error
	// Done answers, after the commit and in the order of the log, while the hub is held: it may only put bytes in the
	// asker's output. err is Do's, or a Refusal with the word Unavailable. Nil answers nothing.
	Done func(d *Delivery, err error)
	// Asker hears the answer; what the step subscribes it to comes after the answer. May be nil.
	Asker Listener
}

// An Outcome is a step after its transaction.
type Outcome struct {
	Step   *Step
	Events []Event
	Err    error
}
