package model

import "slices"

// joins begins a FEDJOIN whose client waits, if the home is there.
func (n *node) joins(channel, user int) {
	home := homeOf(channel)
	if n.disk.logs[channel].members.has(user) || n.waits(channel, user) {
		return
	}
	if home == n.number {
		if !n.disk.logs[channel].banned.has(user) {
			n.setMember(channel, user, true)
		}
		return
	}
	if slices.ContainsFunc(n.ends(home), func(e *end) bool { return e.told }) {
		n.jobs = append(n.jobs, job{channel, user, n.queue(home, line{verb: join, channel: channel, user: user})})
		n.judgeNoMore(channel, user)
	}
}

// leaves takes effect at once; the home learns of it.
func (n *node) leaves(channel, user int) {
	if !n.disk.logs[channel].members.has(user) {
		return
	}
	if homeOf(channel) == n.number {
		n.setMember(channel, user, false)
		return
	}
	n.enter(channel, user, false, place{})
	n.queue(homeOf(channel), line{verb: leave, channel: channel, user: user})
	n.judgeNoMore(channel, user)
}

// says accepts a message of an own user: as an entry on the home, as a row elsewhere.
func (n *node) says(channel, user int) {
	c := &n.disk.logs[channel]
	home := homeOf(channel)
	if !c.members.has(user) || home == n.number && n.recovering {
		return
	}
	text := n.world.speak(user, channel, -1)
	if home == n.number {
		n.add(channel, id{n.number, n.disk.peers[n.number].number(n.disk.inc)}, text)
		return
	}
	n.queue(home, line{verb: say, channel: channel, user: user, text: text})
}

// A job is a client who waits for the answer to his JOIN.
type job struct {
	channel, user int
	row           num
}

func (n *node) waits(channel, user int) bool {
	return slices.ContainsFunc(n.jobs, func(j job) bool { return j.channel == channel && j.user == user })
}

// giveUp tells a client who waits that his JOIN failed. That is committed first.
func (n *node) giveUp(i int) {
	j := n.jobs[i]
	n.jobs = slices.Delete(n.jobs, i, i+1)
	p := &n.disk.peers[homeOf(j.channel)]
	p.rows[p.find(j.row)].told = no
	n.world.told[j.user][j.channel] = no
}

// answered takes the answer to a row.
func (n *node) answered(e *end, l line) {
	p := &n.disk.peers[e.peer.number]
	i := p.find(l.re)
	if i < 0 {
		return
	}
	r := &p.rows[i]
	r.answered, r.refused = e.inc, !l.ok
	switch r.verb {
	case say:
		if !l.ok {
			n.world.refuse(r.text)
		}
	case join:
		n.joined(e, r, l, p.rows[i+1:])
	case leave:
		if superseded, _ := later(r, p.rows[i+1:]); !superseded && n.world.flaw != ignoreRepeatedAnswer {
			n.enter(r.channel, r.user, false, place{})
		}
	}
}

// later tells whether a user whom a row is about joins or leaves that channel again, and whether he joins.
func later(r *row, rows []row) (superseded, joins bool) {
	for _, x := range rows {
		if x.user == r.user && x.channel == r.channel {
			superseded = superseded || x.verb == join || x.verb == leave
			joins = joins || x.verb == join
		}
	}
	return superseded, joins
}

// joined decides what the answer to a FEDJOIN means: the client is told, or a 1 that he is not told is taken back.
func (n *node) joined(e *end, r *row, l line, laterRows []row) {
	superseded, joinsAgain := later(r, laterRows)
	repeated := r.told == yes
	for i, j := range n.jobs {
		if j.row == r.n && j.channel == r.channel {
			n.jobs = slices.Delete(n.jobs, i, i+1)
			r.told = no
			if l.ok {
				r.told = yes
			}
			n.world.told[r.user][r.channel] = r.told
			break
		}
	}
	switch {
	case r.told == yes && !superseded && !(repeated && n.world.flaw == ignoreRepeatedAnswer):
		if l.ok {
			n.begin(e, r.channel, l.at)
		}
		n.enter(r.channel, r.user, l.ok, l.at)
	case r.told != yes && l.ok && !joinsAgain && n.world.flaw != noLeaveAfterTimeout:
		n.enter(r.channel, r.user, false, place{})
		n.judgeNoMore(r.channel, r.user)
		n.queue(e.peer.number, line{verb: leave, channel: r.channel, user: r.user})
	}
}

// begin makes a replica where there is none.
func (n *node) begin(e *end, channel int, at place) {
	c := &n.disk.logs[channel]
	if !c.exists {
		*c = log{exists: true, began: at, head: at}
		e.write(line{verb: sync, channel: channel, at: at})
	}
}

