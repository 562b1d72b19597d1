package store

import (
	"context"
	"database/sql"
	"fmt"

	"chatnode/channels"
)

// A box is what the writer remembers of the outbox of one peer.
type box struct {
	last    int64            // the last number given in this incarnation
	had     int64            // up to where the peer says that it has those: it may say more than there are
	waiting channels.Waiting // Oldest only if it is known
	stale   bool             // the oldest has to be looked for
}

// incarnations lists the incarnations of an outbox's rows: few, so that nobody walks over all rows that the peer has.
const incarnations = `WITH RECURSIVE incs (inc) AS (SELECT min(inc) FROM outbox WHERE peer = ?1
	UNION ALL SELECT (SELECT min(inc) FROM outbox WHERE peer = ?1 AND inc > incs.inc) FROM incs WHERE inc IS NOT NULL) `

// notHad is the part of an outbox that the peer does not have.
const notHad = ` FROM incs CROSS JOIN outbox WHERE peer = ?1 AND outbox.inc = incs.inc
	AND outbox.n > coalesce((SELECT n FROM acked WHERE acked.peer = ?1 AND acked.inc = incs.inc), 0)`

const waitingQuery = incarnations + `SELECT count(*), coalesce(sum(octet_length(line)), 0), coalesce(min(at), 0)` + notHad

// outboxOf is the channel of a peer's outbox: the same object for as long as the store is open.
func (tx *transaction) outboxOf(p channels.PeerID) *channels.Channel {
	c := tx.outboxes[p]
	if c == nil {
		c = channels.Outbox(p)
		tx.outboxes[p] = c
	}
	return c
}

func (tx *transaction) box(p channels.PeerID) (*box, error) {
	if b := tx.cache.boxes[p]; b != nil {
		return b, nil
	}
	b := &box{}
	_, err := tx.conn.one(`SELECT max(coalesce((SELECT max(n) FROM outbox WHERE peer = ?1 AND inc = ?2), 0),
		coalesce((SELECT n FROM numbered WHERE peer = ?1 AND inc = ?2), 0))`, []any{p, tx.age.incarnation}, &b.last)
	if err != nil {
		return nil, err
	}
	if _, err := tx.conn.one(waitingQuery, []any{p}, &b.waiting.Rows, &b.waiting.Bytes, &b.waiting.Oldest); err != nil {
		return nil, err
	}
	if b.had, err = tx.acked(p, tx.age.incarnation); err != nil {
		return nil, err
	}
	tx.cache.boxes[p] = b
	tx.cache.weight += boxWeight
	return b, nil
}

