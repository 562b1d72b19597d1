package federation

import (
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"chatnode/channels"
	"chatnode/node/session"
)

// How entries and notices look on links.

// An extended link says an entry once, with its place.
type extendedForm struct {
	own      string // this node's host, as the peer knows it
	encoding *channels.Encoding
	line     atomic.Int64 // the longest line that the peer reads

	mu    sync.Mutex
	acked map[int64]int64 // guarded by mu: of each incarnation, what the peer had of the outbox when the link began
}

func newExtendedForm(own string) *extendedForm {
	f := &extendedForm{own: own, encoding: encodingFor(own), acked: map[int64]int64{}}
	f.line.Store(defaultLine)
	return f
}

// encodings holds one encoding for each name of this node: nearly always one.
var encodings sync.Map // own host → *channels.Encoding

func encodingFor(own string) *channels.Encoding {
	e, _ := encodings.LoadOrStore(own, &channels.Encoding{Append: func(dst []byte, e *channels.Entry) []byte { return appendEntry(dst, own, e) }})
	return e.(*channels.Encoding)
}

// form is the session's form for it.
func (f *extendedForm) form() session.Form {
	return session.Form{Link: f, Notice: f.notice, TellsGaps: true}
}

// appendEntry appends FEDRECV * with all that names the message.
func appendEntry(dst []byte, own string, e *channels.Entry) []byte {
	if dst == nil {
		dst = make([]byte, 0, 96+len(e.Author.Name)+len(e.Author.Host)+len(e.Channel.Name)+2*len(own)+len(e.Body))
	}
	dst = append(dst, "@e="...)
	dst = strconv.AppendInt(dst, e.Epoch, 10)
	dst = append(dst, ";s="...)
	dst = strconv.AppendInt(dst, e.Seq, 10)
	dst = append(dst, ";id="...)
	dst = appendPair(dst, channels.Position{Epoch: e.Inc, Seq: e.N})
	dst = append(dst, ";t="...)
	dst = strconv.AppendInt(dst, e.At, 10)
	dst = append(dst, " FEDRECV * "...)
	dst = append(dst, e.Author.Name...)
	dst = append(dst, '@')
	dst = append(dst, or(e.Author.Host, own)...)
	dst = append(dst, ' ')
	dst = append(dst, e.Channel.Name...)
	dst = append(dst, ':')
	dst = append(dst, or(e.Channel.Host, own)...)
	dst = append(dst, ' ')
	dst = append(dst, channels.PlainText(e.Body)...)
	return append(dst, '\n')
}

func or(a, b string) string {
	if a == "" {
		return b
	}
	return a
}

// Entry implements the Link of a session.Form.
func (f *extendedForm) Entry(dst []byte, sub *channels.Subscription, e *channels.Entry) []byte {
	if e.Channel.Kind == channels.OutboxLog {
		return f.row(dst, e)
	}
	before := channels.Position{Epoch: e.Epoch, Seq: e.Seq - 1}
	if e.First != 0 {
		before.Seq = e.First - 1
	}
	if dst = f.Passed(dst, sub, before); before.Seq+1 < e.Seq && sub.Last == nil {
		dst = appendGap(append(dst, "@moved=1 "...), e.Channel, e.Epoch, before.Seq+1, e.Seq-1)
	}
	p := e.Encoded(f.encoding)
	if len(p) > int(f.line.Load()) {
		return appendGap(dst, e.Channel, e.Epoch, e.Seq, e.Seq)
	}
	return append(dst, p...)
}

// Passed implements the Link of a session.Form: it says each epoch that begins, and each hole.
func (f *extendedForm) Passed(dst []byte, sub *channels.Subscription, to channels.Position) []byte {
	c := sub.Channel
	if c.Kind == channels.OutboxLog || sub.Last != nil { // rows that are done are no loss; what is pulled is what there is
		return dst
	}
	at, lost := sub.Cursor, true
	for _, e := range c.Epochs() {
		if e.Epoch <= at.Epoch {
			lost = lost && e.Epoch != at.Epoch
			continue
		}
		if e.Epoch > to.Epoch {
			break
		}
		if !lost && at.Seq < e.Base {
			dst = appendGap(dst, c, at.Epoch, at.Seq+1, e.Base)
			at.Seq = e.Base
		}
		var had channels.Position
		if lost {
			had = c.EndBefore(e.Epoch)
		}
		next := channels.Position{Epoch: e.Epoch, Seq: e.Base}
		dst, at, lost = appendEpoch(dst, c, at, next, had), next, false
	}
	if at.Epoch < to.Epoch { // one that was lost, and some of which was given back
		return appendEpoch(dst, c, at, to, channels.Position{})
	}
	if at.Epoch == to.Epoch && at.Seq < to.Seq {
		dst = appendGap(dst, c, at.Epoch, at.Seq+1, to.Seq)
	}
	return dst
}

