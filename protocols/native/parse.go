package native

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"chatnode/channels"
	"chatnode/node/wire"
)

// maxRef is the longest ref that a client may put on a message, in bytes.
const maxRef = 128

// A request is one line of a client.
type request struct {
	verb  string
	words []string // what follows the verb, cut at single blanks; for a verb with a text the fixed words only
	text  string   // of a verb with a text
	whole string   // all that follows the verb, as it was sent
	ref   string
	tags  bool // the client had switched them on: answers may be made when it has gone on
}

// parse reads a line. It finds the verb and the ref, if there are any, unless its tags cannot be read; a ref that cannot be
// repeated is left out. The error is Malformed when the line must not be carried out.
func parse(line []byte) (request, error) {
	tags, rest, err := wire.SplitTags(string(line))
	if err != nil {
		return request{}, channels.Refuse(channels.Malformed)
	}
	var r request
	var more bool
	r.verb, r.whole, more = strings.Cut(rest, " ")
	for _, t := range tags {
		if t.Key == "ref" {
			r.ref = t.Value
		}
	}
	if more {
		r.cut(commands[r.verb])
	}
	bad := !utf8.Valid(line) || bytes.ContainsFunc(line[:len(line)-len(rest)], control) || r.malformed() || len(r.ref) > maxRef
	if !utf8.ValidString(r.ref) || strings.ContainsFunc(r.ref, control) {
		r.ref, bad = "", true
	}
	if bad {
		return r, channels.Refuse(channels.Malformed)
	}
	return r, nil
}

// cut splits what follows the verb: into so many words and a text, or into words, of which there may be one too many.
func (r *request) cut(c command) {
	if c.textAfter == 0 {
		r.words = strings.SplitN(r.whole, " ", c.most+2)
		return
	}
	r.words = strings.SplitN(r.whole, " ", c.textAfter+1)
	if len(r.words) > c.textAfter {
		r.text = r.words[c.textAfter]
		r.words = r.words[:c.textAfter]
	}
}

// malformed reports a control character, but for a tab in a text.
func (r *request) malformed() bool {
	for _, word := range r.words {
		if strings.ContainsFunc(word, control) {
			return true
		}
	}
	return strings.ContainsFunc(r.verb, control) ||
		strings.ContainsFunc(r.text, func(c rune) bool { return control(c) && c != '\t' })
}

func control(c rune) bool { return c < 0x20 || c == 0x7f }

// blank reports a line that says nothing.
func blank(line []byte) bool { return len(strings.Trim(string(line), " \t")) == 0 }
