package channels

// PeerID names another node whatever it is called now. 0 is this node.
type PeerID int64

// Myself is the origin of what people of this node say in channels of other nodes: it is numbered by the row of the
// outbox that it was sent in, not as what is said in channels of this node.
const Myself PeerID = -1

// Naming is the rule by which a peer got the name that it is known by (federation protocol §1): the lower, the better.
type Naming int

// The rules of naming.
const (
	NamedByHearsay  Naming = 0 // only spoken of, never linked: anyone may take the name
	NamedByKey      Naming = 1 // its pinned key
	NamedByList     Naming = 2 // name= on its line of the peers file
	NamedByResolver Naming = 3 // it claims a host that resolves to its address
	NamedByAddress  Naming = 4 // the host of its line of the peers file, where it was dialled
	NamedByClaim    Naming = 5 // it claims a host that nobody else has
	NamedByIP       Naming = 6 // its IP
)

// A Peer is what is kept of another node.
type Peer struct {
	ID       PeerID // 0: not filed yet
	Host     string // the name that it is known by
	Naming   Naming // the best that it ever was named by
	IP       string // that bore the name when it was named
	Extended bool   // it has said FEDHELLO once
	Inc      int64  // its highest incarnation known; 0: none
	Line     int    // the longest line that it reads, in bytes
}

// LinkKind is what a link to a peer can do.
type LinkKind int

// The kinds of a link.
const (
	NoLink       LinkKind = iota
	PlainLink             // version 0.1: lines are said once and nothing is acknowledged
	ExtendedLink          // FEDHELLO and FEDHAVE have been said: rows of the outbox are sent
)

// Outbox returns the log of lines for a peer, as those hear it who write to its link. Positions in it are (incarnation, n).
func Outbox(p PeerID) *Channel { return &Channel{ID: ChannelID(-p), Kind: OutboxLog, Home: p} }

// A Row is a line in the outbox of a peer: it is sent until the peer has said that it has it.
type Row struct {
	Position          // its incarnation and number
	Verb     string   // the line's first word
	Line     string   // without its number; it may begin with other tags
	Person   PersonID // whose it is; 0: nobody's
	Channel  string   // of the peer, that it is about; "": none
	Ref      string   // that the client put on it
	Sent     bool     // it may have reached the peer
	Told     Told     // of a FEDJOIN: what the client was told
	Ended    bool     // its answer, or its entry, has come
	At       int64    // milliseconds since 1970
}

// A Renumbered row is one that Raise gave another number.
type Renumbered struct {
	Peer     PeerID
	Old, New Position
}

// An Expired row has waited for so long that it is given up.
type Expired struct {
	Peer PeerID
	Row
}

// Waiting is what a peer does not have yet of its outbox.
type Waiting struct {
	Rows, Bytes int64
	Oldest      int64 // milliseconds since 1970; 0: none
}

// Told is what a client was told of its JOIN.
type Told int

// What a client may have been told.
const (
	NotTold Told = iota
	ToldNo
	ToldYes
)

// An Origin is the name of a message everywhere: the node that its author spoke on, and the number that it gave it.
type Origin struct {
	Peer   PeerID // 0: numbered by this node, Myself: a row of an outbox of this node
	Inc, N int64
}

