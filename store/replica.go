package store

import (
	"fmt"
	"strconv"
	"strings"

	"chatnode/channels"
)

// MakeRemoteChannel implements channels.PeerTx. One that is known already is returned as it is.
func (tx *transaction) MakeRemoteChannel(p *channels.Peer, name string) (*channels.State, error) {
	known, err := tx.RemoteChannel(p.ID, name)
	if known != nil || err != nil {
		return known, err
	}
	if err := tx.begin(); err != nil {
		return nil, err
	}
	id, err := tx.conn.insert(`INSERT INTO channel (kind, name, home, owner, epoch, head, idle_since) VALUES (?, ?, ?, 0, 0, 0, ?)`,
		channels.Public, name, p.ID, tx.at)
	if err != nil {
		return nil, err
	}
	s, err := tx.stateByID(channels.ChannelID(id))
	if err != nil {
		return nil, err
	}
	return &s.State, nil
}

// The CROSS JOINs below and elsewhere keep SQLite to the order that is written: it does not know which of two is short.

// RemoteChannels implements channels.PeerTx.
func (tx *transaction) RemoteChannels(p channels.PeerID) ([]*channels.State, error) {
	return tx.loadAll(`SELECT id FROM channel WHERE home = ? AND kind = 0 AND deleted = 0 AND EXISTS
		(SELECT 1 FROM member CROSS JOIN person ON person.id = person WHERE channel = channel.id AND peer = 0) ORDER BY id`, p)
}

// ChannelsHeardBy implements channels.PeerTx.
func (tx *transaction) ChannelsHeardBy(p channels.PeerID) ([]*channels.State, error) {
	return tx.loadAll(`SELECT DISTINCT channel.id FROM person CROSS JOIN member ON member.person = person.id CROSS JOIN channel ON channel.id = channel
		WHERE person.peer = ? AND home = 0 AND channel.kind = 0 AND deleted = 0 ORDER BY channel.id`, p)
}

// Admit implements channels.PeerTx.
func (tx *transaction) Admit(s *channels.State, p channels.Person, after channels.Position) error {
	if _, member := s.Members[p.ID]; member {
		return nil
	}
	if err := tx.letIn(s, p); err != nil {
		return err
	}
	return tx.addMember(tx.cache.byID[s.ID], p, channels.Member, after, false)
}

// BeginReplica implements channels.PeerTx. Of a channel that there is a log of it changes nothing.
func (tx *transaction) BeginReplica(c *channels.State, after channels.Position) error {
	if len(c.Epochs()) > 0 {
		return nil
	}
	s := tx.cache.byID[c.ID]
	if err := tx.addEpoch(s, channels.Epoch{Epoch: after.Epoch, Base: after.Seq}); err != nil {
		return err
	}
	s.moveTo(after)
	return nil
}

// OpenEpoch implements channels.PeerTx. The readers' head stays where it is until there is a message.
func (tx *transaction) OpenEpoch(c *channels.State, e channels.Epoch) error {
	s := tx.cache.byID[c.ID]
	if s.Place.Seq != e.Base {
		e.After = s.Place.Seq
	}
	if err := tx.addEpoch(s, e); err != nil {
		return err
	}
	s.Place = channels.Position{Epoch: e.Epoch, Seq: e.Base}
	return nil
}

// addEpoch files an epoch of a channel's, the last of all. The channel becomes another object: the one that is shared must
// not change, as the transaction may be taken back.
func (tx *transaction) addEpoch(s *state, e channels.Epoch) error {
	if err := tx.write(`INSERT INTO epoch (channel, epoch, base, after) VALUES (?, ?, ?, ?)`, s.ID, e.Epoch, e.Base, e.After); err != nil {
		return err
	}
	old := s.Epochs()
	s.Channel = anew(s.Channel, append(old[:len(old):len(old)], e)...)
	tx.touch(s)
	tx.happened(channels.EpochOpened{Channel: s.Channel, Epochs: s.Epochs()})
	return nil
}

