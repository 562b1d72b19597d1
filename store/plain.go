package store

import (
	"context"
	"slices"
	"strconv"

	"chatnode/channels"
)

// WasMember implements channels.PeerTx.
func (tx *transaction) WasMember(p channels.PeerID, person channels.PersonID, channel string) (bool, error) {
	var one int
	return tx.conn.one(`SELECT 1 FROM let_in JOIN channel ON channel.id = channel WHERE home = ? AND name = ? AND person = ? AND deleted = 0`,
		[]any{p, channel, person}, &one)
}

// letIn notes who was let into a channel that there is no log of.
func (tx *transaction) letIn(s *channels.State, p channels.Person) error {
	if len(s.Epochs()) > 0 {
		return nil
	}
	return tx.write(`INSERT OR IGNORE INTO let_in (channel, person) VALUES (?, ?)`, s.ID, p.ID)
}

// Labelled reads entries of an inbox that belong to a channel without a log, between two positions: the first ones or,
// else, the last ones, oldest first. At most limit entries, and not many more than bytes bytes of text.
func (s *Store) Labelled(ctx context.Context, inbox, c *channels.Channel, after, before channels.Position, limit, bytes int, first bool) ([]*channels.Entry, error) {
	order := `DESC`
	if first {
		order = `ASC`
	}
	label := strconv.FormatInt(int64(c.ID), 10)
	const place = `(entry.epoch, seq)`
	entries, err := s.page(ctx, inbox, bytes, inboxLog.columns+` AND label = ?3 AND `+place+` > (?4, ?5) AND `+place+` < (?6, ?7)
		ORDER BY entry.epoch `+order+`, seq `+order+` LIMIT ?8`, inbox.ID, "", label, after.Epoch, after.Seq, before.Epoch, before.Seq, limit)
	if !first {
		slices.Reverse(entries)
	}
	return entries, err
}
