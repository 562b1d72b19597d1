package conformance

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"chatnode/tests/runner"
)

// The environment that makes this test program a wrong server: which lie it tells, and where the real node's program is.
const (
	envLie    = "CHATNODE_TEST_LIE"
	envBinary = "CHATNODE_TEST_BINARY"
)

// binary is the node's program, built once.
var binary string

func TestMain(m *testing.M) {
	if name := os.Getenv(envLie); name != "" {
		if err := runLiar(name, os.Getenv(envBinary), os.Args[1]); err != nil {
			fmt.Fprintln(os.Stderr, "liar:", err)
			os.Exit(1)
		}
		return
	}
	os.Exit(testMain(m))
}

func testMain(m *testing.M) (code int) {
	folder, err := os.MkdirTemp("", "chatnode-conformance-")
	if err == nil {
		defer func() {
			if err := os.RemoveAll(folder); err != nil {
				fmt.Fprintln(os.Stderr, err)
				code = 1
			}
		}()
		binary = filepath.Join(folder, "chatnode")
		var said []byte
		if said, err = exec.Command("go", "build", "-o", binary, "chatnode/cmd/chatnode").CombinedOutput(); err != nil {
			err = fmt.Errorf("%w: %s", err, said)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "build the program:", err)
		return 1
	}
	return m.Run()
}

// cases is every case.
func cases(t *testing.T) []*runner.Case {
	t.Helper()
	all, err := runner.Load("../cases")
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// run carries cases out.
func run(t *testing.T, all []*runner.Case, o runner.Options) []runner.Result {
	t.Helper()
	o.Jobs = jobs
	results, err := runner.Run(context.Background(), all, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	return results
}

// jobs is how many cases run at once. They wait more than they work.
const jobs = 4

// failed returns the results of the cases that failed.
func failed(results []runner.Result) []runner.Result {
	return slices.DeleteFunc(results, func(r runner.Result) bool { return r.Status != runner.Failed })
}

// wantPassed fails unless every case passed.
func wantPassed(t *testing.T, results []runner.Result) {
	t.Helper()
	for _, r := range results {
		if r.Status != runner.Passed {
			t.Errorf("%s:%d: %s: %s: %v %s", r.Case.File, r.Case.Line, r.Case.Name, r.Status, r.Difference, r.Reason)
		}
	}
}

func truth() runner.Options {
	return runner.Options{Server: []string{binary, "serve", "{config}"}, Own: true}
}

// lying is a wrong server. What it does not say is not waited for long.
func lying(name string) runner.Options {
	return runner.Options{
		Server:  []string{"env", envLie + "=" + name, envBinary + "=" + binary, os.Args[0], "{config}"},
		Own:     true,
		Timeout: 500 * time.Millisecond,
	}
}

func TestTheNodePassesEveryCase(t *testing.T) {
	all := cases(t)
	if len(all) < 450 {
		t.Errorf("only %d cases", len(all))
	}
	wantPassed(t, run(t, all, truth()))
}

func TestEveryWrongServerIsCaught(t *testing.T) {
	all := cases(t)
	for _, k := range []struct{ lie, caught string }{
		{"loses every RECV", "the sender hears its own message"},
		{"answers with CRLF", "REGISTER is answered 1"},
		{"answers in the wrong order", "several lines in one segment are answered in their order"},
		{"sends no trailing blank", "an empty list has its trailing blank"},
		{"accepts a double login", "a user who is on line in one session of version 0.1 cannot log in to a second"},
		{"dies on a long line", "an over-long line is discarded up to its end, nothing in it is a command"},
		{"dials nobody", "a peer whose connection ends is dialled again"},
	} {
		one := slices.DeleteFunc(slices.Clone(all), func(c *runner.Case) bool { return c.Name != k.caught })
		if len(one) != 1 {
			t.Errorf("there is no case %q", k.caught)
		} else if len(failed(run(t, one, lying(k.lie)))) != 1 {
			t.Errorf("a server that %s passes %q", k.lie, k.caught)
		}
	}
}

// TestEveryCaseCatchesAWrongServer tries each case on one wrong server after the other, until one fails it.
func TestEveryCaseCatchesAWrongServer(t *testing.T) {
	left := cases(t)
	for _, l := range lies {
		if len(left) == 0 {
			return
		}
		caught := map[string]bool{}
		for _, r := range failed(run(t, left, lying(l.name))) {
			caught[r.Case.Name] = true
		}
		left = slices.DeleteFunc(left, func(c *runner.Case) bool { return caught[c.Name] })
		t.Logf("a server that %s fails %d cases, %d are left", l.name, len(caught), len(left))
	}
	for _, c := range left {
		t.Errorf("%s:%d: no wrong server fails %q", c.File, c.Line, c.Name)
	}
}

// TestNothingButTheLieFailsACase is the control of TestEveryCaseCatchesAWrongServer.
func TestNothingButTheLieFailsACase(t *testing.T) {
	o := lying(truthful)
	o.Timeout = 0
	wantPassed(t, run(t, cases(t), o))
}

func TestALieThatIsNoneIsRefused(t *testing.T) {
	if err := runLiar("flatters", binary, "none.toml"); err == nil || errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

// TestAServerThatIsNotOursIsMarked runs what the assignment states against a server that shares nothing with chatnode.
func TestAServerThatIsNotOursIsMarked(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("there is no python3 here")
	}
	all := runner.Select(cases(t), nil, []string{"v0.1"})
	if len(all) < 50 {
		t.Errorf("only %d cases of version 0.1", len(all))
	}
	o := runner.Options{Server: []string{python, "../servers/minimal.py", "{port}"}}
	wantPassed(t, run(t, all, o))
}
