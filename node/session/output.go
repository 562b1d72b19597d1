package session

import (
	"sync"

	"chatnode/channels"
	"chatnode/node/wire"
)

// A Form is how a tongue shows entries and notices. Its functions may be called from any goroutine, also while the hub
// is held: they only make bytes.
type Form struct {
	Entry    *channels.Encoding // what is said while the session is on line
	Replayed *channels.Encoding // what was said before; nil: as Entry
	// AfterGap shows the first entry after a hole. TellsGaps says that the client understands it; a client that does not
	// is closed at a hole, unless in what is replayed.
	AfterGap  func(dst []byte, e *channels.Entry) []byte
	TellsGaps bool
	Notice    func(channels.Notice) []byte // nil: notices are not told
	// Only reports whether somebody is shown an entry of what they hear; nil: all.
	Only func(hearer channels.PersonID, e *channels.Entry) bool
	// Paced is the length of the first message of some, for a client that acknowledges each entry and notice before it is
	// sent the next: see Session.Acknowledged. Answers do not wait for that. Nil: the client need not.
	Paced func(messages []byte) int
	// Link is how a link between nodes looks; nil: it is a person's connection, and the fields above say it. Passed shows
	// what stands between the cursor of a subscription and an entry, or a position, that does not follow it.
	Link interface {
		Entry(dst []byte, sub *channels.Subscription, e *channels.Entry) []byte
		Passed(dst []byte, sub *channels.Subscription, to channels.Position) []byte
	}
}

// output is what a session is owed: a bounded FIFO of items, then its live cursors.
//
// At any time one goroutine owns the writing side: nobody while there is nothing to write, the flusher for one write from
// memory, or a drainer, which may wait. The owner alone moves cursors and writes.
//
// Locks: the hub is held before mu, never after it.
type output struct {
	// static
	session *Session
	writer  *wire.Writer
	changed chan struct{} // of size 1: gets a token when there may be room for answers again, and when an owner has gone
	closed  chan struct{} // closed when the session has ended

	mu sync.Mutex
	// guarded by mu
	form    Form
	items   []item
	waiting int                      // weight of items
	taken   uint64                   // items so far
	ready   []*channels.Subscription // those with something to hear, or not active yet
	heard   []*channels.Subscription // those whose account's position may be told to the store
	rows    *channels.Subscription   // of a link: the outbox of its peer; nil until it is heard
	urgent  []byte                   // goes before all else
	held    []byte                   // of a form that is Paced: messages that wait for an acknowledgement
	due     bool                     // of a form that is Paced: the last message is not acknowledged
	owned   bool
	queued  bool // in the flusher's list
	dead    bool // closed is closed

	// owned by the owner
	rest  []byte                   // taken off the FIFO, not yet written
	moved []*channels.Subscription // their cursors moved with what is not yet written
}

// An item comes after every entry of an order up to its own that the session is owed, and before every later one that is
// still in memory.
type item struct {
	order uint64
	bytes []byte                 // an answer or a notice
	sub   *channels.Subscription // or a channel that is heard from here on
	rows  channels.Position      // of a link: the last row of the outbox that comes before it; zero: it does not matter
	form  *Form                  // with an answer: how entries look from here on
}

// weight is what an item counts against the bound of what waits, in bytes.
func (it item) weight() int { return len(it.bytes) + 128 }

func (o *output) init(s *Session, f Form) {
	o.session = s
	o.writer = wire.NewWriter(s.conn)
	o.changed = make(chan struct{}, 1)
	o.closed = make(chan struct{})
	o.form = f
}

// lookAs changes the form at once. Nothing is owed yet.
func (o *output) lookAs(f Form) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.form = f
}

func (o *output) setForm(order uint64, f Form, p []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.pushLocked(item{order: order, bytes: p, form: &f})
}

