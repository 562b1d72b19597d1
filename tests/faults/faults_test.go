//go:build linux

// Package faults_test lets people talk on linked nodes, as real processes, while the links are cut, frozen and garbled and
// the nodes killed, filled up and set back to backups, at random from a seed that is printed. In the end, when all is
// healed, nothing may be lost that any node still has, nothing said twice, and nothing shown in two orders.
package faults_test

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

var (
	seedFlag   = flag.Uint64("seed", 0, "begin with this seed, as a failed walk has printed it; also CHATNODE_SEED; 0: 1, 2, 3 …")
	walksFlag  = flag.Int("walks", 3, "how many walks, each with the next seed")
	lengthFlag = flag.Duration("length", 6*time.Second, "how long faults happen in each")
	planFlag   = flag.String("plan", "", "a file with the faults, as they are printed, in the place of those of the seed")
	keepFlag   = flag.String("keep", "", "a folder for the files of walks that fail")
	hotFlag    = flag.Bool("hot", false, "take backups of nodes that run, as no operator should")
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
	if folder, err = os.MkdirTemp("", "faults-"); err != nil {
		return "", err
	}
	*binary = filepath.Join(folder, "chatnode")
	if out, err := exec.Command("go", "build", "-o", *binary, "chatnode/cmd/chatnode").CombinedOutput(); err != nil {
		return folder, fmt.Errorf("build chatnode: %w\n%s", err, out)
	}
	return folder, nil
}

// firstSeed is the seed to begin with.
func firstSeed(t *testing.T) uint64 {
	t.Helper()
	given, err := strconv.ParseUint(cmp.Or(os.Getenv("CHATNODE_SEED"), "0"), 10, 64)
	if err != nil {
		t.Fatalf("CHATNODE_SEED: %v", err)
	}
	return cmp.Or(*seedFlag, given, 1)
}

// federates reports whether the build links nodes: whether it takes a peers file.
var federates = sync.OnceValues(func() (bool, error) {
	folder, err := os.MkdirTemp("", "faults-")
	if err != nil {
		return false, err
	}
	defer os.RemoveAll(folder) //nolint:errcheck // it is in the system's temporary folder
	peers, file := filepath.Join(folder, "peers.txt"), filepath.Join(folder, "chatnode.toml")
	text := fmt.Sprintf("host = \"a.test\"\n[federation]\npeers = %q\n", peers)
	if err := errors.Join(os.WriteFile(peers, nil, 0o600), os.WriteFile(file, []byte(text), 0o600)); err != nil {
		return false, err
	}
	out, err := exec.Command(*binary, "check", file).CombinedOutput()
	if err != nil && strings.Contains(string(out), "not in this build") {
		return false, nil
	} else if err != nil {
		return false, fmt.Errorf("check a configuration with peers: %w: %s", err, out)
	}
	return true, nil
})

// mustFederate skips a test that needs linked nodes where the build has none.
func mustFederate(t *testing.T) {
	t.Helper()
	can, err := federates()
	if err != nil {
		t.Fatal(err)
	}
	if !can {
		t.Skip("THE WALKS ARE SKIPPED: this build does not link nodes (federation.peers)")
	}
}

// clockMoves reports whether the build has a clock that can be moved.
var clockMoves = sync.OnceValue(func() bool {
	text, err := os.ReadFile(*binary)
	return err == nil && strings.Contains(string(text), clockVariable)
})

var three = []string{"a", "b", "c"}

// TestWalk lets three linked nodes suffer, each walk in its own way.
func TestWalk(t *testing.T) {
	mustFederate(t)
	first := firstSeed(t)
	for i := range *walksFlag {
		p := newPlan(first+uint64(i), *lengthFlag, three)
		if *planFlag != "" {
			p.faults = readPlan(t, *planFlag)
		}
		t.Run(fmt.Sprint("seed-", p.seed), func(t *testing.T) {
			t.Parallel()
			run(t, p)
		})
	}
}

// TestOneNodeSuffers does the same to a node that is linked to no other.
func TestOneNodeSuffers(t *testing.T) {
	p := newPlan(firstSeed(t), *lengthFlag, three[:1])
	if *planFlag != "" {
		p.faults = readPlan(t, *planFlag)
	}
	t.Parallel()
	run(t, p)
}

// readPlan reads faults, one a line.
func readPlan(t *testing.T, file string) (faults []fault) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return parsePlan(t, string(text))
}

func parsePlan(t *testing.T, text string) (faults []fault) {
	t.Helper()
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		f, err := parseFault(line)
		if err != nil {
			t.Fatal(err)
		}
		faults = append(faults, f)
	}
	return faults
}

// regressions are walks that have failed once.
var regressions = []struct {
	name   string
	seed   uint64
	length time.Duration
	faults string // in the place of those of the seed; empty: those
	stay   bool   // nobody leaves a place
}{
	{name: "the home goes back to the same backup twice", seed: 14, length: 3 * time.Second, faults: `
		500ms 100ms restore b kill 0
		1.5s 100ms restore b kill 0`, stay: true},
	{name: "what a peer has is asked for after another start of the restored home", seed: 14, length: 7 * time.Second, faults: `
		0s 1.6s sever a-b
		1.2s 5s kill c
		1.3s 200ms restore b kill 0
		5s 200ms term b`, stay: true},
	{name: "who gave back what a home had lost loses its own disk", seed: 14, length: 5 * time.Second, faults: `
		800ms 2s kill c
		1s 200ms restore a kill 0
		3.5s 200ms restore b kill 0`, stay: true},
	{name: "what was given back to its home is stored, for who said it", seed: 14, length: 4 * time.Second, faults: `
		500ms 1.05s cut a-b back
		1.5s 200ms restore b kill 0
		1.55s 900ms sever b-c`, stay: true},
	{name: "who has left is not a member because the home was restored", seed: 14, length: 5 * time.Second, faults: `
		0s 4s kill b
		1.5s 100ms restore c kill 0`},
	{name: "a home goes back to an older backup and then to a newer one", seed: 14, length: 6 * time.Second, faults: `
		1.5s 0s backup b
		2s 100ms restore b kill 0
		4s 100ms restore b kill 1`, stay: true},
}

// TestFaultsOfThePast walks again where a defect was found.
func TestFaultsOfThePast(t *testing.T) {
	mustFederate(t)
	for _, r := range regressions {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			p := newPlan(r.seed, r.length, three)
			p.stay = r.stay
			if r.faults != "" {
				p.faults = parsePlan(t, r.faults)
			}
			run(t, p)
		})
	}
}
