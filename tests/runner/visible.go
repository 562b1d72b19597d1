package runner

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// visible shows a text with all that would not be seen: control characters, bytes that are not UTF-8, characters without
// a width, blanks at the end. A backslash is doubled.
func visible(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		b.WriteString(show(r, size, s[i], strings.Trim(s[i:], " ") == ""))
		i += size
	}
	return b.String()
}

func show(r rune, size int, first byte, atEnd bool) string {
	switch {
	case r == utf8.RuneError && size == 1:
		return fmt.Sprintf(`\x%02x`, first)
	case r == '\n':
		return `\n`
	case r == '\r':
		return `\r`
	case r == '\t':
		return `\t`
	case r == '\\':
		return `\\`
	case r == ' ' && atEnd:
		return `\x20`
	case r < 0x20 || r == 0x7f:
		return fmt.Sprintf(`\x%02x`, r)
	case !unicode.IsGraphic(r) || unicode.Is(unicode.Zs, r) && r != ' ':
		return fmt.Sprintf(`\u{%x}`, r)
	}
	return string(r)
}

// unseen says what is wrong with a line that was received, or is "".
func unseen(line string) string {
	switch {
	case !utf8.ValidString(line):
		return "what came is not valid UTF-8"
	case strings.Contains(line, "\x00"):
		return "what came has NUL bytes"
	case strings.HasSuffix(line, "\r"):
		return "the line ends in CR LF; lines end in LF alone"
	}
	return ""
}

// shorten cuts the middle out of a text that has more than width characters.
func shorten(s string, width int) string {
	r := []rune(s)
	if len(r) <= width {
		return s
	}
	half := (width - 1) / 2
	return string(r[:half]) + "…" + string(r[len(r)-half:])
}

// window cuts two texts to what is around their first difference, and returns where that then is, in characters.
func window(a, b string, width int) (string, string, int) {
	x, y := []rune(a), []rune(b)
	at := 0
	for at < len(x) && at < len(y) && x[at] == y[at] {
		at++
	}
	if len(x) <= width && len(y) <= width {
		return a, b, at
	}
	from := max(0, at-width/3)
	return clip(x, from, width), clip(y, from, width), at - from + min(from, 1)
}

// clip returns width characters, with an ellipsis where some are missing.
func clip(r []rune, from, width int) string {
	to := min(len(r), from+width)
	s := string(r[min(from, to):to])
	if from > 0 {
		s = "…" + s
	}
	if to < len(r) {
		s += "…"
	}
	return s
}