func (o *output) reply(order uint64, p []byte) {
	if p == nil {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.form.Paced != nil {
		o.urgentLocked(p)
		return
	}
	o.pushLocked(item{order: order, bytes: p})
}

// message is reply for what the client has to acknowledge, if its form is Paced.
func (o *output) message(order uint64, p []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.pushLocked(item{order: order, bytes: p})
}

func (o *output) urgentLocked(p []byte) {
	if !o.dead {
		o.urgent = append(o.urgent, p...)
		o.waiting += len(p)
		o.wantFlushLocked()
	}
}

// acknowledged lets the next message be sent. It reports whether one was due.
func (o *output) acknowledged() (due bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	due, o.due = o.due, false
	if o.pendingLocked() {
		o.wantFlushLocked()
	}
	return due
}

// notify tells of somebody's coming or going; false if the client reads too little of what others cause.
func (o *output) notify(order uint64, n channels.Notice) (ok bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.form.Notice == nil || !n.Self && o.form.Link == nil && o.waiting > o.session.settings.ReplyBytes/2 {
		return true // dropped: presence may be
	}
	if p := o.form.Notice(n); p != nil {
		o.pushLocked(item{order: order, bytes: p, rows: o.rowsLocked()})
	}
	return o.boundedLocked()
}

// subscribed lets a channel be heard; false if the client reads too little of what others cause.
func (o *output) subscribed(sub *channels.Subscription) (ok bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if sub.Heard, sub.Saved = sub.Cursor, sub.Cursor; !sub.ForLink() {
		o.heard = append(o.heard, sub)
	}
	if sub.Channel.Kind == channels.OutboxLog {
		o.rows = sub
	}
	o.pushLocked(item{sub: sub})
	return o.boundedLocked()
}

// state is reply for what must stand behind the rows of the outbox that were made before it, and before later ones. The hub
// is held.
func (o *output) state(order uint64, p []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.pushLocked(item{order: order, bytes: p, rows: o.rowsLocked()})
}

// rowsLocked is the last row of the outbox so far. The hub is held.
func (o *output) rowsLocked() channels.Position {
	if o.rows == nil {
		return channels.Position{}
	}
	return o.rows.Head()
}

func (o *output) bounded() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.boundedLocked()
}

// boundedLocked reports whether items are within what may wait. The session's own commands stop at reply_bytes, and go
// past it by what one request asks; what other sessions of its account cause is not stopped by that, and ends it here.
func (o *output) boundedLocked() bool { return o.waiting <= 4*(o.session.settings.ReplyBytes+maxLoad) }

func (o *output) pushLocked(it item) {
	if o.dead {
		return
	}
	o.items = append(o.items, it)
	o.waiting += it.weight()
	o.wantFlushLocked()
}

func (o *output) wake(sub *channels.Subscription) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.readyLocked(sub); sub.Active {
		o.wantFlushLocked()
	}
}

func (o *output) readyLocked(sub *channels.Subscription) {
	if !sub.Ready && !o.dead {
		sub.Ready = true
		o.ready = append(o.ready, sub)
	}
}

// wantFlushLocked puts the output in the flusher's list, unless an owner will see what is new.
func (o *output) wantFlushLocked() {
	if !o.owned && !o.queued {
		o.queued = true
		o.session.server.flusher.add(o)
	}
}

func (o *output) hasRoom() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.waiting < o.session.settings.ReplyBytes
}

// busy reports whether something waits to be written, or is being written.
func (o *output) busy() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.owned || o.pendingLocked()
}

// pendingLocked reports whether there is anything to write.
func (o *output) pendingLocked() bool {
	switch {
	case o.dead:
		return false
	case len(o.urgent) > 0:
		return true
	case o.due:
		return false
	case len(o.items)+len(o.held) > 0:
		return true
	}
	for _, sub := range o.ready {
		if sub.Active {
			return true
		}
	}
	return false
}

// close forgets all that is owed. Safe while the hub is held.
func (o *output) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.dead {
		o.dead = true
		o.items, o.ready, o.urgent, o.held, o.waiting = nil, nil, nil, nil, 0
		close(o.closed)
	}
}

// gathered is what gather found.
type gathered struct {
	bytes []byte
	// behind is a subscription whose next entry is not in memory; it is owed what comes up to end. Nil: none is.
	behind *channels.Subscription
	end    channels.Position
}

