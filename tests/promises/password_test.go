//go:build linux

package promises_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"chatnode/node/config"
	"chatnode/tests/harness"
)

// TestThePasswordIsNowhere gives a node many passwords, right and wrong, in lines good and bad, and looks for them in all
// that it wrote, while it runs, after a kill and after a stop.
func TestThePasswordIsNowhere(t *testing.T) {
	c := configure(t, func(c *config.Config) {
		c.Log.Level = config.LevelTrace
		c.Log.Format = config.FormatJSON
	})
	for _, end := range []func(*harness.Process){(*harness.Process).Kill, func(n *harness.Process) { stop(t, n) }} {
		n := start(t, c)
		tellPasswords(t, n)
		leaks(t, c.Data, n)
		end(n)
		leaks(t, c.Data, n)
	}
}

// Each password that is told has this in it, and nothing else does.
const telltale = "Xyzzy"

// tellPasswords does all that can be done with a password, as far as it was not done before.
func tellPasswords(t *testing.T, n *harness.Process) {
	c, other := n.Connect(), n.Login("other")
	c.Send(
		"REGISTER bob Xyzzy-1", "REGISTER bob Xyzzy-2", "REGISTER eve Xyzzy-3 and-more", "REGISTER eve\tXyzzy-4",
		"LOGIN bob Xyzzy-5", "LOGIN nobody Xyzzy-6", "LOGIN bob Xyzzy-1 Xyzzy-1", "LOGIN bob Xyzzy-1\x01", "LOGIN bob Xyzzy-\xff",
		"@ref=1 LOGIN bob Xyzzy-7", "@Xyzzy-8 LOGIN bob Xyzzy-9", "login bob Xyzzy-10", "PASSWD Xyzzy-1 Xyzzy-2",
		"LOGIN bob Xyzzy-1", "PASSWD Xyzzy-1 Xyzzy-2", "PASSWD Xyzzy-1 Xyzzy-3", "PASSWD Xyzzy-2 Xyzzy-1 Xyzzy-1",
		"UNREGISTER Xyzzy-1", "UNREGISTER Xyzzy-2 Xyzzy-2", "WHISPER other psst", "LOGOUT", "LOGIN bob Xyzzy-2",
		"PASSWD Xyzzy-2 Xyzzy-1", "REGISTER mal Xyzzy-11", "LOGOUT", "LOGIN mal Xyzzy-11", "UNREGISTER Xyzzy-11", "QUIT")
	answers := map[string]int{}
	_ = c.Stream(func(line []byte) bool { answers[string(line)]++; return true }) // until it is closed
	if answers["RESULT PASSWD 1"] == 0 || answers["RESULT LOGIN 1"] == 0 || answers["RESULT LOGIN 0"] == 0 {
		t.Errorf("no password was right, or none was wrong: %v", answers)
	}
	other.Expect("RECV bob @ psst")
	other.Close()
}

// leaks fails for a password in a file of the data folder, or in what the process says.
func leaks(t *testing.T, folder string, n *harness.Process) {
	t.Helper()
	if n.Stderr.Contains(telltale) || n.Stdout.Contains(telltale) {
		t.Errorf("a password is in the log:\n%s", n.Stderr)
	}
	files := 0
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		files++
		content, err := os.ReadFile(path)
		if bytes.Contains(content, []byte(telltale)) {
			t.Errorf("a password is in %s", filepath.Base(path))
		}
		return err
	})
	if err != nil || files == 0 {
		t.Errorf("looking through %d files: %v", files, err)
	}
}
