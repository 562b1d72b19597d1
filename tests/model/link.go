package model

import (
	"fmt"
	"slices"
)

// An end is one node's half of a link, and all that it knows of the link; it is lost with the link.
type end struct {
	node, peer *node
	other      *end
	dialler    int // node
	in         []line
	closed     bool // by this side
	broken     bool // nothing that this side writes arrives any more

	greeted bool  // the peer's FEDHELLO has come
	inc     int   // the peer's, as it said
	ready   bool  // our first FEDHAVE is written
	told    bool  // the last of the peer's first FEDHAVEs has come
	acked   []num // of each incarnation of ours, what it has
	next    int   // index of the next row to look at
	owed    []num // FEDHAVE to write

	streams [channels]stream
	serves  [channels]serve
	changes []change // FEDMEMBER lines to write
	waiting []line   // state lines that wait for their place
}

// A stream is a home's side of a replica on one link.
type stream struct {
	on      bool // FEDSYNC has come
	at      place
	members bool // FEDMEMBERS is owed
	pulling bool // between FEDPULL and FEDPULLED
}

// A serve is an answer to FEDPULL that is under way.
type serve struct {
	on     bool
	at, to place
}

// A change is a FEDMEMBER line, and how many rows come before it.
type change struct {
	line
	rows int
}

// write sends a line, if the link still carries any.
func (e *end) write(l line) {
	if !e.broken && !e.other.closed {
		if w := e.node.world; w.trace != nil {
			w.trace(fmt.Sprintf("      %d→%d %v", e.node.number, e.peer.number, l))
		}
		e.other.in = append(e.other.in, l)
	}
}

// close ends this side: what is under way to the peer still arrives.
func (e *end) close() {
	if e.closed {
		return
	}
	e.closed = true
	e.other.broken = true
	e.in = nil
	e.node.linkLost(e.peer.number)
}

// expire deletes the rows that are done: answered if they ask, and of a FEDSAY the entry has come.
func (n *node) expire(e *end) {
	rows := n.disk.peers[e.peer.number].rows
	for i := range rows {
		r := &rows[i]
		done := r.n.n <= e.ackedOf(r.n.inc)
		switch r.verb {
		case join, leave:
			done = done && r.answered != 0
		case say:
			done = done && (r.refused || n.disk.logs[r.channel].hasID(id{n.number, r.n}))
		}
		r.expired = r.expired || done
	}
}

// omit loses the oldest line under way in a live stream, if another follows it.
func (e *end) omit() {
	live := func(l line) bool {
		return l.n.inc == 0 && (l.verb == recv || l.verb == epoch || l.verb == gap) && homeOf(l.channel) != e.node.number
	}
	i := slices.IndexFunc(e.in, live)
	if i >= 0 && slices.ContainsFunc(e.in[i+1:], func(l line) bool { return live(l) && l.channel == e.in[i].channel }) {
		e.in = slices.Delete(e.in, i, i+1)
	}
}

// cut loses what is under way past a number of lines each way. Both sides have yet to notice.
func (e *end) cut(keep, keepOther int) {
	e.broken, e.other.broken = true, true
	e.in = e.in[:min(keep, len(e.in))]
	e.other.in = e.other.in[:min(keepOther, len(e.other.in))]
}

// link dials.
func (w *world) link(from, to *node) {
	a := &end{node: from, peer: to, dialler: from.number}
	b := &end{node: to, peer: from, dialler: from.number}
	a.other, b.other = b, a
	a.in, b.in = make([]line, 0, 8), make([]line, 0, 8)
	w.ends = append(slices.DeleteFunc(w.ends, func(e *end) bool { return e.closed && e.other.closed }), a, b)
	for _, e := range []*end{a, b} {
		e.write(line{verb: hello, inc: e.node.disk.inc, saw: e.node.disk.peers[e.peer.number].saw})
	}
}

// ackedOf is how many rows of an incarnation the peer says to have.
func (e *end) ackedOf(inc int) int {
	for _, n := range e.acked {
		if n.inc == inc {
			return n.n
		}
	}
	return 0
}

// stays reports whether the end wins against an older link to the same peer.
func (e *end) stays(old *end) bool {
	switch {
	case e.inc != old.inc:
		return e.inc > old.inc
	case e.dialler != old.dialler:
		return e.dialler < old.dialler
	}
	return true
}