// gather appends to buf what the session is owed, in order, from memory only, until it is most bytes or a little longer.
// The owner calls it.
func (o *output) gather(buf []byte, most int) (g gathered) {
	g.bytes = buf
	o.session.server.Hub.View(func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		for more := true; more && !o.dead && len(g.bytes) < most; {
			o.takeUrgentLocked(&g)
			if o.form.Paced != nil {
				more = o.paceLocked(&g)
			} else {
				more = o.stepLocked(&g, most)
			}
		}
	})
	return g
}

// stepLocked appends what comes before the item in front, and that item. It reports whether there may be more.
func (o *output) stepLocked(g *gathered, most int) (more bool) {
	o.hearLocked(g, most)
	if g.behind != nil || len(g.bytes) >= most || len(o.items) == 0 {
		return false
	}
	o.takeItemLocked(g)
	return true
}

// paceLocked appends the next message, if none waits for an acknowledgement. It reports whether there may be more.
func (o *output) paceLocked(g *gathered) (more bool) {
	if o.due {
		return false
	}
	if len(o.held) == 0 {
		var next gathered
		more = o.stepLocked(&next, 1)
		o.held = next.bytes
		if len(o.held) == 0 {
			g.behind, g.end = next.behind, next.end
			return more
		}
	}
	n := o.form.Paced(o.held)
	g.bytes = append(g.bytes, o.held[:n]...)
	o.held, o.due = o.held[n:], true
	return false
}

func (o *output) takeUrgentLocked(g *gathered) {
	if len(o.urgent) == 0 {
		return
	}
	g.bytes = append(g.bytes, o.urgent...)
	if o.waiting -= len(o.urgent); o.waiting < o.session.settings.ReplyBytes {
		token(o.changed)
	}
	o.urgent = nil
}

// hold keeps what was read from the log for a client whose form is Paced; false: its is not.
func (o *output) hold(page []byte) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.form.Paced == nil {
		return false
	}
	if !o.dead {
		o.held = append([]byte(nil), page...)
	}
	return true
}

// hearLocked appends the entries of active subscriptions, up to the order of the item in front.
func (o *output) hearLocked(g *gathered, most int) {
	barrier := ^uint64(0)
	if len(o.items) > 0 {
		barrier = o.items[0].order
	}
	kept := o.ready[:0]
	for i, sub := range o.ready {
		owed := o.owedLocked(sub, barrier)
		g.bytes = o.appendLocked(g.bytes, sub, owed.Entries, most)
		if owed.Behind {
			g.behind, g.end = sub, owed.End
			kept = append(append(kept, o.ready[i+1:]...), sub) // others come first the next time
			break
		}
		if sub.Last != nil && sub.Active && sub.Ended() {
			g.bytes = append(g.bytes, sub.Last...)
			sub.Last = nil
			sub.Over()
		}
		if sub.Ready = !sub.Active || sub.Cursor.Before(owed.End); sub.Ready {
			kept = append(kept, sub)
		}
		if len(g.bytes) >= most {
			kept = append(kept, o.ready[i+1:]...)
			break
		}
	}
	clear(o.ready[len(kept):])
	o.ready = kept
}

// owedLocked is what a subscription is owed before the item in front. From the log that is what was there when the item
// came to the front: a client that is slower than its channel gets its answers all the same.
func (o *output) owedLocked(sub *channels.Subscription, barrier uint64) channels.Owed {
	if !sub.Active {
		return channels.Owed{}
	}
	owed := sub.Owed(barrier)
	if !owed.Behind || len(o.items) == 0 {
		return owed
	}
	if sub.PausedFor != o.taken+1 {
		sub.PausedFor, sub.Pause = o.taken+1, owed.End
		if rows := o.items[0].rows; sub == o.rows && rows != (channels.Position{}) {
			sub.Pause = rows
		}
	}
	if !sub.Cursor.Before(sub.Pause) {
		return channels.Owed{End: owed.End} // enough for now
	}
	owed.End = sub.Pause
	return owed
}

func (o *output) appendLocked(buf []byte, sub *channels.Subscription, entries []*channels.Entry, most int) []byte {
	for _, e := range entries {
		if len(buf) >= most {
			break
		}
		buf = o.appendEntry(buf, sub, e)
	}
	return buf
}

