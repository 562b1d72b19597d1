package netfault

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"
)

// kept is how many lines of each direction a proxy remembers, and how much of each, in bytes.
const (
	kept      = 40
	keptBytes = 300
)

// A tape holds what was said.
type tape struct {
	begun  time.Time // static
	record io.Writer // static: nil: none

	mu    sync.Mutex
	lines [Both][]taped // guarded by mu: by direction, the last ones
}

// taped is a line, as it is shown.
type taped struct {
	at   time.Duration
	text string
}

func newTape(record io.Writer) *tape { return &tape{begun: time.Now(), record: record} }

// add notes a line that was said on a link, with its end.
func (t *tape) add(link int, d Direction, line []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	at := time.Since(t.begun)
	text := fmt.Sprintf("%10.6f %d %-5v %s", at.Seconds(), link, d, line)
	if t.record != nil {
		_, _ = io.WriteString(t.record, text) // a lost record is seen by whoever looks for it
	}
	short := taped{at, strings.Clone(strings.TrimRight(text[:min(len(text), keptBytes)], "\n"))}
	if t.lines[d] = append(t.lines[d], short); len(t.lines[d]) > 2*kept {
		t.lines[d] = slices.Clone(t.lines[d][kept:])
	}
}

// last returns the last lines of each direction in the order they were said.
func (t *tape) last() (all []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var both []taped
	for _, lines := range t.lines {
		both = append(both, lines[max(0, len(lines)-kept):]...)
	}
	slices.SortStableFunc(both, func(a, b taped) int { return int(a.at - b.at) })
	for _, line := range both {
		all = append(all, line.text)
	}
	return all
}
