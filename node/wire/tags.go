package wire

import (
	"errors"
	"strings"
)

// ErrTags says that a line begins with "@" and no list of tags follows.
var ErrTags = errors.New("not a list of tags")

// A Tag is one key=value in front of a line, its value as it was meant.
type Tag struct{ Key, Value string }

// SplitTags cuts the tags off a line: "@key=value;key=value rest", values escaped as in IRCv3. A line that does not begin
// with "@" has none. The rest begins after the one blank that ends the tags.
func SplitTags(line string) (tags []Tag, rest string, err error) {
	if !strings.HasPrefix(line, "@") {
		return nil, line, nil
	}
	list, rest, found := strings.Cut(line[1:], " ")
	if !found || list == "" {
		return nil, "", ErrTags
	}
	for pair := range strings.SplitSeq(list, ";") {
		key, value, _ := strings.Cut(pair, "=")
		if key == "" {
			return nil, "", ErrTags
		}
		tags = append(tags, Tag{key, unescape(value)})
	}
	return tags, rest, nil
}

// AppendTag appends one tag to a line's list of tags: dst is empty, or ends with another.
func AppendTag(dst []byte, key, value string) []byte {
	if len(dst) == 0 {
		dst = append(dst, '@')
	} else {
		dst = append(dst, ';')
	}
	dst = append(append(dst, key...), '=')
	for i := range len(value) {
		if e := escapes[value[i]]; e != 0 {
			dst = append(dst, '\\', e)
		} else {
			dst = append(dst, value[i])
		}
	}
	return dst
}

// escapes and meanings are the two directions of IRCv3's escaping of tag values.
var (
	escapes  = [256]byte{';': ':', ' ': 's', '\\': '\\', '\r': 'r', '\n': 'n'}
	meanings = [256]byte{':': ';', 's': ' ', '\\': '\\', 'r': '\r', 'n': '\n'}
)

func unescape(value string) string {
	if !strings.Contains(value, `\`) {
		return value
	}
	var b strings.Builder
	for i := 0; i < len(value); i++ {
		c := value[i]
		if c == '\\' {
			if i++; i == len(value) {
				break // a lone backslash at the end means nothing
			}
			if c = value[i]; meanings[c] != 0 {
				c = meanings[c]
			}
		}
		b.WriteByte(c)
	}
	return b.String()
}
