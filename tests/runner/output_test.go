package runner

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden files")

// golden compares a text with a file in testdata/golden.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", "golden", name+".golden")
	if *update {
		must(os.MkdirAll(filepath.Dir(path), 0o755))
		must(os.WriteFile(path, got, 0o644))
	}
	expected, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want(t, string(got), string(expected))
}

// results are one of each kind.
func results() []Result {
	a := func(name string, line int) *Case {
		return &Case{Name: name, Source: "somewhere", Tags: []string{"x", "y"}, File: "cases/a.json", Line: line, Nodes: []Node{{ID: "a"}}}
	}
	transcript := []Entry{{0.001, "bob", Note, "connects to a"}, {0.002, "bob", Sent, "LOGIN bob <pw>\n"}, {0.0031, "bob", Received, "RESULT LOGIN 0\r"}, {0.004, "carol", Note, "closes"}}
	return []Result{
		{Case: a("it passes", 2), Status: Passed, Took: 1234567 * time.Microsecond, Transcript: transcript},
		{Case: a("it <fails>\x1b", 3), Status: Failed, Took: 20 * time.Millisecond, Transcript: transcript, Dropped: 7, Difference: &Difference{
			Step: "steps[3]", Line: 5, JSON: `{"client":"bob","expect":"RESULT LOGIN 1"}`, Who: "bob",
			Expected: []string{"RESULT LOGIN 1"}, Got: []string{`RESULT LOGIN 0\r`}, Note: "the line ends in CR LF; lines end in LF alone",
			Server: []string{"a stderr: no such user"}, exact: true}},
		{Case: a("it is skipped", 9), Status: Skipped, Reason: "it needs 2 nodes, and --address is one"},
		{Case: &Case{Name: "it does not start", File: "b.json", Line: 1, Nodes: []Node{{ID: "a"}}}, Status: Failed, Took: time.Second, Difference: &Difference{
			Who: "a", Expected: []string{"a server that listens on 127.0.0.1:1"}, Note: "the server of node a ended before it listened (exit status 1): server 1",
			Server: []string{"a stderr: no", "a stdout: bye"}, Fault: true}},
	}
}

func TestReports(t *testing.T) {
	for name, write := range map[string]func(io.Writer, []Result) error{
		"report.json": WriteReport, "details.json": WriteDetails, "junit.xml": WriteJUnit,
	} {
		var out bytes.Buffer
		if err := write(&out, results()); err != nil {
			t.Error(err)
		}
		golden(t, name, out.Bytes())
		if err := write(full{}, results()); !errors.Is(err, io.ErrShortWrite) {
			t.Errorf("%s: %v", name, err)
		}
	}
	var out bytes.Buffer
	must(WriteReport(&out, nil))
	want(t, out.String(), "[]\n")
}

// full takes nothing.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

func TestPrinter(t *testing.T) {
	for name, verbose := range map[string]bool{"output.txt": false, "verbose.txt": true} {
		var out bytes.Buffer
		p := &Printer{Out: &out, Verbose: verbose}
		all := results()
		p.Begin(len(all))
		for _, i := range []int{2, 1, 3, 0} { // they end in any order
			p.Finished(i, all[i])
		}
		if err := p.End(all); err != nil {
			t.Error(err)
		}
		golden(t, name, out.Bytes())
	}
	p := &Printer{Out: full{}}
	p.Begin(1)
	p.Finished(0, results()[0])
	if err := p.End(nil); !errors.Is(err, io.ErrShortWrite) {
		t.Error(err)
	}
}

func TestTheBarIsDrawnApartFromTheLines(t *testing.T) {
	var both bytes.Buffer
	p := &Printer{Out: &both, Bar: &both}
	all := results()[:3]
	p.Begin(3)
	p.Finished(1, all[1])
	want(t, both.String(), "\r["+strings.Repeat(".", 30)+"] 0/3, 0 failed\x1b[K\r\x1b[K\r["+strings.Repeat("#", 10)+strings.Repeat(".", 20)+"] 1/3, 1 failed\x1b[K")
	both.Reset()
	p.Finished(0, all[0])
	p.Finished(2, all[2])
	must(p.End(all))
	if got := both.String(); !strings.HasPrefix(got, "\r\x1b[Kok    it passes") || !strings.HasSuffix(got, "\n\r\x1b[K1 passed, 1 failed, 1 skipped\n") {
		t.Errorf("%q", got)
	}
}

func TestTranscriptsAreBounded(t *testing.T) {
	log := &transcript{began: time.Now()}
	for range longestTranscript + 5 {
		log.add("bob", Received, strings.Repeat("x", 2*longestEntry))
	}
	log.add("bob", Received, "\xff")
	all, dropped := log.all()
	want(t, len(all), longestTranscript)
	want(t, dropped, 6)
	want(t, len(all[0].Text), longestEntry+len("…"))
	want(t, all[len(all)-1].Text, `\xff`)
}