// Send implements channels.PeerTx.
func (tx *transaction) Send(p channels.PeerID, r *channels.Row) error {
	b, err := tx.box(p)
	if err != nil {
		return err
	}
	r.Position = channels.Position{Epoch: tx.age.incarnation, Seq: b.last + 1}
	r.Sent, r.At = tx.Linked(p) == channels.ExtendedLink, tx.at
	err = tx.write(`INSERT INTO outbox (peer, inc, n, verb, line, person, channel, ref, at, sent, told, ended) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		p, r.Epoch, r.Seq, r.Verb, r.Line, r.Person, r.Channel, r.Ref, r.At, r.Sent, r.Told, r.Ended)
	if err != nil {
		return err
	}
	b.sent(r)
	tx.happened(channels.Appended{Entry: &channels.Entry{Channel: tx.outboxOf(p), Position: r.Position, Body: r.Line, At: r.At}})
	return nil
}

// sent notes a row that was made.
func (b *box) sent(r *channels.Row) {
	if b.last = r.Seq; r.Seq <= b.had {
		return
	}
	if b.waiting.Rows == 0 {
		b.waiting.Oldest, b.stale = r.At, false
	}
	b.waiting.Rows++
	b.waiting.Bytes += int64(len(r.Line))
}

const rowColumns = `inc, n, verb, line, person, channel, ref, at, sent, told, ended <> 0`

func rowFields(r *channels.Row) []any {
	return []any{&r.Epoch, &r.Seq, &r.Verb, &r.Line, &r.Person, &r.Channel, &r.Ref, &r.At, &r.Sent, &r.Told, &r.Ended}
}

// Row implements channels.PeerTx.
func (tx *transaction) Row(p channels.PeerID, at channels.Position) (*channels.Row, error) {
	r := &channels.Row{}
	found, err := tx.conn.one(`SELECT `+rowColumns+` FROM outbox WHERE peer = ? AND inc = ? AND n = ?`, []any{p, at.Epoch, at.Seq}, rowFields(r)...)
	if err != nil || !found {
		return nil, err
	}
	return r, nil
}

// SetTold implements channels.PeerTx.
func (tx *transaction) SetTold(p channels.PeerID, at channels.Position, t channels.Told) error {
	return tx.write(`UPDATE outbox SET told = ? WHERE peer = ? AND inc = ? AND n = ?`, t, p, at.Epoch, at.Seq)
}

// moves finds the FEDJOINs and FEDLEAVEs of a person for a channel.
const moves = `SELECT 1 FROM outbox WHERE peer = ? AND person = ? AND channel = ? AND verb IN ('FEDJOIN', 'FEDLEAVE')`

// Moving implements channels.PeerTx.
func (tx *transaction) Moving(p channels.PeerID, person channels.PersonID, channel string) (bool, error) {
	var one int
	return tx.conn.one(moves+` AND (ended = 0 OR n > coalesce((SELECT n FROM acked WHERE acked.peer = outbox.peer AND acked.inc = outbox.inc), 0)) LIMIT 1`,
		[]any{p, person, channel}, &one)
}

// AllMoving implements channels.PeerTx.
func (tx *transaction) AllMoving(p channels.PeerID, channel string) (all []channels.PersonID, err error) {
	err = tx.conn.each(`SELECT DISTINCT person FROM outbox WHERE peer = ? AND channel = ? AND verb IN ('FEDJOIN', 'FEDLEAVE')
			AND (ended = 0 OR n > coalesce((SELECT n FROM acked WHERE acked.peer = outbox.peer AND acked.inc = outbox.inc), 0))`,
		[]any{p, channel}, func(rows *sql.Rows) error {
			var id channels.PersonID
			err := rows.Scan(&id)
			all = append(all, id)
			return err
		})
	return all, err
}

// LaterMove implements channels.PeerTx.
func (tx *transaction) LaterMove(p channels.PeerID, person channels.PersonID, channel string, after channels.Position) (bool, error) {
	var one int
	return tx.conn.one(moves+` AND (inc, n) > (?, ?) LIMIT 1`, []any{p, person, channel, after.Epoch, after.Seq}, &one)
}

// LaterJoin implements channels.PeerTx.
func (tx *transaction) LaterJoin(p channels.PeerID, person channels.PersonID, channel string, after channels.Position) (bool, error) {
	var one int
	return tx.conn.one(moves+` AND verb = 'FEDJOIN' AND (inc, n) > (?, ?) LIMIT 1`, []any{p, person, channel, after.Epoch, after.Seq}, &one)
}

func (tx *transaction) acked(p channels.PeerID, inc int64) (n int64, err error) {
	_, err = tx.conn.one(`SELECT n FROM acked WHERE peer = ? AND inc = ?`, []any{p, inc}, &n)
	return n, err
}

// Acknowledge implements channels.PeerTx.
func (tx *transaction) Acknowledge(p channels.PeerID, inc, n int64) error {
	if inc == 0 {
		return tx.acknowledgeNone(p)
	}
	b, err := tx.box(p)
	if err != nil {
		return err
	}
	had, err := tx.acked(p, inc)
	if err != nil || had == n {
		return err
	}
	var rows, bytes int64
	_, err = tx.conn.one(`SELECT count(*), coalesce(sum(octet_length(line)), 0) FROM outbox WHERE peer = ? AND inc = ? AND n > ? AND n <= ?`,
		[]any{p, inc, min(had, n), max(had, n)}, &rows, &bytes)
	if err != nil {
		return err
	}
	if err := tx.write(`INSERT INTO acked (peer, inc, n) VALUES (?, ?, ?) ON CONFLICT (peer, inc) DO UPDATE SET n = excluded.n`, p, inc, n); err != nil {
		return err
	}
	if n < had {
		rows, bytes = -rows, -bytes
	}
	if inc == tx.age.incarnation {
		b.had = n
	}
	b.less(rows, bytes)
	return nil
}

// LastSent implements channels.PeerTx.
func (tx *transaction) LastSent(p channels.PeerID) (n int64, err error) {
	_, err = tx.conn.one(`SELECT max(coalesce((SELECT max(n) FROM outbox WHERE peer = ?1 AND inc = ?2 AND sent = 1), 0),
		coalesce((SELECT n FROM numbered WHERE peer = ?1 AND inc = ?2), 0))`, []any{p, tx.age.incarnation}, &n)
	return n, err
}

// acknowledgeNone notes that a peer has no row of any incarnation.
func (tx *transaction) acknowledgeNone(p channels.PeerID) error {
	var all []int64
	err := tx.conn.each(`SELECT inc FROM acked WHERE peer = ? AND n > 0`, []any{p}, func(rows *sql.Rows) error {
		var inc int64
		err := rows.Scan(&inc)
		all = append(all, inc)
		return err
	})
	if err != nil {
		return err
	}
	for _, inc := range all {
		if err := tx.Acknowledge(p, inc, 0); err != nil {
			return err
		}
	}
	return nil
}

// less notes that some rows wait no more.
func (b *box) less(rows, bytes int64) {
	if rows == 0 {
		return
	}
	b.waiting.Rows -= rows
	b.waiting.Bytes -= bytes
	b.stale = true
}

// Waiting implements channels.PeerTx.
func (tx *transaction) Waiting(p channels.PeerID) (channels.Waiting, error) {
	b, err := tx.box(p)
	if err != nil {
		return channels.Waiting{}, err
	}
	if b.stale {
		b.waiting.Oldest = 0
		if _, _, err := tx.firstNotHad(p, &b.waiting.Oldest); err != nil {
			return channels.Waiting{}, err
		}
		b.stale = false
	}
	return b.waiting, nil
}

// firstNotHad is the lowest row that a peer does not have, and when it was made.
func (tx *transaction) firstNotHad(p channels.PeerID, made *int64) (at channels.Position, found bool, err error) {
	found, err = tx.conn.one(incarnations+`SELECT outbox.inc, outbox.n, at`+notHad+` AND outbox.n = (SELECT min(n) FROM outbox AS o WHERE o.peer = ?1 AND o.inc = incs.inc
			AND o.n > coalesce((SELECT n FROM acked WHERE acked.peer = ?1 AND acked.inc = incs.inc), 0))
		ORDER BY outbox.inc LIMIT 1`, []any{p}, &at.Epoch, &at.Seq, made)
	return at, found, err
}

// Unacknowledged implements channels.PeerTx.
func (tx *transaction) Unacknowledged(p channels.PeerID) (channels.Position, error) {
	var made int64
	at, found, err := tx.firstNotHad(p, &made)
	if err == nil && !found {
		return tx.LastRow(p)
	}
	at.Seq--
	return at, err
}

// LastRow implements channels.PeerTx. Where no row was ever made in this incarnation it is the last that is kept of an
// older one, or the place before the first.
func (tx *transaction) LastRow(p channels.PeerID) (channels.Position, error) {
	b, err := tx.box(p)
	if err != nil {
		return channels.Position{}, err
	}
	last := channels.Position{Epoch: tx.age.incarnation, Seq: b.last}
	if b.last == 0 {
		_, err = tx.conn.one(`SELECT inc, n FROM outbox WHERE peer = ? ORDER BY inc DESC, n DESC LIMIT 1`, []any{p}, &last.Epoch, &last.Seq)
	}
	return last, err
}

// Waiting tells how much a peer does not have yet of its outbox.
func (s *Store) Waiting(ctx context.Context, p channels.PeerID) (w channels.Waiting, err error) {
	err = s.readers.QueryRowContext(ctx, waitingQuery, p).Scan(&w.Rows, &w.Bytes, &w.Oldest)
	if err != nil {
		return w, fmt.Errorf("read the outbox of peer %d: %w", p, err)
	}
	return w, nil
}

// A due row is one that Expire removes.
type due struct {
	channels.Expired
	had bool
}

// Expire implements channels.PeerTx.
func (tx *transaction) Expire(before int64) (expired []channels.Expired, more bool, err error) {
	all, err := tx.due(before, pruneStep+1)
	if err != nil {
		return nil, false, err
	}
	if more = len(all) > pruneStep; more {
		all = all[:pruneStep]
	}
	for i := range all {
		if err := tx.expire(&all[i]); err != nil {
			return nil, false, err
		}
		if !all[i].had {
			expired = append(expired, all[i].Expired)
		}
	}
	return expired, more, nil
}

func (tx *transaction) due(before int64, most int) (all []due, err error) {
	err = tx.conn.each(`SELECT peer, had, `+rowColumns+` FROM (
			SELECT *, n <= coalesce((SELECT n FROM acked WHERE acked.peer = outbox.peer AND acked.inc = outbox.inc), 0) AS had FROM outbox WHERE at < ?)
		WHERE had AND (verb <> 'FEDSAY' OR ended) OR NOT had AND verb <> 'FEDLEAVE' ORDER BY at, peer, inc, n LIMIT ?`, []any{before, most}, func(rows *sql.Rows) error {
		var d due
		err := rows.Scan(append([]any{&d.Peer, &d.had}, rowFields(&d.Row)...)...)
		all = append(all, d)
		return err
	})
	return all, err
}

// expire removes one row, and keeps in mind that its number was given.
func (tx *transaction) expire(d *due) error {
	b, err := tx.box(d.Peer)
	if err != nil {
		return err
	}
	if d.Epoch == tx.age.incarnation {
		err := tx.write(`INSERT INTO numbered (peer, inc, n) VALUES (?1, ?2, ?3) ON CONFLICT (peer) DO UPDATE
			SET n = iif(inc = ?2, max(n, ?3), ?3), inc = ?2`, d.Peer, d.Epoch, d.Seq)
		if err != nil {
			return err
		}
	}
	if err := tx.write(`DELETE FROM outbox WHERE peer = ? AND inc = ? AND n = ?`, d.Peer, d.Epoch, d.Seq); err != nil {
		return err
	}
	if !d.had {
		b.less(1, int64(len(d.Line)))
	}
	switch {
	case d.Ref == "":
		return nil
	case d.Sent || d.had:
		return tx.giveUpRef(d.Peer, &d.Row)
	}
	return tx.forgetRef(d.Peer, &d.Row)
}