// streamed takes a line of the live stream, which alone moves the head.
func (n *node) streamed(e *end, l line) {
	c := &n.disk.logs[l.channel]
	if !c.exists {
		return
	}
	from, to := l.at, l.to
	switch l.verb {
	case recv:
		from, to = place{l.entry.epoch, l.entry.seq - 1}, l.entry.place
	case epoch:
		if n.world.flaw == epochAnywhere {
			from = c.head
		}
	}
	if !c.head.before(to) {
		return
	}
	if (from.epoch != c.head.epoch || c.head.before(from)) && n.world.flaw != storeAcrossGap {
		if n.world.flaw != noResync {
			e.write(line{verb: sync, channel: l.channel, at: c.head})
		}
		return
	}
	if n.storeRefuses() {
		e.close()
		return
	}
	switch {
	case l.verb == gap:
		c.holes = append(c.holes, gapRange{c.head, to})
	case l.verb == recv && (!c.hasID(l.entry.id) || n.world.flaw == forgetIDs):
		n.believe(&l.entry)
		c.file(l.entry)
		n.hear(l.channel, l.entry)
	}
	c.head = to
	n.settle(e, l.channel)
}

// late files an entry that its home got back, unless the replica has it, begins after it, or is still to come to it.
func (n *node) late(channel int, e entry) {
	c := &n.disk.logs[channel]
	ahead := c.head.before(e.place) && n.world.flaw != lateAhead
	if c.exists && c.began.before(e.place) && !ahead && !c.hasID(e.id) {
		n.believe(&e)
		c.file(e)
	}
}

// believe checks that an entry under the name of an own user is one that this node sent.
func (n *node) believe(e *entry) {
	if e.id.host == n.number && e.id.inc >= n.disk.inc && !slices.ContainsFunc(n.disk.peers[:], func(p peer) bool { return p.find(e.id.num) >= 0 }) {
		n.world.failf("node %d shows its own text %d as a stranger's", n.number, e.text)
	}
}

// state takes FEDMEMBERS or FEDMEMBER: of own users only what no row of theirs contradicts, and all of it when the replica
// has come to its place.
func (n *node) state(e *end, l line) {
	c := &n.disk.logs[l.channel]
	l.ours = n.settled(e, l.channel)
	if l.verb == members && l.who&l.ours != 0 && n.world.flaw != silentAfterHello {
		n.begin(e, l.channel, l.at)
	}
	if l.at == (place{}) {
		e.waiting = slices.DeleteFunc(e.waiting, func(w line) bool { return w.channel == l.channel })
	}
	if c.exists {
		e.waiting = append(e.waiting, l)
		n.settle(e, l.channel)
	}
}

// settled is the set of own users whose membership is not being changed from here.
func (n *node) settled(e *end, channel int) set {
	ours := usersOf(n.number)
	for i, r := range n.disk.peers[e.peer.number].rows {
		if r.channel != channel || r.verb != join && r.verb != leave {
			continue
		}
		uncovered := e.ackedOf(r.n.inc) < r.n.n
		open := r.answered == 0 || uncovered && r.answered != e.inc && i >= e.next
		if open && n.world.flaw != stateByHave || uncovered && n.world.flaw == stateByHave {
			ours = ours.put(r.user, false)
		}
	}
	return ours
}

// judgeNoMore takes a user who joins or leaves out of the state lines that wait.
func (n *node) judgeNoMore(channel, user int) {
	for _, e := range n.ends(homeOf(channel)) {
		for i := range e.waiting {
			if e.waiting[i].channel == channel {
				e.waiting[i].ours = e.waiting[i].ours.put(user, false)
			}
		}
	}
}

// settle lets the state lines whose place is reached take effect, in order.
func (n *node) settle(e *end, channel int) {
	c := &n.disk.logs[channel]
	for i := 0; i < len(e.waiting); {
		l := e.waiting[i]
		if l.channel != channel {
			i++
			continue
		}
		if c.head.before(l.at) {
			return
		}
		e.waiting = slices.Delete(e.waiting, i, i+1)
		if n.world.flaw == stateChecksLate {
			l.ours = n.settled(e, channel)
		}
		who := l.who
		if l.verb == member {
			who = c.members.put(l.user, l.ok)
		}
		n.replace(channel, who, everyone&^usersOf(n.number)|l.ours)
	}
}

// replace sets the membership of those users whom a state line may change.
func (n *node) replace(channel int, who, may set) {
	c := &n.disk.logs[channel]
	for user := range maxUsers {
		if may.has(user) && c.members.has(user) != who.has(user) {
			if who.has(user) && nodeOf(user) == n.number {
				n.world.adopted(channel, user)
			}
			n.enter(channel, user, who.has(user), c.head)
		}
	}
}

// pumpServe writes the next entry that a home asked back, or FEDPULLED.
func (n *node) pumpServe(e *end) bool {
	for c := range e.serves {
		s := &e.serves[c]
		if !s.on {
			continue
		}
		entries := n.disk.logs[c].entries
		i := slices.IndexFunc(entries, func(x entry) bool { return s.at.before(x.place) && !s.to.before(x.place) })
		if i < 0 {
			s.on = false
			e.write(line{verb: pulled, channel: c, at: s.at, to: s.to})
			return true
		}
		s.at = entries[i].place
		e.write(line{verb: recv, channel: c, entry: entries[i]})
		return true
	}
	return false
}
