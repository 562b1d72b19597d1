package runner

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// quick are options for a server of a mode, with little patience.
func quick(t *testing.T, mode string) Options {
	t.Helper()
	return Options{Server: fakeServer(t, mode), Timeout: 10 * time.Second, Jobs: 1}
}

// hasty is for servers that are to be found wanting: it is waited out.
const hasty = 100 * time.Millisecond

// write puts cases into a file and returns its path.
func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "cases.json")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// steps makes a case of steps, with bob connected.
func steps(all ...string) string {
	all = append([]string{`{"client": "bob", "connect": true}`}, all...)
	return `{"name": "a case", "steps": [` + strings.Join(all, ",\n") + `]}`
}

// bob makes a step of bob's.
func bob(verb string, v any) string {
	text, err := json.Marshal(v)
	must(err)
	return fmt.Sprintf(`{"client": "bob", %q: %s}`, verb, text)
}

// load loads cases that are good.
func load(t *testing.T, text string) []*Case {
	t.Helper()
	all, err := Load(write(t, text))
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// perform runs cases.
func perform(t *testing.T, o Options, text string) []Result {
	t.Helper()
	results, err := Run(t.Context(), load(t, text), o, nil)
	if err != nil {
		t.Fatal(err)
	}
	return results
}

// wantPass runs cases that must pass.
func wantPass(t *testing.T, o Options, text string) {
	t.Helper()
	for _, r := range perform(t, o, text) {
		if r.Status != Passed {
			t.Errorf("%s: %s %s\n%s", r.Case.Name, r.Status, r.Reason, strings.Join(r.Explain(true), "\n"))
		}
	}
}

// wantDifference runs one case that must fail, and looks for parts in what is said of that.
func wantDifference(t *testing.T, o Options, text string, parts ...string) Result {
	t.Helper()
	r := perform(t, o, text)[0]
	said := strings.Join(r.Explain(false), "\n") + "\n"
	if r.Status != Failed {
		t.Errorf("%s %s", r.Status, r.Reason)
	}
	for _, part := range parts {
		if !strings.Contains(said, part) {
			t.Errorf("without %q:\n%s", part, said)
		}
	}
	return r
}

func want[T comparable](t *testing.T, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("got:\n%v\nwant:\n%v", got, want)
	}
}

// eventually waits for what tells nobody that it has come.
func eventually(t *testing.T, what string, come func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	for !come() {
		select {
		case <-look.C:
		case <-ctx.Done():
			t.Fatal(what)
		}
	}
}
