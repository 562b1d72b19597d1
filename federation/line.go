package federation

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf8"

	"chatnode/channels"
	"chatnode/node/wire"
)

// A line is one line of a peer.
type line struct {
	n   channels.Position // of a row: its number; zero: none
	re  channels.Position // of an answer: the number of the row that it answers; zero: none
	at  channels.Position // e and s: a place in a channel's log
	id  channels.Position // of a message: incarnation and number
	ms  int64             // of a message: its time
	had channels.Position // of a FEDEPOCH: the end of the last epoch that the home has kept
	err channels.Word     // of an answer: why it is no
	// moved: of a FEDGAP: nothing is missing there, its messages stand elsewhere in the log
	moved bool
	verb  string
	rest  string // all that follows the verb
	bad   bool   // it is no text, or holds control characters: not to be carried out
}

// spellings are other ways to write a verb (federation protocol §1).
var spellings = map[string]string{
	"FEDERATEOUT":      "FEDERATE-OUT",
	"FEDOUT":           "FEDERATE-OUT",
	"FEDERATE-CONFIRM": "FEDERATECONFIRM",
	"FEDCONFIRM":       "FEDERATECONFIRM",
}

// IsFederateOut reports whether a connection whose first line this is wants to be a link.
func IsFederateOut(text []byte) bool {
	verb := string(text)
	return verb == "FEDERATE-OUT" || spellings[verb] == "FEDERATE-OUT"
}

// parseLine reads a line. Tags that are not known, or make no sense, are passed over.
func parseLine(text []byte) line {
	tags, rest, err := wire.SplitTags(string(text))
	if err != nil {
		return line{bad: true}
	}
	var l line
	l.verb, l.rest, _ = strings.Cut(rest, " ")
	if v := spellings[l.verb]; v != "" {
		l.verb = v
	}
	for _, t := range tags {
		l.take(t)
	}
	l.bad = !utf8.Valid(text) || bytes.ContainsFunc(text, func(c rune) bool { return c < 0x20 && c != '\t' || c == 0x7f })
	return l
}

func (l *line) take(t wire.Tag) {
	switch t.Key {
	case "n":
		l.n = parsePair(t.Value)
	case "re":
		l.re = parsePair(t.Value)
	case "id":
		l.id = parsePair(t.Value)
	case "e":
		l.at.Epoch = parseNumber(t.Value)
	case "s":
		l.at.Seq = parseNumber(t.Value)
	case "t":
		l.ms = parseNumber(t.Value)
	case "had":
		l.had = parsePair(t.Value)
	case "moved":
		l.moved = t.Value == "1"
	case "err":
		l.err = channels.Word(t.Value)
	}
}

// words cuts what follows the verb at single blanks: at most n words, the last of which is all that is left.
func (l line) words(n int) []string { return strings.SplitN(l.rest, " ", n) }

// parsePair reads inc.n; the zero Position if it is none.
func parsePair(s string) channels.Position {
	inc, n, _ := strings.Cut(s, ".")
	p := channels.Position{Epoch: parseNumber(inc), Seq: parseNumber(n)}
	if p.Epoch == 0 || p.Seq == 0 {
		return channels.Position{}
	}
	return p
}

// maxNumber is the highest number that is taken from a peer: what is added to it does not overflow.
const maxNumber = 1 << 53

// parseNumber reads a number above 0; 0 if it is none.
func parseNumber(s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 || n > maxNumber {
		return 0
	}
	return n
}

// parsePlace reads the e and s of FEDSYNC and its like.
func parsePlace(e, s string) channels.Position {
	return channels.Position{Epoch: parseNumber(e), Seq: parseNumber(s)}
}

// parseAddress reads name@host or name:host, the name in normal form; ok is false if it is neither.
func parseAddress(s string, sep byte) (name, host string, ok bool) {
	i := strings.IndexByte(s, sep)
	if i < 0 || validClaim(s[i+1:]) == "" {
		return "", "", false
	}
	name, err := channels.ParseName(s[:i])
	return name, s[i+1:], err == nil
}

// appendPair appends inc.n.
func appendPair(dst []byte, p channels.Position) []byte {
	return strconv.AppendInt(append(strconv.AppendInt(dst, p.Epoch, 10), '.'), p.Seq, 10)
}

// place is the tags e and s of a position.
func place(p channels.Position) string {
	return "e=" + strconv.FormatInt(p.Epoch, 10) + ";s=" + strconv.FormatInt(p.Seq, 10)
}

// pair is inc.n.
func pair(p channels.Position) string { return string(appendPair(nil, p)) }

// numbers writes the two numbers of a position as two words.
func numbers(p channels.Position) string {
	return strconv.FormatInt(p.Epoch, 10) + " " + strconv.FormatInt(p.Seq, 10)
}

// A hello is what a FEDHELLO says.
type hello struct {
	said bool
	host string
	inc  int64
	saw  int64 // the highest incarnation of ours that the peer knows
	line int   // the longest line that it reads
}

// defaultLine is the longest line that a peer reads that does not say it.
const defaultLine = 65536

// minLine and maxLine bound what we make of what a peer says of its lines.
const (
	minLine = 1024
	maxLine = 16 << 20
)

func parseHello(rest string) hello {
	h := hello{said: true, line: defaultLine}
	for word := range strings.FieldsSeq(rest) {
		switch key, value, _ := strings.Cut(word, "="); key {
		case "host":
			h.host = value
		case "inc":
			h.inc = parseNumber(value)
		case "saw":
			h.saw = parseNumber(value)
		case "line":
			h.line = int(min(max(parseNumber(value), minLine), maxLine))
		}
	}
	return h
}
