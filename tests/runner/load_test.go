package runner

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestWhatIsWrongWithACaseFileIsNamedWithItsLineAndField(t *testing.T) {
	for text, want := range map[string]string{
		"":                                   "1: not JSON: the file ends too early",
		"{\n\"name\": \"a\",\n":              "3: not JSON: the file ends too early",
		"{\n\"name\": \"a\"\n\"x\"":          `3: not JSON: invalid character '"' after object key:value pair`,
		"[]\n\n{}":                           "3: not JSON: something follows the end",
		"{\"name\": \"\xff\"}":               " not UTF-8",
		"[]":                                 "",
		"7":                                  "1: got number, want object",
		"{}":                                 "1: name: is missing|1: steps: is missing",
		"{\"name\": \"a\",\n\"steps\":\n[]}": "2: steps: minItems: got 0, want 1",
		"{\"name\": \" \", \"steps\": [{\"sleep\": \"1s\"}]}":                                                                              "1: name: must be a text without control characters, and not blank",
		"{\"name\": \"a\",\n\"name\": \"b\", \"steps\":[{\"sleep\": \"1s\"}]}":                                                             "2: name: is given twice",
		"{\"name\": \"a\", \"steps\": [{\"sleep\": \"1s\"}],\n\"tag\": []}":                                                                "2: tag: unknown field",
		"{\"name\": \"a\", \"steps\": [\n{\"client\": \"b\",\n\"sned\": \"x\"}]}":                                                          "3: steps[0].sned: unknown field",
		"{\"name\": \"a\", \"steps\": [{\"sleep\": \"1s\"},\n{\"client\": \"b\"}]}":                                                        "2: steps[1]: a step does one thing: *",
		"{\"name\": \"a\", \"steps\": [\n{\"connect\": \"a\"}]}":                                                                           "2: steps[0].connect: says neither which client nor which peer",
		"{\"name\": \"a\", \"steps\": [\n{\"client\": \"b\", \"stop\": \"kill\"}]}":                                                        "2: steps[0].stop: says which node with node",
		"{\"name\": \"a\", \"steps\": [\n{\"node\": \"b\", \"stop\": \"now\"}]}":                                                           "2: steps[0].stop: value must be one of 'kill', 'term'",
		"{\"name\": \"a\", \"steps\": [\n{\"repeat\": 2}]}":                                                                                "2: steps[0].repeat: says what to repeat with steps",
		"{\"name\": \"a\", \"steps\": [\n{\"client\": \"b\", \"sleep\": \"1s\"}]}":                                                         "2: steps[0].sleep: is for no one: *",
		"{\"name\": \"a\", \"steps\": [\n{\"sleep\": \"soon\"}]}":                                                                          `2: steps[0].sleep: must be a time such as "300ms"`,
		"{\"name\": \"a\", \"steps\": [\n{\"sleep\": 3}]}":                                                                                 "2: steps[0].sleep: got number, want string",
		"{\"name\": \"a\", \"steps\": [\n{\"client\": \"b\", \"connect\": 1}]}":                                                            "2: steps[0].connect: must be the id of a node, or true",
		"{\"name\": \"a\", \"steps\": [{\"client\": \"b\", \"connect\": true},\n{\"client\": \"b\", \"expect\": {\"regexp\": \"x\"}}]}":    "2: steps[1].expect.regexp: unknown field",
		"{\"name\": \"a\", \"steps\": [{\"client\": \"b\", \"connect\": true},\n{\"client\": \"b\", \"expect\": {\"regex\": \"(\"}}]}":     "2: steps[1].expect.regex: error parsing regexp: missing closing ): `(`",
		"{\"name\": \"a\", \"steps\": [\n{\"repeat\": 2, \"steps\": [\n{\"client\": \"b\", \"send\": \"x\"}]}]}":                           "3: steps[0].steps[0]: b has not connected before",
		"{\"name\": \"a\", \"steps\": [{\"client\": \"b\", \"connect\": true},\n{\"client\": \"b\", \"send\": \"${b.x} ${i}\"}]}":          "2: steps[1]: nothing is known as ${b.x} here ($${ stands for ${ itself)|2: steps[1]: nothing is known as ${i} here ($${ stands for ${ itself)",
		"{\"name\": \"a\", \"nodes\": [{\"id\": \"x\"}, {\"id\": \"x\"}], \"steps\": [\n{\"client\": \"b\", \"connect\": \"y\"}]}":         "1: nodes[1].id: another node is called x|2: steps[0].connect: there is no node y",
		"{\"name\": \"a\", \"nodes\": [{\"id\": \"x\", \"peers\": [\"x\", \"p\"]}], \"steps\": [\n{\"peer\": \"p\", \"connect\": \"x\"}]}": "1: nodes[0].peers[0]: a node is no peer of itself|1: nodes[0].peers[1]: there is no node p, and no peer of that name that listens",
		"{\"name\": \"a\", \"steps\": [\n{\"peer\": \"p\", \"listen\": true}]}":                                                            "2: steps[0].listen: no node has p among its peers",
		"{\"name\": \"a\", \"nodes\": [{\"id\": \"x\",\n\"config\": {\"host\": \"y\"}}], \"steps\": [{\"sleep\": \"1s\"}]}":                "2: nodes[0].config.host: the runner sets this key itself",
		"{\"name\": \"a\", \"nodes\": [{\"id\": \"x\",\n\"config\": {\"Host\": {}}}], \"steps\": [{\"sleep\": \"1s\"}]}":                   "2: nodes[0].config.Host: must be a configuration key in full, such as limits.line_bytes",
		"{\"name\": \"a\", \"nodes\": [{\"id\": \"x\"}, {\"id\": \"y\"}], \"steps\": [\n{\"link\": [\"x\", \"y\"], \"cut\": true}]}":       "2: steps[0].link: neither x nor y has the other among its peers",
		"{\"name\": \"a\", \"steps\": [{\"client\": \"b\", \"connect\": true},\n{\"peer\": \"b\", \"connect\": true}]}":                    "2: steps[1]: b is a client and a peer: give one of them another name",
		"[{\"name\": \"a\", \"steps\": [{\"sleep\": \"1s\"}]},\n{\"name\": \"b\", \"steps\": [{\"sleep\": \"1s\", \"x\": 1}]}]":            "2: [1].steps[0].x: unknown field",
		"[{\"name\": \"a\", \"steps\": [{\"sleep\": \"1s\"}]},\n{\"name\": \"a\", \"steps\": [{\"sleep\": \"1s\"}]}]":                      `2: name: "a" is the name of the case at 1 too`,
	} {
		file := write(t, text)
		all, err := Load(file)
		problems, _ := errors.AsType[Problems](err)
		if err == nil || problems == nil {
			t.Errorf("%s\nis good: %v %v", text, all, err)
			continue
		}
		got := strings.ReplaceAll(strings.ReplaceAll(err.Error(), file+":", ""), "\n", "|")
		match := regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(want), `\*`, ".*") + "$")
		if want != "" && !match.MatchString(got) {
			t.Errorf("%s\ngot  %s\nwant %s", text, got, want)
		}
	}
}

