package session

import (
	"context"
	"errors"
	"runtime"
	"sync"

	"chatnode/channels"
	"chatnode/node/wire"
)

// flushBytes is how much is written to one session before the next has its turn, about.
const flushBytes = 64 << 10

// flusher is the goroutine that writes what sessions are owed from memory, without ever waiting for one of them.
type flusher struct {
	wake chan struct{} // of size 1

	mu   sync.Mutex
	list []*output // guarded by mu
}

// add puts an output in the list. The caller holds the output.
func (f *flusher) add(o *output) {
	f.mu.Lock()
	f.list = append(f.list, o)
	f.mu.Unlock()
	token(f.wake)
}

func (f *flusher) run(ctx context.Context) {
	var list []*output
	scratch := make([]byte, 0, 2*flushBytes)
	for {
		select {
		case <-f.wake:
		case <-ctx.Done():
			return
		}
		runtime.Gosched() // so that what is about to be said is written along
		f.mu.Lock()
		list, f.list = f.list, list[:0]
		f.mu.Unlock()
		for i, o := range list {
			list[i] = nil
			o.flush(scratch)
		}
	}
}

// flush writes once what is owed and in memory; what the socket does not take, and what has to be read from the log, is
// left to a drainer.
func (o *output) flush(scratch []byte) {
	if !o.own() {
		return
	}
	defer o.survive()
	g := o.gather(scratch, flushBytes)
	if len(g.bytes) > 0 {
		n, err := o.writer.TryWrite(g.bytes)
		if err != nil {
			o.session.End(WordReset)
		} else if n < len(g.bytes) {
			o.rest = append([]byte(nil), g.bytes[n:]...)
		} else {
			o.written()
		}
	}
	if o.rest != nil || g.behind != nil {
		go o.drain()
		return
	}
	if o.disown() {
		o.requeue()
	}
}

// requeue ends an ownership with the output at the end of the flusher's list.
func (o *output) requeue() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.owned = false
	token(o.changed)
	o.wantFlushLocked()
}

// survive ends the session, and nothing else, when its owner panics.
func (o *output) survive() {
	if v := recover(); v != nil {
		o.session.panicked(v)
		o.disown()
	}
}

// drain writes what is owed, waiting for the client and for the log, until it is at the end. Then it hands back.
func (o *output) drain() {
	defer o.survive()
	if err := o.write(o.rest); err != nil {
		o.fail(err)
	}
	o.rest = nil
	var buf []byte
	for {
		g := o.gather(buf[:0], flushBytes)
		err := o.write(g.bytes)
		if err == nil && g.behind != nil {
			var page []byte
			if page, err = o.readLog(g.bytes[:0], g.behind, g.end); err == nil && !o.hold(page) {
				err = o.write(page)
			}
		}
		if err != nil {
			o.fail(err)
		}
		buf = g.bytes
		if len(g.bytes) == 0 && g.behind == nil && !o.disown() {
			return
		}
	}
}

func (o *output) write(p []byte) error {
	if err := o.writer.Write(p, o.session.settings.StallTimeout); err != nil {
		return err
	}
	o.written()
	return nil
}

// errHole is the end of a session whose client cannot be told that messages are gone.
var errHole = errors.New("messages are gone, and the client does not understand gaps")

// fail ends the session for an error of writing to it or of reading for it.
func (o *output) fail(err error) {
	switch {
	case errors.Is(err, wire.ErrStalled), errors.Is(err, errHole):
		o.session.End(WordStalled)
	case errors.Is(err, errLog):
		o.session.log().Error("a session's messages cannot be read", "error", err)
		o.session.End(WordFailed)
	default:
		o.session.End(WordReset)
	}
}

// errLog marks an error of the log.
var errLog = errors.New("read the log")

// A page of the log is so many entries and about so many bytes of text at the most.
const (
	pageEntries = 512
	pageBytes   = flushBytes
)

// readLog appends a page of what a subscription is owed up to end. Messages that retention took before they were heard
// are passed over, and said.
func (o *output) readLog(buf []byte, sub *channels.Subscription, end channels.Position) ([]byte, error) {
	v := o.session.server
	entries, err := v.readPage(sub.Channel, sub.Cursor, end)
	if err != nil {
		return nil, errors.Join(errLog, err)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, e := range entries {
		if o.form.Link == nil && !e.Precedes(sub.Cursor) {
			if err := o.holeLocked(sub, e.Position); err != nil {
				return nil, err
			}
		}
		buf = o.appendEntry(buf, sub, e)
	}
	switch {
	case len(entries) > 0:
	case o.form.Link != nil:
		buf = o.form.Link.Passed(buf, sub, end)
		sub.Cursor = end
	default:
		if next := (channels.Position{Epoch: end.Epoch, Seq: end.Seq + 1}); !sub.Channel.Follows(sub.Cursor, next) {
			err = o.holeLocked(sub, end)
		}
		sub.Cursor = end
	}
	return buf, err
}

// readPage reads a page of the log when it is its turn.
func (v *Server) readPage(c *channels.Channel, p, upto channels.Position) ([]*channels.Entry, error) {
	v.pages <- struct{}{}
	defer func() { <-v.pages }()
	return v.Log.After(context.Background(), c, p, upto, pageEntries, pageBytes)
}

// holeLocked notes that what a subscription is owed before a position is gone.
func (o *output) holeLocked(sub *channels.Subscription, before channels.Position) error {
	if !o.form.TellsGaps && sub.ReplayTo.Before(before) {
		if sub.Channel.Home != 0 {
			return nil // nobody is thrown off line for what another node has lost
		}
		return errHole
	}
	sub.Gap = true
	return nil
}