// appendEpoch appends FEDEPOCH, with the place that it follows and, where that was lost, the end of what was kept before: a
// home that went on from an older copy may have had less then than it has now.
func appendEpoch(dst []byte, c *channels.Channel, after, base, had channels.Position) []byte {
	tags := place(after)
	if had != (channels.Position{}) {
		tags += ";had=" + pair(had)
	}
	return append(dst, "@"+tags+" FEDEPOCH "+c.Name+" "+numbers(base)+"\n"...)
}

func appendGap(dst []byte, c *channels.Channel, epoch, from, to int64) []byte {
	dst = append(dst, "FEDGAP "+c.Name+" "...)
	dst = strconv.AppendInt(dst, epoch, 10)
	dst = strconv.AppendInt(append(dst, ' '), from, 10)
	dst = strconv.AppendInt(append(dst, ' '), to, 10)
	return append(dst, '\n')
}

// row appends a row of the outbox with its number, unless the peer said at the beginning that it has it.
func (f *extendedForm) row(dst []byte, e *channels.Entry) []byte {
	f.mu.Lock()
	had := e.Seq <= f.acked[e.Epoch]
	f.mu.Unlock()
	if had {
		return dst
	}
	dst = appendPair(append(dst, "@n="...), e.Position)
	body := e.Body
	if tagged, ok := strings.CutPrefix(body, "@"); ok {
		dst = append(dst, ';')
		body = tagged
	} else {
		dst = append(dst, ' ')
	}
	return append(append(dst, strings.ReplaceAll(body, channels.OwnHost, f.own)...), '\n')
}

// has notes what the peer had of the outbox when the link began.
func (f *extendedForm) has(inc, n int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.acked[inc] = max(f.acked[inc], n)
}

func (f *extendedForm) notice(n channels.Notice) []byte {
	switch {
	case n.Channel == nil || n.Channel.Home != 0:
		return nil
	case n.Event == channels.EnteredChannel:
		return []byte("@" + place(n.At) + " FEDMEMBER " + n.Channel.Name + " +" + n.Person.Address() + "\n")
	case n.Event == channels.LeftChannel && n.Reason != channels.ChannelDeleted:
		return []byte("@" + place(n.At) + " FEDMEMBER " + n.Channel.Name + " -" + n.Person.Address() + "\n")
	case n.Event == channels.TopicChanged:
		return []byte("@" + place(n.At) + " FEDTOPIC " + n.Channel.Name + " " + n.Text + "\n")
	case n.Event == channels.ChannelGone:
		return []byte("@" + place(n.At) + " FEDGONE " + n.Channel.Name + "\n")
	case n.Event == channels.ChannelMade:
		return []byte("FEDNEW " + n.Channel.Name + "\n")
	}
	return nil
}

// A plain link says an entry once for each member there.
type plainForm struct{ own, peer string }

// form is the session's form for it.
func (f *plainForm) form() session.Form {
	return session.Form{Link: f, Notice: f.notice, TellsGaps: true}
}

// Entry implements the Link of a session.Form.
func (f *plainForm) Entry(dst []byte, sub *channels.Subscription, e *channels.Entry) []byte {
	return append(dst, "FEDRECV "+sub.Hearer.Name+"@"+f.peer+" "+e.Author.Name+"@"+or(e.Author.Host, f.own)+" "+
		e.Channel.Name+":"+f.own+" "+channels.PlainText(e.Body)+"\n"...)
}

// Passed implements the Link of a session.Form: version 0.1 has no word for what is gone.
func (f *plainForm) Passed(dst []byte, _ *channels.Subscription, _ channels.Position) []byte {
	return dst
}

func (f *plainForm) notice(n channels.Notice) []byte {
	if n.Event == channels.ChannelMade {
		return []byte("FEDNEW " + n.Channel.Name + "\n")
	}
	return nil
}

// stateLines is all that is known of a channel besides its messages: its members and its topic.
func stateLines(s *channels.State, members []string, most int) []byte {
	slices.Sort(members)
	at := "@" + place(s.Head) + " "
	head := at + "FEDMEMBERS " + s.Name + " "
	p := []byte(head)
	line, first := len(head), true
	var rest []string
	for i, m := range members {
		if line+len(m)+2 > most {
			rest = members[i:]
			break
		}
		if !first {
			p = append(p, ", "...)
		}
		p, first = append(p, m...), false
		line += len(m) + 2
	}
	p = append(p, '\n')
	for _, m := range rest {
		p = append(p, at+"FEDMEMBER "+s.Name+" +"+m+"\n"...)
	}
	return append(p, at+"FEDTOPIC "+s.Name+" "+s.Topic+"\n"...)
}
