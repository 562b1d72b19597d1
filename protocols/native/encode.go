package native

import (
	"strconv"
	"time"

	"chatnode/channels"
	"chatnode/node/session"
	"chatnode/node/wire"
)

// The two looks of an entry: as version 0.1 has it, and with tags.
var (
	plain  = &channels.Encoding{Append: appendRecv}
	tagged = &channels.Encoding{Append: appendTagged}
)

func appendRecv(dst []byte, e *channels.Entry) []byte {
	dst = grow(dst, e, 0)
	dst = append(dst, "RECV "...)
	dst = appendAddress(dst, e.Author)
	dst = append(dst, ' ')
	in := e.Channel
	if e.Label != nil {
		in = e.Label
	}
	dst = append(dst, in.Address()...)
	dst = append(dst, ' ')
	dst = append(dst, e.Body...)
	return append(dst, '\n')
}

func appendAddress(dst []byte, p channels.Person) []byte {
	dst = append(dst, p.Name...)
	if p.Host != "" {
		dst = append(append(dst, '@'), p.Host...)
	}
	return dst
}

func appendTagged(dst []byte, e *channels.Entry) []byte {
	return appendRecv(append(appendTags(dst, e), ' '), e)
}

func appendAfterGap(dst []byte, e *channels.Entry) []byte {
	return appendRecv(append(appendTags(dst, e), ";gap=1 "...), e)
}

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
func form(tags bool) session.Form {
	f := session.Form{Entry: plain, Replayed: tagged, AfterGap: appendAfterGap, TellsGaps: tags, Notice: notice}
	if tags {
		f.Entry = tagged
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
