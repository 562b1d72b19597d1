//go:build linux

package faults_test

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
	"strings"

	_ "github.com/mattn/go-sqlite3" // the driver
)

// fold puts the write-ahead log of a database that nobody has open into it, as a start would, and looks whether it is
// whole.
func fold(file string) (err error) {
	db, err := sql.Open("sqlite3", "file:"+file+"?mode=rw")
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(1)
	var whole, busy string
	err = db.QueryRow(`PRAGMA integrity_check`).Scan(&whole)
	if err == nil && whole != "ok" {
		err = fmt.Errorf("integrity_check: %s", whole)
	}
	if err == nil {
		err = db.QueryRow(`PRAGMA wal_checkpoint(TRUNCATE)`).Scan(&busy, new(any), new(any))
	}
	if err == nil && busy != "0" {
		err = errors.New("the database is busy")
	}
	return errors.Join(err, db.Close())
}

// A spot is a position in a place.
type spot struct {
	place
	position
}

func (s spot) String() string { return s.place.String() + " " + s.position.String() }

// A holding is what a database has of messages.
type holding struct {
	entries map[spot]string // the refs of the messages that stand in channels
	rows    map[string]bool // by ref: messages in an outbox that are kept, on their way or had
	refs    map[string]bool // by ref: what is known to be said already
}

// said are the refs of the messages that stand in channels.
func (h *holding) said() map[string]bool {
	all := map[string]bool{}
	for _, ref := range h.entries {
		all[ref] = true
	}
	return all
}

// readHolding reads a database that nobody has open, of a node.
func readHolding(file, host string) (h *holding, err error) {
	db, err := sql.Open("sqlite3", "file:"+file+"?mode=ro")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if _, err := os.Stat(file); err != nil {
		return nil, err
	}
	h = &holding{entries: map[spot]string{}, rows: map[string]bool{}, refs: map[string]bool{}}
	hosts, err := readHosts(db, host)
	if err != nil {
		return nil, fmt.Errorf("read the peers of %s: %w", file, err)
	}
	return h, errors.Join(h.readEntries(db, hosts), h.readRows(db), h.readRefs(db))
}

// rows calls each with every row of a query, to be scanned.
func rows(db *sql.DB, query string, each func(scan func(...any) error) error) error {
	found, err := db.Query(query)
	if err != nil {
		return err
	}
	for found.Next() && err == nil {
		err = each(found.Scan)
	}
	return errors.Join(err, found.Err(), found.Close())
}

// readHosts are the nodes' names by their ids.
func readHosts(db *sql.DB, own string) (hosts map[int64]string, err error) {
	hosts = map[int64]string{0: own}
	return hosts, rows(db, `SELECT id, host FROM peer`, func(scan func(...any) error) error {
		var id int64
		var host string
		err := scan(&id, &host)
		hosts[id] = host
		return err
	})
}

func (h *holding) readEntries(db *sql.DB, hosts map[int64]string) error {
	return rows(db, `
		SELECT name, home, entry.epoch, seq, body, (SELECT min(epoch) FROM epoch WHERE epoch.channel = channel.id)
		FROM channel JOIN entry ON entry.channel = channel.id WHERE kind = 0 AND deleted = 0`,
		func(scan func(...any) error) error {
			var s spot
			var home, first int64
			var body string
			if err := scan(&s.name, &home, &s.epoch, &s.seq, &body, &first); err != nil {
				return fmt.Errorf("read an entry: %w", err)
			}
			if s.home = hosts[home]; s.epoch == first {
				s.epoch = 0
			}
			h.entries[s] = refOf(body)
			return nil
		})
}

func (h *holding) readRows(db *sql.DB) error {
	return rows(db, `SELECT line, ref FROM outbox WHERE verb = 'FEDSAY'`, func(scan func(...any) error) error {
		var line, ref string
		if err := scan(&line, &ref); err != nil {
			return fmt.Errorf("read a row of an outbox: %w", err)
		}
		_, said, _ := strings.Cut(line, "FEDSAY ")
		if parts := strings.SplitN(said, " ", 3); len(parts) == 3 { // user, channel, text
			h.rows[refOf(parts[2])] = true
		}
		return nil
	})
}

func (h *holding) readRefs(db *sql.DB) error {
	return rows(db, `SELECT ref FROM ref`, func(scan func(...any) error) error {
		var ref string
		err := scan(&ref)
		h.refs[ref] = true
		return err
	})
}

// A loss is what went with a disk when a backup was put back: what was committed after it and that no other node held.
type loss struct {
	host    string
	spots   map[spot]string // what may not stand there any more, by where it stood
	said    map[string]bool // by ref: what may not stand anywhere any more
	refs    map[string]bool // what may have been said a second time, as it was not known any more that it had been
	between int             // how many messages were committed after the backup
}

// lost compares what a node had when it ended, what the backup has, and what the others have.
func lost(host string, had, backup *holding, others ...*holding) loss {
	l := loss{host: host, spots: map[spot]string{}, said: map[string]bool{}, refs: map[string]bool{}}
	survives := func(in func(*holding) bool) bool {
		for _, h := range append(others, backup) {
			if in(h) {
				return true
			}
		}
		return false
	}
	elsewhere := map[string]bool{}
	for _, h := range append(others, backup) {
		for ref := range h.said() {
			elsewhere[ref] = true
		}
		for ref := range h.rows {
			elsewhere[ref] = true
		}
	}
	for s, ref := range had.entries {
		if backup.entries[s] != ref {
			l.between++
		}
		if !survives(func(h *holding) bool { return h.entries[s] == ref }) {
			l.spots[s] = ref
		}
		if !elsewhere[ref] {
			l.said[ref] = true
		}
	}
	for ref := range had.rows {
		if !elsewhere[ref] {
			l.said[ref] = true
		}
	}
	for ref := range had.refs {
		if !backup.refs[ref] {
			l.refs[ref] = true
		}
	}
	return l
}

func (l loss) String() string {
	return fmt.Sprintf("%s: of %d messages committed after the backup %d stood at a place, and %d were known, nowhere else",
		l.host, l.between, len(l.spots), len(l.said))
}
