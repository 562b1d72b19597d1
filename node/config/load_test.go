package config

import (
	"errors"
	"io/fs"
	"path/filepath"
	"testing"
)

func TestAnEmptyFileIsTheDefaultWithItsDataBesideIt(t *testing.T) {
	path := write(t, "")
	got, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	want := Default()
	want.Data = filepath.Join(filepath.Dir(path), "data")
	wantSame(t, got, want)
}

func TestAnUnknownKeyIsAnErrorNamingIt(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"top", "\nzzz = 1", `:2: zzz: unknown key`},
		{"section", "[limits]\nzzz = 1", `:2: limits.zzz: unknown key`},
		{"dotted", "limits.zzz = 1", `:1: limits.zzz: unknown key`},
		{"slip", "[store]\nretenton = '1h'", `:2: store.retenton: unknown key; did you mean store.retention?`},
		{"wrong section", "[store]\n\ngrace = '1s'", `:3: store.grace: unknown key; did you mean limits.grace?`},
		{"no section", "bcrypt_cost = 4", `:1: bcrypt_cost: unknown key; did you mean accounts.bcrypt_cost?`},
		{"wrong case", "HOST = 'a'", `:1: HOST: unknown key; did you mean host?`},
		{"wrong case in a section", "[log]\nLevel = 'warn'", `:2: log.Level: unknown key; did you mean log.level?`},
		{"quoted with a dot", `"log.level" = 'warn'`, `:1: "log.level": unknown key; did you mean log.level?`},
		{"empty", `"" = 1`, `:1: "": unknown key`},
		{"unknown section, named once", "[stroe]\nretention = '1h'", `:1: stroe: unknown key; did you mean store?`},
		{"list of tables, named once", "[[zzz]]\na = 1\n[[zzz]]\na = 1", `:3: zzz: unknown key`},
		{"section in a section", "[log.zzz]\ny = 1", `:1: log.zzz: unknown key`},
		{"section never written out: the library knows no line", "zzz.a.b = 1", `: zzz: unknown key`},
		{"section in a key", "host = {a = 1}", `:1: host: must be a string`},
	} {
		t.Run(test.name, func(t *testing.T) { wantLines(t, complaints(t, test.text), test.want) })
	}
}

func TestAValueOfTheWrongTypeIsAnErrorNamingItsKey(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"string", "host = 5", `:1: host: must be a string`},
		{"word", "[log]\nlevel = true", `:2: log.level: must be a string`},
		{"number", "[limits]\nreplay = '5'", `:2: limits.replay: must be a whole number`},
		{"number of bytes", "[store]\ntail_bytes = 1.5", `:2: store.tail_bytes: must be a whole number`},
		{"bool", "[federation]\nstrict_names = 1", `:2: federation.strict_names: must be true or false`},
		{"list", "[federation]\nblocked = 'a'", `:2: federation.blocked: must be a list of strings`},
		{"list of others", "[federation]\nblocked = [1]", `:2: federation.blocked: must be a list of strings`},
		{"addresses", "[listen]\nchat = 5050", `:2: listen.chat: must be a string or a list of strings`},
		{"addresses of others", "[listen]\nchat = [5050]", `:2: listen.chat: must be a string or a list of strings`},
		{"duration", "[limits]\ngrace = 5", `:2: limits.grace: "5" is not a duration such as "200ms" or "168h"`},
		{"duration of others", "[limits]\ngrace = []", `:2: limits.grace: must be a string`},
		{"negative duration", "[limits]\ngrace = '-5s'", `:2: limits.grace: "-5s" is negative`},
		{"section", "store = 5", `:1: store: must be a section: [store]`},
		{"section twice", "[[store]]\ntail_bytes = 5", `:1: store: must be a section: [store]`},
	} {
		t.Run(test.name, func(t *testing.T) { wantLines(t, complaints(t, test.text), test.want) })
	}
}

func TestEveryMistakeIsReportedAtOnce(t *testing.T) {
	text := "[limits]\ngrace = 5\nzzz = 1\n[log]\nlevel = 1\nyyy = 1"
	wantLines(t, complaints(t, text),
		`:3: limits.zzz: unknown key`,
		`:6: log.yyy: unknown key`,
		`:2: limits.grace: "5" is not a duration such as "200ms" or "168h"`,
		`:5: log.level: must be a string`)
}

func TestAnInvalidValueIsAnErrorWithItsLine(t *testing.T) {
	wantLines(t, complaints(t, "[log]\nlevel = 'loud'\n[accounts]\nbcrypt_cost = 3\n"),
		`:4: accounts.bcrypt_cost: 3 is not between 4 and 16`,
		`:2: log.level: "loud" is not one of trace, debug, info, warn, error`)
}

func TestAProblemOfAKeyThatIsNotInTheFileHasNoLine(t *testing.T) {
	wantLines(t, without(complaints(t, "[tls]\ncert = 'a.pem'")), `: tls.key: must be set when tls.cert is, and only then`)
}

func TestTextThatIsNotTOMLIsAnErrorWithItsLine(t *testing.T) {
	got := complaints(t, "host = 'a'\nhost = 'b'")
	wantLines(t, got, `:2: Key 'host' has already been defined.`)
}

func TestAFileThatCannotBeReadIsAnErrorOfTheSystem(t *testing.T) {
	_, err := Load(filepath.Join(t.TempDir(), "none.toml"))
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

func TestRelativePathsStartAtTheFilesFolder(t *testing.T) {
	path := write(t, "")
	folder := filepath.Dir(path)
	for _, test := range []struct{ name, text, want string }{
		{"relative", "d", filepath.Join(folder, "d")},
		{"upwards", "../d", filepath.Join(filepath.Dir(folder), "d")},
		{"absolute", "/d", "/d"},
		{"none", "", ""},
		{"memory", Memory, Memory},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := Default()
			c.Data, c.TLS.Cert, c.TLS.Key, c.Federation.Peers, c.Log.File = test.text, test.text, test.text, test.text, test.text
			c.Host = test.text
			c.resolve(folder)
			wantLines(t, []string{c.Data, c.TLS.Cert, c.TLS.Key, c.Federation.Peers, c.Log.File, c.Host},
				test.want, test.want, test.want, test.want, test.want, test.text)
		})
	}
}

func TestAPathIsAbsoluteWhereverTheFileWasNamedFrom(t *testing.T) {
	path := write(t, "[log]\nfile = 'node.log'")
	t.Chdir(filepath.Dir(path))
	c, err := Load("chatnode.toml")
	if err != nil {
		t.Fatal(err)
	}
	wantLines(t, []string{c.Data, c.Log.File},
		filepath.Join(filepath.Dir(path), "data"), filepath.Join(filepath.Dir(path), "node.log"))
}