// anew is another object for a channel, with other epochs.
func anew(c *channels.Channel, epochs ...channels.Epoch) *channels.Channel {
	made := &channels.Channel{ID: c.ID, Kind: c.Kind, Name: c.Name, Host: c.Host, Home: c.Home}
	made.SetEpochs(epochs...)
	return made
}

// SkipTo implements channels.PeerTx.
func (tx *transaction) SkipTo(c *channels.State, to channels.Position) error {
	s := tx.cache.byID[c.ID]
	s.moveTo(to)
	tx.touch(s)
	return nil
}

// PassTo implements channels.PeerTx. The next entry stands for what was passed.
func (tx *transaction) PassTo(c *channels.State, to channels.Position) error {
	s := tx.cache.byID[c.ID]
	s.Place = to
	tx.touch(s)
	return nil
}

// Replicate implements channels.PeerTx.
func (tx *transaction) Replicate(c *channels.State, at channels.Position, author channels.Person, o channels.Origin, ms int64, body string) (*channels.Entry, error) {
	s := tx.cache.byID[c.ID]
	if at.Epoch != s.Place.Epoch || at.Seq <= s.Place.Seq {
		return nil, fmt.Errorf("replicate %d.%d of channel %d, whose place is %d.%d", at.Epoch, at.Seq, s.ID, s.Place.Epoch, s.Place.Seq)
	}
	e := &channels.Entry{Channel: s.Channel, Position: at, Author: author, Inc: o.Inc, N: o.N, At: ms, Body: strings.Clone(body)}
	var first any
	if from := s.readersEnd(at.Epoch) + 1; from != at.Seq {
		e.First, first = from, from
	}
	stored, err := tx.insertOld(e, o, first, nil)
	if err != nil {
		return nil, err
	}
	s.Place = at
	tx.touch(s)
	if !stored {
		return nil, nil
	}
	s.Head = at
	s.bytes += weight(body)
	tx.happened(channels.Appended{Entry: e})
	return e, nil
}

// readersEnd is the number in an epoch, the last, that those who read the log have come to.
func (s *state) readersEnd(epoch int64) int64 {
	if s.Head.Epoch == epoch {
		return s.Head.Seq
	}
	for _, e := range s.Epochs() {
		if e.Epoch == epoch {
			return e.Base
		}
	}
	return 0
}

