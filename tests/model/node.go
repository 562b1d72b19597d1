package model

import "fmt"

// A node is a disk and what is lost when the process ends.
type node struct {
	world  *world
	number int
	disk   disk
	file   int // incarnation in the small file beside the database

	// Lost with the process.
	sessions    [maxUsers][channels]*session
	jobs        []job
	made        [maxNodes]int // rows of each outbox that are older than this start
	recovering  bool          // asks back what was lost, and takes no new message
	refuses     bool          // the store refuses the next write
	uncommitted []taken       // rows that FEDHAVE covers already; only if that flaw is there
}

// A taken row has yet to take effect.
type taken struct {
	end *end
	row line
}

// A session is a member on line: it hears what is new, each message once and in order.
type session struct {
	at    place
	heard map[int]bool
}

func newNode(w *world, number int) *node {
	n := &node{world: w, number: number, file: 1, disk: disk{inc: 1}}
	for c := range n.disk.logs {
		if homeOf(c) == number {
			n.disk.logs[c].exists = true
			n.disk.logs[c].open(1)
		}
	}
	n.disk.epoch = 1
	return n
}

// ends are the open ends of the links to a peer, or to all with -1.
func (n *node) ends(peer int) []*end {
	var open []*end
	for _, e := range n.world.ends {
		if e.node == n && !e.closed && (peer < 0 || e.peer.number == peer) {
			open = append(open, e)
		}
	}
	return open
}

// stop loses all that is not committed.
func (n *node) stop() {
	n.uncommitted = nil
	n.jobs = nil
	for _, e := range n.ends(-1) {
		e.close()
	}
	n.recovering, n.refuses = false, false
}

// start begins with what is on the disk.
func (n *node) start() {
	for p := range n.disk.peers {
		n.made[p] = len(n.disk.peers[p].rows)
	}
	n.sessions = [maxUsers][channels]*session{}
	for c := range n.disk.logs {
		for user := range maxUsers {
			if n.disk.logs[c].members.has(user) {
				n.listen(c, user, n.disk.logs[c].head)
			}
		}
	}
	if n.world.unnoticed && n.world.flaw != startInOldIncarnation {
		n.raise(0, 0)
	}
}

// restore goes on from a backup. Unless it is noticed, nothing tells the node that it is one.
func (n *node) restore(backup disk, noticed bool) {
	n.stop()
	n.disk = backup.clone()
	if !noticed {
		n.file = n.disk.inc
	}
	n.start()
	if noticed && n.world.flaw != keepIncarnation {
		n.raise(0, 0)
	}
}

// raise takes an incarnation above all that were used as far as anyone knows, opens new epochs, and asks back what was lost.
func (n *node) raise(above, epoch int) {
	d := &n.disk
	d.inc = max(d.inc+1, n.file+1, above+1, n.world.now())
	n.file = d.inc
	d.epoch = max(d.epoch+1, n.world.now(), epoch+1)
	if n.world.flaw != epochByClock {
		d.epoch = max(d.epoch, d.inc)
	}
	for c := range d.logs {
		if homeOf(c) == n.number {
			d.logs[c].open(d.epoch)
			d.logs[c].asked = [maxNodes]int{}
			n.recovering = true
		}
	}
}

// rolledBack meets the proof that this node has lost the end of its log: rows that no one can have are numbered anew.
func (n *node) rolledBack(above int, at place) {
	for _, e := range n.ends(-1) {
		e.close()
	}
	n.raise(above, at.epoch)
	for p := range n.disk.peers {
		peer := &n.disk.peers[p]
		for i := n.made[p]; i < len(peer.rows); i++ {
			if !peer.rows[i].sent {
				peer.rows[i].n = peer.number(n.disk.inc)
			}
		}
	}
}

