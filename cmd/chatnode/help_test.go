package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"chatnode/node"
	"chatnode/node/config"
)

// patience is how long a test waits for what should happen at once.
const patience = 30 * time.Second

// write makes a file in a folder and returns its path.
func write(t *testing.T, folder, name, text string) string {
	t.Helper()
	path := filepath.Join(folder, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// basics begins the configurations of tests: any port, cheap passwords, a log of what went wrong. More keys of [log] may
// follow.
const basics = `host = "test.example"
listen.chat = "127.0.0.1:0"
accounts.bcrypt_cost = 4
[log]
level = "warn"
`

// wantRun runs a command line in this process and returns what it wrote.
func wantRun(t *testing.T, code int, stdin string, args ...string) (stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	if got := run(args, strings.NewReader(stdin), &out, &errs); got != code {
		t.Errorf("chatnode %s: exit code %d, want %d: %s", strings.Join(args, " "), got, code, &errs)
	}
	return out.String(), errs.String()
}

func want(t *testing.T, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func wantPart(t *testing.T, got, part string) {
	t.Helper()
	if !strings.Contains(got, part) {
		t.Errorf("got:\n%s\nwithout:\n%s", got, part)
	}
}

// startNode runs a node in this process until the test ends.
func startNode(t *testing.T, file string) {
	t.Helper()
	cfg, err := config.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	n, err := node.New(t.Context(), cfg, node.Options{Log: hclog.NewNullLogger()})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- n.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// A screen keeps what is written to it and lets tests wait for it.
type screen struct {
	mu      sync.Mutex
	text    strings.Builder // guarded by mu
	changed chan struct{}   // guarded by mu; closed by the next Write, made by who waits
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.changed != nil {
		close(s.changed)
		s.changed = nil
	}
	return s.text.Write(p)
}

func (s *screen) String() string {
	text, _ := s.look()
	return text
}

// look returns what there is, and a channel that is closed when there is more.
func (s *screen) look() (string, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.changed == nil {
		s.changed = make(chan struct{})
	}
	return s.text.String(), s.changed
}

// wait waits until a text has been written, and returns all that has.
func (s *screen) wait(t *testing.T, part string) string {
	t.Helper()
	late := time.After(patience)
	for {
		text, changed := s.look()
		if strings.Contains(text, part) {
			return text
		}
		select {
		case <-changed:
		case <-late:
			t.Fatalf("no %q in:\n%s", part, text)
		}
	}
}

// eventually waits for what tells nobody that it has come.
func eventually(t *testing.T, what string, come func() bool) {
	t.Helper()
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	late := time.After(patience)
	for !come() {
		select {
		case <-look.C:
		case <-late:
			t.Fatalf("%s: not in %s", what, patience)
		}
	}
}
