package store

import (
	"database/sql"

	"chatnode/channels"
)

// maxCacheWeight bounds the cache, in units of about 64 bytes: a transaction that finds it heavier begins with an empty one.
const maxCacheWeight = 1 << 20

// cache is what the writer remembers of channels, peers and their people, so that a message costs no look-ups. It is true
// to the open transaction and is thrown away when that is taken back.
type cache struct {
	byID    map[channels.ChannelID]*state
	byName  map[channelName]*state
	byOwner map[channels.PersonID]*state // inboxes
	peers   map[channels.PeerID]*channels.Peer
	hosts   map[string]*channels.Peer
	people  map[personName]channels.Person // of other nodes
	boxes   map[channels.PeerID]*box
	weight  int // of all
}

// A channelName is what a public channel is found by.
type channelName struct {
	home channels.PeerID
	name string
}

// A personName is what a person of another node is found by.
type personName struct {
	peer channels.PeerID
	name string
}

// A state is what the rules see of a channel, and what the writer keeps beside it.
type state struct {
	channels.State
	bytes int64
	dirty bool // in transaction.dirty
}

// The weights of what is not a state.
const (
	personWeight = 2
	peerWeight   = 4
	boxWeight    = 2
)

// weight is about what a state takes in memory, in units of 64 bytes.
func (s *state) weight() int { return 8 + len(s.Members) + len(s.Elsewhere) + len(s.Topic)/64 }

// moveTo sets where the log of a channel of this node ends.
func (s *state) moveTo(p channels.Position) { s.Head, s.Place = p, p }

func newCache() *cache {
	return &cache{
		byID:    map[channels.ChannelID]*state{},
		byName:  map[channelName]*state{},
		byOwner: map[channels.PersonID]*state{},
		peers:   map[channels.PeerID]*channels.Peer{},
		hosts:   map[string]*channels.Peer{},
		people:  map[personName]channels.Person{},
		boxes:   map[channels.PeerID]*box{},
	}
}

func (c *cache) keep(s *state) {
	c.byID[s.ID] = s
	if s.Kind == channels.Inbox {
		c.byOwner[s.Owner] = s
	} else {
		c.byName[channelName{s.Home, s.Name}] = s
	}
	c.weight += s.weight()
}

func (c *cache) forget(s *state) {
	delete(c.byID, s.ID)
	if s.Kind == channels.Inbox {
		delete(c.byOwner, s.Owner)
	} else {
		delete(c.byName, channelName{s.Home, s.Name})
	}
	c.weight -= s.weight()
}

// Channel implements channels.Tx.
func (tx *transaction) Channel(name string) (*channels.State, error) {
	return tx.publicChannel(0, name)
}

// RemoteChannel implements channels.PeerTx.
func (tx *transaction) RemoteChannel(p channels.PeerID, name string) (*channels.State, error) {
	return tx.publicChannel(p, name)
}

func (tx *transaction) publicChannel(home channels.PeerID, name string) (*channels.State, error) {
	if s := tx.cache.byName[channelName{home, name}]; s != nil {
		return &s.State, nil
	}
	return tx.load(`SELECT id FROM channel WHERE home = ? AND name = ? AND kind = 0 AND deleted = 0`, home, name)
}

// Inbox implements channels.Tx.
func (tx *transaction) Inbox(owner channels.PersonID) (*channels.State, error) {
	if s := tx.cache.byOwner[owner]; s != nil {
		return &s.State, nil
	}
	return tx.load(`SELECT id FROM channel WHERE owner = ? AND kind = 1 AND deleted = 0`, owner)
}

// ChannelByID implements channels.PeerTx.
func (tx *transaction) ChannelByID(id channels.ChannelID) (*channels.State, error) {
	if s := tx.cache.byID[id]; s != nil {
		return &s.State, nil
	}
	return tx.load(`SELECT id FROM channel WHERE id = ? AND deleted = 0`, id)
}

func (tx *transaction) load(query string, key ...any) (*channels.State, error) {
	var id channels.ChannelID
	found, err := tx.conn.one(query, key, &id)
	if err != nil || !found {
		return nil, err
	}
	s, err := tx.stateByID(id)
	if err != nil {
		return nil, err
	}
	return &s.State, nil
}

// loadAll is load for a query that finds several.
func (tx *transaction) loadAll(query string, key ...any) ([]*channels.State, error) {
	ids, err := tx.ids64(query, key...)
	if err != nil {
		return nil, err
	}
	all := make([]*channels.State, len(ids))
	for i, id := range ids {
		s, err := tx.stateByID(channels.ChannelID(id))
		if err != nil {
			return nil, err
		}
		all[i] = &s.State
	}
	return all, nil
}

// ids64 reads a query's one column.
func (tx *transaction) ids64(query string, key ...any) ([]int64, error) {
	var ids []int64
	err := tx.conn.each(query, key, func(rows *sql.Rows) error {
		var id int64
		err := rows.Scan(&id)
		ids = append(ids, id)
		return err
	})
	return ids, err
}

func (tx *transaction) stateByID(id channels.ChannelID) (*state, error) {
	if s := tx.cache.byID[id]; s != nil {
		return s, nil
	}
	c, err := tx.channel(id)
	if err != nil {
		return nil, err
	}
	s := &state{State: channels.State{Channel: c, Members: map[channels.PersonID]channels.Role{}, Elsewhere: map[channels.PeerID]int{}}}
	_, err = tx.conn.one(`SELECT owner, epoch, head, kept_epoch, kept, bytes, topic FROM channel WHERE id = ?`, []any{id},
		&s.Owner, &s.Place.Epoch, &s.Place.Seq, &s.Head.Epoch, &s.Head.Seq, &s.bytes, &s.Topic)
	if err != nil {
		return nil, err
	}
	if s.Home == 0 {
		s.Head = s.Place
	}
	err = tx.conn.each(`SELECT person, role, peer FROM member CROSS JOIN person ON person.id = person WHERE channel = ?`, []any{id}, func(rows *sql.Rows) error {
		var p channels.Person
		var r channels.Role
		err := rows.Scan(&p.ID, &r, &p.Peer)
		s.Members[p.ID] = r
		if p.Peer != 0 {
			s.Elsewhere[p.Peer]++
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	tx.cache.keep(s)
	return s, nil
}

// channel reads what a channel is beside its state.
func (tx *transaction) channel(id channels.ChannelID) (*channels.Channel, error) {
	if s := tx.cache.byID[id]; s != nil {
		return s.Channel, nil
	}
	c := &channels.Channel{ID: id}
	if _, err := tx.conn.one(`SELECT kind, name, home FROM channel WHERE id = ?`, []any{id}, &c.Kind, &c.Name, &c.Home); err != nil {
		return nil, err
	}
	if c.Home != 0 {
		p, err := tx.PeerByID(c.Home)
		if err != nil {
			return nil, err
		}
		c.Host = p.Host
	}
	var epochs []channels.Epoch
	err := tx.conn.each(`SELECT epoch, base, after FROM epoch WHERE channel = ? ORDER BY epoch`, []any{id}, func(rows *sql.Rows) error {
		var e channels.Epoch
		err := rows.Scan(&e.Epoch, &e.Base, &e.After)
		epochs = append(epochs, e)
		return err
	})
	c.SetEpochs(epochs...)
	return c, err
}
