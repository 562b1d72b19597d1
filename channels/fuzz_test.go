package channels

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// wrongWith says what is wrong with a name, one rule after the other.
func wrongWith(name string) string {
	switch {
	case !utf8.ValidString(name):
		return "no text"
	case !norm.NFC.IsNormalString(name):
		return "not in normal form"
	case len(name) < 1 || len(name) > 64:
		return "its length"
	case strings.ContainsAny(name, "@:,"):
		return "a mark of addresses or lists"
	case strings.HasPrefix(name, "#"):
		return "the mark in front"
	case name == "*" || strings.ToUpper(name) == "SERVER" || strings.ToUpper(name) == "[SERVER]":
		return "reserved"
	}
	for _, r := range name {
		if r < 0x20 || r == 0x7f || unicode.Is(unicode.Cc, r) || unicode.Is(unicode.White_Space, r) {
			return "a blank or control character"
		}
	}
	return ""
}

func FuzzParseName(f *testing.F) {
	for _, s := range []string{"bob", "e\u0301", "#go", "a@b", "go:there", "SERVER", "[server]", "*", "a\u00a0b", "\u212b\x00", "世界🎉", "\xff",
		strings.Repeat("각", 21), strings.Repeat("x", 65)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		name, err := ParseName(s)
		if err != nil {
			if n := norm.NFC.String(s); WordOf(err) != BadName || wrongWith(n) == "" && len(s) <= 256 {
				t.Errorf("%q: %v", s, err)
			}
			return
		}
		if wrong := wrongWith(name); wrong != "" {
			t.Errorf("%q is taken as %q: %s", s, name, wrong)
		}
		if again, err := ParseName(name); err != nil || again != name {
			t.Errorf("%q is %q, and that is %q, %v", s, name, again, err)
		}
		if NormalName(s) != name {
			t.Errorf("%q is kept as %q and looked up as %q", s, name, NormalName(s))
		}
	})
}
