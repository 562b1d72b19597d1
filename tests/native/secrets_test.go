package native_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"chatnode/tests/harness"
)

func TestNoPasswordStandsInTheDatabaseOrInTheLog(t *testing.T) {
	n := harness.Start(t)
	secrets := []string{"s3cret-first", "s3cret-next", "s3cret-guess", "s3cret-root"}
	n.AddAdmin("root", "s3cret-root")
	c := n.Connect()
	c.Send("REGISTER bob s3cret-first",
		"REGISTER bob s3cret-guess",
		"REGISTER b@b s3cret-guess",
		"REGISTER eve s3cret-guess too many",
		"REGISTER eve s3cret-guess\x00",
		"register eve s3cret-guess",
		"LOGIN bob s3cret-guess",
		"LOGIN nobody s3cret-guess",
		"LOGIN bob s3cret-guess too many",
		"LOGIN bob s3cret-guess\xff",
		"LOGIN bob s3cret-first",
		"LOGIN bob s3cret-first",
		"PASSWD s3cret-guess s3cret-next",
		"PASSWD s3cret-first s3cret-next too many",
		"PASSWD s3cret-first s3cret-next",
		"UNREGISTER s3cret-guess",
		"LOGOUT",
		"LOGIN root s3cret-root",
		"LOGOUT",
		"LOGIN bob s3cret-next")
	answers := c.Drain()
	if last := answers[len(answers)-1]; last != "RESULT LOGIN 1" {
		t.Fatalf("the last answer is %q", last)
	}
	for _, answer := range answers {
		noSecret(t, "an answer", []byte(answer), secrets)
	}
	searchFolder(t, n.Config.Data, secrets)
	c.Ask("UNREGISTER s3cret-next", "RESULT UNREGISTER 1")
	n.Stop()
	searchFolder(t, n.Config.Data, secrets)
	noSecret(t, "the log", []byte(n.Log.String()), secrets)
	if !n.Log.Contains("connection opened") {
		t.Error("the log does not say what it says at its finest")
	}
}

func searchFolder(t *testing.T, folder string, secrets []string) {
	t.Helper()
	found := 0
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		noSecret(t, path, text, secrets)
		if bytes.Contains(text, []byte("bob")) {
			found++
		}
		return err
	})
	if err != nil || found == 0 {
		t.Errorf("no file holds the account: %v", err)
	}
}

func noSecret(t *testing.T, where string, text []byte, secrets []string) {
	t.Helper()
	for _, s := range secrets {
		if bytes.Contains(text, []byte(s)) {
			t.Errorf("%s holds the password %s", where, s)
		}
	}
}
