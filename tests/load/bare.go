package main

import (
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"time"

	_ "github.com/mattn/go-sqlite3" // the driver that the node uses

	"chatnode/migrations"
)

// bareGroupCommit stores the rows that the node would, with nothing around them: one goroutine, prepared statements, and
// transactions of half the messages that the senders have in flight, at most 512. It returns messages a second.
func bareGroupCommit(o options, durability string, senders, messages int) (perSecond float64, err error) {
	folder, err := os.MkdirTemp(o.folder, "bare-")
	if err != nil {
		return 0, err
	}
	synchronous := map[string]string{"power": "FULL", "process": "NORMAL"}[durability]
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(folder, "bare.db")+"?_journal_mode=WAL&_foreign_keys=on&_synchronous="+synchronous)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	db.SetMaxOpenConns(1)
	steps, err := migrations.All()
	if err != nil {
		return 0, err
	}
	for _, m := range steps {
		if _, err := db.Exec(m.SQL); err != nil {
			return 0, err
		}
	}
	insert, err := db.Prepare(`INSERT INTO entry (channel, epoch, seq, author, origin_peer, origin_inc, origin_n, at, body) VALUES (?, 1, ?, ?, 0, 1, ?, ?, ?)`)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, insert.Close()) }()
	began := time.Now()
	total := senders * messages
	for n := 0; n < total; {
		size := min(512, senders*window/2, total-n)
		if err := bareTransaction(db, insert, senders, n, size); err != nil {
			return 0, err
		}
		n += size
	}
	return float64(total) / time.Since(began).Seconds(), nil
}

func bareTransaction(db *sql.DB, insert *sql.Stmt, senders, from, size int) error {
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	inTx := tx.Stmt(insert)
	at := time.Now().UnixMilli()
	for i := from; i < from+size; i++ {
		if _, err := inTx.Exec(i%senders, i/senders, i%senders, i, at, text); err != nil {
			return err
		}
	}
	return tx.Commit()
}
