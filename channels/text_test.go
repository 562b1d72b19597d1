package channels

import "testing"

func TestAPlainTextHasNoControlCharacterButTheTab(t *testing.T) {
	for text, want := range map[string]string{
		"":                      "",
		" two  blanks\tof\t":    " two  blanks\tof\t",
		"a\x00b\rc\nd\x1be\x7f": "a\ufffdb\ufffdc\ufffdd\ufffde\ufffd",
		"Grüße, 世界 \u0085 🎉":    "Grüße, 世界 \u0085 🎉", // which native protocol §1 lets pass
	} {
		if got := PlainText(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestATextIsCutBetweenCharacters(t *testing.T) {
	for _, k := range []struct {
		text       string
		most       int
		head, rest string
	}{
		{"", 4, "", ""}, {"abcd", 4, "abcd", ""}, {"abcde", 4, "abcd", "e"},
		{"abcü", 4, "abc", "ü"}, {"🎉🎉", 7, "🎉", "🎉"}, {"🎉🎉", 3, "🎉", "🎉"}, {"ü", 0, "ü", ""}, {"üa", -1, "ü", "a"},
		{"\x80\x80\x80\x80\x80\x80", 5, "\x80\x80\x80\x80\x80", "\x80"},
	} {
		if head, rest := Cut(k.text, k.most); head != k.head || rest != k.rest {
			t.Errorf("%q at %d: %q, %q", k.text, k.most, head, rest)
		}
	}
}
