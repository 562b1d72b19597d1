package store

import (
	"database/sql"
	"errors"
	"fmt"

	"chatnode/migrations"
)

// migrate brings the schema up to date: the pending steps in one transaction, with foreign keys off while tables may be
// rebuilt and checked before the commit. A database of a newer build is refused.
func (c *conn) migrate() error {
	steps, err := migrations.All()
	if err != nil {
		return err
	}
	var version int
	if _, err := c.one(`PRAGMA user_version`, nil, &version); err != nil {
		return err
	}
	if version > len(steps) {
		return fmt.Errorf("made by a newer chatnode (schema %d, this build knows %d): use that build, or restore a backup", version, len(steps))
	}
	if version == len(steps) {
		return nil
	}
	if err := c.exec(`PRAGMA foreign_keys = OFF`); err != nil {
		return err
	}
	if err := c.apply(steps[version:]); err != nil {
		return errors.Join(err, c.rollback())
	}
	return c.exec(`PRAGMA foreign_keys = ON`)
}

func (c *conn) apply(steps []migrations.Migration) error {
	if err := c.exec(`BEGIN IMMEDIATE`); err != nil {
		return err
	}
	for _, m := range steps {
		if err := c.script(m.SQL); err != nil {
			return fmt.Errorf("migration %s: %w", m.Name, err)
		}
	}
	if err := c.script(fmt.Sprintf(`PRAGMA user_version = %d`, steps[len(steps)-1].Number)); err != nil {
		return fmt.Errorf("note the schema's version: %w", err)
	}
	err := c.each(`PRAGMA foreign_key_check`, nil, func(*sql.Rows) error {
		return errors.New("a migration left a row without the row it refers to")
	})
	if err != nil {
		return err
	}
	return c.exec(`COMMIT`)
}
