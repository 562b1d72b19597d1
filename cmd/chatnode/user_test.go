package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"chatnode/channels"
	"chatnode/node/admin"
)

// bothWays runs a test with the node's configuration, once while no node runs and once while one does.
func bothWays(t *testing.T, test func(t *testing.T, file string)) {
	t.Run("no node runs", func(t *testing.T) { test(t, write(t, t.TempDir(), "c.toml", basics)) })
	t.Run("a node runs", func(t *testing.T) {
		file := write(t, t.TempDir(), "c.toml", basics)
		startNode(t, file)
		test(t, file)
	})
}

var day = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`)

func TestAccountsAreLookedAfterWhetherTheNodeRunsOrNot(t *testing.T) {
	bothWays(t, func(t *testing.T, file string) {
		for _, step := range []struct {
			args, stdin, says string
		}{
			{"add bob", "secret\n", "bob: added\n"},
			{"add carol☂ --admin --password-stdin", "secret", "carol☂: added as an admin\n"},
			{"list", "", "NAME    ADMIN  STATE   CHANNELS  CREATED\n" +
				"bob     no     active  0         TIME\n" +
				"carol☂  yes    active  0         TIME\n"},
			{"passwd bob", "another\r\n", "bob: password changed\n"},
			{"disable bob", "", "bob: disabled\n"},
			{"admin bob", "", "bob: admin\n"},
			{"admin carol☂ --off", "", "carol☂: no admin any more\n"},
			{"list", "", "NAME    ADMIN  STATE     CHANNELS  CREATED\n" +
				"bob     yes    disabled  0         TIME\n" +
				"carol☂  no     active    0         TIME\n"},
			{"enable bob --json", "", "{\n  \"name\": \"bob\",\n  \"done\": \"enabled\"\n}\n"},
			{"delete bob --yes", "", "bob: deleted; the name stays reserved\n"},
			{"delete carol☂ --yes", "", "carol☂: deleted; the name stays reserved\n"},
			{"list", "", "NAME  ADMIN  STATE  CHANNELS  CREATED\n"},
			{"list --json", "", "[]\n"},
		} {
			args := append([]string{"user", "--config", file}, strings.Fields(step.args)...)
			out, errs := wantRun(t, done, step.stdin, args...)
			want(t, day.ReplaceAllString(out, "TIME"), step.says)
			want(t, errs, "")
		}
	})
}

func TestRefusalsAreSentences(t *testing.T) {
	bothWays(t, func(t *testing.T, file string) {
		wantRun(t, done, "secret", "user", "add", "bob", "--config", file)
		for _, step := range []struct {
			args, stdin, says string
		}{
			{"add bob", "x", "bob: " + sentences[channels.NameTaken]},
			{"add b:b", "x", "b:b: " + sentences[channels.BadName]},
			{"add eve", strings.Repeat("x", 73), "eve: " + sentences[channels.TooLong]},
			{"passwd nobody", "x", "nobody: " + sentences[channels.NoSuchUser]},
			{"disable no:body", "", "no:body: " + sentences[channels.NoSuchUser]},
			{"delete nobody --yes", "", "nobody: " + sentences[channels.NoSuchUser]},
		} {
			args := append([]string{"user", "--config", file}, strings.Fields(step.args)...)
			out, errs := wantRun(t, failed, step.stdin, args...)
			want(t, out, "")
			want(t, errs, "chatnode: "+step.says+"\n")
		}
	})
}

func TestTheListInJSON(t *testing.T) {
	bothWays(t, func(t *testing.T, file string) {
		wantRun(t, done, "secret", "user", "add", "bob", "--admin", "--config", file)
		out, _ := wantRun(t, done, "", "user", "list", "--json", "--config", file)
		var all []admin.Account
		if err := json.Unmarshal([]byte(out), &all); err != nil || len(all) != 1 {
			t.Fatalf("%v in %s", err, out)
		}
		if a := all[0]; a.Name != "bob" || !a.Admin || a.Disabled || a.Created == 0 {
			t.Errorf("got %+v", a)
		}
	})
}

func TestEveryRefusalOfAccountsHasASentence(t *testing.T) {
	for _, word := range []channels.Word{
		channels.NameTaken, channels.BadName, channels.NoSuchUser, channels.TooLong, channels.Malformed, channels.RateLimited,
	} {
		if got := explain("bob", channels.Refuse(word)).Error(); got != "bob: "+sentences[word] || sentences[word] == "" {
			t.Errorf("%s: %q", word, got)
		}
	}
	failure := errors.New("the disk is on fire")
	if got := explain("bob", failure); got != failure {
		t.Errorf("a failure became %v", got)
	}
}

func TestPasswordsThatCannotBeSentAreRefused(t *testing.T) {
	file := write(t, t.TempDir(), "c.toml", basics)
	for _, password := range []string{"", "\n", "\r\n", "a b\n", "a\tb\n", "a\xffb\n", "a\x00b\n"} {
		_, errs := wantRun(t, failed, password, "user", "add", "bob", "--config", file)
		wantPart(t, errs, "chatnode: the password ")
	}
	if _, err := os.Stat(filepath.Join(filepath.Dir(file), "data")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the data folder was touched: %v", err)
	}
}

func TestOneLineOfStandardInputIsThePassword(t *testing.T) {
	for _, test := range []struct{ stdin, want string }{
		{"secret", "secret"}, {"secret\n", "secret"}, {"secret\r\n", "secret"}, {"secret\nmore\n", "secret"},
		{strings.Repeat("x", 10_000), strings.Repeat("x", maxTyped)}, // far too long all the same
	} {
		got, err := streams{stdin: strings.NewReader(test.stdin)}.newPassword(false)
		if err != nil || got != test.want {
			t.Errorf("%.20q: %.20q, %v", test.stdin, got, err)
		}
	}
}

func TestTheConfigurationIsFoundInTheWorkingFolder(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, ".", "chatnode.toml", basics)
	wantRun(t, done, "secret", "user", "add", "bob")
	out, _ := wantRun(t, done, "", "user", "list", "--config", "chatnode.toml")
	wantPart(t, out, "bob")
}

func TestWithoutAConfigurationTheDataIsInTheWorkingFolder(t *testing.T) {
	if _, err := os.Stat(places[1]); !errors.Is(err, fs.ErrNotExist) {
		t.Skip("this machine has a configuration")
	}
	t.Chdir(t.TempDir())
	_, errs := wantRun(t, failed, "", "user", "list")
	want(t, errs, "chatnode: there is no data folder data: say which node is meant with --config FILE\n")
	wantRun(t, done, "secret", "user", "add", "bob")
	if _, err := os.Stat("data"); err != nil {
		t.Error(err)
	}
}

func TestAccountsThatEndWithTheNodeAreNotMade(t *testing.T) {
	file := write(t, t.TempDir(), "c.toml", "data = ':memory:'")
	_, errs := wantRun(t, failed, "secret", "user", "add", "bob", "--config", file)
	wantPart(t, errs, "set data to a folder")
}

func TestADatabaseThatIsNoneIsOneLine(t *testing.T) {
	folder := t.TempDir()
	file := write(t, folder, "c.toml", basics)
	garbage(t, folder)
	_, errs := wantRun(t, failed, "secret", "user", "add", "bob", "--config", file)
	wantPart(t, errs, "is damaged or not a database")
	want(t, errs[strings.Index(errs, "\n"):], "\n")
}

// garbage puts a database into the data folder in a folder that is none.
func garbage(t *testing.T, folder string) {
	t.Helper()
	data := filepath.Join(folder, "data")
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, data, "chatnode.db", string(bytes.Repeat([]byte("this is no database\n"), 1000)))
}
