package store

import (
	"database/sql"

	"chatnode/channels"
)

// Incarnation implements channels.PeerTx.
func (tx *transaction) Incarnation() int64 { return tx.age.incarnation }

// Restored implements channels.PeerTx.
func (tx *transaction) Restored() bool { return tx.age.incarnation != tx.first }

// Raise implements channels.PeerTx. Inboxes go on in a new epoch too, and those who hear them learn of it.
func (tx *transaction) Raise(above int64) ([]channels.Renumbered, error) {
	if err := tx.writeHeads(); err != nil {
		return nil, err
	}
	before, given := tx.age, tx.ids
	next := max(before.incarnation+1, above+1, tx.at/1000)
	if err := tx.begin(); err != nil {
		return nil, err
	}
	if err := tx.conn.raise(age{incarnation: next, epochs: tx.age.epochs}, tx.at/1000); err != nil {
		return nil, err
	}
	var last int64
	if _, err := tx.conn.one(`SELECT last_epoch FROM node`, nil, &last); err != nil {
		return nil, err
	}
	if err := tx.reserveEpoch(last); err != nil {
		return nil, err
	}
	store := tx.Store
	before.epochs = tx.age.epochs
	tx.undo = append(tx.undo, func() { store.age, store.ids = before, given })
	tx.age.incarnation, tx.ids = next, ids{}
	tx.raised = true
	if err := tx.openedEpochs(); err != nil {
		return nil, err
	}
	return tx.renumber(before.incarnation, next)
}

// openedEpochs tells of the new epoch of each channel of this node, and brings the cache up to it.
func (tx *transaction) openedEpochs() error {
	var all []*channels.Channel
	err := tx.conn.each(`SELECT id, kind, name, epoch.epoch, base FROM channel JOIN epoch ON channel = id
		WHERE home = 0 AND deleted = 0 ORDER BY id, epoch.epoch`, nil, func(rows *sql.Rows) error {
		c := &channels.Channel{}
		var e channels.Epoch
		if err := rows.Scan(&c.ID, &c.Kind, &c.Name, &e.Epoch, &e.Base); err != nil {
			return err
		}
		if n := len(all); n > 0 && all[n-1].ID == c.ID {
			c = all[n-1]
		} else {
			all = append(all, c)
		}
		c.SetEpochs(append(c.Epochs(), e)...)
		return nil
	})
	if err != nil {
		return err
	}
	for _, c := range all {
		epochs := c.Epochs()
		if s := tx.cache.byID[c.ID]; s != nil {
			s.Channel = c
			s.moveTo(channels.Position{Epoch: epochs[len(epochs)-1].Epoch, Seq: s.Head.Seq})
		}
		tx.happened(channels.EpochOpened{Channel: c, Epochs: epochs})
	}
	return nil
}

// renumber gives the rows of an incarnation that were never sent numbers of another, in their order; their refs follow.
func (tx *transaction) renumber(from, to int64) ([]channels.Renumbered, error) {
	var all []channels.Renumbered
	err := tx.conn.each(`SELECT peer, n FROM outbox WHERE sent = 0 AND inc = ? ORDER BY peer, n`, []any{from}, func(rows *sql.Rows) error {
		r := channels.Renumbered{Old: channels.Position{Epoch: from}, New: channels.Position{Epoch: to, Seq: 1}}
		err := rows.Scan(&r.Peer, &r.Old.Seq)
		if n := len(all); n > 0 && all[n-1].Peer == r.Peer {
			r.New.Seq = all[n-1].New.Seq + 1
		}
		all = append(all, r)
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, r := range all {
		err := tx.write(`UPDATE ref SET inc = ?1, n = ?2 WHERE state = 1 AND peer = ?3 AND inc = ?4 AND n = ?5
			AND (person, ref) = (SELECT person, ref FROM outbox WHERE peer = ?3 AND inc = ?4 AND n = ?5)`,
			to, r.New.Seq, r.Peer, from, r.Old.Seq)
		if err != nil {
			return nil, err
		}
		err = tx.write(`UPDATE outbox SET inc = ?, n = ? WHERE peer = ? AND inc = ? AND n = ?`, to, r.New.Seq, r.Peer, from, r.Old.Seq)
		if err != nil {
			return nil, err
		}
	}
	for p := range tx.cache.boxes {
		delete(tx.cache.boxes, p)
		tx.cache.weight -= boxWeight
	}
	return all, nil
}
