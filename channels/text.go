package channels

import (
	"strings"
	"unicode/utf8"
)

// PlainText is a text as the lines of the native protocol and of links carry it: with U+FFFD for every control character
// but the tab. There are tongues that allow them.
func PlainText(text string) string {
	if !hasControl(text) {
		return text
	}
	return strings.Map(func(r rune) rune {
		if r < 0x20 && r != '\t' || r == 0x7f {
			return '\ufffd'
		}
		return r
	}, text)
}

func hasControl(text string) bool {
	for i := range len(text) {
		if c := text[i]; c < 0x20 && c != '\t' || c == 0x7f {
			return true
		}
	}
	return false
}

// Cut returns the longest beginning of a text that has at most so many bytes and ends between characters, and the rest. It
// is never empty for a text that is not.
func Cut(text string, most int) (head, rest string) {
	if len(text) <= most {
		return text, ""
	}
	for at := most; at > 0 && at > most-utf8.UTFMax; at-- {
		if utf8.RuneStart(text[at]) {
			return text[:at], text[at:]
		}
	}
	_, at := utf8.DecodeRuneInString(text) // not one character has room, or it is no text
	at = max(at, most)
	return text[:at], text[at:]
}
