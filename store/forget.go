package store

import (
	"context"
	"fmt"
	"time"

	"chatnode/channels"
)

// replicaAge is how long a channel of another node is kept after its last member here has left (federation protocol §2).
const replicaAge = 30 * 24 * time.Hour

// Forget drops the channels of other nodes that nobody here has been a member of for 30 days; Prune then takes their logs.
// It also forgets the peers that nothing refers to, whose name was only claimed or is their address, and that were not
// seen for queueTTL. It goes in small transactions; ctx ends it between two of them.
func (s *Store) Forget(ctx context.Context, queueTTL time.Duration) error {
	if err := s.inSteps(ctx, (*transaction).dropReplicas); err != nil {
		return fmt.Errorf("drop replicas: %w", err)
	}
	err := s.inSteps(ctx, func(tx *transaction) (int64, error) { return tx.forgetPeers(tx.at - queueTTL.Milliseconds()) })
	if err != nil {
		return fmt.Errorf("forget peers: %w", err)
	}
	return nil
}

// inSteps carries out transactions until one has less than pruneStep rows to remove.
func (s *Store) inSteps(ctx context.Context, f func(*transaction) (int64, error)) error {
	for ctx.Err() == nil {
		var n int64
		err := s.Do(func(tx *transaction) (err error) {
			n, err = f(tx)
			return err
		})
		if err != nil || n < pruneStep {
			return err
		}
	}
	return ctx.Err()
}

func (tx *transaction) dropReplicas() (int64, error) {
	idle, err := tx.ids64(`SELECT id FROM channel WHERE idle_since <> 0 AND idle_since < ? LIMIT ?`, tx.at-replicaAge.Milliseconds(), pruneStep)
	if err != nil {
		return 0, err
	}
	for _, id := range idle {
		if s := tx.cache.byID[channels.ChannelID(id)]; s != nil {
			tx.cache.forget(s)
		}
		if err := tx.write(`DELETE FROM member WHERE channel = ?`, id); err != nil {
			return 0, err
		}
		if err := tx.write(`UPDATE channel SET deleted = ?, topic = '', idle_since = 0 WHERE id = ?`, tx.at, id); err != nil {
			return 0, err
		}
	}
	return int64(len(idle)), nil
}

// forgetPeers forgets peers that were not seen since a time. One that was sent rows in this incarnation is kept: it would
// take the numbers of new rows for those that it has.
func (tx *transaction) forgetPeers(before int64) (int64, error) {
	found, err := tx.ids64(`SELECT id FROM peer WHERE naming IN (?, ?) AND seen < ?
		AND NOT EXISTS (SELECT 1 FROM person WHERE person.peer = peer.id)
		AND NOT EXISTS (SELECT 1 FROM channel WHERE home = peer.id AND home <> 0)
		AND NOT EXISTS (SELECT 1 FROM outbox WHERE outbox.peer = peer.id)
		AND NOT EXISTS (SELECT 1 FROM numbered WHERE numbered.peer = peer.id AND numbered.inc = ?)`,
		channels.NamedByClaim, channels.NamedByIP, before, tx.age.incarnation)
	if err != nil {
		return 0, err
	}
	var n int64
	for _, id := range found {
		if tx.linked[channels.PeerID(id)] != channels.NoLink {
			continue
		}
		for _, table := range []string{`have`, `acked`, `numbered`} {
			if err := tx.write(`DELETE FROM `+table+` WHERE peer = ?`, id); err != nil {
				return n, err
			}
		}
		if err := tx.write(`DELETE FROM peer WHERE id = ?`, id); err != nil {
			return n, err
		}
		tx.cache.forgetPeer(channels.PeerID(id))
		if n++; n == pruneStep {
			break
		}
	}
	return n, nil
}
