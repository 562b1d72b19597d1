package model

import "slices"

// check proves the promises on a world that has healed.
func (w *world) check() error {
	for c := range channels {
		home := w.nodes[homeOf(c)]
		w.checkLog(home, c)
		for _, n := range w.nodes {
			if n != home {
				w.checkLog(n, c)
				w.checkMembers(home, n, c)
				w.checkReplica(home, n, c)
			}
		}
	}
	for text := range w.said {
		w.checkSaid(text)
	}
	return w.failure
}

// checkLog checks that each message stands once and under the name of its speaker.
func (w *world) checkLog(n *node, channel int) {
	var seen []int
	for _, e := range n.disk.logs[channel].entries {
		s := w.said[e.text]
		if e.id.host != nodeOf(s.user) || s.channel != channel {
			w.failf("node %d has text %d of user %d as from node %d in channel %d", n.number, e.text, s.user, e.id.host, channel)
		}
		if slices.Contains(seen, e.text) {
			w.failf("node %d has text %d twice in channel %d", n.number, e.text, channel)
		}
		seen = append(seen, e.text)
	}
}

// checkMembers checks that home and member agree.
func (w *world) checkMembers(home, n *node, channel int) {
	ours, theirs := n.disk.logs[channel].members, home.disk.logs[channel].members
	if ours&usersOf(n.number) == 0 {
		ours, theirs = 0, theirs&usersOf(n.number)
	}
	if ours != theirs {
		w.failf("members of channel %d: %06b on its home, %06b on node %d", channel, theirs, ours, n.number)
	}
}

// checkReplica checks that a replica has what its home has, in the same order, with holes only where FEDGAP said so. After
// a restore a message may stand at another place, because its home numbered it again.
func (w *world) checkReplica(home, n *node, channel int) {
	h, r := &home.disk.logs[channel], &n.disk.logs[channel]
	if r.members&usersOf(n.number) == 0 {
		return
	}
	if r.head != h.head {
		w.failf("channel %d ends at %v on its home, at %v on node %d", channel, h.head, r.head, n.number)
	}
	for _, e := range h.entries {
		i, found := r.search(e.place)
		same := found && r.entries[i].text == e.text
		hole := slices.ContainsFunc(r.holes, func(g gapRange) bool { return g.after.before(e.place) && !g.to.before(e.place) })
		switch {
		case same, !r.began.before(e.place), hole && !found:
		case w.restored && !found && r.hasID(e.id):
		default:
			w.failf("channel %d: text %d is at %v on its home, not on node %d", channel, e.text, e.place, n.number)
		}
	}
	for _, e := range r.entries {
		i, found := h.search(e.place)
		gone := !found && !h.hasID(e.id) && !w.said[e.text].pruned
		if found && h.entries[i].text != e.text || gone && h.began.before(e.place) {
			w.failf("channel %d: text %d is at %v on node %d, not on its home", channel, e.text, e.place, n.number)
		}
	}
	if !w.restored {
		w.checkHoles(n, channel)
	}
}

// checkHoles checks that a replica knows what it lacks. It holds where no number was ever lost.
func (w *world) checkHoles(n *node, channel int) {
	r := &n.disk.logs[channel]
	covered := r.head.seq - r.began.seq - len(r.entries)
	for _, g := range r.holes {
		covered -= g.to.seq - g.after.seq
	}
	if covered != 0 {
		w.failf("channel %d: node %d lacks %d messages and does not know", channel, n.number, covered)
	}
}

// checkSaid checks that what was accepted is there, once, and what was refused is not.
func (w *world) checkSaid(text int) {
	s := w.said[text]
	count := 0
	if s.to >= 0 {
		for _, t := range w.nodes[nodeOf(s.to)].disk.inbox {
			if t == text {
				count++
			}
		}
	} else if slices.ContainsFunc(w.nodes[homeOf(s.channel)].disk.logs[s.channel].entries, func(e entry) bool { return e.text == text }) {
		count = 1
	}
	switch {
	case count > 1:
		w.failf("text %d of user %d is there %d times", text, s.user, count)
	case count == 1 && s.refused && !s.mayReturn:
		w.failf("text %d of user %d was refused, and is there", text, s.user)
	case count == 0 && !s.refused && !s.mayBeLost && !s.pruned:
		w.failf("text %d of user %d is lost", text, s.user)
	}
}
