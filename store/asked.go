package store

import (
	"database/sql"

	"chatnode/channels"
)

// Asked implements channels.PeerTx.
func (tx *transaction) Asked(c channels.ChannelID, p channels.PeerID) (inc int64, err error) {
	_, err = tx.conn.one(`SELECT inc FROM asked WHERE channel = ? AND peer = ?`, []any{c, p}, &inc)
	return inc, err
}

// SetAsked implements channels.PeerTx.
func (tx *transaction) SetAsked(c channels.ChannelID, p channels.PeerID, inc int64) error {
	return tx.write(`INSERT INTO asked (channel, peer, inc) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET inc = excluded.inc`, c, p, inc)
}

// AskedPeers implements channels.PeerTx.
func (tx *transaction) AskedPeers(c channels.ChannelID) (all []channels.PeerID, err error) {
	err = tx.conn.each(`SELECT peer FROM asked WHERE channel = ? ORDER BY peer`, []any{c}, func(rows *sql.Rows) error {
		var p channels.PeerID
		err := rows.Scan(&p)
		all = append(all, p)
		return err
	})
	return all, err
}

// Recovered implements channels.PeerTx.
func (tx *transaction) Recovered(s *channels.State) (all []*channels.Entry, err error) {
	err = tx.conn.each(channelLog.columns+` AND recovered IS NOT NULL ORDER BY epoch, seq`,
		[]any{s.ID, s.Host}, func(rows *sql.Rows) error {
			e, err := scanEntry(rows, s.Channel)
			all = append(all, e)
			return err
		})
	return all, err
}

// lostEpoch is the epoch of what is lost of a channel that was made again: lower than any that was given.
const lostEpoch = 1

// Rebuild implements channels.PeerTx.
func (tx *transaction) Rebuild(name string, upto channels.Position) (*channels.State, error) {
	var one int
	gone, err := tx.conn.one(`SELECT 1 FROM channel WHERE home = 0 AND kind = 0 AND name = ? AND deleted <> 0 AND epoch >= ?`, []any{name, upto.Epoch}, &one)
	if gone || err != nil {
		return nil, err
	}
	if err := tx.CreateChannel(name, 0); err != nil {
		return nil, err
	}
	s := tx.cache.byName[channelName{0, name}]
	epoch := s.Head.Epoch
	if err := tx.write(`UPDATE epoch SET epoch = ? WHERE channel = ?`, lostEpoch, s.ID); err != nil {
		return nil, err
	}
	if err := tx.write(`INSERT INTO epoch (channel, epoch, base) VALUES (?, ?, ?)`, s.ID, epoch, upto.Seq); err != nil {
		return nil, err
	}
	s.Channel = anew(s.Channel, channels.Epoch{Epoch: lostEpoch}, channels.Epoch{Epoch: epoch, Base: upto.Seq})
	s.moveTo(channels.Position{Epoch: epoch, Seq: upto.Seq})
	tx.touch(s)
	return &s.State, nil
}

// Back implements channels.PeerTx.
func (tx *transaction) Back(s *channels.State, upto channels.Position, n int64) (at channels.Position, err error) {
	found, err := tx.conn.one(`SELECT epoch, seq FROM entry WHERE channel = ? AND (epoch, seq) <= (?, ?) ORDER BY epoch DESC, seq DESC LIMIT 1 OFFSET ?`,
		[]any{s.ID, upto.Epoch, upto.Seq, n}, &at.Epoch, &at.Seq)
	if !found {
		at = channels.Position{}
	}
	return at, err
}
