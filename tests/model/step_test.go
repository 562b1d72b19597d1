package model

import "slices"

// do is one step of a walk. A step that makes no sense where the world stands does nothing.
func (w *world) do(x step) {
	n := w.nodes[x.a%len(w.nodes)]
	user := x.a % (len(w.nodes) * usersPerNode)
	channel := x.b % channels
	if w.narrow {
		channel = 0
	}
	switch x.op {
	case opDial:
		w.dial(n, w.nodes[(n.number+1+x.b%(len(w.nodes)-1))%len(w.nodes)])
		if x.c%4 > 0 {
			w.flow(n, x.c%4)
		}
	case opCut, opNotice, opDeliver, opPump, opOmit, opExpire:
		w.disturb(x)
	case opSay, opJoin, opLeave, opWhisper:
		w.person(x, user, channel)
	case opKick:
		w.kick(channel, user, x.c%2 == 0)
	case opPardon:
		w.nodes[homeOf(channel)].disk.logs[channel].banned = 0
	case opTimeout:
		if len(n.jobs) > 0 {
			n.giveUp(x.b % len(n.jobs))
		}
	case opPrune:
		w.nodes[homeOf(channel)].prune(channel, 1+x.c%3)
	case opDrop:
		n.drop(channel)
	case opRefuse:
		n.refuses = true
	case opCrash:
		n.stop()
		n.start()
	case opBackup:
		w.backups[n.number] = append(w.backups[n.number], n.disk.clone())
	case opRestore:
		w.restore(n, x.b%len(w.backups[n.number]))
	case opRecovered:
		n.commit()
		n.endRecovery()
	case opFlow:
		w.flow(n, x.b%8)
	}
}

// dial links a node to another if it knows of no link that has come to FEDHELLO.
func (w *world) dial(from, to *node) {
	if !slices.ContainsFunc(from.ends(to.number), func(e *end) bool { return e.greeted }) {
		w.link(from, to)
	}
}

// flow lets all links of a node work for some rounds.
func (w *world) flow(n *node, rounds int) {
	for range rounds {
		for _, e := range n.ends(-1) {
			for _, side := range []*end{e, e.other} {
				side.node.pump(side, kindHave)
				side.node.deliver(side, false)
				side.node.deliver(side, false)
			}
		}
	}
}

// disturb is a step of a link: lines move, or it breaks.
func (w *world) disturb(x step) {
	var open []*end
	for _, e := range w.ends {
		switch {
		case e.closed, x.op == opDeliver && len(e.in) == 0, x.op == opNotice && !e.broken:
		default:
			open = append(open, e)
		}
	}
	if len(open) == 0 {
		return
	}
	e := open[x.a%len(open)]
	switch x.op {
	case opCut:
		e.cut(x.b%4, x.c%4)
	case opNotice:
		e.close()
	case opOmit:
		e.omit()
	case opExpire:
		e.node.expire(e)
	case opDeliver:
		for range 1 + x.b%4 {
			e.node.deliver(e, x.c%8 == 0)
		}
	case opPump:
		for i := range 1 + x.c%3 {
			e.node.pump(e, x.b/(i+1)%kinds)
		}
	}
}

// person is a step of somebody on line.
func (w *world) person(x step, user, channel int) {
	n := w.nodes[nodeOf(user)]
	switch x.op {
	case opSay:
		n.says(channel, user)
	case opJoin:
		n.joins(channel, user)
	case opLeave:
		n.leaves(channel, user)
	case opWhisper:
		to := x.b % (len(w.nodes) * usersPerNode)
		if nodeOf(to) != n.number {
			n.queue(nodeOf(to), line{verb: whisper, user: to, text: w.speak(user, 0, to)})
		}
	}
}

// kick ends a membership on the home's word, and bans if so told.
func (w *world) kick(channel, user int, ban bool) {
	n := w.nodes[homeOf(channel)]
	l := &n.disk.logs[channel]
	if l.members.has(user) {
		n.setMember(channel, user, false)
		if ban {
			l.banned = l.banned.put(user, true)
		}
	}
}
