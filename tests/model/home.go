package model

import "slices"

// row takes a row of a peer: it takes effect once, together with the note that it did.
func (n *node) row(e *end, l line) {
	if l.n.n <= n.disk.peers[e.peer.number].hadOf(l.n.inc) && n.world.flaw != ignoreHave {
		e.owe(l.n)
		return
	}
	if n.storeRefuses() {
		e.close()
		return
	}
	e.owe(l.n)
	if n.world.flaw == haveBeforeCommit {
		n.uncommitted = append(n.uncommitted, taken{e, l})
		return
	}
	n.apply(e, l)
}

// apply is one commit: the effect of a row, its number, and its answer.
func (n *node) apply(e *end, l line) {
	from := e.peer.number
	n.disk.peers[from].take(l.n)
	answer := line{verb: result, re: l.n, channel: l.channel, user: l.user, ok: true}
	switch l.verb {
	case result:
		n.answered(e, l)
		return
	case recv:
		n.late(l.channel, l.entry)
		return
	case join:
		c := &n.disk.logs[l.channel]
		answer.ok = !c.banned.has(l.user)
		if answer.ok && !c.members.has(l.user) {
			n.setMember(l.channel, l.user, true)
		}
		answer.at = c.head
	case leave:
		if n.disk.logs[l.channel].members.has(l.user) {
			n.setMember(l.channel, l.user, false)
		}
	case say:
		answer.ok = n.sayRow(from, l)
		if c := &n.disk.logs[l.channel]; !answer.ok && c.hasID(id{from, l.n}) {
			n.world.failf("text %d is refused, and is there", l.text)
		}
	case whisper:
		n.disk.inbox = append(n.disk.inbox, l.text)
	}
	n.queue(from, answer)
}

// sayRow stores the message of a FEDSAY, or refuses it.
func (n *node) sayRow(from int, l line) bool {
	c := &n.disk.logs[l.channel]
	i := id{from, l.n}
	isMember := c.members.has(l.user)
	if n.world.flaw == membershipFirst && !isMember {
		return false
	}
	if c.hasID(i) && n.world.flaw != forgetIDs {
		return true
	}
	if isMember {
		n.add(l.channel, i, l.text)
	}
	return isMember
}

// add numbers and stores a message; all members here hear it.
func (n *node) add(channel int, i id, text int) {
	e := n.disk.logs[channel].add(i, text)
	n.world.said[text].numbered = true
	n.hear(channel, e)
}

// setMember changes a membership on the home and owes the change to all who follow it.
func (n *node) setMember(channel, user int, in bool) {
	c := &n.disk.logs[channel]
	rows := [maxNodes]int{}
	for p := range n.disk.peers {
		rows[p] = len(n.disk.peers[p].rows)
	}
	n.enter(channel, user, in, c.head)
	for _, e := range n.ends(-1) {
		s := &e.streams[channel]
		switch {
		case !s.on || s.members:
		case c.members&usersOf(e.peer.number) == 0 && n.world.flaw != silentWithoutMember:
			s.members = nodeOf(user) == e.peer.number
		case in && c.members&usersOf(e.peer.number) == 1<<user:
			s.members = true
		default:
			e.changes = append(e.changes, change{line{verb: member, channel: channel, user: user, ok: in, at: c.head}, rows[e.peer.number]})
		}
	}
}

// pumpState writes FEDMEMBERS or FEDMEMBER, behind the answers of earlier commits.
func (n *node) pumpState(e *end) bool {
	overtakes := n.world.flaw == stateBeforeRows
	if len(e.changes) > 0 && (e.next >= e.changes[0].rows || overtakes) {
		e.write(e.changes[0].line)
		e.changes = e.changes[1:]
		return true
	}
	if e.next < len(n.disk.peers[e.peer.number].rows) && !overtakes {
		return false
	}
	for c := range e.streams {
		s := &e.streams[c]
		if !s.members {
			continue
		}
		s.members = false
		e.changes = slices.DeleteFunc(e.changes, func(l change) bool { return l.channel == c })
		l := &n.disk.logs[c]
		theirs := l.members & usersOf(e.peer.number)
		if theirs != 0 {
			e.write(line{verb: members, channel: c, who: l.members, at: l.head})
			return true
		}
		if n.world.flaw != silentWithoutMember {
			e.write(line{verb: members, channel: c}) // the stream has ended: it waits for no place
			return true
		}
	}
	return false
}

// synced begins to stream to a replica. One that is past the head proves that its home was restored; and after a restore
// each replica is asked once for what it has of all that may be lost.
func (n *node) synced(e *end, l line) {
	c := &n.disk.logs[l.channel]
	if c.head.before(l.at) {
		n.rolledBack(l.at.epoch, l.at)
		return
	}
	s := &e.streams[l.channel]
	s.on, s.at, s.members = true, l.at, true
	from, doubtful := c.doubtful(l.at, n.world.flaw)
	switch {
	case c.asked[e.peer.number] == e.inc && n.world.flaw != pullByPlace:
	case doubtful:
		s.pulling = true
		e.write(line{verb: pull, channel: l.channel, at: from, to: l.at})
	default:
		n.asked(e, l.channel)
	}
}

// asked notes that a replica has told all. From now on it gets as rows what others give back; what they gave before it gets
// now, as far as the stream has passed it.
func (n *node) asked(e *end, channel int) {
	c := &n.disk.logs[channel]
	s := &e.streams[channel]
	s.pulling = false
	if c.asked[e.peer.number] == e.inc || n.world.flaw == lateToMembersOnly {
		return
	}
	c.asked[e.peer.number] = e.inc
	for _, entry := range c.entries {
		if entry.recovered && !s.at.before(entry.place) {
			n.queue(e.peer.number, line{verb: recv, channel: channel, entry: entry})
		}
	}
}

// pumpStream writes the next line of a log that its replica lacks.
func (n *node) pumpStream(e *end) bool {
	for c := range e.streams {
		s := &e.streams[c]
		log := &n.disk.logs[c]
		if !s.on || log.members&usersOf(e.peer.number) == 0 {
			continue
		}
		if l, to, more := log.after(s.at); more {
			l.channel, s.at = c, to
			e.write(l)
			return true
		}
	}
	return false
}

// recovered files what a replica gave back. All others that may have passed its place get it as a row.
func (n *node) recovered(e *end, l line) {
	c := &n.disk.logs[l.channel]
	if !c.began.before(l.entry.place) {
		n.world.said[l.entry.text].pruned = true
	}
	if !e.streams[l.channel].pulling || !c.recover(l.entry) {
		return
	}
	n.world.said[l.entry.text].numbered = true
	for p := range n.world.nodes {
		follows := c.asked[p] != 0
		if n.world.flaw == lateToMembersOnly {
			follows = c.members&usersOf(p) != 0
		}
		if follows && p != e.peer.number && p != n.number {
			n.queue(p, line{verb: recv, channel: l.channel, entry: l.entry})
		}
	}
}

// prune ends the retention of a home's oldest entries.
func (n *node) prune(channel, count int) {
	c := &n.disk.logs[channel]
	count = min(count, len(c.entries))
	for _, e := range c.entries[:count] {
		n.world.said[e.text].pruned = true
		c.began = e.place
	}
	c.entries = slices.Delete(c.entries, 0, count)
}
