// Command load measures a node: it starts the real binary, drives it over sockets, and prints ratios to a baseline that it
// measures in the same run. The figures in BENCHMARKS.md are its output.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"text/tabwriter"
)

// A figure is one line of the result.
type figure struct {
	Scenario string  `json:"scenario"`
	What     string  `json:"what"`
	Value    float64 `json:"value"`
	Unit     string  `json:"unit"`
	Ratio    float64 `json:"ratio,omitempty"` // to the baseline that Of names
	Of       string  `json:"of,omitempty"`
}

// A scenario measures one thing.
type scenario struct {
	name, about string
	run         func(context.Context, options) ([]figure, error)
}

// options is what all scenarios are told.
type options struct {
	binary string
	folder string // on the disk that is measured
	rounds int
	small  bool // a fraction of the load: to see that it works
}

func scenarios() []scenario {
	return []scenario{
		{"append", "accepted messages/s, 64 and 1 pipelining senders, against bare SQLite group commit", appendScenario},
		{"fanout", "deliveries/s and CPU per million deliveries at 100 and 1000 members", fanoutScenario},
		{"idle", "memory per idle joined connection", idleScenario},
		{"link", "messages/s over one link between two nodes, both ways, against a local channel", linkScenario},
		{"hop", "time from SAY to RECV by way of another node, against a local channel", hopScenario},
		{"outage", "messages/s that a link carries after an outage, both ways, against a local channel", outageScenario},
		{"wire", "bytes on a link per message, at 1 and 100 members behind it", wireScenario},
		{"peers", "CPU per message at the home of 1, 10 and 50 peers, against none", peersScenario},
	}
}

func main() {
	if err := run(os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

func run(args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("load", flag.ContinueOnError)
	flags.SetOutput(stderr)
	binary := flags.String("binary", "./chatnode", "the `program` to measure")
	folder := flags.String("folder", "", "a `folder` on the disk to measure (default: the system's temporary folder)")
	only := flags.String("run", "", "only `scenarios` with one of these names, separated by commas")
	rounds := flags.Int("rounds", 5, "measured `rounds` of each, the median counts")
	small := flags.Bool("small", false, "a fraction of the load, to see that all works")
	asJSON := flags.Bool("json", false, "print JSON")
	flags.Usage = func() { usage(flags) }
	if err := flags.Parse(args); err != nil {
		return err
	}
	dir, err := os.MkdirTemp(*folder, "chatnode-load-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary folder
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	o := options{binary: *binary, folder: dir, rounds: *rounds, small: *small}
	var all []figure
	for _, s := range scenarios() {
		if *only != "" && !strings.Contains(","+*only+",", ","+s.name+",") {
			continue
		}
		fmt.Fprintf(stderr, "%s: %s\n", s.name, s.about)
		got, err := s.run(ctx, o)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		all = append(all, got...)
	}
	return show(stdout, all, *asJSON)
}

// ratio is 0, which is not shown, where the baseline is too small to be measured.
func ratio(value, baseline float64) float64 {
	if baseline == 0 {
		return 0
	}
	return value / baseline
}

func usage(flags *flag.FlagSet) {
	fmt.Fprintln(flags.Output(), "load measures a node.\n\n  go run ./tests/load --binary ./chatnode\n  go run ./tests/load --run idle --json\n\nScenarios:")
	for _, s := range scenarios() {
		fmt.Fprintf(flags.Output(), "  %-8s %s\n", s.name, s.about)
	}
	fmt.Fprintln(flags.Output(), "\nFlags:")
	flags.PrintDefaults()
}

func show(w io.Writer, all []figure, asJSON bool) error {
	if asJSON {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(all)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "scenario\twhat\tvalue\tunit\tratio")
	for _, f := range all {
		ratio := ""
		if f.Ratio != 0 {
			ratio = fmt.Sprintf("%.3g of %s", f.Ratio, f.Of)
		}
		fmt.Fprintf(t, "%s\t%s\t%.4g\t%s\t%s\n", f.Scenario, f.What, f.Value, f.Unit, ratio)
	}
	return t.Flush()
}
