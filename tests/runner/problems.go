package runner

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// A Problem is one thing that is wrong with a case file.
type Problem struct {
	File  string
	Line  int    // from 1; 0 where no line is to blame
	Field string // its path in the file, such as [2].steps[3].expect; "" for the file as a whole
	Text  string // what is wrong, in one line
}

// String is file:line: field: text.
func (p Problem) String() string {
	s := p.File
	if p.Line > 0 {
		s += fmt.Sprint(":", p.Line)
	}
	if p.Field != "" {
		s += ": " + p.Field
	}
	return strings.ReplaceAll(s+": "+p.Text, "\n", " ")
}

// Problems is all that is wrong with the case files that were loaded, at least one thing, by file and line.
type Problems []Problem

// Error has a line for each problem.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i := range p {
		lines[i] = p[i].String()
	}
	return strings.Join(lines, "\n")
}

// inOrder sorts the problems of one file, and leaves out what is said twice.
func (p Problems) inOrder() Problems {
	slices.SortStableFunc(p, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Field, b.Field))
	})
	return slices.Compact(p)
}
