package channels

import (
	"strings"
	"testing"
)

func TestParseNameTakesNamesOfAllTongues(t *testing.T) {
	for _, k := range []struct{ in, want string }{
		{"bob", "bob"},
		{"Bob", "Bob"},
		{"a", "a"},
		{"bob.smith-2_x", "bob.smith-2_x"},
		{"bo#b", "bo#b"},
		{"**", "**"},
		{"世界", "世界"},
		{"🎉", "🎉"},
		{"👩‍👩‍👧", "👩‍👩‍👧"},
		{"e\u0301", "é"},
		{"\u212b", "\u00c5"},       // the sign of a length is the letter
		{"각", "각"},                 // three letters are one syllable
		{"\u200bbob", "\u200bbob"}, // no blank by Unicode's lights
		{"SERVERS", "SERVERS"},
		{"[Servers]", "[Servers]"},
		{"!$%^&(){}'\"`\\/<>?|~;=+", "!$%^&(){}'\"`\\/<>?|~;=+"},
		{strings.Repeat("x", 64), strings.Repeat("x", 64)},
		{strings.Repeat("e\u0301", 32), strings.Repeat("é", 32)}, // 96 bytes before
		{strings.Repeat("각", 21), strings.Repeat("각", 21)},       // 189 bytes before
	} {
		if got, err := ParseName(k.in); err != nil || got != k.want {
			t.Errorf("%q: %q, %v; want %q", k.in, got, err, k.want)
		}
	}
}

func TestParseNameRefusesWhatIsNoName(t *testing.T) {
	for _, in := range []string{
		"", " ", "a b", " bob", "bob ", "a\tb", "a\nb", "a\u00a0b", "a\u3000b", "a\u2028b", "\u0085",
		"a\x00b", "a\x1b", "a\x7f", "a\u009f",
		"@", "a@b", ":", "a:b", ",", "a,b",
		"#", "#go", "*", "SERVER", "server", "SeRvEr", "ſerver", "[Server]", "[SERVER]",
		"\xff", "bob\xc3", "\xed\xa0\x80",
		strings.Repeat("x", 65), strings.Repeat("é", 33), strings.Repeat("x", 100_000),
		"\u037e\u1fef,", "ﬀ\u2003", // what normal form makes of signs is looked at too
	} {
		if got, err := ParseName(in); WordOf(err) != BadName || err == nil || got != "" {
			t.Errorf("%.80q: %q, %v", in, got, err)
		}
	}
}

func TestSplitHostCutsAtTheFirstMark(t *testing.T) {
	const ours = "here:5050"
	for _, k := range []struct {
		address    string
		sep        byte
		name, host string
	}{
		{"bob", '@', "bob", ""},
		{"bob@there", '@', "bob", "there"},
		{"bob@there:5050", '@', "bob", "there:5050"},
		{"bob@here:5050", '@', "bob", ""},
		{"bob@here", '@', "bob", "here"},
		{"bob@a@b", '@', "bob", "a@b"},
		{"@there", '@', "", "there"},
		{"@", '@', "@", ""},
		{"bob@", '@', "bob@", ""},
		{"", '@', "", ""},
		{"go", ':', "go", ""},
		{"go:there", ':', "go", "there"},
		{"go:there:5050", ':', "go", "there:5050"},
		{"go:here:5050", ':', "go", ""},
		{"go:a@b", ':', "go", "a@b"},
		{"a@b:there", ':', "a@b", "there"},
		{"::", ':', "", ":"},
	} {
		if name, host := SplitHost(k.address, k.sep, ours); name != k.name || host != k.host {
			t.Errorf("%q: %q, %q; want %q, %q", k.address, name, host, k.name, k.host)
		}
	}
}

func TestNormalNameIsLookedUpAsItIsKept(t *testing.T) {
	for in, want := range map[string]string{"e\u0301": "é", "a b": "a b", "": "", "\xff": "\xff"} {
		if got := NormalName(in); got != want {
			t.Errorf("%q: %q; want %q", in, got, want)
		}
	}
}

func TestAddressesShowTheHostOfOthersOnly(t *testing.T) {
	for _, k := range []struct{ got, want string }{
		{Person{Name: "bob"}.Address(), "bob"},
		{Person{Name: "bob", Host: "there:5050"}.Address(), "bob@there:5050"},
		{(&Channel{Name: "go"}).Address(), "go"},
		{(&Channel{Name: "go", Host: "there"}).Address(), "go:there"},
		{(&Channel{Kind: Inbox, Name: "bob"}).Address(), "@"},
		{(&Channel{Kind: Inbox}).Address(), "@"},
	} {
		if k.got != k.want {
			t.Errorf("%q; want %q", k.got, k.want)
		}
	}
}