// PeerTx is the part of Tx that concerns other nodes.
type PeerTx interface {
	// Incarnation is this node's own. Restored reports whether it ever had another, so that rows of an older one may be lost.
	Incarnation() int64
	Restored() bool
	// Raise takes up an incarnation above a number, and opens a new epoch for each channel of this node, at its head. Rows
	// of the outboxes of the last incarnation that are not Sent are numbered anew.
	Raise(above int64) ([]Renumbered, error)

	// Peer finds a peer by the host it is known by, nil if none is; PeerByID one that exists. KeepPeer files what is known
	// of one, by its host, and sets its ID. The caller must not change what Peer returned but through KeepPeer.
	Peer(host string) (*Peer, error)
	PeerByID(id PeerID) (*Peer, error)
	KeepPeer(p *Peer) error
	// Linked is what the peer's link can do now; it is not stored. When SetLinked makes it an ExtendedLink all rows in its
	// outbox become Sent.
	Linked(id PeerID) LinkKind
	SetLinked(id PeerID, k LinkKind) error

	// RemotePerson finds a person of a peer; with make, one that was not known is filed. Else the zero Person.
	RemotePerson(p *Peer, name string, make bool) (Person, error)
	PersonByID(id PersonID) (Person, error)

	// RemoteChannel finds a channel of a peer that somebody here has joined, or has a log of; nil where there is none. One
	// without a log has no epoch. MakeRemoteChannel files it, without a log.
	RemoteChannel(p PeerID, name string) (*State, error)
	MakeRemoteChannel(p *Peer, name string) (*State, error)
	// RemoteChannels lists the channels of a peer that have members of this node.
	RemoteChannels(p PeerID) ([]*State, error)
	// ChannelsHeardBy lists the channels of this node that have members of the peer.
	ChannelsHeardBy(p PeerID) ([]*State, error)
	// ChannelByID finds a channel in use; nil where it is deleted.
	ChannelByID(id ChannelID) (*State, error)
	// Admit makes a person of this node a member of a remote channel, who hears what comes after a position.
	Admit(s *State, p Person, after Position) error
	// Enrol makes a person of another node a member of a remote channel, as its home tells; nobody is told.
	Enrol(s *State, p Person) error
	// WasMember reports whether a plain peer ever let a person into a channel.
	WasMember(p PeerID, person PersonID, channel string) (bool, error)
	// BeginReplica begins the log of a remote channel after a position.
	BeginReplica(s *State, after Position) error
	// OpenEpoch lets a remote channel go on in a new epoch.
	OpenEpoch(s *State, e Epoch) error
	// SkipTo notes that the messages of a remote channel up to a position are gone: a hole.
	SkipTo(s *State, to Position) error
	// PassTo notes that the messages of a remote channel up to a position stand elsewhere in its log: no hole.
	PassTo(s *State, to Position) error
	// Replicate stores the next message of a remote channel, at a position after s.Place, and moves Place there. It is nil,
	// and only Place moves, if a message of that origin is stored in the channel.
	Replicate(s *State, at Position, author Person, o Origin, ms int64, body string) (*Entry, error)
	// Recover files an old message at a position that holds none, not shown live, or, where a message of that origin is
	// stored elsewhere in the channel, that nothing is missing there; false if that changed nothing. from is the node that had
	// it, 0: the channel's home.
	Recover(s *State, at Position, author Person, o Origin, ms int64, body string, from PeerID) (bool, error)
	// Back is the position after which the last n messages up to a position stand.
	Back(s *State, upto Position, n int64) (Position, error)
	// Rebuild makes a channel of this node that it has lost again, ownerless, for one who has a log of it up to a position.
	// Nil: the name belonged to a channel that was deleted after that.
	Rebuild(name string, upto Position) (*State, error)
	// Asked is the incarnation of a peer whose replica of a channel of this node has told what it has that may be lost here;
	// 0: it was not asked. AskedPeers lists those that were, Recovered what any of them gave back.
	Asked(c ChannelID, p PeerID) (int64, error)
	SetAsked(c ChannelID, p PeerID, inc int64) error
	AskedPeers(c ChannelID) ([]PeerID, error)
	Recovered(s *State) ([]*Entry, error)
	// AppendFrom is Append for a message that came from another node: stored once, whatever is repeated. It returns where
	// it is.
	AppendFrom(s *State, author Person, o Origin, body string) (Position, error)
	// Stored is where a message of another node stands in a channel, if it does.
	Stored(s *State, o Origin) (at Position, found bool, err error)
	// AppendLabelled files a message of a channel without a log in the inbox of its hearer.
	AppendLabelled(inbox *State, author Person, label *Channel, body string) (*Entry, error)

	// Send adds a row to the outbox of a peer, numbers it, and sets Sent if the link is an ExtendedLink.
	Send(p PeerID, r *Row) error
	// Row finds a row of ours; nil if it is kept no more.
	Row(p PeerID, at Position) (*Row, error)
	SetTold(p PeerID, at Position, t Told) error
	// EndRow notes that a row's answer or entry has come. What became of its ref: filed, with the place of its entry if it
	// has one here (became.Channel not nil), or forgotten with nil.
	EndRow(p PeerID, r *Row, became *RefResult) error
	// KeepRowRef files the ref of a row: until its end is known Ref finds it Queued.
	KeepRowRef(person PersonID, ref string, p PeerID, at Position) error
	// Moving reports whether a FEDJOIN or FEDLEAVE of a person for a channel waits to be had by the peer, or to be answered.
	Moving(p PeerID, person PersonID, channel string) (bool, error)
	// AllMoving lists the people that Moving is true of.
	AllMoving(p PeerID, channel string) ([]PersonID, error)
	// LaterMove reports whether a FEDJOIN or FEDLEAVE of a person for a channel was made after a row.
	LaterMove(p PeerID, person PersonID, channel string, after Position) (bool, error)
	// LaterJoin reports whether a FEDJOIN of a person for a channel was made after a row.
	LaterJoin(p PeerID, person PersonID, channel string, after Position) (bool, error)
	// Acknowledge notes that the peer has the rows of an incarnation up to n; what it has may also be less than it was.
	// Incarnation 0: it has none of any.
	Acknowledge(p PeerID, inc, n int64) error
	// Waiting is how much the peer does not have yet: rows, bytes of their lines, and the time of the oldest in
	// milliseconds since 1970.
	Waiting(p PeerID) (Waiting, error)
	// Expire removes rows made before a time, some of them at a time: those the peer has, but for FEDSAY rows that have
	// not Ended, and those it has not, but for FEDLEAVE rows. It returns the latter, and whether there are more. The ref of
	// one that was never Sent is forgotten; that of another is Unknown from then on.
	Expire(before int64) (expired []Expired, more bool, err error)
	// Unacknowledged is the place in the outbox from which on the peer has not all; LastRow the last made.
	Unacknowledged(p PeerID) (Position, error)
	LastRow(p PeerID) (Position, error)
	// LastSent is the number of the last row of this incarnation that may have reached the peer; 0: none.
	LastSent(p PeerID) (int64, error)
	// Have is the number of the last row of the peer's incarnation that took effect here; HaveAll of each known one.
	Have(p PeerID, inc int64) (int64, error)
	HaveAll(p PeerID) ([]Position, error)
	SetHave(p PeerID, inc, n int64) error
}
