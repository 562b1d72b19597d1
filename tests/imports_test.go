// Package tests_test holds the whole tree to its rules.
package tests_test

import (
	"os/exec"
	"path"
	"strings"
	"testing"
)

// mayImport says which packages of the node's own each package may import. Imports run one way: cmd → node →
// protocols → node/session → {channels, auth, node/wire}; store → {channels, auth, migrations}.
var mayImport = map[string]string{
	"channels":     "",
	"node/wire":    "",
	"migrations":   "",
	"auth":         "channels",
	"store":        "channels auth migrations",
	"node/session": "channels auth node/wire",
	"protocols/*":  "channels node/session node/wire",
	"federation":   "channels node/session node/wire",
	"node/admin":   "channels",
	"node/config":  "channels",
	"node":         "channels auth federation store node/admin node/config node/session node/wire protocols/*",
	"cmd/*":        "channels node node/admin node/config tests/runner",
}

// onlyIn says where a library may be used.
var onlyIn = map[string]string{
	"github.com/mattn/go-sqlite3":   "store",
	"golang.org/x/crypto/bcrypt":    "auth",
	"github.com/BurntSushi/toml":    "node node/config cmd/*",
	"github.com/alecthomas/kong":    "cmd/*",
	"database/sql":                  "store",
	"github.com/hashicorp/go-hclog": "store federation node node/admin node/session cmd/*",
}

func TestImportsRunOneWay(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "chatnode/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		words := strings.Fields(line)
		pkg := strings.TrimPrefix(words[0], "chatnode/")
		if strings.HasPrefix(pkg, "tests") {
			continue
		}
		rule, found := "", false
		for pattern, allowed := range mayImport {
			if match(pattern, pkg) {
				rule, found = allowed, true
			}
		}
		if !found {
			t.Errorf("no rule says what %s may import", pkg)
		}
		for _, imported := range words[1:] {
			if own, ok := strings.CutPrefix(imported, "chatnode/"); ok && !anyMatch(rule, own) {
				t.Errorf("%s imports %s", pkg, own)
			}
			if where, limited := onlyIn[imported]; limited && !anyMatch(where, pkg) {
				t.Errorf("%s imports %s, which is for %s", pkg, imported, where)
			}
		}
	}
}

func anyMatch(patterns, pkg string) bool {
	for pattern := range strings.FieldsSeq(patterns) {
		if match(pattern, pkg) {
			return true
		}
	}
	return false
}

func match(pattern, pkg string) bool {
	ok, err := path.Match(pattern, pkg)
	return ok && err == nil
}
