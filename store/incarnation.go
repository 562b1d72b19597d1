package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// incarnationFile stands beside the database and holds the highest incarnation and number of turns (starts and orderly
// ends) that it ever had, so that a database copied back by hand is seen to be behind.
const incarnationFile = "incarnation"

// age is how far a database has come.
type age struct {
	incarnation, turns int64
	epochs             int64 // in the file only: epochs up to here may have been given
}

func (a age) behind(b age) bool { return a.incarnation < b.incarnation || a.turns < b.turns }

// epochBlock is how many epochs the file is ahead of those that were given.
const epochBlock = 1024

// idBlock is how many message numbers are reserved by one write.
const idBlock = 4096

// ids numbers the messages that people of this node say: (incarnation, n) is given once.
type ids struct{ n, reserved int64 } // the last given, and the last that may be given without a write

// settle makes the node's row, or decides whether this database may have lost the end of its log since it last ran: if it
// is behind its incarnation file, or a run did not end in order whose commits an end of the machine may take back. Then
// the incarnation is raised and every channel goes on in a new epoch, so that no number is given twice.
func (s *Store) settle(folder string, d Durability) error {
	s.ageFile = filepath.Join(folder, incarnationFile)
	filed, err := readAge(s.ageFile)
	if err != nil {
		return err
	}
	var now age
	var reserved int64
	var running Durability
	found, err := s.conn.one(`SELECT first_incarnation, incarnation, turns, reserved, running FROM node`, nil,
		&s.first, &now.incarnation, &now.turns, &reserved, &running)
	if err != nil {
		return err
	}
	behind := found && now.behind(filed) || running == Process
	if !found || behind {
		now.incarnation, reserved = max(now.incarnation+1, filed.incarnation+1, s.now().Unix()), 0
	}
	now.turns = max(now.turns, filed.turns) + 1
	now.epochs = filed.epochs
	s.raised = behind || !found && filed.incarnation > 0
	switch {
	case !found:
		s.first = now.incarnation
		if s.raised {
			s.first = filed.incarnation // of the database that is lost
		}
		err = s.conn.exec(`INSERT INTO node (id, first_incarnation, incarnation, reserved, last_epoch, turns, running) VALUES (1, ?, ?, 0, ?, ?, ?)`,
			s.first, now.incarnation, filed.epochs, now.turns, d)
	case behind:
		s.log.Warn("the end of the log may be lost: going on in a new incarnation", "incarnation", now.incarnation)
		err = s.settleRaised(now, d)
	default:
		err = s.conn.exec(`UPDATE node SET turns = ?, running = ?`, now.turns, d)
	}
	if err != nil {
		return err
	}
	var last int64
	if _, err := s.conn.one(`SELECT last_epoch FROM node`, nil, &last); err != nil {
		return err
	}
	now.epochs = max(now.epochs, last)
	s.ids = ids{n: reserved, reserved: reserved}
	s.age = now
	return writeAge(s.ageFile, now)
}

// Raised reports whether this start took up a new incarnation, because the end of the log may be lost.
func (s *Store) Raised() bool { return s.raised }

// Incarnation is the node's as it starts. Before Run.
func (s *Store) Incarnation() int64 { return s.age.incarnation }

// settleRaised is settle's way to a new incarnation.
func (s *Store) settleRaised(to age, d Durability) error {
	steps := []func() error{
		func() error { return s.conn.exec(`BEGIN IMMEDIATE`) },
		func() error { return s.conn.exec(`UPDATE node SET turns = ?, running = ?`, to.turns, d) },
		func() error { return s.conn.raise(to, s.now().Unix()) },
		func() error { return s.conn.exec(`COMMIT`) },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return errors.Join(err, s.conn.rollback())
		}
	}
	return nil
}

// raise takes up a new incarnation, and opens a new epoch for every channel of this node, at its head.
// Its epoch is above any that may have been given.
func (c *conn) raise(to age, seconds int64) error {
	err := c.exec(`UPDATE node SET incarnation = ?, reserved = 0, last_epoch = max(last_epoch + 1, ?)`,
		to.incarnation, max(seconds, to.incarnation, to.epochs+1))
	if err == nil {
		err = c.exec(`DELETE FROM asked`)
	}
	if err != nil {
		return err
	}
	err = c.exec(`INSERT INTO epoch (channel, epoch, base)
		SELECT id, (SELECT last_epoch FROM node), head FROM channel WHERE home = 0 AND deleted = 0`)
	if err != nil {
		return err
	}
	return c.exec(`UPDATE channel SET epoch = (SELECT last_epoch FROM node) WHERE home = 0 AND deleted = 0`)
}

// endInOrder marks the end of a run.
func (s *Store) endInOrder() error {
	s.age.turns++
	if err := s.conn.exec(`UPDATE node SET turns = ?, running = ''`, s.age.turns); err != nil {
		return err
	}
	return writeAge(s.ageFile, s.age)
}

func readAge(path string) (a age, err error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return age{}, nil
	}
	if err != nil {
		return age{}, fmt.Errorf("read the incarnation: %w", err)
	}
	if n, _ := fmt.Sscan(string(text), &a.incarnation, &a.turns, &a.epochs); n < 2 { // the third is missing in old files
		return age{}, fmt.Errorf("%s does not hold two numbers: put the highest incarnation there that the node ever had, or the seconds since 1970, and 0", path)
	}
	return a, nil
}

// writeAge replaces the file in one step.
func writeAge(path string, a age) error {
	next := path + ".next"
	f, err := os.OpenFile(next, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("write the incarnation: %w", err)
	}
	_, err = fmt.Fprintln(f, a.incarnation, a.turns, a.epochs)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(next, path)
	}
	if err != nil {
		return fmt.Errorf("write the incarnation: %w", err)
	}
	return nil
}
