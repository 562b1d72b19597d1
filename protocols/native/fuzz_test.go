package native

import (
	"strings"
	"testing"
	"unicode/utf8"

	"chatnode/channels"
)

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"", " ", "CHANNELS", "SAY go  two  blanks ", "SAY go", "SAY go ", "JOIN go extra", `@ref=a\sb SAY go hi`, "@", "@ ", "@ref=x",
		"@x=1;ref=a\\n SAY go hi", "SAY go a\tb", "SAY g\to b", "SAY go \xff", "SAY go a\rb", "SAY\x00", "@ref=\x01 PING x", "@a\x02 PING x", "TOPIC go \x7f",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		r, err := parse(line)
		if err != nil && channels.WordOf(err) != channels.Malformed {
			t.Errorf("%q: %v", line, err)
		}
		if strings.Contains(r.verb, " ") {
			t.Errorf("%q: the verb is %q", line, r.verb)
		}
		if !utf8.ValidString(r.ref) || strings.ContainsFunc(r.ref, control) {
			t.Errorf("%q: the ref %q would be repeated", line, r.ref)
		}
		if err == nil {
			checkParsed(t, string(line), r)
		}
	})
}

// checkParsed holds a request that may be carried out to the rules of the protocol.
func checkParsed(t *testing.T, line string, r request) {
	t.Helper()
	before, isLast := strings.CutSuffix(line, r.text)
	switch {
	case !utf8.ValidString(line):
		t.Errorf("%q is no text", line)
	case !isLast || strings.ContainsFunc(before, control):
		t.Errorf("%q has a control character before its text %q", line, r.text)
	case strings.ContainsFunc(strings.ReplaceAll(r.text, "\t", ""), control):
		t.Errorf("%q has a control character in its text", line)
	case len(r.ref) > maxRef:
		t.Errorf("the ref %q has %d bytes", r.ref, len(r.ref))
	}
	// nothing is lost, and nothing is made up
	whole := strings.Join(r.words, " ")
	if after := commands[r.verb].textAfter; after > 0 && len(r.words) == after && len(r.whole) > len(whole) {
		whole += " " + r.text
	}
	if whole != r.whole || !strings.HasSuffix(line, r.whole) || !strings.Contains(line, r.verb) {
		t.Errorf("%q is cut into %+v", line, r)
	}
	for i, w := range r.words {
		if strings.Contains(w, " ") && i <= commands[r.verb].most { // a word too many is all that is left
			t.Errorf("%q: a word is %q", line, w)
		}
	}
}