// appendEntry appends one entry and moves the cursor to it. The form is guarded by mu; the cursor is the owner's.
func (o *output) appendEntry(buf []byte, sub *channels.Subscription, e *channels.Entry) []byte {
	if len(o.moved) == 0 || o.moved[len(o.moved)-1] != sub {
		o.moved = append(o.moved, sub)
	}
	if o.form.Link != nil {
		buf = o.form.Link.Entry(buf, sub, e)
		sub.Cursor = e.Position
		return buf
	}
	sub.Cursor = e.Position
	if o.form.Only != nil && !o.form.Only(sub.Person(), e) {
		return buf
	}
	if sub.Gap && o.form.AfterGap != nil {
		sub.Gap = false
		return o.form.AfterGap(buf, e)
	}
	form := o.form.Entry
	if o.form.Replayed != nil && !sub.ReplayTo.Before(e.Position) {
		form = o.form.Replayed
	}
	return append(buf, e.Encoded(form)...)
}

func (o *output) takeItemLocked(g *gathered) {
	it := o.items[0]
	o.items[0] = item{}
	if o.items = o.items[1:]; len(o.items) == 0 {
		o.items = nil
	}
	o.taken++
	if o.waiting -= it.weight(); o.waiting < o.session.settings.ReplyBytes {
		token(o.changed)
	}
	g.bytes = append(g.bytes, it.bytes...)
	if it.form != nil {
		o.form = *it.form
	}
	if it.sub != nil {
		it.sub.Active = true
		o.readyLocked(it.sub)
	}
}

// token puts a token in a channel of size 1, if there is none.
func token(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// written notes that all that was gathered has gone to the socket. The owner calls it.
func (o *output) written() {
	if len(o.moved) == 0 {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, sub := range o.moved {
		sub.Heard = sub.Cursor
	}
	clear(o.moved)
	o.moved = o.moved[:0]
}

// own makes the caller the owner; false if there is one.
func (o *output) own() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.queued = false
	if o.owned {
		return false
	}
	o.owned = true
	return true
}

// disown ends an ownership. again: there is more to write, and whoever calls goes on, or puts the output back in the list.
func (o *output) disown() (again bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if again = o.pendingLocked(); !again {
		o.owned = false
		token(o.changed)
	}
	return again
}

// waitUntilWritten waits until nothing is owed any more, or the session has ended.
func (o *output) waitUntilWritten() {
	for {
		o.mu.Lock()
		idle := o.dead || !o.owned && !o.pendingLocked()
		o.mu.Unlock()
		if idle {
			return
		}
		select {
		case <-o.changed:
		case <-o.closed:
		}
	}
}

// waitUntilLeft waits until no goroutine owns the output of a session that has ended.
func (o *output) waitUntilLeft() {
	for {
		o.mu.Lock()
		owned := o.owned
		o.mu.Unlock()
		if !owned {
			return
		}
		<-o.changed
	}
}

// takeHeard lists the positions that the store does not know yet, as steps, and forgets subscriptions that have ended.
func (o *output) takeHeard() []channels.Step {
	var steps []channels.Step
	o.session.server.Hub.View(func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		kept := o.heard[:0]
		for _, sub := range o.heard {
			if at := sub.Heard; sub.Saved.Before(at) {
				steps = append(steps, o.saving(sub, at))
			}
			done := sub.Ended() && !sub.Heard.Before(sub.Cursor) // what is being written is not heard yet
			if !done && !(o.dead && !o.owned) {
				kept = append(kept, sub)
			}
		}
		clear(o.heard[len(kept):])
		o.heard = kept
	})
	return steps
}

// saving is the step that tells the store how far a channel was heard.
func (o *output) saving(sub *channels.Subscription, at channels.Position) channels.Step {
	return channels.Step{
		Do: func(tx channels.Tx) error { return tx.SetHeard(sub.Person(), sub.Channel, at) },
		Done: func(_ *channels.Delivery, err error) {
			o.mu.Lock()
			defer o.mu.Unlock()
			if err == nil {
				sub.Saved = at
			}
		},
	}
}
