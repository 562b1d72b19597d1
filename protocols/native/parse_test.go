package native

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"chatnode/channels"
	"chatnode/node/session"
)

func TestALineIsCutIntoWordsAndAText(t *testing.T) {
	for _, k := range []struct {
		line string
		want request
	}{
		{"", request{}},
		{"CHANNELS", request{verb: "CHANNELS"}},
		{"SAY go hi", request{verb: "SAY", words: []string{"go"}, text: "hi", whole: "go hi"}},
		{"SAY go  two  blanks ", request{verb: "SAY", words: []string{"go"}, text: " two  blanks ", whole: "go  two  blanks "}},
		{"SAY go", request{verb: "SAY", words: []string{"go"}, whole: "go"}},
		{"SAY go ", request{verb: "SAY", words: []string{"go"}, whole: "go "}},
		{"SAY  go", request{verb: "SAY", words: []string{""}, text: "go", whole: " go"}},
		{"SAY ", request{verb: "SAY", words: []string{""}}},
		{"SAY", request{verb: "SAY"}},
		{"SAY go a\tb\t", request{verb: "SAY", words: []string{"go"}, text: "a\tb\t", whole: "go a\tb\t"}},
		{"SAY go @ref=x hi", request{verb: "SAY", words: []string{"go"}, text: "@ref=x hi", whole: "go @ref=x hi"}},
		{"SAY go Grüße, 世界 🎉", request{verb: "SAY", words: []string{"go"}, text: "Grüße, 世界 🎉", whole: "go Grüße, 世界 🎉"}},
		{"SAY go a\u0085b\u2028c", request{verb: "SAY", words: []string{"go"}, text: "a\u0085b\u2028c", whole: "go a\u0085b\u2028c"}},
		{"WHISPER bob@there hi  bob", request{verb: "WHISPER", words: []string{"bob@there"}, text: "hi  bob", whole: "bob@there hi  bob"}},
		{"TOPIC go of  all ", request{verb: "TOPIC", words: []string{"go"}, text: "of  all ", whole: "go of  all "}},
		{"JOIN go", request{verb: "JOIN", words: []string{"go"}, whole: "go"}},
		{"JOIN go extra", request{verb: "JOIN", words: []string{"go", "extra"}, whole: "go extra"}},
		{"JOIN go  extra ", request{verb: "JOIN", words: []string{"go", "", "extra "}, whole: "go  extra "}},
		{"join go", request{verb: "join", words: []string{"go"}, whole: "go"}},
		{" JOIN go", request{verb: "", words: []string{"JOIN", "go"}, whole: "JOIN go"}},
		{"HELLO you there", request{verb: "HELLO", words: []string{"you", "there"}, whole: "you there"}},
		{`@ref=a\sb SAY go hi`, request{verb: "SAY", words: []string{"go"}, text: "hi", whole: "go hi", ref: "a b"}},
		{"@ref=a;ref=b SAY go hi", request{verb: "SAY", words: []string{"go"}, text: "hi", whole: "go hi", ref: "b"}},
		{"@x=1;ref=a;y SAY go hi", request{verb: "SAY", words: []string{"go"}, text: "hi", whole: "go hi", ref: "a"}},
		{"@+ref=a SAY go hi", request{verb: "SAY", words: []string{"go"}, text: "hi", whole: "go hi"}},
		{"@ref= SAY go hi", request{verb: "SAY", words: []string{"go"}, text: "hi", whole: "go hi"}},
		{"@ref=a JOIN go", request{verb: "JOIN", words: []string{"go"}, whole: "go", ref: "a"}},
		{"@ref=a ", request{ref: "a"}},
		{"@ref=a  SAY go", request{words: []string{"SAY", "go"}, whole: "SAY go", ref: "a"}},
		{"@ref=" + strings.Repeat("x", maxRef) + " PING a", request{verb: "PING", words: []string{"a"}, whole: "a", ref: strings.Repeat("x", maxRef)}},
	} {
		if r, err := parse([]byte(k.line)); err != nil || !same(r, k.want) {
			t.Errorf("%q: %+v, %v; want %+v", k.line, r, err, k.want)
		}
	}
}

func same(a, b request) bool {
	return a.verb == b.verb && slices.Equal(a.words, b.words) && a.text == b.text && a.whole == b.whole && a.ref == b.ref
}

