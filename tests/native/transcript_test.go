package native_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"chatnode/node/config"
	"chatnode/tests/harness"
)

// A transcript is a file of testdata/transcripts: what clients send and what they hear, byte for byte. Its lines are
//
//	# WORDS        a comment; the first one says which section of the protocol the transcript follows
//	bob> TEXT      bob sends a line; whoever is not there yet connects
//	bob< TEXT      bob hears this next
//	bob<< TEXT     the same, and its tags are there whether bob asked for tags or not
//	bob: closed    the node closes the connection, with nothing said before
//	bob: closes    bob closes it
//	node: restarts
//	node: admin NAME PASSWORD
//
// A TEXT is written as between the quotes of a Go string. In it {x*70} is seventy times x, and in what is heard {seq}, {id}
// and {time} stand for a number, an id and a time.
//
// A transcript with tags is played twice: as it is written, and with clients that never ask for tags. Those hear the same
// without tags, no answer to what is no command, and none to a SAY that went well.

// changes are the configurations of transcripts that need one of their own.
var changes = map[string]func(*config.Config){
	"line-too-long.txt": func(c *config.Config) { c.Limits.LineBytes = 600 },
	"replay.txt":        func(c *config.Config) { c.Limits.Replay = 3 },
	"multi.txt":         func(c *config.Config) { c.Accounts.MaxSessions = 2 },
	"closed.txt":        func(c *config.Config) { c.Accounts.Registration = config.Closed },
}

const asksForTags = "> CAPS tags"

func TestTranscripts(t *testing.T) {
	for _, path := range transcripts(t) {
		name, lines := filepath.Base(path), read(t, path)
		if !strings.HasPrefix(lines[0], "# native protocol §") {
			t.Errorf("%s does not say which section it follows", name)
		}
		t.Run(name, func(t *testing.T) { (&play{file: name}).run(t, lines) })
		if slices.ContainsFunc(lines, func(l string) bool { return strings.HasSuffix(l, asksForTags) }) {
			t.Run(name+" without tags", func(t *testing.T) { (&play{file: name, plain: true}).run(t, lines) })
		}
	}
}

func transcripts(t testing.TB) []string {
	t.Helper()
	paths, err := filepath.Glob("testdata/transcripts/*.txt")
	if err != nil || len(paths) == 0 {
		t.Fatal("no transcripts: ", err)
	}
	return paths
}

func read(t testing.TB, path string) []string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
}

// A play is one run of a transcript.
type play struct {
	file  string
	plain bool // nobody asks for tags

	t       *testing.T
	node    *harness.Node
	clients map[string]*harness.Client
	where   string // the line in hand
	skips   int    // lines that follow it and are not played
}

func (p *play) run(t *testing.T, lines []string) {
	t.Parallel()
	p.t, p.clients = t, map[string]*harness.Client{}
	change := changes[p.file]
	if change == nil {
		change = func(*config.Config) {}
	}
	p.node = harness.Start(t, change)
	for i, line := range lines {
		p.where = fmt.Sprintf("%s:%d: %s", p.file, i+1, line)
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case p.skips > 0:
			p.skips--
		default:
			p.line(line)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(p.clients)) {
		p.where = p.file + ": at the end, " + name
		p.clients[name].Silent()
	}
}

var lineForm = regexp.MustCompile(`^([a-z]+)(>|<<|<|:) (.*)$`)

func (p *play) line(line string) {
	if p.plain && strings.HasSuffix(line, asksForTags) {
		p.skips = 1
		return
	}
	m := lineForm.FindStringSubmatch(line)
	if m == nil {
		p.t.Fatalf("%s: not a line of a transcript", p.where)
	}
	switch name, text := m[1], m[3]; m[2] {
	case ">":
		p.client(name).SendRaw(unquote(p.t, text) + "\n")
	case "<":
		p.hears(name, unquote(p.t, text), p.plain)
	case "<<":
		p.hears(name, unquote(p.t, text), false)
	case ":":
		p.does(name, text)
	}
}

func (p *play) client(name string) *harness.Client {
	c := p.clients[name]
	if c == nil {
		c = p.node.Connect()
		c.Name = name
		p.clients[name] = c
	}
	return c
}

var tags = regexp.MustCompile(`^@\S+ `)

func (p *play) hears(name, want string, plain bool) {
	if plain {
		want = tags.ReplaceAllString(want, "")
		if said := regexp.MustCompile(`^RESULT SAY \S+ 1$`); want == "RESULT UNKNOWN 0" || said.MatchString(want) {
			return
		}
	}
	got, err := p.client(name).Read()
	if err != nil || !matches(want, got) {
		p.t.Fatalf("%s\n got %.200q, %v\nwant %.200q", p.where, got, err, want)
	}
}

// placeholders are what a TEXT cannot know.
var placeholders = strings.NewReplacer(
	`\{seq\}`, `\d+`,
	`\{id\}`, `\d+\.\d+`,
	`\{time\}`, `\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`,
)

func matches(want, got string) bool {
	return regexp.MustCompile(`^` + placeholders.Replace(regexp.QuoteMeta(want)) + `$`).MatchString(got)
}

func (p *play) does(name, what string) {
	words := strings.Split(what, " ")
	switch {
	case what == "closed":
		p.clients[name].ExpectClosed()
		delete(p.clients, name)
	case what == "closes":
		p.clients[name].Close()
		delete(p.clients, name)
	case what == "restarts":
		p.node = p.node.Again()
		clear(p.clients)
	case words[0] == "admin" && len(words) == 3:
		p.node.AddAdmin(words[1], words[2])
	default:
		p.t.Fatalf("%s: nobody can do that", p.where)
	}
}

var repetition = regexp.MustCompile(`\{([^{}*]+)\*(\d+)\}`)

func unquote(t *testing.T, text string) string {
	t.Helper()
	text, err := strconv.Unquote(`"` + text + `"`)
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return repetition.ReplaceAllStringFunc(text, func(s string) string {
		m := repetition.FindStringSubmatch(s)
		n, err := strconv.Atoi(m[2])
		if err != nil {
			t.Fatal(err)
		}
		return strings.Repeat(m[1], n)
	})
}
