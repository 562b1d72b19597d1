package store

import (
	"strings"

	"chatnode/channels"
)

// A transaction is the store in the hands of the writer, for the time of one commit. It begins in the database with its
// first write, so that a request that only reads costs no commit.
type transaction struct {
	*Store
	at     int64 // the one time of all that it does, in milliseconds since 1970
	begun  bool
	dirty  []*state // whose head moved
	events []channels.Event
	undo   []func() // takes back what changed in memory beside the cache
	raised bool     // the incarnation
}

var _ channels.Tx = (*transaction)(nil)

// write runs a statement that changes something.
func (tx *transaction) write(query string, args ...any) error {
	if err := tx.begin(); err != nil {
		return err
	}
	return tx.conn.exec(query, args...)
}

func (tx *transaction) begin() error {
	if tx.begun {
		return nil
	}
	if err := tx.conn.exec(`BEGIN IMMEDIATE`); err != nil {
		return err
	}
	tx.begun = true
	return nil
}

// touch notes that a channel's head, place or bytes changed.
func (tx *transaction) touch(s *state) {
	if !s.dirty {
		s.dirty = true
		tx.dirty = append(tx.dirty, s)
	}
}

// writeHeads stores what touch noted.
func (tx *transaction) writeHeads() error {
	for _, s := range tx.dirty {
		s.dirty = false
		var kept channels.Position
		if s.Home != 0 {
			kept = s.Head
		}
		err := tx.write(`UPDATE channel SET epoch = ?, head = ?, kept_epoch = ?, kept = ?, bytes = ? WHERE id = ?`,
			s.Place.Epoch, s.Place.Seq, kept.Epoch, kept.Seq, s.bytes, s.ID)
		if err != nil {
			return err
		}
	}
	tx.dirty = tx.dirty[:0]
	return nil
}

// commit writes the heads that moved, and commits. After an error of COMMIT itself that leaves the outcome unknown, the
// store has failed. The incarnation's file is written first: it may be ahead of the database, and never behind it.
func (tx *transaction) commit() error {
	if err := tx.writeHeads(); err != nil || !tx.begun {
		return err
	}
	if tx.raised {
		if err := writeAge(tx.ageFile, tx.age); err != nil {
			return err
		}
	}
	err := tx.conn.exec(`COMMIT`)
	if err != nil && !nothingStored(err) {
		tx.failed = true
	}
	return err
}

func (tx *transaction) happened(e channels.Event) { tx.events = append(tx.events, e) }

// Append implements channels.Tx.
func (tx *transaction) Append(c *channels.State, author channels.Person, body string) (*channels.Entry, error) {
	s := tx.cache.byID[c.ID]
	n, err := tx.nextID()
	if err != nil {
		return nil, err
	}
	e := tx.next(c, author, channels.Origin{Inc: tx.age.incarnation, N: n}, body)
	err = tx.write(`INSERT INTO entry (channel, epoch, seq, author, origin_peer, origin_inc, origin_n, at, body) VALUES (?, ?, ?, ?, 0, ?, ?, ?, ?)`,
		s.ID, e.Epoch, e.Seq, author.ID, e.Inc, e.N, e.At, body)
	if err != nil {
		return nil, err
	}
	tx.appended(s, e)
	return e, nil
}

// appended moves the head of a channel of this node to a message that was stored.
func (tx *transaction) appended(s *state, e *channels.Entry) {
	s.moveTo(e.Position)
	s.bytes += weight(e.Body)
	tx.touch(s)
	tx.happened(channels.Appended{Entry: e})
}

// weight is what a message counts against a channel's retention_bytes.
func weight(body string) int64 { return weightOf(int64(len(body))) }

func weightOf(bytes int64) int64 { return bytes + 64 }

// nextID gives a message its number. Numbers are reserved in blocks: after a crash some are passed over, none given twice.
func (tx *transaction) nextID() (int64, error) {
	if tx.ids.n == tx.ids.reserved {
		if err := tx.write(`UPDATE node SET reserved = ?`, tx.ids.n+idBlock); err != nil {
			return 0, err
		}
		tx.ids.reserved = tx.ids.n + idBlock
	}
	tx.ids.n++
	return tx.ids.n, nil
}

