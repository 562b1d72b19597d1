package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"syscall"
	"time"

	"golang.org/x/term"

	"chatnode/tests/runner"
)

type testCmd struct {
	Paths    []string      `arg:"" name:"file|dir" help:"Case files, and folders of them."`
	Server   string        `placeholder:"CMD" help:"What starts the server under test; this program, unless you say. {port}, {peers}, {config} and {dir} are filled in."`
	Address  string        `placeholder:"HOST:PORT" help:"Use the server that runs there."`
	EOL      string        `name:"eol" enum:"lf,crlf,none" default:"lf" help:"How clients end their lines: lf, crlf or none."`
	Timeout  time.Duration `default:"2s" help:"How long a line may take to come."`
	Jobs     int           `placeholder:"N" help:"Run so many cases at once; as many as there are processors, unless you say."`
	Names    string        `name:"run" placeholder:"REGEXP" help:"Only cases with a name that this finds something in."`
	Tags     []string      `placeholder:"TAG" help:"Only cases with one of these tags."`
	FailFast bool          `help:"Begin no more cases after one has failed."`
	Verbose  bool          `short:"v" help:"Show with a difference what was last sent and heard, and what the servers wrote."`
	Report   string        `placeholder:"FILE" help:"Write [{\"a case\": \"Passed\"}, …] there; the others are \"Failed\" or \"Skipped\"."`
	Details  string        `placeholder:"FILE" help:"Write all there is to know of each case there, as JSON."`
	Junit    string        `name:"junit" placeholder:"FILE" help:"Write JUnit's XML there."`
}

// Help is shown by --help.
func (testCmd) Help() string {
	return `It says at the first difference in a case what was expected and what came. It exits with 0 if all cases passed, 1 if
some failed, and 2 if a case file or the command line is wrong.

A server is started anew for each node of each case, and ended with all the processes that it has started. Its command is
split into words as a shell does, quotes and all, and run without a shell. In each word {port} becomes the port of
127.0.0.1 to listen on, {dir} an empty folder, {peers} a file with the address of another server, host:port, on each line,
and {config} a configuration of this program that says all that too. It runs in the working folder: one that keeps files
there is better started with sh -c 'cd {dir} && …'. It is on when it listens, for which it has 10 seconds. A command that
takes no port is expected to listen at --address. With a fixed address one case runs at a time.

What a server cannot be given or told (a configuration without {config}, peers without {peers}, a stop or a start at
--address) skips the cases that need it.

Examples:

  chatnode test tests/cases
  chatnode test tests/cases --run 'channel|JOIN' -v
  chatnode test tests/cases --server "python3 server.py {port}" --report report.json
  chatnode test login.json --address 127.0.0.1:5050 --eol crlf --timeout 500ms
  chatnode test tests/cases --tags v0.1 --fail-fast --details details.json --junit junit.xml`
}

// Run runs the cases.
func (c *testCmd) Run(s streams) error {
	options, err := c.options()
	if err != nil {
		return err
	}
	chosen, err := c.cases()
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends this program at once, and every server that it has started

	p := &runner.Printer{Out: s.stdout, Bar: s.bar(), Verbose: c.Verbose}
	p.Begin(len(chosen))
	results, err := runner.Run(ctx, chosen, options, p.Finished)
	if err != nil {
		return usageError(err.Error())
	}
	err = errors.Join(c.write(results), p.End(results), verdict(results))
	if ctx.Err() != nil {
		err = errors.Join(errors.New("interrupted"), err)
	}
	return err
}

// bar returns where a progress bar can be drawn, or nil.
func (s streams) bar() io.Writer {
	if f, ok := s.stderr.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return f
	}
	return nil
}

// options are those of the command line.
func (c *testCmd) options() (runner.Options, error) {
	o := runner.Options{
		Address: c.Address, EOL: runner.EOL(c.EOL), Timeout: c.Timeout, Jobs: c.Jobs, FailFast: c.FailFast,
	}
	switch {
	case c.Timeout <= 0:
		return o, usageError("--timeout: a line needs some time to come")
	case c.Jobs < 0:
		return o, usageError("--jobs: fewer than none cannot be done")
	case c.Server != "":
		words, err := runner.SplitCommand(c.Server)
		if err != nil {
			return o, usageError("--server: " + err.Error())
		}
		o.Server = words
	case c.Address == "":
		self, err := os.Executable()
		if err != nil {
			return o, fmt.Errorf("find this program, to start it as the server: %w", err)
		}
		o.Server, o.Own = []string{self, "serve", "{config}"}, true
	}
	if err := o.Check(); err != nil {
		return o, usageError(err.Error())
	}
	return o, nil
}

// cases loads the cases and chooses among them.
func (c *testCmd) cases() ([]*runner.Case, error) {
	var names *regexp.Regexp
	if c.Names != "" {
		var err error
		if names, err = regexp.Compile(c.Names); err != nil {
			return nil, usageError("--run: " + err.Error())
		}
	}
	all, err := runner.Load(c.Paths...)
	if _, wrong := errors.AsType[runner.Problems](err); wrong {
		return nil, badCases{err}
	}
	if err != nil {
		return nil, usageError(err.Error())
	}
	chosen := runner.Select(all, names, c.Tags)
	if len(chosen) == 0 {
		return nil, usageError(fmt.Sprintf("none of the %d cases has such a name and tag", len(all)))
	}
	return chosen, nil
}

// badCases is all that is wrong with case files. Like a configuration's, its lines are told one by one; like a command
// line's, it ends the program with 2.
type badCases struct{ error }

func (b badCases) Unwrap() []error { return []error{badConfig(b), usageError("")} }

// write writes the files that were asked for.
func (c *testCmd) write(results []runner.Result) error {
	return errors.Join(
		toFile(c.Report, results, runner.WriteReport),
		toFile(c.Details, results, runner.WriteDetails),
		toFile(c.Junit, results, runner.WriteJUnit),
	)
}

// toFile writes results to a file, if it has a path.
func toFile(path string, results []runner.Result, write func(io.Writer, []runner.Result) error) error {
	if path == "" {
		return nil
	}
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("write the results: %w", err)
	}
	return errors.Join(write(f, results), f.Close())
}

// verdict is an error if a case failed.
func verdict(results []runner.Result) error {
	failed := 0
	for _, r := range results {
		if r.Status == runner.Failed {
			failed++
		}
	}
	if failed == 0 {
		return nil
	}
	return fmt.Errorf("%d of %d cases failed", failed, len(results))
}