// hello begins an extended link.
func (n *node) hello(e *end, l line) {
	p := &n.disk.peers[e.peer.number]
	if e.greeted {
		return
	}
	if l.saw > n.disk.inc {
		n.rolledBack(l.saw, place{})
		return
	}
	e.inc = l.inc
	for _, old := range n.ends(e.peer.number) {
		if old != e && old.greeted {
			if !e.stays(old) {
				e.close()
				return
			}
			old.close()
		}
	}
	e.greeted = true
	p.saw = max(p.saw, l.inc)
	for c := range n.disk.logs {
		if homeOf(c) == e.peer.number && n.disk.logs[c].exists {
			e.write(line{verb: sync, channel: c, at: n.disk.logs[c].head})
		}
	}
	if !n.recovering {
		n.greet(e)
	}
}

// greet says what of the peer's rows took effect, its present incarnation last, and with that lets it send the others.
func (n *node) greet(e *end) {
	p := &n.disk.peers[e.peer.number]
	e.ready = true
	for _, h := range p.had {
		if h.inc < e.inc {
			e.write(line{verb: have, n: h})
		}
	}
	e.write(line{verb: have, n: num{e.inc, p.hadOf(e.inc)}})
	for c := range n.disk.logs {
		if homeOf(c) == n.number && n.world.flaw != silentAfterHello && n.disk.logs[c].members&usersOf(e.peer.number) != 0 {
			e.streams[c].members = true
		}
	}
}

// had hears how far the peer has our rows.
func (n *node) had(e *end, l line) {
	p := &n.disk.peers[e.peer.number]
	if l.n.inc > n.disk.inc || l.n.inc == n.disk.inc && l.n.n > n.lastSent(p) {
		n.rolledBack(l.n.inc, place{})
		return
	}
	e.told = e.told || l.n.inc == n.disk.inc
	i := slices.IndexFunc(e.acked, func(a num) bool { return a.inc == l.n.inc })
	if i < 0 {
		e.acked = append(e.acked, l.n)
	} else {
		e.acked[i] = l.n
	}
}

// lastSent is the highest row of this incarnation that a peer can have.
func (n *node) lastSent(p *peer) int {
	last := 0
	for _, r := range p.rows {
		if r.n.inc == n.disk.inc && r.sent {
			last = max(last, r.n.n)
		}
	}
	return last
}

// owe owes FEDHAVE for a row.
func (e *end) owe(n num) {
	for i := range e.owed {
		if e.owed[i].inc == n.inc {
			e.owed[i].n = max(e.owed[i].n, n.n)
			return
		}
	}
	e.owed = append(e.owed, n)
}

// The kinds of lines that a writer may choose from when several are owed.
const (
	kindHave = iota
	kindRow
	kindState
	kindStream
	kindServe
	kinds
)

// pump writes one line of the first kind that is owed, beginning with a kind, and reports whether there was any.
func (n *node) pump(e *end, first int) bool {
	if e.closed || !e.greeted {
		return false
	}
	for k := range kinds {
		if n.pumpKind(e, (first+k)%kinds) {
			return true
		}
	}
	return false
}

func (n *node) pumpKind(e *end, kind int) bool {
	if kind == kindServe {
		return n.pumpServe(e)
	}
	if !e.ready {
		return false
	}
	switch kind {
	case kindHave:
		return n.pumpHave(e)
	case kindRow:
		return n.pumpRow(e)
	case kindState:
		return n.pumpState(e)
	default:
		return n.pumpStream(e)
	}
}

// pumpHave writes FEDHAVE.
func (n *node) pumpHave(e *end) bool {
	owesState := len(e.changes) > 0
	for _, s := range e.streams {
		owesState = owesState || s.members
	}
	if len(e.owed) == 0 || owesState && n.world.flaw == stateByHave {
		return false
	}
	e.write(line{verb: have, n: e.owed[0]})
	e.owed = e.owed[1:]
	return true
}

// pumpRow writes the next row that the peer does not have, behind the state lines of earlier commits. That it was sent is
// committed before.
func (n *node) pumpRow(e *end) bool {
	rows := n.disk.peers[e.peer.number].rows
	if !e.told && n.world.flaw != sendToSilent {
		return false
	}
	for e.next < len(rows) {
		if len(e.changes) > 0 && e.changes[0].rows <= e.next && n.world.flaw != rowsBeforeState {
			return false
		}
		r := &rows[e.next]
		e.next++
		if r.expired || r.n.n <= e.ackedOf(r.n.inc) || r.answered == e.inc || r.refused && r.verb == say && n.world.flaw != resendRefused {
			continue
		}
		r.sent, r.answered = true, 0
		e.write(r.line)
		return true
	}
	return false
}
