// Package store keeps accounts, channels and logs in one SQLite database. It is the only package that knows SQL.
//
// One goroutine writes (Store.Run): it takes all requests that wait, carries them out in one transaction, commits, and
// hands what changed to the deliver function before it begins the next. Its order is the order of everything. Readers use
// a pool of their own and never wait for it.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"chatnode/channels"
)

// Durability says what an acknowledged message survives.
type Durability string

// The durabilities.
const (
	Power   Durability = "power"   // a power cut: fsync at each commit
	Process Durability = "process" // the death of the process, not of the machine
)

// Options is what a store is opened with.
type Options struct {
	Folder     string // exists; the caller holds its lock
	Durability Durability
	Log        hclog.Logger
	Now        func() time.Time // nil: time.Now
}

// databaseFile is the database's name in the data folder.
const databaseFile = "chatnode.db"

// readers is how many connections read side by side.
const readers = 4

// Store is the open database. Submit and the reading methods are safe for concurrent use.
type Store struct {
	// static
	log     hclog.Logger
	now     func() time.Time
	readers *sql.DB
	queue   chan *request
	stopped chan struct{} // closed when Run has ended: nothing is taken any more
	ageFile string
	first   int64 // the incarnation that the database was made in
	raised  bool  // this start raised it

	// owned by Run (by Open before it, by Close after it)
	writer   *sql.DB
	conn     *conn
	cache    *cache
	ids      ids
	age      age
	failed   bool                                  // a commit's outcome is unknown
	linked   map[channels.PeerID]channels.LinkKind // those that are
	outboxes map[channels.PeerID]*channels.Channel // made so far

	degraded atomic.Bool // the last transaction could not be stored
}

// Open opens or makes the database in the folder, brings its schema up to date, and settles the incarnation. It starts no
// goroutine. Its errors are for the operator: one line that says what to do.
func Open(ctx context.Context, o Options) (*Store, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	path := filepath.Join(o.Folder, databaseFile)
	s := &Store{
		log:     o.Log,
		now:     o.Now,
		queue:   make(chan *request, maxSteps),
		stopped: make(chan struct{}),
		cache:   newCache(),

		linked:   map[channels.PeerID]channels.LinkKind{},
		outboxes: map[channels.PeerID]*channels.Channel{},
	}
	if err := s.open(ctx, path, o); err != nil {
		return nil, errors.Join(explain(path, err), s.close())
	}
	return s, nil
}

func (s *Store) open(ctx context.Context, path string, o Options) (err error) {
	if err := createPrivate(path); err != nil {
		return err
	}
	synchronous := map[Durability]string{Power: "FULL", Process: "NORMAL"}[o.Durability]
	s.writer, err = openPool(path, 1, url.Values{
		"_journal_mode": {"WAL"}, "_synchronous": {synchronous}, "_busy_timeout": {"5000"}, "_foreign_keys": {"on"},
		"_txlock": {"immediate"},
	})
	if err != nil {
		return err
	}
	if s.conn, err = newConn(ctx, s.writer); err != nil {
		return err
	}
	if err := s.conn.checkPragmas(synchronous); err != nil {
		return err
	}
	if err := s.conn.migrate(); err != nil {
		return err
	}
	if err := s.settle(o.Folder, o.Durability); err != nil {
		return err
	}
	if err := s.conn.forgetGuests(); err != nil {
		return err
	}
	s.readers, err = openPool(path, readers, url.Values{"mode": {"ro"}, "_query_only": {"true"}, "_busy_timeout": {"5000"}})
	return err
}

// createPrivate makes the file with rights for its owner only; SQLite gives its other files the same.
func createPrivate(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("open database: %w", err)
	}
	return f.Close()
}

func openPool(path string, size int, parameters url.Values) (*sql.DB, error) {
	db, err := sql.Open("sqlite3", (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: parameters.Encode()}).String())
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	db.SetMaxOpenConns(size)
	db.SetMaxIdleConns(size)
	return db, nil
}

// Degraded reports whether the last transaction was refused by the disk, and the node goes on answering "unavailable".
func (s *Store) Degraded() bool { return s.degraded.Load() }

// Stopped is closed when the store takes nothing any more.
func (s *Store) Stopped() <-chan struct{} { return s.stopped }

// ErrStopped is what Submit returns once the store takes nothing any more.
var ErrStopped = errors.New("the store has stopped")

// Close ends the store in order: the log is folded into the database and the end marked clean. Run has returned by then,
// if it was called.
func (s *Store) Close() error {
	if s.failed {
		return s.close()
	}
	err := s.endInOrder()
	if err == nil {
		err = s.conn.script(`PRAGMA wal_checkpoint(TRUNCATE)`)
	}
	return errors.Join(err, s.close())
}

func (s *Store) close() error {
	var errs []error
	if s.readers != nil {
		errs = append(errs, s.readers.Close())
	}
	if s.conn != nil {
		errs = append(errs, s.conn.close())
	}
	if s.writer != nil {
		errs = append(errs, s.writer.Close())
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("close database: %w", err)
	}
	return nil
}

// SetMaxPages bounds the database to a number of SQLite's pages, now and until the store is closed: what needs more is
// refused as by a full disk. It may be called while Run runs.
func (s *Store) SetMaxPages(n int) error {
	return s.Do(func(*transaction) error {
		return s.conn.script(fmt.Sprintf(`PRAGMA max_page_count = %d`, n))
	})
}

// Do runs one function in a transaction of the writer's and returns its error. It is Submit for the store's own use.
func (s *Store) Do(f func(*transaction) error) error {
	var result error
	err := s.Submit([]channels.Step{{
		Do:   func(tx channels.Tx) error { return f(tx.(*transaction)) },
		Done: func(_ *channels.Delivery, err error) { result = err },
	}})
	return errors.Join(err, result)
}
