package channels

import "strings"

// The rules of native protocol §3 and §5: what may be done to a channel, by whom. Each runs inside a transaction and
// checks everything before it changes anything.

// Create makes a channel, owned by its creator, who does not join it.
func Create(tx Tx, by Person, name string) error {
	name, err := ParseName(name)
	if err != nil {
		return err
	}
	s, err := tx.Channel(name)
	if err != nil {
		return err
	}
	if s != nil {
		return Refuse(ChannelExists)
	}
	return tx.CreateChannel(name, by.ID)
}

// Join makes a person a member of a channel.
func Join(tx Tx, by Person, name string) error {
	s, err := existing(tx, name)
	if err != nil {
		return err
	}
	if _, member := s.Members[by.ID]; member {
		return Refuse(AlreadyMember)
	}
	banned, err := tx.Banned(s, by.ID)
	if err != nil {
		return err
	}
	if banned {
		return Refuse(Banned)
	}
	return tx.SetRole(s, by, Member)
}

// Leave ends a person's own membership.
func Leave(tx Tx, by Person, name string) error {
	s, err := joined(tx, by, name)
	if err != nil {
		return err
	}
	return tx.Remove(s, by, OwnWill)
}

// Say appends a message to a channel and returns it as it was filed. With a ref that this person has used before it does
// nothing and returns what the ref became, whatever has changed meanwhile; a ref of a message to somewhere else is Malformed.
func Say(tx Tx, by Person, name, text, ref string) (RefResult, error) {
	known, err := lookUp(tx, by, ref, func(c *Channel) bool { return c.Kind == Public && c.Home == 0 && c.Name == NormalName(name) })
	if known != nil || err != nil {
		return deref(known), err
	}
	s, err := joined(tx, by, name)
	if err != nil {
		return RefResult{}, err
	}
	return file(tx, s, by, text, ref)
}

// Whisper appends a private message to the inbox of an account of this node, whether it is on line or not, or of a guest
// who is. The ref is as
// in Say.
func Whisper(tx Tx, by Person, to, text, ref string) (RefResult, error) {
	p, missing := accountOrGuest(tx, to)
	if missing != nil && !IsRefusal(missing) {
		return RefResult{}, missing
	}
	var inbox *State
	if missing == nil {
		var err error
		if inbox, err = tx.Inbox(p.ID); err != nil {
			return RefResult{}, err
		}
	}
	known, err := lookUp(tx, by, ref, func(c *Channel) bool { return c.Kind == Inbox && (inbox == nil || c.ID == inbox.ID) })
	if known != nil || err != nil {
		return deref(known), err
	}
	if missing != nil {
		return RefResult{}, missing
	}
	return file(tx, inbox, by, text, ref)
}

// lookUp finds what a ref of that person became; nil if it is new. A ref of a message that went elsewhere is refused.
func lookUp(tx Tx, by Person, ref string, here func(*Channel) bool) (*RefResult, error) {
	if ref == "" {
		return nil, nil
	}
	known, err := tx.Ref(by.ID, ref)
	if known != nil && (known.Channel == nil || !here(known.Channel)) {
		return nil, Refuse(Malformed)
	}
	return known, err
}

// file appends a message, and its ref with it.
func file(tx Tx, s *State, by Person, text, ref string) (RefResult, error) {
	if text == "" {
		return RefResult{}, Refuse(EmptyMessage)
	}
	e, err := tx.Append(s, by, text)
	if err != nil {
		return RefResult{}, err
	}
	if ref != "" {
		if err := tx.KeepRef(by.ID, ref, e); err != nil {
			return RefResult{}, err
		}
	}
	return RefResult{Channel: e.Channel, Position: e.Position}, nil
}

func deref(r *RefResult) RefResult {
	if r == nil {
		return RefResult{}
	}
	return *r
}

// Kick ends another's membership, for owners and operators. Nobody kicks the owner.
func Kick(tx Tx, by Person, name, target string) error {
	s, p, err := overSomeone(tx, by, name, target)
	if err != nil {
		return err
	}
	if _, member := s.Members[p.ID]; !member {
		return Refuse(NotMember)
	}
	return tx.Remove(s, p, Kicked)
}

// Ban keeps an account out of a channel, member of it or not, and ends its membership. For owners and operators.
func Ban(tx Tx, by Person, name, target string) error {
	s, p, err := overSomeone(tx, by, name, target)
	if err != nil {
		return err
	}
	if err := tx.SetBanned(s, p.ID, true); err != nil {
		return err
	}
	return tx.Remove(s, p, WasBanned)
}

// Unban lets an account join again. For owners and operators.
func Unban(tx Tx, by Person, name, target string) error {
	s, p, err := overSomeone(tx, by, name, target)
	if err != nil {
		return err
	}
	return tx.SetBanned(s, p.ID, false)
}

// SetOperator gives a member an operator's rights, or takes them. For the owner.
func SetOperator(tx Tx, by Person, name, target string, r Role) error {
	s, err := owned(tx, by, name)
	if err != nil {
		return err
	}
	p, err := Somebody(tx, target)
	if err != nil {
		return err
	}
	if _, member := s.Members[p.ID]; !member {
		return Refuse(NotMember)
	}
	return tx.SetRole(s, p, r)
}

