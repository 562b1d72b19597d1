package runner

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
)

type junitSuites struct {
	XMLName  xml.Name      `xml:"testsuites"`
	Tests    int           `xml:"tests,attr"`
	Failures int           `xml:"failures,attr"`
	Skipped  int           `xml:"skipped,attr"`
	Time     string        `xml:"time,attr"` // of all cases together, in seconds
	Suites   []*junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"` // the file
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Skipped  int         `xml:"skipped,attr"`
	Time     string      `xml:"time,attr"`
	Cases    []junitCase `xml:"testcase"`

	results []Result
}

type junitCase struct {
	Name    string        `xml:"name,attr"`
	Class   string        `xml:"classname,attr"`
	File    string        `xml:"file,attr"`
	Line    int           `xml:"line,attr"`
	Time    string        `xml:"time,attr"`
	Failure *junitFailure `xml:"failure"`
	Skipped *junitSkipped `xml:"skipped"`
}

type junitFailure struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

type junitSkipped struct {
	Message string `xml:"message,attr"`
}

// WriteJUnit writes how the cases went as JUnit's XML, with a suite for each file.
func WriteJUnit(w io.Writer, results []Result) error {
	all := junitSuites{
		Tests: len(results), Failures: count(results, Failed), Skipped: count(results, Skipped), Time: together(results),
	}
	byFile := map[string]*junitSuite{}
	for _, r := range results {
		s := byFile[r.Case.File]
		if s == nil {
			s = &junitSuite{Name: r.Case.File}
			byFile[r.Case.File] = s
			all.Suites = append(all.Suites, s)
		}
		s.results = append(s.results, r)
		s.Cases = append(s.Cases, junit(r))
	}
	for _, s := range all.Suites {
		s.Tests, s.Failures, s.Skipped = len(s.results), count(s.results, Failed), count(s.results, Skipped)
		s.Time = together(s.results)
	}
	text, err := xml.MarshalIndent(all, "", "  ")
	if err == nil {
		_, err = fmt.Fprintf(w, "%s%s\n", xml.Header, text)
	}
	if err != nil {
		return fmt.Errorf("write the JUnit report: %w", err)
	}
	return nil
}

func junit(r Result) junitCase {
	c := junitCase{
		Name: r.Case.Name, Class: strings.TrimSuffix(r.Case.File, ".json"), File: r.Case.File, Line: r.Case.Line,
		Time: decimal(r.Took.Seconds()),
	}
	switch r.Status {
	case Failed:
		c.Failure = &junitFailure{r.Difference.Error(), "\n" + strings.Join(r.Explain(true), "\n") + "\n"}
	case Skipped:
		c.Skipped = &junitSkipped{r.Reason}
	}
	return c
}

func together(results []Result) string {
	sum := 0.0
	for _, r := range results {
		sum += r.Took.Seconds()
	}
	return decimal(sum)
}

func decimal(seconds float64) string { return fmt.Sprintf("%.3f", seconds) }