// endRecovery ends the wait for what was lost: rows and new messages are taken.
func (n *node) endRecovery() {
	if !n.recovering {
		return
	}
	n.recovering = false
	for _, e := range n.ends(-1) {
		if e.greeted {
			n.greet(e)
		}
	}
}

// queue makes a row for a peer.
func (n *node) queue(to int, l line) num {
	p := &n.disk.peers[to]
	l.n = p.number(n.disk.inc)
	p.rows = append(p.rows, row{line: l})
	return l.n
}

// storeRefuses reports whether the write in hand fails: the disk is full, and free again for the next.
func (n *node) storeRefuses() bool {
	refused := n.refuses
	n.refuses = false
	return refused
}

// commit lets rows take effect that were only said to have.
func (n *node) commit() {
	waiting := n.uncommitted
	n.uncommitted = nil
	for _, t := range waiting {
		if t.row.n.n > n.disk.peers[t.end.peer.number].hadOf(t.row.n.inc) {
			n.apply(t.end, t.row)
		}
	}
}

// enter makes a user a member in the eyes of this node, or ends that. An own user hears what is after a place.
func (n *node) enter(channel, user int, in bool, from place) {
	l := &n.disk.logs[channel]
	l.members = l.members.put(user, in)
	switch {
	case !in:
		n.sessions[user][channel] = nil
	case n.sessions[user][channel] == nil:
		n.listen(channel, user, from)
	}
}

// listen begins the session of an own user after a place.
func (n *node) listen(channel, user int, from place) {
	if nodeOf(user) != n.number {
		return
	}
	n.sessions[user][channel] = &session{at: from, heard: map[int]bool{}}
	for _, e := range n.disk.logs[channel].entries {
		if from.before(e.place) && !n.disk.logs[channel].head.before(e.place) {
			n.hears(channel, user, e)
		}
	}
}

// hear tells all sessions in a channel of a new entry.
func (n *node) hear(channel int, e entry) {
	for user := range maxUsers {
		if s := n.sessions[user][channel]; s != nil && s.at.before(e.place) {
			n.hears(channel, user, e)
		}
	}
}

func (n *node) hears(channel, user int, e entry) {
	s := n.sessions[user][channel]
	if s.heard[e.text] || !s.at.before(e.place) {
		n.world.failf("user %d hears text %d of channel %d twice or out of order, at %v after %v", user, e.text, channel, e.place, s.at)
	}
	s.heard[e.text] = true
	s.at = e.place
}

// linkLost answers 0 to all who wait for a JOIN of that peer when no link to it is left.
func (n *node) linkLost(peer int) {
	if len(n.ends(peer)) > 0 {
		return
	}
	for i := len(n.jobs) - 1; i >= 0; i-- {
		if homeOf(n.jobs[i].channel) == peer {
			n.giveUp(i)
		}
	}
}

// deliver reads one line, which may have been doubled on its way.
func (n *node) deliver(e *end, doubled bool) {
	if e.closed || len(e.in) == 0 {
		return
	}
	l := e.in[0]
	e.in = e.in[1:]
	if n.world.trace != nil {
		n.world.trace(fmt.Sprintf("      %d reads %v", n.number, l))
	}
	n.handle(e, l)
	if doubled && !e.closed {
		n.handle(e, l)
	}
}

// handle does what a line says, in one commit.
func (n *node) handle(e *end, l line) {
	ours := homeOf(l.channel) == n.number
	switch {
	case l.verb == hello:
		n.hello(e, l)
	case l.verb == have:
		n.had(e, l)
	case l.n.inc != 0:
		n.row(e, l)
	case l.verb == sync:
		n.synced(e, l)
	case l.verb == recv && ours:
		n.recovered(e, l)
	case l.verb == pulled:
		n.asked(e, l.channel)
	case l.verb == pull:
		e.serves[l.channel] = serve{on: true, at: l.at, to: l.to}
	case l.verb == members, l.verb == member:
		n.state(e, l)
	default:
		n.streamed(e, l)
	}
}
