package runner

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// A Printer tells people how cases went: a line for each, in the order of the cases, with the first difference below it.
// It belongs to one goroutine at a time.
type Printer struct {
	// Out gets the lines. It is not nil.
	Out io.Writer

	// Bar gets a progress bar, which is drawn again and again in one line; nil for none. It is for a terminal.
	Bar io.Writer

	// Verbose shows with a difference what its client had last sent and heard, and what the servers had written.
	Verbose bool

	total  int
	ended  int
	failed int
	next   int            // the case whose line is printed next
	early  map[int]Result // those that ended before their turn
	err    error          // the first that Out had
}

// Begin says how many cases there are, and draws the bar.
func (p *Printer) Begin(total int) {
	p.total, p.early = total, map[int]Result{}
	p.draw()
}

// Finished tells how the case with an index went, once it is its turn.
func (p *Printer) Finished(index int, r Result) {
	p.ended++
	if r.Status == Failed {
		p.failed++
	}
	p.early[index] = r
	p.erase()
	for {
		r, ok := p.early[p.next]
		if !ok {
			break
		}
		delete(p.early, p.next)
		p.next++
		p.print(r)
	}
	p.draw()
}

// End takes the bar away and prints the summary, a line of its own. It returns the first error that Out had.
func (p *Printer) End(results []Result) error {
	p.erase()
	p.printf("%s\n", Summary(results))
	return p.err
}

// Summary counts how cases went: 3 passed, 1 failed, 0 skipped.
func Summary(results []Result) string {
	return fmt.Sprintf("%d passed, %d failed, %d skipped", count(results, Passed), count(results, Failed), count(results, Skipped))
}

func count(results []Result, s Status) int {
	n := 0
	for _, r := range results {
		if r.Status == s {
			n++
		}
	}
	return n
}

func (p *Printer) printf(format string, args ...any) {
	if _, err := fmt.Fprintf(p.Out, format, args...); err != nil && p.err == nil {
		p.err = fmt.Errorf("write the results: %w", err)
	}
}

func (p *Printer) print(r Result) {
	name := visible(r.Case.Name)
	switch r.Status {
	case Skipped:
		p.printf("skip  %s (%s)\n", name, r.Reason)
	case Passed:
		p.printf("ok    %s (%s)\n", name, seconds(r.Took))
	case Failed:
		p.printf("FAIL  %s (%s)\n", name, seconds(r.Took))
		for _, line := range r.Explain(p.Verbose) {
			p.printf("      %s\n", line)
		}
	}
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.2fs", d.Seconds()) }

// The lengths to which lines are cut for people, in characters.
const (
	shownStep = 120
	shownLine = 160
)

// Explain returns the lines that tell the difference of a case that failed. With more, they have what its client had last
// sent and heard, and what the servers wrote, which is there in any case where a server as a whole is at fault.
func (r Result) Explain(more bool) []string {
	d := r.Difference
	if d == nil {
		return nil
	}
	where := fmt.Sprintf("%s:%d", r.Case.File, r.Case.Line)
	if d.Step != "" {
		where = fmt.Sprintf("%s:%d: %s %s", r.Case.File, d.Line, d.Step, shorten(d.JSON, shownStep))
	}
	lines := append([]string{where}, d.sides()...)
	if d.Note != "" {
		lines = append(lines, "  "+d.Note)
	}
	if more {
		lines = append(lines, r.latest(d.Who)...)
	}
	if len(d.Server) > 0 && (more || d.Fault) {
		lines = append(lines, "  the servers' last lines:")
		for _, line := range d.Server {
			lines = append(lines, "    "+line)
		}
	}
	return lines
}

// sides puts what was expected over what came. Below lines there is a mark where they differ.
func (d *Difference) sides() []string {
	expected, got := slices.Clone(d.Expected), slices.Clone(d.Got)
	mark := ""
	if len(expected) == 1 && len(got) == 1 {
		var at int
		expected[0], got[0], at = window(expected[0], got[0], shownLine)
		if d.exact {
			mark = strings.Repeat(" ", at) + "^"
		}
	}
	var lines []string
	for i, side := range [][]string{expected, got} {
		label := [2]string{"expected", "got"}[i]
		for _, text := range side {
			lines = append(lines, fmt.Sprintf("  %-8s  %s", label, shorten(text, shownLine+2)))
			label = ""
		}
	}
	if mark != "" {
		lines = append(lines, strings.Repeat(" ", 12)+mark)
	}
	return lines
}

// shownEntries is how much of a transcript is shown.
const shownEntries = 12

// latest returns the last lines of a client, or of all where nobody is to blame.
func (r Result) latest(who string) []string {
	var lines []string
	for _, e := range r.Transcript {
		if who == "" || e.Who == who || r.Case.node(who) != nil {
			arrow := map[string]string{Sent: ">", Received: "<", Note: "*"}[e.Direction]
			lines = append(lines, fmt.Sprintf("    %8.3fs  %s %s %s", e.At, e.Who, arrow, shorten(visible(e.Text), shownLine)))
		}
	}
	if len(lines) == 0 {
		return nil
	}
	return append([]string{"  the last lines:"}, lines[max(0, len(lines)-shownEntries):]...)
}

// barWidth is that of the bar between its brackets, in characters.
const barWidth = 30

func (p *Printer) draw() {
	if p.Bar == nil || p.total == 0 || p.ended == p.total {
		return
	}
	full := barWidth * p.ended / p.total
	_, _ = fmt.Fprintf(p.Bar, "\r[%s%s] %d/%d, %d failed\x1b[K", // it is for show alone
		strings.Repeat("#", full), strings.Repeat(".", barWidth-full), p.ended, p.total, p.failed)
}

// erase makes room for a line.
func (p *Printer) erase() {
	if p.Bar != nil {
		_, _ = fmt.Fprint(p.Bar, "\r\x1b[K")
	}
}
