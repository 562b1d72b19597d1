package config

import (
	"strings"
	"testing"
)

// FuzzDecode reads any text: it never panics, and what it finds valid, not counting parts that are not built yet, is
// written so that it reads as the same.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		"", Example, "host = 'a.example'\ndata = ':memory:'", "[listen]\nchat = ['a:1', ':0']\ntls = '[::1]:2'",
		"limits.grace = '1.5s'\nlimits.replay = 0x10", "log = {level = 'warn', file = \"a\\tb\"}", "host = 5\nzzz = 1",
		"[[store]]\nretention = 1", "store = 1", "[federation]\nblocked = ['a', 'b:1']\nqueue_ttl = '1h'", "\"log.level\" = []",
		"host = \"\\u2028\\U0001F600\"", "a.b.c = 1\n[a.d]", "\xef\xbb\xbfhost = 'é'", "[gateways]\nlobby = '\u212b'",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		_, _ = decode(text, "fuzz.toml", "/srv") // the whole way, errors and their lines included
		c, ok := understood(text)
		if !ok {
			return
		}
		var out strings.Builder
		if err := c.WriteTOML(&out); err != nil {
			t.Fatal(err)
		}
		again, ok := understood(out.String())
		if !ok {
			t.Fatalf("not understood again:\n%s", out.String())
		}
		wantSame(t, again, c)
	})
}

// understood decodes a text as if everything were built.
func understood(text string) (Config, bool) {
	d, err := parse(text)
	if err != nil {
		return Config{}, false
	}
	c := Default()
	if len(d.fill(&c)) > 0 {
		return Config{}, false
	}
	c.resolve("/srv")
	var p problems
	p.breakRules(&c)
	return c, len(p) == 0
}
