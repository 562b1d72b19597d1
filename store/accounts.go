package store

import (
	"context"
	"database/sql"
	"fmt"

	"chatnode/auth"
	"chatnode/channels"
)

var _ auth.Accounts = (*Store)(nil)

// Account implements auth.Accounts: it finds an account in use, disabled ones included.
func (s *Store) Account(ctx context.Context, name string) (auth.Account, bool, error) {
	a := auth.Account{Name: name}
	err := s.readers.QueryRowContext(ctx, `SELECT person, hash, admin, disabled FROM account
		JOIN person ON person.id = person WHERE peer = 0 AND name = ? AND deleted = 0`, name).
		Scan(&a.Person, &a.Hash, &a.Admin, &a.Disabled)
	if err == sql.ErrNoRows {
		return auth.Account{}, false, nil
	}
	if err != nil {
		return auth.Account{}, false, fmt.Errorf("read account %s: %w", name, err)
	}
	return a, true, nil
}

// AccountInfo is what an operator sees of an account.
type AccountInfo struct {
	Name     string `json:"name"`
	Admin    bool   `json:"admin"`
	Disabled bool   `json:"disabled"`
	Created  int64  `json:"created"` // milliseconds since 1970
	Channels int    `json:"channels"`
}

// Accounts lists the accounts in use by name.
func (s *Store) Accounts(ctx context.Context) ([]AccountInfo, error) {
	const query = `SELECT person.name, admin, disabled, created,
			(SELECT count(*) FROM member JOIN channel ON channel.id = channel WHERE member.person = account.person AND channel.kind = 0)
		FROM account JOIN person ON person.id = account.person WHERE deleted = 0 ORDER BY person.name`
	rows, err := s.readers.QueryContext(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("list accounts: %w", err)
	}
	var all []AccountInfo
	err = eachRow(rows, query, func(rows *sql.Rows) error {
		var a AccountInfo
		err := rows.Scan(&a.Name, &a.Admin, &a.Disabled, &a.Created, &a.Channels)
		all = append(all, a)
		return err
	})
	return all, err
}

// Person implements channels.Tx.
func (tx *transaction) Person(name string) (channels.Person, error) {
	p := channels.Person{Name: name}
	found, err := tx.conn.one(`SELECT person.id FROM person JOIN account ON account.person = person.id
		WHERE peer = 0 AND name = ? AND deleted = 0`, []any{name}, &p.ID)
	if err != nil || !found {
		return channels.Person{}, err
	}
	return p, nil
}

// NameTaken implements channels.Tx.
func (tx *transaction) NameTaken(name string) (bool, error) {
	var one int
	return tx.conn.one(`SELECT 1 FROM person WHERE peer = 0 AND name = ? AND (kind <> ? OR EXISTS (SELECT 1 FROM guest WHERE person = person.id))`,
		[]any{name, kindGuest}, &one)
}

// PasswordHash implements channels.Tx.
func (tx *transaction) PasswordHash(p channels.PersonID) ([]byte, error) {
	var hash []byte
	_, err := tx.conn.one(`SELECT hash FROM account WHERE person = ? AND deleted = 0 AND disabled = 0`, []any{p}, &hash)
	return hash, err
}

// CreateAccount implements channels.Tx.
func (tx *transaction) CreateAccount(name string, hash []byte, admin bool) error {
	if err := tx.begin(); err != nil {
		return err
	}
	p, err := tx.accountPerson(name)
	if err != nil {
		return err
	}
	if err := tx.write(`INSERT INTO account (person, hash, admin, created) VALUES (?, ?, ?, ?)`, p.ID, hash, admin, tx.at); err != nil {
		return err
	}
	return tx.makeInbox(p)
}

// accountPerson is who the owner of a new account is: a guest's person becomes theirs, without the inbox.
func (tx *transaction) accountPerson(name string) (channels.Person, error) {
	p, err := tx.GuestPerson(name, false)
	if err != nil || p.ID == 0 {
		if err == nil {
			var id int64
			id, err = tx.conn.insert(`INSERT INTO person (name, peer, kind) VALUES (?, 0, 0)`, name)
			p.ID = channels.PersonID(id)
		}
		return p, err
	}
	inbox, err := tx.Inbox(p.ID)
	if err != nil {
		return p, err
	}
	if inbox != nil {
		if err := tx.Remove(inbox, p, channels.OwnWill); err != nil {
			return p, err
		}
		if err := tx.DeleteChannel(inbox); err != nil {
			return p, err
		}
	}
	return p, tx.write(`UPDATE person SET kind = 0 WHERE id = ?`, p.ID)
}

// makeInbox makes somebody's inbox.
func (tx *transaction) makeInbox(p channels.Person) error {
	c, err := tx.makeChannel(channels.Inbox, "", p.ID)
	if err != nil {
		return err
	}
	s, err := tx.stateByID(c.ID)
	if err != nil {
		return err
	}
	if err := tx.SetRole(&s.State, p, channels.Member); err != nil {
		return err
	}
	tx.cache.forget(s) // most inboxes are never written to
	return nil
}

