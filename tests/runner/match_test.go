package runner

import (
	"fmt"
	"strings"
	"testing"
	check "testing/quick"
	"unicode/utf8"
)

func TestLinesAndPatterns(t *testing.T) {
	known := variables{"bob.seq": "4.1", "i": "7"}
	for _, test := range []struct {
		p    pattern
		line string
		want string // "no", or what the groups found
	}{
		{pattern{text: "a"}, "a", "map[]"},
		{pattern{text: "a"}, "a ", "no"},
		{pattern{text: "a"}, "a\r", "no"},
		{pattern{text: "a\r"}, "a\r", "map[]"},
		{pattern{text: "${bob.seq} $${i} ${i} $ {i}"}, "4.1 ${i} 7 $ {i}", "map[]"},
		{pattern{text: "a|b", regex: true}, "b", "map[]"},
		{pattern{text: "a|b", regex: true}, "bb", "no"},
		{pattern{text: "", regex: true}, "", "map[]"},
		{pattern{text: "x${bob.seq}", regex: true}, "x4.1", "map[]"},
		{pattern{text: "x${bob.seq}", regex: true}, "x4x1", "no"},
		{pattern{text: `(?P<a>\d+) (?<b>.*)`, regex: true}, "12 x y", "map[a:12 b:x y]"},
		{pattern{text: ".*", regex: true}, "a\r", "no"},
		{pattern{text: `.*\r`, regex: true}, "a\r", "map[]"},
		{pattern{text: ".*", regex: true}, "a\x00", "no"},
		{pattern{text: ".*", regex: true}, "a\xff", "no"},
		{pattern{text: "(?i)A", regex: true}, "a", "map[]"},
	} {
		m, err := test.p.with(known)
		if err != nil {
			t.Errorf("%+v: %v", test.p, err)
			continue
		}
		got := "no"
		if found, ok := m.match(test.line); ok {
			got = fmt.Sprint(map[string]string(found))
		}
		if got != test.want {
			t.Errorf("%+v and %q: %s, want %s", test.p, test.line, got, test.want)
		}
	}
	if _, err := (pattern{text: "${carol.seq}"}).with(known); err == nil {
		t.Error("an unknown variable has a value")
	}
}

func TestLinesFindTheirPatternsInAnyOrder(t *testing.T) {
	for _, test := range []struct {
		lines, patterns string
		ok              bool
	}{
		{"a b", "b a", true},
		{"a b", "/./ a", true}, // a must not take the only pattern of b
		{"b a", "/./ a", true},
		{"a a", "a b", false},
		{"a a", "a a", true},
		{"a b c", "/[ab]/ /[bc]/ /[ab]/", true},
		{"c b c", "/[ab]/ /[bc]/ /[ab]/", false},
		{"a", "b a", true},
		{"", "a", true},
	} {
		var all []matcher
		for text := range strings.FieldsSeq(test.patterns) {
			p := pattern{text: strings.Trim(text, "/"), regex: strings.HasPrefix(text, "/")}
			m, err := p.with(nil)
			must(err)
			all = append(all, m)
		}
		lines := strings.Fields(test.lines)
		of, ok := assign(lines, all)
		if ok != test.ok {
			t.Errorf("%+v: %v", test, of)
		}
		for i, m := range of {
			if _, matches := all[m].match(lines[i]); !matches {
				t.Errorf("%+v: %v", test, of)
			}
		}
	}
}

func TestWhatCannotBeSeenIsShown(t *testing.T) {
	for text, want := range map[string]string{
		"RESULT LOGIN 1\r": `RESULT LOGIN 1\r`,
		"a\x00\x1b\x7f\tb": `a\x00\x1b\x7f\tb`,
		"a\xffé☂":          `a\xffé☂`,
		"CHANNELS  ":       `CHANNELS\x20\x20`,
		" a b":             " a b",
		`\r`:               `\\r`,
		"a\u200bb\u00a0":   `a\u{200b}b\u{a0}`,
		"":                 "",
	} {
		if got := visible(text); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
	plain := func(s string) bool {
		v := visible(s)
		return utf8.ValidString(v) && !strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r == 0x7f }) && !strings.HasSuffix(v, " ")
	}
	if err := check.Check(plain, nil); err != nil {
		t.Error(err)
	}
}

func TestLongLinesAreCutAroundTheirDifference(t *testing.T) {
	a, b, at := window("abc", "abd", 10)
	want(t, fmt.Sprint(a, b, at), "abcabd2")
	long := strings.Repeat("0123456789", 100)
	a, b, at = window(long+"x"+long, long+"y"+long, 30)
	want(t, fmt.Sprintln(a, b, at), "…0123456789x0123456789012345678… …0123456789y0123456789012345678… 11\n")
	_, b, _ = window(long, "", 30)
	want(t, b, "")
	want(t, shorten("0123456789", 5), "01…89")
	want(t, shorten("01234", 5), "01234")
}

func TestCommandsAreSplitAsAShellDoes(t *testing.T) {
	for line, want := range map[string]string{
		`python server.py {port} {peers}`: `["python" "server.py" "{port}" "{peers}"]`,
		`a  'b c' "d e"f`:                 `["a" "b c" "d ef"]`,
		`a\ b "c\"d\\e\f" 'g\'`:           `["a b" "c\"d\\e\\f" "g\\"]`,
		`a '' ""`:                         `["a" "" ""]`,
		"\ta\n":                           `["a"]`,
		`a 'b`:                            `a ' is not closed in a 'b`,
		" ":                               "the command is empty",
	} {
		words, err := SplitCommand(line)
		got := fmt.Sprintf("%q", words)
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: %s, want %s", line, got, want)
		}
	}
}