func TestFoldersAreReadWholeAndInOrder(t *testing.T) {
	folder := t.TempDir()
	for file, name := range map[string]string{"b.json": "b", "a.json": "a", "c/d.json": "d", "schema.json": "no", "c/x.txt": "no"} {
		path := filepath.Join(folder, file)
		must(os.MkdirAll(filepath.Dir(path), 0o700))
		must(os.WriteFile(path, []byte(`{"name": "`+name+`", "tags": ["`+name+`", "all"], "steps": [{"sleep": "1ms"}]}`), 0o600))
	}
	named := func(all []*Case) (names string) {
		for _, c := range all {
			names += c.Name
		}
		return names
	}
	all, err := Load(filepath.Join(folder, "c"), folder, folder+"/./a.json")
	if err != nil {
		t.Fatal(err)
	}
	want(t, named(all), "dab")
	want(t, named(Select(all, nil, nil)), "dab")
	want(t, named(Select(all, regexp.MustCompile("[ab]"), nil)), "ab")
	want(t, named(Select(all, nil, []string{"a", " d"})), "da")
	want(t, named(Select(all, regexp.MustCompile("[ab]"), []string{"d"})), "")
	for _, path := range []string{t.TempDir(), folder + "/none.json"} {
		if all, err := Load(path); err == nil {
			t.Errorf("%s: %v", path, all)
		}
	}
}

func TestTheOnlyNodeIsCalledWhatTheStepsCallIt(t *testing.T) {
	c := load(t, `{"name": "a", "steps": [{"client": "b", "connect": true}, {"repeat": 2, "steps": [{"client": "b", "connect": "home"}]}]}`)[0]
	want(t, c.Nodes[0].ID+" "+c.Nodes[0].Host, "home home.test")
	_, err := Load(write(t, `{"name": "a", "steps": [{"client": "b", "connect": "x"}, {"client": "b", "connect": "y"}]}`))
	if err == nil || !strings.HasSuffix(err.Error(), "steps[1].connect: there is no node y") {
		t.Error(err)
	}
}

func FuzzReadNeverPanics(f *testing.F) {
	for _, text := range []string{
		steps(), steps(bob("expect", map[string]any{"eventually": map[string]any{"regex": "(?P<x>.)"}}), bob("send", "${bob.x}")),
		`[{"name": "a", "nodes": [{"id": "x", "peers": ["p"]}], "steps": [{"peer": "p", "listen": true}]}]`,
		`{"name": "a", "steps": [{"repeat": 1e2, "steps": [{"sleep": "1s"}]}]}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		all, wrong := read("a.json", text)
		for _, p := range wrong {
			if p.Text == "" || strings.Contains(p.String(), "\n") {
				t.Errorf("%q", p)
			}
		}
		for _, c := range all {
			if len(wrong) == 0 && (c.Name == "" || len(c.Nodes) == 0 || len(c.Steps) == 0) {
				t.Errorf("%+v", c)
			}
		}
	})
}
