package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"unicode"
	"unicode/utf8"

	"golang.org/x/term"
)

// maxTyped is how much of a line is read.
const maxTyped = 4096

// terminal returns the terminal that somebody types at, or nil if standard input is none.
func (s streams) terminal() *os.File {
	if f, ok := s.stdin.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return f
	}
	return nil
}

// newPassword asks for a new password, twice and unseen on a terminal, or reads it from a line of standard input. It
// refuses one that could be set but never sent: words of a command end at blanks and lines at control characters.
func (s streams) newPassword(piped bool) (string, error) {
	password, err := s.anyPassword(piped)
	switch {
	case err != nil:
		return "", err
	case password == "":
		return "", errors.New("the password is empty: type one, or give it on standard input")
	case !utf8.ValidString(password) || strings.ContainsFunc(password, unsendable):
		return "", errors.New("the password has a blank, a control character or no UTF-8, which clients cannot send: choose another")
	}
	return password, nil
}

func unsendable(r rune) bool { return r == ' ' || unicode.IsControl(r) }

func (s streams) anyPassword(piped bool) (string, error) {
	terminal := s.terminal()
	if piped || terminal == nil {
		return s.line()
	}
	first, err := s.unseen(terminal, "Password: ")
	if err != nil {
		return "", err
	}
	again, err := s.unseen(terminal, "Again: ")
	if err == nil && again != first {
		err = errors.New("the two passwords are not the same: nothing was changed")
	}
	return first, err
}

// line reads a line of standard input, without its end.
func (s streams) line() (string, error) {
	line, err := bufio.NewReader(io.LimitReader(s.stdin, maxTyped)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read standard input: %w", err)
	}
	return strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r"), nil
}

// unseen asks for a line on a terminal that does not show it. A signal while it waits ends the command, with the terminal
// as it was; what reads there then goes on until the process ends.
func (s streams) unseen(terminal *os.File, prompt string) (string, error) {
	fd := int(terminal.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return "", fmt.Errorf("ask for the password: %w", err)
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	typed := make(chan typing, 1)
	fmt.Fprint(s.stderr, prompt)
	go func() {
		text, err := term.ReadPassword(fd)
		typed <- typing{string(text), err}
	}()
	defer fmt.Fprintln(s.stderr) // nobody saw the one that was typed
	select {
	case t := <-typed:
		if t.err != nil && !errors.Is(t.err, io.EOF) {
			return "", fmt.Errorf("ask for the password: %w", t.err)
		}
		return t.text, nil
	case <-signals:
		return "", errors.Join(errors.New("interrupted: nothing was changed"), term.Restore(fd, before))
	}
}

// typing is what somebody typed.
type typing struct {
	text string
	err  error
}

// confirm asks whether to go on, and returns an error unless the answer is yes.
func (s streams) confirm(question string) error {
	if s.terminal() == nil {
		return usageError("there is nobody to ask whether to go on: say --yes")
	}
	fmt.Fprint(s.stderr, question)
	answer, err := s.line()
	if err != nil {
		return err
	}
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return nil
	}
	return errors.New("nothing was deleted")
}