// A RuleOverSomeone does something to another person, by address, in a channel.
type RuleOverSomeone func(tx Tx, by Person, channel, target string) error

// MakeOperator gives a member an operator's rights. For the owner.
func MakeOperator(tx Tx, by Person, name, target string) error {
	return SetOperator(tx, by, name, target, Operator)
}

// UnmakeOperator takes them. For the owner.
func UnmakeOperator(tx Tx, by Person, name, target string) error {
	return SetOperator(tx, by, name, target, Member)
}

// Topic returns a channel's topic, to members.
func Topic(tx Tx, by Person, name string) (string, error) {
	s, err := joined(tx, by, name)
	if err != nil {
		return "", err
	}
	return s.Topic, nil
}

// MaxTopic is the longest topic, in bytes.
const MaxTopic = 4096

// SetTopic changes a channel's topic. For owners and operators.
func SetTopic(tx Tx, by Person, name, topic string) error {
	s, err := existing(tx, name)
	if err != nil {
		return err
	}
	if !s.commands(by.ID) {
		return Refuse(Forbidden)
	}
	if len(topic) > MaxTopic {
		return Refuse(TooLong)
	}
	return tx.SetTopic(s, topic)
}

// Delete ends a channel and all memberships of it. For the owner. A channel made again under the name is another one.
func Delete(tx Tx, by Person, name string) error {
	s, err := owned(tx, by, name)
	if err != nil {
		return err
	}
	return tx.DeleteChannel(s)
}

func existing(tx Tx, name string) (*State, error) {
	name, err := ParseName(name)
	if err != nil {
		return nil, Refuse(NoSuchChannel)
	}
	s, err := tx.Channel(name)
	if err != nil {
		return nil, err
	}
	if s == nil {
		return nil, Refuse(NoSuchChannel)
	}
	return s, nil
}

// JoinedHere finds a channel of this node that a person is a member of.
func JoinedHere(tx Tx, by Person, name string) (*State, error) { return joined(tx, by, name) }

func joined(tx Tx, by Person, name string) (*State, error) {
	s, err := existing(tx, name)
	if err != nil {
		return nil, err
	}
	if _, member := s.Members[by.ID]; !member {
		return nil, Refuse(NotMember)
	}
	return s, nil
}

func owned(tx Tx, by Person, name string) (*State, error) {
	s, err := existing(tx, name)
	if err != nil {
		return nil, err
	}
	if s.Owner != by.ID {
		return nil, Refuse(Forbidden)
	}
	return s, nil
}

// overSomeone finds a channel in which one person commands and another who is not its owner.
func overSomeone(tx Tx, by Person, name, target string) (*State, Person, error) {
	s, err := existing(tx, name)
	if err != nil {
		return nil, Person{}, err
	}
	if !s.commands(by.ID) {
		return nil, Person{}, Refuse(Forbidden)
	}
	p, err := somebodyOnce(tx, target)
	if err != nil {
		return nil, Person{}, err
	}
	if p.ID == s.Owner {
		return nil, Person{}, Refuse(Forbidden)
	}
	return s, p, nil
}

// Somebody finds a person by address: an account or a guest of this node, or a person of another node that has been heard of here.
func Somebody(tx Tx, address string) (Person, error) {
	name, host, remote := strings.Cut(address, "@")
	if !remote {
		return accountOrGuest(tx, address)
	}
	peer, err := tx.Peer(host)
	if err != nil {
		return Person{}, err
	}
	if peer == nil {
		return Person{}, Refuse(PeerUnknown)
	}
	p, err := tx.RemotePerson(peer, NormalName(name), false)
	if err == nil && p.ID == 0 {
		err = Refuse(NoSuchUser)
	}
	return p, err
}

// somebodyOnce is Somebody, and finds guests who have gone too: a ban of one outlasts the visit.
func somebodyOnce(tx Tx, address string) (Person, error) {
	p, err := Somebody(tx, address)
	if err == nil || WordOf(err) != NoSuchUser || strings.Contains(address, "@") {
		return p, err
	}
	if p, failure := tx.GuestPerson(NormalName(address), false); failure != nil || p.ID != 0 {
		return p, failure
	}
	return Person{}, err
}

// accountOrGuest finds an account in use, or a guest on line, by name, or refuses with NoSuchUser.
func accountOrGuest(tx Tx, name string) (Person, error) {
	p, err := Account(tx, name)
	if !IsRefusal(err) {
		return p, err
	}
	if p, err := tx.Guest(NormalName(name)); err != nil || p.ID != 0 {
		return p, err
	}
	return Person{}, err
}

// Account finds an account in use by name, or refuses with NoSuchUser.
func Account(tx Tx, name string) (Person, error) {
	name, err := ParseName(name)
	if err != nil {
		return Person{}, Refuse(NoSuchUser)
	}
	p, err := tx.Person(name)
	if err != nil {
		return Person{}, err
	}
	if p.ID == 0 {
		return Person{}, Refuse(NoSuchUser)
	}
	return p, nil
}
