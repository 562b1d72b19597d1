package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// A talk is messages said in streams, each numbered from 0, and heard by members who check that nothing is missing, nothing
// comes twice, and all hear one order.
type talk struct {
	d        driver
	messages int // of each stream
	inFlight int // of each speaker; 0: all are said by a clock
	speakers []*speaker
	members  []*member

	// Where they are said by a clock:
	began    time.Time
	interval time.Duration   // between messages, of one stream after the other
	behind   []time.Duration // how late each was said
}

// A speaker says the messages of its streams by turns.
type speaker struct {
	c       *client
	first   int      // of its streams; the others follow
	streams []string // their channels

	mu sync.Mutex
	// guarded by mu
	said  int
	lines []byte
}

// A member hears the streams of one channel, or of all that it speaks in.
type member struct {
	c         *client
	crowd     int        // members with the same number hear the same
	first     int        // of the streams that it hears; the others follow
	witnessed []*speaker // of each, who says more when this member has heard some; nil: that is another's task
	own       *speaker   // nil: it only hears

	// owned by listen
	next  []int           // the number that each stream comes to
	owed  []int           // messages of each that were heard since their speakers said more
	order uint64          // changes with the order that streams are heard in
	late  []time.Duration // of each message, where they are said by a clock
}

// say says the next n messages, or what is left, with one write.
func (s *speaker) say(t *talk, n int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = s.lines[:0]
	for ; n > 0 && s.said < t.messages*len(s.streams); n-- {
		i := s.said % len(s.streams)
		var text [textBytes]byte
		s.lines = t.d.say(s.lines, s.streams[i], appendText(text[:0], s.first+i, s.said/len(s.streams)))
		s.said++
	}
	if len(s.lines) == 0 {
		return nil
	}
	_, err := s.c.conn.Write(s.lines)
	return err
}

// textBytes is the length of all that is said.
const textBytes = 64

// appendText appends a text that says which message of which stream it is.
func appendText(b []byte, stream, n int) []byte {
	end := len(b) + textBytes
	b = strconv.AppendInt(append(b, '='), int64(stream), 10)
	b = strconv.AppendInt(append(b, '.'), int64(n), 10)
	b = append(b, '.')
	for len(b) < end {
		b = append(b, 'x')
	}
	return b
}

// parseText finds such a text at the end of a line; ok is false for other lines.
func parseText(line []byte) (stream, n int, ok bool) {
	end := len(line)
	for end > 0 && line[end-1] < ' ' { // LF, and CR
		end--
	}
	if end < textBytes || line[end-textBytes] != '=' {
		return 0, 0, false
	}
	stream, rest := parseNumber(line[end-textBytes+1 : end])
	n, rest = parseNumber(rest)
	return stream, n, len(rest) > 0
}

// parseNumber reads a number and the dot after it; what is left is empty where there is no dot.
func parseNumber(text []byte) (n int, rest []byte) {
	for i, digit := range text {
		if digit == '.' {
			return n, text[i+1:]
		}
		if digit < '0' || digit > '9' {
			break
		}
		n = n*10 + int(digit-'0')
	}
	return n, nil
}

// expects is how many messages a member is to hear.
func (m *member) expects(t *talk) int {
	n := len(m.next)
	if m.own != nil && !t.d.facts().echo {
		n -= len(m.own.streams)
	}
	return n * t.messages
}

// listen hears all that the member is to hear.
func (m *member) listen(t *talk) error {
	other := ""
	for left := m.expects(t); left > 0; {
		line, err := m.c.in.ReadSlice('\n')
		if err != nil {
			return fmt.Errorf("%d messages were not heard: %w (the last line that is none: %q)", left, err, other)
		}
		stream, n, ok := parseText(line)
		if !ok {
			other = string(line)
			continue
		}
		if err := m.heard(t, stream, n); err != nil {
			return err
		}
		left--
		if m.witnessed != nil && m.c.in.Buffered() < textBytes {
			if err := m.goOn(t); err != nil {
				return err
			}
		}
	}
	return nil
}

// goOn has speakers say as many messages as this member has heard of theirs.
func (m *member) goOn(t *talk) error {
	for i, n := range m.owed {
		if n == 0 || m.witnessed[i] == nil {
			continue
		}
		m.owed[i] = 0
		if err := m.witnessed[i].say(t, n); err != nil {
			return err
		}
	}
	return nil
}

