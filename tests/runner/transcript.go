package runner

import (
	"sync"
	"time"
	"unicode/utf8"
)

// The bounds of a transcript.
const (
	longestTranscript = 2000 // entries; the oldest go first
	longestEntry      = 4096 // bytes of a text
)

// The directions of an Entry.
const (
	Sent     = "sent"
	Received = "received"
	Note     = "note" // something that happened
)

// An Entry is something that a client sent, heard or did.
type Entry struct {
	At        float64 `json:"at"` // seconds since the beginning of the case
	Who       string  `json:"who"`
	Direction string  `json:"direction"` // Sent, Received or Note
	Text      string  `json:"text"`      // of a line without its LF; shortened past 4096 bytes. What is not UTF-8 is shown as \xff
}

// A transcript is what happened in a case. Its methods are for every goroutine of the case.
type transcript struct {
	began time.Time

	mu      sync.Mutex
	entries []Entry // guarded by mu
	dropped int     // guarded by mu
}

func (t *transcript) add(who, direction, text string) {
	if len(text) > longestEntry {
		text = text[:longestEntry/2] + "…" + text[len(text)-longestEntry/2:]
	}
	if !utf8.ValidString(text) {
		text = visible(text)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.entries) == longestTranscript {
		t.entries = t.entries[1:]
		t.dropped++
	}
	at := time.Since(t.began).Round(10 * time.Microsecond).Seconds()
	t.entries = append(t.entries, Entry{at, who, direction, text})
}

// all returns the entries, and how many older ones are gone.
func (t *transcript) all() ([]Entry, int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]Entry{}, t.entries...), t.dropped
}
