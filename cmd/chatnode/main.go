// Command chatnode runs a chat node, and is how its operator looks after it. `chatnode --help` says all that it can do.
//
// It exits with 0 when what was asked is done, 1 when it failed and 2 when the command line is not understood.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// The exit codes.
const (
	done          = 0
	failed        = 1
	misunderstood = 2
)

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

// streams are those of the process, or a test's.
type streams struct {
	stdin          io.Reader
	stdout, stderr io.Writer
}

// run carries a command line out and returns the exit code.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	s := streams{stdin, stdout, stderr}
	command, err := parse(args, s)
	if err == nil && command != nil {
		err = command.Run(s)
	}
	return s.conclude(err)
}

// conclude tells the operator of an error, in one line, and returns the exit code. Only what is wrong with a
// configuration takes a line each.
func (s streams) conclude(err error) int {
	if err == nil {
		return done
	}
	text := strings.ReplaceAll(err.Error(), "\n", "; ")
	if bad, ok := errors.AsType[badConfig](err); ok {
		text = strings.ReplaceAll(bad.Error(), "\n", "\nchatnode: ")
	}
	fmt.Fprintln(s.stderr, "chatnode: "+text) // there is nobody to tell that this fails
	if _, ok := errors.AsType[usageError](err); ok {
		return misunderstood
	}
	return failed
}

// print writes a command's answer.
func (s streams) print(text string) error {
	if _, err := fmt.Fprint(s.stdout, text); err != nil {
		return fmt.Errorf("write the answer: %w", err)
	}
	return nil
}

// printJSON writes a command's answer for programs.
func (s streams) printJSON(v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("write the answer: %w", err)
	}
	return s.print(string(text) + "\n")
}

// A usageError is a command line that is not understood.
type usageError string

func (u usageError) Error() string { return string(u) + " (chatnode --help shows what there is)" }
