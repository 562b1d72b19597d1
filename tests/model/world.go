package model

import (
	"fmt"
	"slices"
)

// A world is some nodes, the links between them, and the truth about what was said, which no node knows.
type world struct {
	flaw      flaw
	ticking   bool // clocks move; otherwise they stand, far behind
	unnoticed bool // a restore is not noticed by the node
	narrow    bool // steps are about channel 0 only
	nodes     []*node
	ends      []*end
	clock     int
	backups   [][]disk // of each node
	said      []said   // by text
	told      [maxUsers][channels]told
	restored  bool // any node ever was
	failure   error
	trace     func(string)
}

// said is the truth about one message.
type said struct {
	user, channel, to int // to whom it was whispered, or -1
	numbered          bool
	refused           bool
	mayReturn         bool // refused, but the disk that knew this was lost
	mayBeLost         bool // no node had it when a disk was lost
	pruned            bool
}

// A setting is what is the same for all steps of a walk.
type setting struct {
	flaw      flaw
	nodes     int
	ticking   bool
	unnoticed bool
	narrow    bool // all happens in channel 0
	linked    bool // the walk begins with all linked, and one user of each node in each channel
}

func newWorld(s setting) *world {
	w := &world{flaw: s.flaw, ticking: s.ticking, unnoticed: s.unnoticed, narrow: s.narrow, backups: make([][]disk, s.nodes)}
	for i := range s.nodes {
		n := newNode(w, i)
		w.nodes = append(w.nodes, n)
	}
	if s.linked {
		w.settle()
		for _, n := range w.nodes {
			for c := range channels {
				n.joins(c, n.number*usersPerNode)
			}
		}
		w.settle()
	}
	for i, n := range w.nodes {
		w.backups[i] = append(w.backups[i], n.disk.clone())
	}
	return w
}

func (w *world) now() int {
	if w.ticking {
		return w.clock
	}
	return 0
}

// failf keeps the first broken promise.
func (w *world) failf(format string, args ...any) {
	if w.failure == nil {
		w.failure = fmt.Errorf(format, args...)
	}
}

// speak notes a message that a node is about to accept.
func (w *world) speak(user, channel, to int) int {
	w.said = append(w.said, said{user: user, channel: channel, to: to})
	return len(w.said) - 1
}

// refuse notes that the speaker was told 0.
func (w *world) refuse(text int) {
	s := &w.said[text]
	s.refused = true
	s.mayReturn = s.mayReturn || s.numbered
}

// adopted checks that someone whom a state line makes a member was told that he is one, unless a disk was lost.
func (w *world) adopted(channel, user int) {
	if !w.restored && w.told[user][channel] != yes {
		w.failf("user %d is made a member of channel %d, which he was told that he is not", user, channel)
	}
}

// lose computes what was lost with a disk: what no node has any more.
func (w *world) lose() {
	for text := range w.said {
		s := &w.said[text]
		if !slices.ContainsFunc(w.nodes, func(n *node) bool { return n.holds(text, s) }) {
			s.mayBeLost = true
		}
	}
}

// holds reports whether a node has a message on its disk.
func (n *node) holds(text int, s *said) bool {
	if s.to >= 0 {
		if slices.Contains(n.disk.inbox, text) {
			return true
		}
	} else if slices.ContainsFunc(n.disk.logs[s.channel].entries, func(e entry) bool { return e.text == text }) {
		return true
	}
	if nodeOf(s.user) != n.number {
		return false
	}
	return slices.ContainsFunc(n.disk.peers[:], func(p peer) bool {
		return slices.ContainsFunc(p.rows, func(r row) bool {
			return (r.verb == say || r.verb == whisper) && r.text == text && !r.refused && !r.expired
		})
	})
}

// restore gives a node an older disk. Backups newer than that are gone: a replica that has followed the older one's epochs
// cannot be told what only the newer one had before them.
func (w *world) restore(n *node, backup int) {
	w.restored = true
	w.backups[n.number] = w.backups[n.number][:backup+1]
	n.restore(w.backups[n.number][backup], !w.unnoticed)
	for text := range w.said {
		s := &w.said[text]
		s.mayReturn = s.mayReturn || s.refused && nodeOf(s.user) == n.number
	}
	w.lose()
}

// drop ends the retention of a replica that long had no own members, and will have none by what is under way.
func (n *node) drop(channel int) {
	l := &n.disk.logs[channel]
	joins := func(r row) bool { return r.channel == channel && r.verb == join && r.answered == 0 && !r.expired }
	if slices.ContainsFunc(n.disk.peers[homeOf(channel)].rows, joins) {
		return
	}
	for _, e := range n.ends(homeOf(channel)) {
		if slices.ContainsFunc(e.waiting, func(l line) bool { return l.channel == channel }) {
			return
		}
	}
	if homeOf(channel) != n.number && l.members&usersOf(n.number) == 0 {
		*l = log{}
		n.world.lose()
	}
}

// heal ends all faults: whatever is broken is noticed, links are dialled, and all that is owed is delivered.
func (w *world) heal() {
	w.settle()
	for _, n := range w.nodes {
		for c := range channels {
			for user := range maxUsers {
				if nodeOf(user) == n.number {
					n.says(c, user)
				}
			}
		}
	}
	w.settle()
}

// settle delivers until nothing is owed.
func (w *world) settle() {
	const tooLong = 10_000
	for range tooLong {
		if w.failure != nil || !w.progress() {
			return
		}
	}
	w.failf("it never comes to rest")
}

// progress does all that is owed once and reports whether there was anything.
func (w *world) progress() bool {
	any := false
	for _, e := range slices.Clone(w.ends) {
		for len(e.in) > 0 && !e.closed {
			any = true
			e.node.deliver(e, false)
		}
		if e.broken && !e.closed {
			any = true
			e.close()
		}
	}
	for _, n := range w.nodes {
		n.commit()
		n.refuses = false
		for _, peer := range w.nodes {
			if peer.number > n.number && len(n.ends(peer.number)) == 0 {
				any = true
				w.link(n, peer)
			}
		}
	}
	for _, e := range slices.Clone(w.ends) {
		for e.node.pump(e, kindHave) {
			any = true
		}
	}
	if !any {
		for _, n := range w.nodes {
			any = any || n.recovering
			n.endRecovery()
		}
	}
	return any
}
