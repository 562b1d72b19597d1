package store

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/mattn/go-sqlite3"
)

// code is SQLite's code of an error, 0 if it is not SQLite's. The driver returns its errors by value.
func code(err error) sqlite3.ErrNo {
	var e sqlite3.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return 0
}

// explain turns an error of opening the database into one line for the operator.
func explain(path string, err error) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("%s cannot be opened for writing: check that the folder exists and its rights (%w)", path, err)
	}
	switch code(err) {
	case sqlite3.ErrNotADB, sqlite3.ErrCorrupt:
		return fmt.Errorf("%s is damaged or not a database: move it away or restore a backup (%w)", path, err)
	case sqlite3.ErrBusy, sqlite3.ErrLocked:
		return fmt.Errorf("%s is locked by another program: end that program and start again (%w)", path, err)
	case sqlite3.ErrCantOpen, sqlite3.ErrPerm, sqlite3.ErrReadonly:
		return fmt.Errorf("%s cannot be opened for writing: check that the folder exists and its rights (%w)", path, err)
	case sqlite3.ErrFull:
		return fmt.Errorf("%s cannot grow: the disk is full (%w)", path, err)
	}
	return fmt.Errorf("%s: %w", path, err)
}

// busy reports that another program holds the database: every request would wait for it anew.
func busy(err error) bool {
	c := code(err)
	return c == sqlite3.ErrBusy || c == sqlite3.ErrLocked
}

// remedy says what an operator can do about an error that refused a transaction.
func remedy(err error) string {
	switch {
	case busy(err):
		return "end the program that holds the database"
	case code(err) == sqlite3.ErrFull:
		return "free some space on the disk"
	case code(err) != 0:
		return "look at the disk and the rights of the data folder"
	}
	return "none: this is a defect, please report it with this log"
}

// nothingStored reports whether an error of COMMIT means that the transaction can still be taken back. After any other
// error nobody knows what is on the disk.
func nothingStored(err error) bool {
	switch code(err) {
	case sqlite3.ErrFull, sqlite3.ErrBusy:
		return true
	}
	return false
}
