//go:build linux

// Package promises_test holds the node to what it promises (native protocol §4 and more), as a process of its own that is
// killed, filled up, kept waiting and told to stop at the worst of moments.
package promises_test

import (
	"cmp"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"go.uber.org/goleak"

	"chatnode/node/config"
	"chatnode/tests/harness"
)

var (
	seedFlag   = flag.Uint64("seed", 0, "begin with this seed, as a failed run has printed it; also CHATNODE_SEED; 0: a new one")
	roundsFlag = flag.Int("rounds", 40, "how often TestHeardIsStored kills the node")
	binary     = flag.String("binary", "", "the chatnode to test; empty: build it")
)

func TestMain(m *testing.M) {
	flag.Parse()
	folder, err := build()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		if err := os.RemoveAll(folder); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		os.Exit(code)
	}))
}

// build builds the binary, unless one was given, in a folder that is to be removed.
func build() (folder string, err error) {
	if *binary != "" {
		*binary, err = filepath.Abs(*binary)
		return "", err
	}
	if folder, err = os.MkdirTemp("", "promises-"); err != nil {
		return "", err
	}
	*binary = filepath.Join(folder, "chatnode")
	if out, err := exec.Command("go", "build", "-o", *binary, "chatnode/cmd/chatnode").CombinedOutput(); err != nil {
		return folder, fmt.Errorf("build chatnode: %w\n%s", err, out)
	}
	return folder, nil
}

// dice returns the test's random numbers. Their seed is printed.
func dice(t *testing.T) *rand.Rand {
	t.Helper()
	given, err := strconv.ParseUint(cmp.Or(os.Getenv("CHATNODE_SEED"), "0"), 10, 64)
	if err != nil {
		t.Fatalf("CHATNODE_SEED: %v", err)
	}
	seed := cmp.Or(*seedFlag, given, uint64(time.Now().UnixNano()))
	t.Logf("seed %d (run again with -seed or CHATNODE_SEED)", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// configure returns the configuration of a node that keeps all that it is told through a cut of the power, gone over by
// changes.
func configure(t *testing.T, changes ...func(*config.Config)) config.Config {
	t.Helper()
	c := harness.Config(t)
	c.Store.Durability = config.Power
	for _, change := range changes {
		change(&c)
	}
	return c
}

func start(t *testing.T, c config.Config, wrapper ...string) *harness.Process {
	t.Helper()
	return harness.StartProcess(t, *binary, c, wrapper...)
}