func TestAMalformedLineIsAnsweredUnderItsVerbAndRef(t *testing.T) {
	long := strings.Repeat("x", maxRef+1)
	for _, k := range []struct{ line, verb, ref string }{
		{"SAY go \xff", "SAY", ""},
		{"SAY \xc3", "SAY", ""},
		{"SAY go \xed\xa0\x80", "SAY", ""}, // half a surrogate pair
		{"@ref=a SAY go \xff", "SAY", "a"},
		{"@ref=\xff SAY go hi", "SAY", ""},
		{"@x=\xff;ref=a SAY go hi", "SAY", "a"},
		{"SAY\xff go hi", "SAY\xff", ""},
		{"SAY g\to hi", "SAY", ""},
		{"JOIN g\to", "JOIN", ""},
		{"JOIN\tgo", "JOIN\tgo", ""},
		{"PING a\tb", "PING", ""},
		{"SAY go a\x00b", "SAY", ""},
		{"JOIN go\x00", "JOIN", ""},
		{"SAY\x00 go hi", "SAY\x00", ""},
		{"SAY go a\rb", "SAY", ""},
		{"SAY go hi\r", "SAY", ""}, // a second one
		{"SAY go\r hi", "SAY", ""},
		{"\r", "\r", ""},
		{"SAY go \x7f", "SAY", ""},
		{"SAY go \x1b[1m", "SAY", ""},
		{"@ref=a SAY go \x1b", "SAY", "a"},
		{`@ref=a\nb SAY go hi`, "SAY", ""},
		{"@ref=a\tb SAY go hi", "SAY", ""},
		{"@ref=\x00 SAY go hi", "SAY", ""},
		{"@x=\x01;ref=a SAY go hi", "SAY", "a"},
		{"@\t;ref=a SAY go hi", "SAY", "a"},
		{"@ref=" + long + " SAY go hi", "SAY", long},
		{"@", "", ""},
		{"@ ", "", ""},
		{"@ref=a", "", ""},
		{"@ SAY go hi", "", ""}, // to version 0.1 a command of this name
		{"@=a SAY go hi", "", ""},
		{"@ref=a; SAY go hi", "", ""},
		{"@ref=a;;x SAY go hi", "", ""},
	} {
		r, err := parse([]byte(k.line))
		if err == nil || channels.WordOf(err) != channels.Malformed || r.verb != k.verb || r.ref != k.ref {
			t.Errorf("%.60q: verb %q, ref %.20q, %v; want %q, %.20q", k.line, r.verb, r.ref, err, k.verb, k.ref)
		}
	}
}

func TestALineOfBlanksSaysNothing(t *testing.T) {
	for line, want := range map[string]bool{"": true, " ": true, "\t": true, " \t ": true, "x": false, "\u00a0": false, "\x00": false, "@": false} {
		if blank([]byte(line)) != want {
			t.Errorf("%q: %v", line, !want)
		}
	}
}

func TestACommandWithATextHasNoOtherNumberOfWords(t *testing.T) {
	for verb, c := range commands {
		if c.textAfter > 0 && (c.most != c.textAfter || c.least != c.textAfter) || c.least > c.most || c.run == nil {
			t.Errorf("%s: %+v", verb, c)
		}
		if strings.ToUpper(verb) != verb || strings.ContainsFunc(verb, control) || strings.Contains(verb, " ") {
			t.Errorf("%q cannot be sent", verb)
		}
	}
}

func TestAPageOfHistoryIsAskedForByOptions(t *testing.T) {
	for _, k := range []struct {
		options string
		want    session.Page
	}{
		{"", session.Page{Limit: 100}},
		{"limit=7", session.Page{Limit: 7}},
		{"limit=1000", session.Page{Limit: 1000}},
		{"limit=1001", session.Page{Limit: 1000}},
		{"after=3", session.Page{After: "3", Limit: 100}},
		{"before=9.41 after=3 limit=2", session.Page{After: "3", Before: "9.41", Limit: 2}},
		{"after=a=b", session.Page{After: "a=b", Limit: 100}},
	} {
		if p, err := parsePage(strings.Fields(k.options)); err != nil || p != k.want {
			t.Errorf("%s: %+v, %v; want %+v", k.options, p, err, k.want)
		}
	}
	for _, o := range []string{"", "limit", "limit=", "limit=0", "limit=-1", "limit=x", "limit=1.5", "limit=99999999999999999999", "after", "after=", "before=", "x=1", "LIMIT=1", "=1"} {
		if p, err := parsePage([]string{o}); err == nil || channels.WordOf(err) != channels.Malformed {
			t.Errorf("%q: %s, %v", o, fmt.Sprint(p), err)
		}
	}
}