// SetPasswordHash implements channels.Tx.
func (tx *transaction) SetPasswordHash(p channels.PersonID, hash []byte) error {
	return tx.write(`UPDATE account SET hash = ? WHERE person = ?`, hash, p)
}

// SetAdmin implements channels.Tx.
func (tx *transaction) SetAdmin(p channels.PersonID, admin bool) error {
	return tx.write(`UPDATE account SET admin = ? WHERE person = ?`, admin, p)
}

// SetDisabled implements channels.Tx.
func (tx *transaction) SetDisabled(p channels.PersonID, disabled bool) error {
	return tx.write(`UPDATE account SET disabled = ? WHERE person = ?`, disabled, p)
}

// EndSessions implements channels.Tx.
func (tx *transaction) EndSessions(p channels.PersonID, word string) error {
	tx.happened(channels.AccountEnded{Person: p, Word: word})
	return nil
}

// DeleteAccount implements channels.Tx. The name stays reserved, and what the person said stays theirs; channels they
// owned are nobody's.
func (tx *transaction) DeleteAccount(p channels.Person) error {
	in, err := tx.memberOf(p.ID)
	if err != nil {
		return err
	}
	for _, id := range in {
		s, err := tx.stateByID(id)
		if err != nil {
			return err
		}
		if err := tx.Remove(&s.State, p, channels.AccountDeleted); err != nil {
			return err
		}
	}
	if err := tx.disown(p.ID); err != nil {
		return err
	}
	if err := tx.write(`UPDATE account SET deleted = ?, hash = x'' WHERE person = ?`, tx.at, p.ID); err != nil {
		return err
	}
	return tx.EndSessions(p.ID, "unregistered")
}

// disown deletes a person's inbox and leaves their channels ownerless.
func (tx *transaction) disown(p channels.PersonID) error {
	inbox, err := tx.Inbox(p)
	if err != nil {
		return err
	}
	if inbox != nil {
		if err := tx.DeleteChannel(inbox); err != nil {
			return err
		}
	}
	for _, s := range tx.cache.byName {
		if s.Owner == p {
			s.Owner = 0
		}
	}
	return tx.write(`UPDATE channel SET owner = 0 WHERE owner = ? AND kind = 0`, p)
}

func (tx *transaction) memberOf(p channels.PersonID) ([]channels.ChannelID, error) {
	var in []channels.ChannelID
	err := tx.conn.each(`SELECT channel FROM member WHERE person = ? ORDER BY channel`, []any{p}, func(rows *sql.Rows) error {
		var id channels.ChannelID
		err := rows.Scan(&id)
		in = append(in, id)
		return err
	})
	return in, err
}

// Memberships implements channels.Tx.
func (tx *transaction) Memberships(p channels.PersonID, replay int) ([]channels.Membership, error) {
	in, err := tx.memberOf(p)
	if err != nil {
		return nil, err
	}
	all := make([]channels.Membership, 0, len(in))
	for _, id := range in {
		c, head, err := tx.head(id)
		if err != nil {
			return nil, err
		}
		m := channels.Membership{Channel: c, Head: head, Heard: head}
		if replay >= 0 {
			if m.Heard, m.Gap, err = tx.heard(id, p, replay); err != nil {
				return nil, err
			}
		}
		all = append(all, m)
	}
	return all, nil
}

// head is a channel and where its log ends. It leaves the cache as it is: most who log in say nothing.
func (tx *transaction) head(id channels.ChannelID) (c *channels.Channel, head channels.Position, err error) {
	if s := tx.cache.byID[id]; s != nil {
		return s.Channel, s.Head, nil
	}
	if c, err = tx.channel(id); err == nil {
		_, err = tx.conn.one(`SELECT iif(home = 0, epoch, kept_epoch), iif(home = 0, head, kept) FROM channel WHERE id = ?`, []any{id}, &head.Epoch, &head.Seq)
	}
	return c, head, err
}

// heard is where an account was in a channel, at most most messages before its head; gap where it was further back.
func (tx *transaction) heard(c channels.ChannelID, p channels.PersonID, most int) (at channels.Position, gap bool, err error) {
	_, err = tx.conn.one(`SELECT heard_epoch, heard_seq FROM member WHERE channel = ? AND person = ?`, []any{c, p}, &at.Epoch, &at.Seq)
	if err != nil {
		return at, false, err
	}
	var first channels.Position
	gap, err = tx.conn.one(`SELECT epoch, seq FROM entry WHERE channel = ? AND (epoch, seq) > (?, ?) ORDER BY epoch DESC, seq DESC LIMIT 1 OFFSET ?`,
		[]any{c, at.Epoch, at.Seq, most}, &first.Epoch, &first.Seq)
	if gap {
		at = first
	}
	return at, gap, err
}

// SetHeard implements channels.Tx.
func (tx *transaction) SetHeard(p channels.PersonID, c *channels.Channel, at channels.Position) error {
	return tx.write(`UPDATE member SET heard_epoch = ?1, heard_seq = ?2 WHERE channel = ?3 AND person = ?4 AND (heard_epoch, heard_seq) < (?1, ?2)`,
		at.Epoch, at.Seq, c.ID, p)
}