// CreateChannel implements channels.Tx.
func (tx *transaction) CreateChannel(name string, owner channels.PersonID) error {
	c, err := tx.makeChannel(channels.Public, name, owner)
	if err != nil {
		return err
	}
	tx.happened(channels.Created{Channel: c})
	return nil
}

func (tx *transaction) makeChannel(kind channels.Kind, name string, owner channels.PersonID) (*channels.Channel, error) {
	if err := tx.write(`UPDATE node SET last_epoch = max(last_epoch + 1, ?, incarnation)`, tx.at/1000); err != nil {
		return nil, err
	}
	var epoch int64
	if _, err := tx.conn.one(`SELECT last_epoch FROM node`, nil, &epoch); err != nil {
		return nil, err
	}
	if err := tx.reserveEpoch(epoch); err != nil {
		return nil, err
	}
	id, err := tx.conn.insert(`INSERT INTO channel (kind, name, home, owner, epoch, head) VALUES (?, ?, 0, ?, ?, 0)`, kind, name, owner, epoch)
	if err != nil {
		return nil, err
	}
	if err := tx.write(`INSERT INTO epoch (channel, epoch, base) VALUES (?, ?, 0)`, id, epoch); err != nil {
		return nil, err
	}
	s, err := tx.stateByID(channels.ChannelID(id))
	if err != nil {
		return nil, err
	}
	return s.Channel, nil
}

// reserveEpoch sees to it that the file beside the database knows that an epoch may have been given. It may be ahead of the
// database, never behind.
func (tx *transaction) reserveEpoch(epoch int64) error {
	if epoch <= tx.age.epochs {
		return nil
	}
	tx.age.epochs = epoch + epochBlock
	return writeAge(tx.ageFile, tx.age)
}

// DeleteChannel implements channels.Tx. Its log stays until the pruner has taken it. It is no Deleted event where the
// channel is another node's.
func (tx *transaction) DeleteChannel(c *channels.State) error {
	members := make([]channels.PersonID, 0, len(c.Members))
	for p := range c.Members {
		members = append(members, p)
	}
	for _, p := range members {
		person, err := tx.PersonByID(p)
		if err != nil {
			return err
		}
		if err := tx.Remove(c, person, channels.ChannelDeleted); err != nil {
			return err
		}
	}
	if err := tx.write(`UPDATE channel SET deleted = ?, topic = '', idle_since = 0 WHERE id = ?`, tx.at, c.ID); err != nil {
		return err
	}
	if err := tx.write(`DELETE FROM ban WHERE channel = ?`, c.ID); err != nil {
		return err
	}
	tx.cache.forget(tx.cache.byID[c.ID])
	if c.Kind == channels.Public && c.Home == 0 {
		tx.happened(channels.Deleted{Channel: c.Channel, At: c.Head})
	}
	return nil
}

// SetTopic implements channels.Tx.
func (tx *transaction) SetTopic(c *channels.State, topic string) error {
	s := tx.cache.byID[c.ID]
	tx.cache.weight -= s.weight()
	s.Topic = strings.Clone(topic)
	tx.cache.weight += s.weight()
	tx.happened(channels.TopicSet{Channel: s.Channel, Topic: s.Topic, At: s.Head})
	return tx.write(`UPDATE channel SET topic = ? WHERE id = ?`, topic, c.ID)
}

// Banned implements channels.Tx.
func (tx *transaction) Banned(c *channels.State, p channels.PersonID) (bool, error) {
	var one int
	return tx.conn.one(`SELECT 1 FROM ban WHERE channel = ? AND person = ?`, []any{c.ID, p}, &one)
}

// SetBanned implements channels.Tx.
func (tx *transaction) SetBanned(c *channels.State, p channels.PersonID, banned bool) error {
	if banned {
		return tx.write(`INSERT INTO ban (channel, person) VALUES (?, ?) ON CONFLICT DO NOTHING`, c.ID, p)
	}
	return tx.write(`DELETE FROM ban WHERE channel = ? AND person = ?`, c.ID, p)
}