// insertOld files an entry that another node numbered, unless its place is taken or its origin known.
func (tx *transaction) insertOld(e *channels.Entry, o channels.Origin, first, recovered any) (stored bool, err error) {
	if err := tx.begin(); err != nil {
		return false, err
	}
	n, err := tx.conn.execCount(`INSERT OR IGNORE INTO entry (channel, epoch, seq, author, origin_peer, origin_inc, origin_n, at, body, first, recovered)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, e.Channel.ID, e.Epoch, e.Seq, e.Author.ID, o.Peer, o.Inc, o.N, e.At, e.Body, first, recovered)
	return n > 0, err
}

// Recover implements channels.PeerTx.
func (tx *transaction) Recover(c *channels.State, at channels.Position, author channels.Person, o channels.Origin, ms int64, body string, from channels.PeerID) (bool, error) {
	s := tx.cache.byID[c.ID]
	stored, err := tx.insertOld(&channels.Entry{Channel: s.Channel, Position: at, Author: author, At: ms, Body: body}, o, nil, from)
	switch {
	case err != nil:
		return false, err
	case stored:
		s.bytes += weight(body)
		tx.touch(s)
		return true, tx.coverMoved(c.ID, at, at.Seq)
	}
	return tx.noteMoved(c.ID, at)
}

// noteMoved notes that the message of a number stands elsewhere in the log: nothing was lost there. It reports whether that
// was not known.
func (tx *transaction) noteMoved(c channels.ChannelID, at channels.Position) (news bool, err error) {
	var seq, first int64
	later, err := tx.conn.one(`SELECT seq, ifnull(first, seq) FROM entry WHERE channel = ? AND epoch = ? AND seq >= ? ORDER BY seq LIMIT 1`,
		[]any{c, at.Epoch, at.Seq}, &seq, &first)
	if err != nil || later && first <= at.Seq {
		return false, err
	}
	n, err := tx.conn.execCount(`INSERT OR IGNORE INTO moved (channel, epoch, seq) VALUES (?, ?, ?)`, c, at.Epoch, at.Seq)
	if err != nil || !later {
		return n > 0, err
	}
	return n > 0, tx.coverMoved(c, channels.Position{Epoch: at.Epoch, Seq: seq}, first)
}

// coverMoved lets an entry, which stands for the numbers from first on, stand for those right before them that moved.
func (tx *transaction) coverMoved(c channels.ChannelID, at channels.Position, first int64) error {
	covered := first
	for {
		n, err := tx.conn.execCount(`DELETE FROM moved WHERE channel = ? AND epoch = ? AND seq = ?`, c, at.Epoch, covered-1)
		if err != nil {
			return err
		}
		if n == 0 {
			break
		}
		covered--
	}
	if covered == first {
		return nil
	}
	return tx.write(`UPDATE entry SET first = ? WHERE channel = ? AND epoch = ? AND seq = ?`, covered, c, at.Epoch, at.Seq)
}

// Stored implements channels.PeerTx.
func (tx *transaction) Stored(c *channels.State, o channels.Origin) (at channels.Position, found bool, err error) {
	found, err = tx.conn.one(`SELECT epoch, seq FROM entry WHERE channel = ? AND origin_peer = ? AND origin_inc = ? AND origin_n = ? AND origin_peer <> 0`,
		[]any{c.ID, o.Peer, o.Inc, o.N}, &at.Epoch, &at.Seq)
	return at, found, err
}

// AppendFrom implements channels.PeerTx.
func (tx *transaction) AppendFrom(c *channels.State, author channels.Person, o channels.Origin, body string) (channels.Position, error) {
	at, found, err := tx.Stored(c, o)
	if found || err != nil {
		return at, err
	}
	e := tx.next(c, author, o, body)
	if err := tx.insertNew(e, o.Peer, nil); err != nil {
		return at, err
	}
	return e.Position, nil
}

// AppendLabelled implements channels.PeerTx.
func (tx *transaction) AppendLabelled(inbox *channels.State, author channels.Person, label *channels.Channel, body string) (*channels.Entry, error) {
	n, err := tx.nextID()
	if err != nil {
		return nil, err
	}
	e := tx.next(inbox, author, channels.Origin{Inc: tx.age.incarnation, N: n}, body)
	e.Label = label
	return e, tx.insertNew(e, 0, strconv.FormatInt(int64(label.ID), 10))
}

// next is a message at the head of a channel's log, not stored yet.
func (tx *transaction) next(c *channels.State, author channels.Person, o channels.Origin, body string) *channels.Entry {
	return &channels.Entry{
		Channel:  c.Channel,
		Position: channels.Position{Epoch: c.Head.Epoch, Seq: c.Head.Seq + 1},
		Author:   author,
		Inc:      o.Inc,
		N:        o.N,
		At:       tx.at,
		Body:     strings.Clone(body), // not the whole line that it is a part of
	}
}

// insertNew stores what next made, with an origin that is not this node's own numbering, or a label.
func (tx *transaction) insertNew(e *channels.Entry, origin channels.PeerID, label any) error {
	err := tx.write(`INSERT INTO entry (channel, epoch, seq, author, origin_peer, origin_inc, origin_n, at, label, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		e.Channel.ID, e.Epoch, e.Seq, e.Author.ID, origin, e.Inc, e.N, e.At, label, e.Body)
	if err == nil {
		tx.appended(tx.cache.byID[e.Channel.ID], e)
	}
	return err
}
