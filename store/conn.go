package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/mattn/go-sqlite3"
)

// conn is the one connection that writes, with its statements prepared once. It belongs to one goroutine at a time.
//
// Every call runs without a deadline: a context that can end would cost the driver a goroutine a statement.
type conn struct {
	sql        *sql.Conn
	statements map[string]*sql.Stmt
}

func newConn(ctx context.Context, db *sql.DB) (*conn, error) {
	c, err := db.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	return &conn{c, map[string]*sql.Stmt{}}, nil
}

func (c *conn) prepared(query string) (*sql.Stmt, error) {
	if s := c.statements[query]; s != nil {
		return s, nil
	}
	s, err := c.sql.PrepareContext(context.Background(), query)
	if err != nil {
		return nil, fmt.Errorf("prepare %q: %w", firstLine(query), err)
	}
	c.statements[query] = s
	return s, nil
}

func (c *conn) exec(query string, args ...any) error {
	_, err := c.execCount(query, args...)
	return err
}

// execCount returns the number of rows that the statement changed.
func (c *conn) execCount(query string, args ...any) (int64, error) {
	r, err := c.run(query, args)
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

// insert returns the row's id.
func (c *conn) insert(query string, args ...any) (int64, error) {
	r, err := c.run(query, args)
	if err != nil {
		return 0, err
	}
	return r.LastInsertId()
}

func (c *conn) run(query string, args []any) (sql.Result, error) {
	s, err := c.prepared(query)
	if err != nil {
		return nil, err
	}
	r, err := s.ExecContext(context.Background(), args...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", firstLine(query), err)
	}
	return r, nil
}

// one scans the first row into dest; found is false where there is none.
func (c *conn) one(query string, args []any, dest ...any) (found bool, err error) {
	s, err := c.prepared(query)
	if err != nil {
		return false, err
	}
	err = s.QueryRowContext(context.Background(), args...).Scan(dest...)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("%s: %w", firstLine(query), err)
	}
	return true, nil
}

// each calls f for every row; f scans it.
func (c *conn) each(query string, args []any, f func(*sql.Rows) error) error {
	s, err := c.prepared(query)
	if err != nil {
		return err
	}
	rows, err := s.QueryContext(context.Background(), args...)
	if err != nil {
		return fmt.Errorf("%s: %w", firstLine(query), err)
	}
	return eachRow(rows, query, f)
}

func eachRow(rows *sql.Rows, query string, f func(*sql.Rows) error) error {
	defer rows.Close() //nolint:errcheck // rows.Err below tells what Close would
	for rows.Next() {
		if err := f(rows); err != nil {
			return fmt.Errorf("%s: %w", firstLine(query), err)
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("%s: %w", firstLine(query), err)
	}
	return nil
}

// script runs statements unprepared: several, or a PRAGMA that answers with a row, which a prepared one would keep open.
func (c *conn) script(sql string) error {
	_, err := c.sql.ExecContext(context.Background(), sql)
	return err
}

// open reports whether a transaction is open: SQLite closes one by itself after some errors.
func (c *conn) open() (bool, error) {
	var open bool
	err := c.sql.Raw(func(driver any) error {
		open = !driver.(*sqlite3.SQLiteConn).AutoCommit()
		return nil
	})
	if err != nil {
		return false, fmt.Errorf("ask for the transaction's state: %w", err)
	}
	return open, nil
}

// rollback takes back the open transaction, if SQLite has not done so already.
func (c *conn) rollback() error {
	open, err := c.open()
	if err != nil || !open {
		return err
	}
	return c.exec(`ROLLBACK`)
}

func (c *conn) close() error {
	var errs []error
	for _, s := range c.statements {
		errs = append(errs, s.Close())
	}
	return errors.Join(append(errs, c.sql.Close())...)
}

// checkPragmas reads back what the DSN asked for, as the driver passes over what it does not know.
func (c *conn) checkPragmas(synchronous string) error {
	want := map[string]string{
		"journal_mode": "wal",
		"synchronous":  map[string]string{"NORMAL": "1", "FULL": "2"}[synchronous],
		"foreign_keys": "1",
		"busy_timeout": "5000",
	}
	for pragma, value := range want {
		var got string
		if _, err := c.one(`PRAGMA `+pragma, nil, &got); err != nil {
			return err
		}
		if got != value {
			return fmt.Errorf("PRAGMA %s is %q, want %q: the database's settings did not take", pragma, got, value)
		}
	}
	return nil
}

func firstLine(query string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(query), "\n")
	return line
}
