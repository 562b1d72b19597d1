package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"chatnode/channels"
)

// pruneStep is how many rows one transaction removes, so that no message waits long behind it.
const pruneStep = 256

// refAge is how long a ref is kept after its end is known (native protocol §5).
const refAge = 24 * time.Hour

// Retention says how much of each channel's log is kept; 0 is all of it.
type Retention struct {
	Age   time.Duration
	Bytes int64 // of text, and 64 for each message
}

// Prune removes what retention lets go, the logs of deleted channels, and refs that are over a day old. It goes channel
// by channel in small transactions and returns how many messages it removed. ctx ends it between two of them.
func (s *Store) Prune(ctx context.Context, keep Retention) (removed int64, err error) {
	for after := channels.ChannelID(0); ; {
		id, deleted, err := s.nextChannel(ctx, after, keep)
		if err != nil || id == 0 {
			return removed, firstError(err, s.pruneRefs(ctx))
		}
		n, err := s.pruneChannel(ctx, id, deleted, keep)
		removed += n
		if err != nil {
			return removed, err
		}
		after = id
	}
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// nextChannel finds a channel that holds something that may have to go.
func (s *Store) nextChannel(ctx context.Context, after channels.ChannelID, keep Retention) (id channels.ChannelID, deleted bool, err error) {
	err = s.readers.QueryRowContext(ctx, `SELECT id, deleted <> 0 FROM channel WHERE id > ? AND bytes > 0 AND (deleted <> 0 OR ?) ORDER BY id LIMIT 1`,
		after, keep != Retention{}).Scan(&id, &deleted)
	if err == sql.ErrNoRows {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, fmt.Errorf("prune: find a channel: %w", err)
	}
	return id, deleted, nil
}

func (s *Store) pruneChannel(ctx context.Context, id channels.ChannelID, deleted bool, keep Retention) (removed int64, err error) {
	for ctx.Err() == nil {
		due, err := s.pruneDue(ctx, id, deleted, keep)
		if err != nil || !due {
			return removed, err
		}
		var n int64
		err = s.Do(func(tx *transaction) error {
			if n, err = tx.prune(id, deleted, keep); err != nil {
				return fmt.Errorf("prune channel %d: %w", id, err)
			}
			return nil
		})
		removed += n
		if err != nil || n == 0 {
			return removed, err
		}
	}
	return removed, ctx.Err()
}

// pruneDue looks, outside the writer, whether a channel has anything to remove.
func (s *Store) pruneDue(ctx context.Context, id channels.ChannelID, deleted bool, keep Retention) (bool, error) {
	var at, bytes int64
	err := s.readers.QueryRowContext(ctx, `SELECT at, (SELECT bytes FROM channel WHERE id = ?1) FROM entry
		WHERE channel = ?1 ORDER BY epoch, seq LIMIT 1`, id).Scan(&at, &bytes)
	if err == sql.ErrNoRows {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("prune channel %d: %w", id, err)
	}
	return deleted || keep.lets(s.now().UnixMilli(), at, bytes), nil
}

// lets reports whether the oldest message of a channel may go.
func (k Retention) lets(now, at, bytes int64) bool {
	return k.Age > 0 && at < now-k.Age.Milliseconds() || k.Bytes > 0 && bytes > k.Bytes
}

// prune removes the oldest messages of a channel, as far as they may go, pruneStep at the most.
func (tx *transaction) prune(id channels.ChannelID, deleted bool, keep Retention) (removed int64, err error) {
	var bytes int64
	if _, err := tx.conn.one(`SELECT bytes FROM channel WHERE id = ?`, []any{id}, &bytes); err != nil {
		return 0, err
	}
	if s := tx.cache.byID[id]; s != nil {
		bytes = s.bytes
	}
	var upto channels.Position
	kept := false
	err = tx.conn.each(`SELECT epoch, seq, at, octet_length(body) FROM entry WHERE channel = ? ORDER BY epoch, seq LIMIT ?`, []any{id, pruneStep},
		func(rows *sql.Rows) error {
			var p channels.Position
			var at, size int64
			if err := rows.Scan(&p.Epoch, &p.Seq, &at, &size); err != nil {
				return err
			}
			if kept = kept || !deleted && !keep.lets(tx.at, at, bytes); !kept {
				upto = p
				bytes -= weightOf(size)
				removed++
			}
			return nil
		})
	if err != nil || removed == 0 {
		return 0, err
	}
	if s := tx.cache.byID[id]; s != nil {
		s.bytes = bytes
	}
	if err := tx.write(`UPDATE channel SET bytes = ? WHERE id = ?`, bytes, id); err != nil {
		return 0, err
	}
	if err := tx.write(`DELETE FROM moved WHERE channel = ? AND (epoch, seq) <= (?, ?)`, id, upto.Epoch, upto.Seq); err != nil {
		return 0, err
	}
	return removed, tx.write(`DELETE FROM entry WHERE channel = ? AND (epoch, seq) <= (?, ?)`, id, upto.Epoch, upto.Seq)
}

// pruneRefs removes refs whose end has been known for long.
func (s *Store) pruneRefs(ctx context.Context) error {
	err := s.inSteps(ctx, func(tx *transaction) (int64, error) {
		if err := tx.begin(); err != nil {
			return 0, err
		}
		return tx.conn.execCount(`DELETE FROM ref WHERE (person, ref) IN (SELECT person, ref FROM ref WHERE at < ? AND state <> 1 LIMIT ?)`,
			tx.at-refAge.Milliseconds(), pruneStep)
	})
	if err != nil {
		return fmt.Errorf("prune refs: %w", err)
	}
	return nil
}
