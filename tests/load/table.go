package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"text/tabwriter"
)

// A table is the figures of a scenario in one unit.
type table struct {
	title   string
	unit    string
	axis    string // what grows from row to row, if something does
	of      string // what all ratios are to, if it is one thing
	columns []string
	rows    []string
	cells   map[cell]figure
}

type cell struct{ row, column string }

// tables arranges figures, in the order that they came in.
func tables(all []figure) []*table {
	var made []*table
	byTitle := map[string]*table{}
	for _, f := range all {
		title := f.Scenario + ", " + f.Unit
		t := byTitle[title]
		if t == nil {
			t = &table{title: title, unit: f.Unit, axis: f.Axis, of: f.Of, cells: map[cell]figure{}}
			byTitle[title] = t
			made = append(made, t)
		}
		t.add(f)
	}
	return made
}

func (t *table) add(f figure) {
	at := cell{f.What, f.Server}
	if f.Axis != "" {
		at = cell{fmt.Sprintf("%.0f %s", f.X, f.Axis), f.Server}
		if f.Server == "" {
			at.column = f.What
		}
	}
	if !slices.Contains(t.rows, at.row) {
		t.rows = append(t.rows, at.row)
	}
	if !slices.Contains(t.columns, at.column) {
		t.columns = append(t.columns, at.column)
	}
	switch {
	case t.of == "":
		t.of = f.Of
	case f.Of != "" && f.Of != t.of:
		t.of = "another"
	}
	t.cells[at] = f
}

// text is what a cell shows.
func (t *table) text(f figure) string {
	s := fmt.Sprintf("%.4g", f.Value)
	if f.Ratio == 0 {
		return s
	}
	if t.of == f.Of {
		return s + fmt.Sprintf(" (%.3g)", f.Ratio)
	}
	return s + fmt.Sprintf(" (%.3g of %s)", f.Ratio, f.Of)
}

func (t *table) write(w io.Writer) error {
	title := t.title
	if t.of != "" && t.of != "another" {
		title += " (ratio to " + t.of + ")"
	}
	if _, err := fmt.Fprintf(w, "\n%s\n", title); err != nil {
		return err
	}
	lines := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	if len(t.columns) > 1 {
		for _, c := range t.columns {
			fmt.Fprintf(lines, "\t%s", c)
		}
		fmt.Fprintln(lines)
	}
	for _, r := range t.rows {
		fmt.Fprintf(lines, "  %s", r)
		for _, c := range t.columns {
			text := ""
			if f, ok := t.cells[cell{r, c}]; ok {
				text = t.text(f)
			}
			fmt.Fprintf(lines, "\t%s", text)
		}
		fmt.Fprintln(lines)
	}
	return lines.Flush() // tells of errors before it, too
}

// show writes tables to read.
func show(w io.Writer, m machine, all []figure) error {
	if _, err := fmt.Fprintln(w, m); err != nil {
		return err
	}
	for _, t := range tables(all) {
		if err := t.write(w); err != nil {
			return err
		}
	}
	return nil
}

// writeJSON writes the figures, and what they were taken on.
func writeJSON(file string, m machine, all []figure) error {
	text, err := json.MarshalIndent(struct {
		Machine machine  `json:"machine"`
		Figures []figure `json:"figures"`
	}{m, all}, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(text, '\n'), 0o644)
}
