package model

import "slices"

// A disk is what a node has committed.
type disk struct {
	inc   int // incarnation
	epoch int // last one made
	logs  [channels]log
	peers [maxNodes]peer
	inbox []int // texts whispered to its users
}

// clone is a copy that shares nothing.
func (d *disk) clone() disk {
	c := *d
	c.inbox = slices.Clone(d.inbox)
	for i := range c.logs {
		c.logs[i].entries = slices.Clone(d.logs[i].entries)
		c.logs[i].spans = slices.Clone(d.logs[i].spans)
		c.logs[i].holes = slices.Clone(d.logs[i].holes)
	}
	for i := range c.peers {
		c.peers[i].rows = slices.Clone(d.peers[i].rows)
		c.peers[i].had = slices.Clone(d.peers[i].had)
	}
	return c
}

// A peer is what a node keeps of another; under its own number a node counts the messages of its own users.
type peer struct {
	saw  int   // its highest incarnation known
	made num   // the last row for it
	rows []row // for it, as made
	had  []num // of each incarnation of it, the last row that took effect, ascending
}

// A row of an outbox. What asks something is kept until its answer has come, and longer.
type row struct {
	line
	told     told
	sent     bool // at least once: committed before it goes
	answered int  // the peer's incarnation when it answered, or 0
	refused  bool // answered 0
	expired  bool // done for so long that it is deleted
}

// What the client who asked for a JOIN was told.
type told int8

const (
	nothing told = iota
	yes
	no
)

// number makes the number of a new row.
func (p *peer) number(inc int) num {
	if p.made.inc != inc {
		p.made = num{inc, 0}
	}
	p.made.n++
	return p.made
}

// hadOf is the last row of an incarnation that took effect.
func (p *peer) hadOf(inc int) int {
	for _, n := range p.had {
		if n.inc == inc {
			return n.n
		}
	}
	return 0
}

// take notes that a row took effect.
func (p *peer) take(n num) {
	i, found := slices.BinarySearchFunc(p.had, n.inc, func(h num, inc int) int { return h.inc - inc })
	if !found {
		p.had = slices.Insert(p.had, i, n)
	}
	p.had[i].n = n.n
}

// find is the index of the row of a number, or -1.
func (p *peer) find(n num) int {
	return slices.IndexFunc(p.rows, func(r row) bool { return r.n == n && !r.expired })
}

// A span is one epoch of a home's log.
type span struct {
	epoch, base int
	own         int // last seq that this node gave in it as far as it knows; -1: it has lost the epoch
	end         int // last seq known, given or recovered
}

// A log is a channel's on its home, or a replica.
type log struct {
	exists  bool
	entries []entry // in order
	spans   []span  // home: ascending
	began   place   // replica: it covers what is after; home: what is after was not pruned
	head    place
	holes   []gapRange // replica: FEDGAP said so
	members set
	banned  set
	asked   [maxNodes]int // home: the incarnation of each replica that has told, since the last restore, all that it has
}

// A gapRange is what is after one place, up to another.
type gapRange struct{ after, to place }

func (l *log) search(p place) (int, bool) {
	return slices.BinarySearchFunc(l.entries, p, func(e entry, p place) int {
		switch {
		case e.before(p):
			return -1
		case p.before(e.place):
			return 1
		}
		return 0
	})
}

// hasID reports whether a message is stored, wherever.
func (l *log) hasID(i id) bool {
	return slices.ContainsFunc(l.entries, func(e entry) bool { return e.id == i })
}

// file stores an entry at its place if that is free.
func (l *log) file(e entry) bool {
	i, found := l.search(e.place)
	if !found {
		l.entries = slices.Insert(l.entries, i, e)
	}
	return !found
}

// open begins an epoch at the head.
func (l *log) open(number int) {
	l.spans = append(l.spans, span{number, l.head.seq, l.head.seq, l.head.seq})
	l.head.epoch = number
}

// spanOf is the span of an epoch, or nil.
func (l *log) spanOf(number int) *span {
	for i := range l.spans {
		if l.spans[i].epoch == number {
			return &l.spans[i]
		}
	}
	return nil
}

// add stores a new entry of a home at the head.
func (l *log) add(i id, text int) entry {
	l.head.seq++
	e := entry{place: l.head, id: i, text: text}
	l.file(e)
	s := &l.spans[len(l.spans)-1]
	s.own, s.end = e.seq, e.seq
	return e
}

// recover stores what a replica gave, and reports whether it was missing.
func (l *log) recover(e entry) bool {
	e.recovered = true
	if l.hasID(e.id) || !l.began.before(e.place) || !l.file(e) {
		return false
	}
	s := l.spanOf(e.epoch)
	if s == nil {
		i, _ := slices.BinarySearchFunc(l.spans, e.epoch, func(s span, number int) int { return s.epoch - number })
		l.spans = slices.Insert(l.spans, i, span{e.epoch, e.seq - 1, -1, e.seq})
		return true
	}
	s.end = max(s.end, e.seq)
	if s.own < 0 {
		s.base = min(s.base, e.seq-1)
	}
	return true
}

// after is what a home streams to one who has all up to a place: an entry, FEDGAP or FEDEPOCH, and the place it leads to.
func (l *log) after(p place) (line, place, bool) {
	if s := l.spanOf(p.epoch); s != nil {
		i, _ := l.search(p.next())
		if i < len(l.entries) && l.entries[i].epoch == p.epoch {
			e := l.entries[i]
			if e.seq == p.seq+1 {
				return line{verb: recv, entry: e}, e.place, true
			}
			to := place{p.epoch, e.seq - 1}
			return line{verb: gap, at: p, to: to}, to, true
		}
		if to := (place{p.epoch, s.end}); p.before(to) {
			return line{verb: gap, at: p, to: to}, to, true
		}
	}
	for _, s := range l.spans {
		if s.epoch > p.epoch {
			to := place{s.epoch, s.base}
			return line{verb: epoch, at: p, to: to}, to, true
		}
	}
	return line{}, p, false
}

// doubtful is where a home must begin to ask a replica up to a place, after restores: what it knows was not lost is before
// the end of the oldest epoch. By place alone it begins where it has itself given numbers up to.
func (l *log) doubtful(p place, flaw flaw) (from place, is bool) {
	from = place{l.spans[0].epoch, l.spans[0].own}
	for _, s := range l.spans[1:] {
		if flaw == pullByPlace && s.own >= 0 && s.epoch <= p.epoch {
			from = place{s.epoch, s.own}
		}
	}
	is = len(l.spans) > 1 && from.before(p)
	if flaw == pullOneEpoch && from.epoch != p.epoch {
		from = place{p.epoch, 0}
	}
	return from, is
}
