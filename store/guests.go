package store

import (
	"database/sql"
	"strings"

	"chatnode/channels"
)

// Kinds of a person, beside 0 for an account.
const kindGuest = 1

// Guest implements channels.Tx.
func (tx *transaction) Guest(name string) (channels.Person, error) {
	p := channels.Person{Name: name}
	found, err := tx.conn.one(`SELECT id FROM person JOIN guest ON person = id WHERE peer = 0 AND name = ?`, []any{name}, &p.ID)
	if err != nil || !found {
		return channels.Person{}, err
	}
	return p, nil
}

// Guests implements channels.Tx.
func (tx *transaction) Guests(tongue string) ([]channels.Person, error) {
	var all []channels.Person
	err := tx.conn.each(`SELECT id, name FROM guest JOIN person ON id = person WHERE tongue = ? ORDER BY id`, []any{tongue}, func(rows *sql.Rows) error {
		var p channels.Person
		err := rows.Scan(&p.ID, &p.Name)
		all = append(all, p)
		return err
	})
	return all, err
}

// GuestPerson implements channels.Tx.
func (tx *transaction) GuestPerson(name string, make bool) (channels.Person, error) {
	p := channels.Person{Name: strings.Clone(name)} // not the whole line that it is a part of
	found, err := tx.conn.one(`SELECT id FROM person WHERE peer = 0 AND name = ? AND kind = ?`, []any{name, kindGuest}, &p.ID)
	if err != nil || found || !make {
		return p, err
	}
	if err := tx.begin(); err != nil {
		return p, err
	}
	id, err := tx.conn.insert(`INSERT INTO person (name, peer, kind) VALUES (?, 0, ?)`, name, kindGuest)
	if err != nil {
		return p, err
	}
	p.ID = channels.PersonID(id)
	return p, tx.makeInbox(p)
}

// SeatGuest implements channels.Tx.
func (tx *transaction) SeatGuest(p channels.Person, tongue string, session uint64) error {
	return tx.write(`INSERT INTO guest (person, tongue, session) VALUES (?, ?, ?)`, p.ID, tongue, int64(session))
}

// UnseatGuest implements channels.Tx.
func (tx *transaction) UnseatGuest(p channels.PersonID, session uint64) (was bool, err error) {
	if err := tx.begin(); err != nil {
		return false, err
	}
	n, err := tx.conn.execCount(`DELETE FROM guest WHERE person = ? AND (session = ? OR ? = 0)`, p, int64(session), int64(session))
	return n > 0, err
}

// ForgetGuest implements channels.Tx.
func (tx *transaction) ForgetGuest(p channels.Person) error {
	inbox, err := tx.Inbox(p.ID)
	if err != nil || inbox == nil || inbox.Head.Seq != 0 {
		return err
	}
	var one int
	kept, err := tx.conn.one(`SELECT 1 FROM person WHERE id = ?1 AND (kind <> ?2 OR EXISTS (SELECT 1 FROM guest WHERE person = ?1)
		OR EXISTS (SELECT 1 FROM ban WHERE person = ?1))`, []any{p.ID, kindGuest}, &one)
	if err != nil || kept {
		return err
	}
	tx.cache.forget(tx.cache.byID[inbox.ID])
	for _, row := range []struct {
		query string
		id    int64
	}{
		{`DELETE FROM member WHERE person = ?`, int64(p.ID)},
		{`DELETE FROM epoch WHERE channel = ?`, int64(inbox.ID)},
		{`DELETE FROM channel WHERE id = ?`, int64(inbox.ID)},
		{`DELETE FROM person WHERE id = ?`, int64(p.ID)},
	} {
		if err := tx.write(row.query, row.id); err != nil {
			return err
		}
	}
	return nil
}

// forgetGuests ends what a run that did not end in order has left of its guests.
func (c *conn) forgetGuests() error {
	for _, query := range []string{
		`DELETE FROM member WHERE person IN (SELECT person FROM guest) AND channel IN (SELECT id FROM channel WHERE kind = 0)`,
		`DELETE FROM guest`,
	} {
		if err := c.exec(query); err != nil {
			return err
		}
	}
	return nil
}
