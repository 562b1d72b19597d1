package native

import (
	"fmt"
	"strconv"
	"sync"
	"time"

	"chatnode/channels"
	"chatnode/node/session"
	"chatnode/node/wire"
)

// looks are the two looks of an entry, as version 0.1 has it and with tags, in lines with at most so many bytes of text.
type looks struct{ plain, tagged *channels.Encoding }

// made holds the looks for each length of a line: nearly always one.
var made sync.Map // int → *looks

// looksFor are the looks in lines with at most so many bytes of text; 0: of any length.
func looksFor(line int) *looks {
	if l, ok := made.Load(line); ok {
		return l.(*looks)
	}
	l, _ := made.LoadOrStore(line, &looks{
		plain: &channels.Encoding{Append: func(dst []byte, e *channels.Entry) []byte {
			return inPieces(dst, e, line, func(dst []byte, e *channels.Entry, _ string) []byte { return appendRecv(dst, e) })
		}},
		tagged: &channels.Encoding{Append: func(dst []byte, e *channels.Entry) []byte { return inPieces(dst, e, line, appendWith) }},
	})
	return l.(*looks)
}

// inPieces appends an entry in lines with at most so many bytes of text: there are tongues with longer ones, and with control
// characters. Each line of several has a tag that says which it is.
func inPieces(dst []byte, e *channels.Entry, line int, look func(dst []byte, e *channels.Entry, more string) []byte) []byte {
	text := channels.PlainText(e.Body)
	if text == e.Body && (line == 0 || len(text) <= line) {
		return look(dst, e, "")
	}
	var parts []string
	for rest := text; rest != ""; {
		head := rest
		if rest = ""; line > 0 {
			head, rest = channels.Cut(head, line)
		}
		parts = append(parts, head)
	}
	for i, body := range parts {
		piece := channels.Entry{Channel: e.Channel, Position: e.Position, Author: e.Author, Inc: e.Inc, N: e.N, At: e.At, Label: e.Label, Recovered: e.Recovered, Body: body}
		part := ""
		if len(parts) > 1 {
			part = fmt.Sprintf(";part=%d/%d", i+1, len(parts))
		}
		dst = look(dst, &piece, part)
	}
	return dst
}

func appendRecv(dst []byte, e *channels.Entry) []byte {
	dst = appendHead(grow(dst, e, 0), e)
	dst = append(dst, e.Body...)
	return append(dst, '\n')
}

// appendHead appends what stands before the text.
func appendHead(dst []byte, e *channels.Entry) []byte {
	dst = append(dst, "RECV "...)
	dst = appendAddress(dst, e.Author)
	dst = append(dst, ' ')
	in := e.Channel
	if e.Label != nil {
		in = e.Label
	}
	dst = append(dst, in.Address()...)
	return append(dst, ' ')
}

func appendAddress(dst []byte, p channels.Person) []byte {
	dst = append(dst, p.Name...)
	if p.Host != "" {
		dst = append(append(dst, '@'), p.Host...)
	}
	return dst
}

func appendTagged(dst []byte, e *channels.Entry) []byte { return appendWith(dst, e, "") }

// appendWith appends an entry with its tags and more of them.
func appendWith(dst []byte, e *channels.Entry, more string) []byte {
	return appendRecv(append(append(appendTags(dst, e), more...), ' '), e)
}

func appendAfterGap(dst []byte, e *channels.Entry) []byte { return appendWith(dst, e, ";gap=1") }

// appendTags appends the tags of an entry: where it stands, what it is, when it was numbered, and who gave it back after a
// restore.
func appendTags(dst []byte, e *channels.Entry) []byte {
	dst = grow(dst, e, 96)
	dst = append(dst, "@seq="...)
	dst = e.Channel.AppendPosition(dst, e.Position)
	dst = append(dst, ";id="...)
	dst = strconv.AppendInt(dst, e.Inc, 10)
	dst = append(dst, '.')
	dst = strconv.AppendInt(dst, e.N, 10)
	dst = append(dst, ";time="...)
	dst = time.UnixMilli(e.At).UTC().AppendFormat(dst, "2006-01-02T15:04:05.000Z")
	if e.Recovered != "" {
		dst = wire.AppendTag(dst, "recovered", e.Recovered)
	}
	return dst
}

// grow makes room for an entry at once, when it begins a slice of its own.
func grow(dst []byte, e *channels.Entry, tags int) []byte {
	if dst != nil {
		return dst
	}
	return make([]byte, 0, tags+len("RECV @  \n")+len(e.Author.Name)+len(e.Author.Host)+len(e.Channel.Address())+len(e.Body))
}

// form is how entries and notices look to a client that has switched these capabilities on.
func (p Protocol) form(tags bool) session.Form {
	l := looksFor(p.LineBytes)
	f := session.Form{Entry: l.plain, Replayed: l.tagged, AfterGap: appendAfterGap, TellsGaps: tags, Notice: notice}
	if tags {
		f.Entry = l.tagged
	}
	return f
}

var presence = map[channels.Presence]string{
	channels.EnteredChannel: "JOINED ",
	channels.LeftChannel:    "LEFT ",
	channels.CameOnLine:     "ONLINE ",
	channels.WentOffLine:    "OFFLINE ",
}

func notice(n channels.Notice) []byte {
	if n.Event == channels.HomeAway || n.Event == channels.HomeBack {
		return []byte("RECV @server " + n.Channel.Address() + " " + n.Text + "\n")
	}
	if presence[n.Event] == "" {
		return nil
	}
	p := append([]byte(presence[n.Event]), n.Person.Address()...)
	if n.Channel != nil {
		p = append(append(p, ' '), n.Channel.Address()...)
	}
	if n.Self && n.Reason != channels.OwnWill {
		p = append(append(p, ' '), n.Reason...)
	}
	return append(p, '\n')
}

// An answer is a RESULT line in the making.
type answer struct {
	tags []byte
	verb string
}

func (c *client) answer(r request) answer {
	a := answer{verb: r.verb}
	if r.tags && r.ref != "" {
		a.tags = wire.AppendTag(nil, "ref", r.ref)
	}
	return a
}

// line ends the answer: each word follows a blank.
func (a answer) line(words ...string) []byte {
	p := make([]byte, 0, 64)
	if len(a.tags) > 0 {
		p = append(append(p, a.tags...), ' ')
	}
	p = append(append(p, "RESULT "...), a.verb...)
	for _, w := range words {
		p = append(append(p, ' '), w...)
	}
	return append(p, '\n')
}

func (a *answer) tag(key, value string) { a.tags = wire.AppendTag(a.tags, key, value) }
