package channels

// The rules for what people of this node do in channels of other nodes: what their own node decides, before it asks the
// channel's home (federation protocol §1, §2).

// OwnHost stands in the lines of an outbox for this node's own host, as the peer knows it.
const OwnHost = "\x00"

// LeaveRemote ends a person's membership of a channel of another node; its home learns of it when it can.
func LeaveRemote(tx Tx, by Person, c *Channel) error {
	s, err := tx.RemoteChannel(c.Home, c.Name)
	if err != nil {
		return err
	}
	if s == nil {
		return Refuse(NoSuchChannel)
	}
	if _, member := s.Members[by.ID]; !member {
		return Refuse(NotMember)
	}
	peer, err := tx.PeerByID(c.Home)
	if err != nil {
		return err
	}
	if peer.Extended {
		row := Row{Verb: "FEDLEAVE", Line: "FEDLEAVE " + by.Name + "@" + OwnHost + " " + c.Name, Person: by.ID, Channel: c.Name}
		if err := tx.Send(c.Home, &row); err != nil {
			return err
		}
	}
	return tx.Remove(s, by, OwnWill)
}

// Remote finds a channel of another node that is known here.
func Remote(tx Tx, host, name string) (*State, error) {
	peer, err := tx.Peer(host)
	if err != nil {
		return nil, err
	}
	if peer == nil {
		return nil, Refuse(PeerUnknown)
	}
	s, err := tx.RemoteChannel(peer.ID, name)
	if err == nil && s == nil {
		err = Refuse(NoSuchChannel)
	}
	return s, err
}

// JoinedRemote finds a channel of another node that a person is a member of.
func JoinedRemote(tx Tx, by Person, host, name string) (*State, error) {
	s, err := Remote(tx, host, name)
	if err != nil {
		return nil, err
	}
	if _, member := s.Members[by.ID]; !member {
		return nil, Refuse(NotMember)
	}
	return s, nil
}

// SayRemote puts a message for a channel of another node in the outbox, with its ref, if the peer is one that
// acknowledges. line is the longest that the peer reads, most the bytes that may wait for it. See Say for ref.
func SayRemote(tx Tx, by Person, peer *Peer, name, text, ref string, most int64) (Row, RefResult, error) {
	to := name + ":" + peer.Host
	if known, err := remoteRef(tx, by, ref, to); known != nil || err != nil {
		return Row{}, deref(known), err
	}
	if _, err := JoinedRemote(tx, by, peer.Host, name); err != nil {
		return Row{}, RefResult{}, err
	}
	text = PlainText(text)
	row := Row{Verb: "FEDSAY", Line: "FEDSAY " + by.Name + "@" + OwnHost + " " + name + " " + text, Person: by.ID, Channel: name, Ref: ref}
	return row, RefResult{Queued: true, To: to}, queue(tx, peer, &row, text, most)
}

// WhisperRemote is SayRemote for the inbox of a person of another node.
func WhisperRemote(tx Tx, by Person, peer *Peer, to, text, ref string, most int64) (Row, RefResult, error) {
	address := to + "@" + peer.Host
	if known, err := remoteRef(tx, by, ref, address); known != nil || err != nil {
		return Row{}, deref(known), err
	}
	text = PlainText(text)
	row := Row{Verb: "FEDWHISPER", Line: "FEDWHISPER " + by.Name + "@" + OwnHost + " " + to + " " + text, Person: by.ID, Ref: ref}
	return row, RefResult{Queued: true, To: address}, queue(tx, peer, &row, text, most)
}

// remoteRef is lookUp for a message to another node.
func remoteRef(tx Tx, by Person, ref, to string) (*RefResult, error) {
	if ref == "" {
		return nil, nil
	}
	known, err := tx.Ref(by.ID, ref)
	if known == nil || err != nil {
		return nil, err
	}
	if known.Channel != nil && known.Channel.Address() != to || known.Channel == nil && known.To != to {
		return nil, Refuse(Malformed)
	}
	return known, nil
}

// LinkOverhead is how much longer a message may be on a link than what its author sent, in bytes.
const LinkOverhead = 4096

// queue puts a message in an outbox, if the peer reads lines of that length and not too much waits.
func queue(tx Tx, peer *Peer, row *Row, text string, most int64) error {
	if text == "" {
		return Refuse(EmptyMessage)
	}
	if len(row.Line)+512 > peer.Line { // its number, and our host
		return Refuse(TooLong)
	}
	waiting, err := tx.Waiting(peer.ID)
	if err != nil {
		return err
	}
	if waiting.Bytes+int64(len(row.Line)) > most {
		return Refuse(Full)
	}
	if err := tx.Send(peer.ID, row); err != nil {
		return err
	}
	if row.Ref != "" {
		return tx.KeepRowRef(row.Person, row.Ref, peer.ID, row.Position)
	}
	return nil
}

// SayFrom appends a message of a person of another node, which gave it a name, and returns where it is. Said again, it is
// where it was.
func SayFrom(tx Tx, by Person, name, text string, o Origin) (Position, error) {
	s, err := existing(tx, name)
	if err != nil {
		return Position{}, err
	}
	if _, member := s.Members[by.ID]; !member {
		at, stored, err := tx.Stored(s, o)
		if err == nil && !stored {
			err = Refuse(NotMember)
		}
		return at, err
	}
	return fileFrom(tx, s, by, text, o)
}

// WhisperFrom is SayFrom for the inbox of an account of this node, or of a guest who is on line.
func WhisperFrom(tx Tx, by Person, to, text string, o Origin) error {
	p, err := accountOrGuest(tx, to)
	if err != nil {
		return err
	}
	inbox, err := tx.Inbox(p.ID)
	if err != nil {
		return err
	}
	_, err = fileFrom(tx, inbox, by, text, o)
	return err
}

func fileFrom(tx Tx, s *State, by Person, text string, o Origin) (Position, error) {
	if text == "" {
		return Position{}, Refuse(EmptyMessage)
	}
	if o == (Origin{}) {
		e, err := tx.Append(s, by, text)
		if err != nil {
			return Position{}, err
		}
		return e.Position, nil
	}
	return tx.AppendFrom(s, by, o, text)
}