// heard takes note of a message.
func (m *member) heard(t *talk, stream, n int) error {
	i := stream - m.first
	if i < 0 || i >= len(m.next) {
		return fmt.Errorf("a message of stream %d was heard in another channel", stream)
	}
	if n != m.next[i] {
		return fmt.Errorf("message %d of stream %d was heard where %d was due", n, stream, m.next[i])
	}
	m.next[i]++
	m.order = m.order*31 + uint64(stream) + 1
	if t.inFlight == 0 {
		m.late = append(m.late, time.Since(t.due(n*len(t.speakers)+stream)))
	}
	if m.witnessed != nil {
		m.owed[i]++
	}
	return nil
}

// due is when the clock says a message.
func (t *talk) due(i int) time.Time { return t.began.Add(time.Duration(i) * t.interval) }

// run says and hears all.
func (t *talk) run(ctx context.Context) error {
	for _, m := range t.members {
		if err := m.c.conn.SetDeadline(time.Now().Add(patience)); err != nil {
			return err
		}
	}
	defer context.AfterFunc(ctx, t.hangUp)()
	talking, clock := errgroup.WithContext(ctx)
	do := func(f func() error) {
		talking.Go(func() error {
			err := f()
			if err != nil {
				t.hangUp() // so that nobody waits for what will not come
			}
			return err
		})
	}
	t.began = time.Now()
	for _, m := range t.members {
		do(func() error { return m.listen(t) })
	}
	if t.inFlight == 0 {
		do(func() error { return t.byClock(clock) })
	}
	for _, s := range t.speakers {
		do(func() error { return s.say(t, t.inFlight) })
	}
	return talking.Wait()
}

// byClock says the messages when they are due, or as soon as it can after that.
func (t *talk) byClock(ctx context.Context) error {
	for i := range t.messages * len(t.speakers) {
		select {
		case <-time.After(time.Until(t.due(i))):
		case <-ctx.Done():
			return ctx.Err()
		}
		t.behind = append(t.behind, time.Since(t.due(i)))
		if err := t.speakers[i%len(t.speakers)].say(t, 1); err != nil {
			return err
		}
	}
	return nil
}

func (t *talk) hangUp() {
	for _, m := range t.members {
		_ = m.c.conn.SetReadDeadline(time.Unix(1, 0)) // whoever reads sees it
	}
}

// check finds, after the run, messages that came once too often, and members who heard another order.
func (t *talk) check() error {
	var errs []error
	for _, m := range t.members {
		errs = append(errs, m.c.write(t.d.facts().ping))
	}
	orders := map[int]uint64{} // of each crowd
	for _, m := range t.members {
		errs = append(errs, m.nothingMore())
		order, known := orders[m.crowd]
		switch {
		case !t.d.facts().ordered || m.own != nil && !t.d.facts().echo:
		case !known:
			orders[m.crowd] = m.order
		case order != m.order:
			errs = append(errs, errors.New("two members heard messages in different orders"))
		}
	}
	return errors.Join(errs...)
}

// nothingMore reads up to the answer of a ping.
func (m *member) nothingMore() error {
	for {
		line, err := m.c.in.ReadSlice('\n')
		if err != nil {
			return err
		}
		if stream, n, ok := parseText(line); ok {
			return fmt.Errorf("message %d of stream %d was heard again", n, stream)
		}
		if bytes.Contains(line, []byte("PONG")) {
			return nil
		}
	}
}

// deliveries is how many messages all members together are to hear.
func (t *talk) deliveries() (n int) {
	for _, m := range t.members {
		n += m.expects(t)
	}
	return n
}

// measure runs the talk and checks it. It returns the processor time of the server per million deliveries, in seconds, and
// deliveries a second.
func (t *talk) measure(ctx context.Context, s *server) (cpu, rate float64, err error) {
	before, err := s.cpu()
	if err != nil {
		return 0, 0, err
	}
	began := time.Now()
	if err := t.run(ctx); err != nil {
		return 0, 0, err
	}
	took := time.Since(began)
	after, err := s.cpu()
	if err != nil {
		return 0, 0, err
	}
	n := float64(t.deliveries())
	return (after - before).Seconds() / n * 1e6, n / took.Seconds(), t.check()
}
