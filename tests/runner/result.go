package runner

import (
	"strings"
	"time"
)

// A Status is how a case went.
type Status string

// The statuses.
const (
	Passed  Status = "Passed"
	Failed  Status = "Failed"
	Skipped Status = "Skipped" // it was not carried out, or not to its end; Result.Reason says why
)

// A Result is how a case went.
type Result struct {
	Case       *Case
	Status     Status
	Took       time.Duration
	Reason     string      // of Skipped
	Difference *Difference // of Failed
	Transcript []Entry     // the latest entries, in order
	Dropped    int         // older entries that are not in Transcript
}

// A Difference is the first thing in a case that was not as expected. Its lines are for people: what cannot be seen is
// shown, as in \r, and regular expressions are between slashes.
type Difference struct {
	Step     string   `json:"step,omitempty"` // the path of the step; "" where no step is to blame
	Line     int      `json:"line,omitempty"` // of the step, in the case's file
	JSON     string   `json:"json,omitempty"` // the text of the step, in one line
	Who      string   `json:"who,omitempty"`  // the client, peer or node
	Expected []string `json:"expected,omitempty"`
	Got      []string `json:"got,omitempty"`
	Note     string   `json:"note,omitempty"`   // what happened, in plain words
	Server   []string `json:"server,omitempty"` // the last lines that the servers wrote
	Fault    bool     `json:"fault,omitempty"`  // it is a matter of the server as a whole and not of one line

	closed bool // the server closed a connection
	exact  bool // a line was expected and another one came: where they differ can be marked
}

// Error tells the difference in one line.
func (d *Difference) Error() string {
	var parts []string
	for _, part := range []string{
		prefixed("expected ", strings.Join(d.Expected, ", ")), prefixed("got ", strings.Join(d.Got, ", ")), d.Note,
	} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, "; ")
}

func prefixed(prefix, s string) string {
	if s == "" {
		return ""
	}
	return prefix + s
}
