package store

import (
	"context"
	"database/sql"
	"fmt"
	"sort"
	"strings"

	"chatnode/channels"
)

// kindRemote is person.kind of a person of another node.
const kindRemote = 2

const peerColumns = `SELECT id, host, naming, ip, extended, inc, line FROM peer`

func peerFields(p *channels.Peer) []any {
	return []any{&p.ID, &p.Host, &p.Naming, &p.IP, &p.Extended, &p.Inc, &p.Line}
}

// Peer implements channels.PeerTx.
func (tx *transaction) Peer(host string) (*channels.Peer, error) {
	if p := tx.cache.hosts[host]; p != nil {
		return p, nil
	}
	return tx.loadPeer(peerColumns+` WHERE host = ?`, host)
}

// PeerByID implements channels.PeerTx.
func (tx *transaction) PeerByID(id channels.PeerID) (*channels.Peer, error) {
	if p := tx.cache.peers[id]; p != nil {
		return p, nil
	}
	p, err := tx.loadPeer(peerColumns+` WHERE id = ?`, id)
	if err == nil && p == nil {
		err = fmt.Errorf("there is no peer %d", id)
	}
	return p, err
}

func (tx *transaction) loadPeer(query string, key any) (*channels.Peer, error) {
	p := &channels.Peer{}
	found, err := tx.conn.one(query, []any{key}, peerFields(p)...)
	if err != nil || !found {
		return nil, err
	}
	tx.cache.keepPeer(p)
	return p, nil
}

func (c *cache) keepPeer(p *channels.Peer) {
	if c.peers[p.ID] == nil {
		c.weight += peerWeight
	}
	c.peers[p.ID], c.hosts[p.Host] = p, p
}

func (c *cache) forgetPeer(id channels.PeerID) {
	if p := c.peers[id]; p != nil {
		delete(c.peers, id)
		delete(c.hosts, p.Host)
		c.weight -= peerWeight
	}
	if c.boxes[id] != nil {
		delete(c.boxes, id)
		c.weight -= boxWeight
	}
}

// KeepPeer implements channels.PeerTx.
func (tx *transaction) KeepPeer(p *channels.Peer) error {
	known, err := tx.Peer(p.Host)
	if err != nil {
		return err
	}
	kept := *p
	kept.Host, kept.IP = strings.Clone(p.Host), strings.Clone(p.IP)
	if known != nil {
		kept.ID = known.ID
		err = tx.write(`UPDATE peer SET naming = ?, ip = ?, extended = ?, inc = ?, line = ?, seen = ? WHERE id = ?`,
			p.Naming, p.IP, p.Extended, p.Inc, p.Line, tx.at, kept.ID)
	} else if err = tx.begin(); err == nil {
		var id int64
		id, err = tx.conn.insert(`INSERT INTO peer (host, naming, ip, extended, inc, line, seen) VALUES (?, ?, ?, ?, ?, ?, ?)`,
			p.Host, p.Naming, p.IP, p.Extended, p.Inc, p.Line, tx.at)
		kept.ID = channels.PeerID(id)
	}
	if err != nil {
		return err
	}
	p.ID = kept.ID
	tx.cache.keepPeer(&kept)
	return nil
}

// Linked implements channels.PeerTx.
func (tx *transaction) Linked(id channels.PeerID) channels.LinkKind { return tx.linked[id] }

// SetLinked implements channels.PeerTx.
func (tx *transaction) SetLinked(id channels.PeerID, k channels.LinkKind) error {
	if err := tx.write(`UPDATE peer SET seen = ? WHERE id = ?`, tx.at, id); err != nil {
		return err
	}
	if k == channels.ExtendedLink {
		if err := tx.write(`UPDATE outbox INDEXED BY outbox_unsent SET sent = 1 WHERE peer = ? AND sent = 0`, id); err != nil {
			return err
		}
	}
	before := tx.linked[id]
	tx.undo = append(tx.undo, func() { tx.link(id, before) })
	tx.link(id, k)
	return nil
}

func (s *Store) link(id channels.PeerID, k channels.LinkKind) {
	if k == channels.NoLink {
		delete(s.linked, id)
	} else {
		s.linked[id] = k
	}
}

