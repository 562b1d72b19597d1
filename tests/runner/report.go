package runner

import (
	"encoding/json"
	"fmt"
	"io"
)

// WriteReport writes how the cases went, in their order, as JSON: [{"a case": "Passed"}, {"another": "Failed"}]. Cases that
// were skipped are "Skipped".
func WriteReport(w io.Writer, results []Result) error {
	all := make([]map[string]Status, len(results))
	for i, r := range results {
		all[i] = map[string]Status{r.Case.Name: r.Status}
	}
	return writeJSON(w, "report", all)
}

// A Detail is all that there is to know of how a case went.
type Detail struct {
	Name       string      `json:"name"`
	File       string      `json:"file"`
	Line       int         `json:"line"`
	Source     string      `json:"source"`
	Tags       []string    `json:"tags"`
	Status     Status      `json:"status"`
	Seconds    float64     `json:"seconds"`
	Reason     string      `json:"reason,omitempty"` // why it was skipped
	Difference *Difference `json:"difference,omitempty"`
	Transcript []Entry     `json:"transcript"`
	Dropped    int         `json:"dropped,omitempty"` // entries before those of the transcript that were not kept
}

// WriteDetails writes a JSON array with a Detail for each case, in their order.
func WriteDetails(w io.Writer, results []Result) error {
	all := make([]Detail, len(results))
	for i, r := range results {
		all[i] = Detail{
			Name: r.Case.Name, File: r.Case.File, Line: r.Case.Line, Source: r.Case.Source,
			Tags:   append([]string{}, r.Case.Tags...), // [] and not null
			Status: r.Status, Seconds: r.Took.Seconds(), Reason: r.Reason, Difference: r.Difference,
			Transcript: append([]Entry{}, r.Transcript...), Dropped: r.Dropped,
		}
	}
	return writeJSON(w, "details", all)
}

func writeJSON(w io.Writer, what string, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return fmt.Errorf("write the %s: %w", what, err)
	}
	return nil
}