// RemotePerson implements channels.PeerTx.
func (tx *transaction) RemotePerson(p *channels.Peer, name string, make bool) (channels.Person, error) {
	if known, ok := tx.cache.people[personName{p.ID, name}]; ok {
		return known, nil
	}
	person := channels.Person{Name: strings.Clone(name), Host: p.Host, Peer: p.ID}
	found, err := tx.conn.one(`SELECT id FROM person WHERE peer = ? AND name = ?`, []any{p.ID, name}, &person.ID)
	if err != nil || !found && !make {
		return channels.Person{}, err
	}
	if !found {
		if err := tx.begin(); err != nil {
			return channels.Person{}, err
		}
		id, err := tx.conn.insert(`INSERT INTO person (name, peer, kind) VALUES (?, ?, ?)`, name, p.ID, kindRemote)
		if err != nil {
			return channels.Person{}, err
		}
		person.ID = channels.PersonID(id)
	}
	tx.cache.people[personName{p.ID, person.Name}] = person
	tx.cache.weight += personWeight
	return person, nil
}

// PersonByID implements channels.PeerTx.
func (tx *transaction) PersonByID(id channels.PersonID) (channels.Person, error) {
	p := channels.Person{ID: id}
	_, err := tx.conn.one(`SELECT name, peer FROM person WHERE id = ?`, []any{id}, &p.Name, &p.Peer)
	if err != nil || p.Peer == 0 {
		return p, err
	}
	peer, err := tx.PeerByID(p.Peer)
	if err != nil {
		return p, err
	}
	p.Host = peer.Host
	return p, nil
}

// Have implements channels.PeerTx.
func (tx *transaction) Have(p channels.PeerID, inc int64) (n int64, err error) {
	_, err = tx.conn.one(`SELECT n FROM have WHERE peer = ? AND inc = ?`, []any{p, inc}, &n)
	return n, err
}

// HaveAll implements channels.PeerTx.
func (tx *transaction) HaveAll(p channels.PeerID) ([]channels.Position, error) {
	var all []channels.Position
	err := tx.conn.each(`SELECT inc, n FROM have WHERE peer = ? ORDER BY inc`, []any{p}, func(rows *sql.Rows) error {
		var at channels.Position
		err := rows.Scan(&at.Epoch, &at.Seq)
		all = append(all, at)
		return err
	})
	return all, err
}

// SetHave implements channels.PeerTx.
func (tx *transaction) SetHave(p channels.PeerID, inc, n int64) error {
	return tx.write(`INSERT INTO have (peer, inc, n) VALUES (?, ?, ?) ON CONFLICT (peer, inc) DO UPDATE SET n = excluded.n`, p, inc, n)
}

// Peers lists the other nodes that something is kept of, by host.
func (s *Store) Peers(ctx context.Context) ([]channels.Peer, error) {
	const query = peerColumns + ` ORDER BY host`
	rows, err := s.readers.QueryContext(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("list peers: %w", err)
	}
	var all []channels.Peer
	err = eachRow(rows, query, func(rows *sql.Rows) error {
		var p channels.Peer
		err := rows.Scan(peerFields(&p)...)
		all = append(all, p)
		return err
	})
	return all, err
}

// MembersElsewhere lists the members of a channel that are people of other nodes, by address.
func (s *Store) MembersElsewhere(ctx context.Context, c *channels.Channel) ([]channels.Person, error) {
	const query = `SELECT person.id, person.name, peer.id, peer.host FROM member CROSS JOIN person ON person.id = person
		CROSS JOIN peer ON peer.id = person.peer WHERE channel = ?`
	rows, err := s.readers.QueryContext(ctx, query, c.ID)
	if err != nil {
		return nil, fmt.Errorf("list members of channel %d: %w", c.ID, err)
	}
	var all []channels.Person
	err = eachRow(rows, query, func(rows *sql.Rows) error {
		var p channels.Person
		err := rows.Scan(&p.ID, &p.Name, &p.Peer, &p.Host)
		all = append(all, p)
		return err
	})
	sort.Slice(all, func(i, j int) bool { return all[i].Address() < all[j].Address() })
	return all, err
}
