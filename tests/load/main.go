// Command load measures a node: it starts the real binary, drives it over sockets, and prints ratios to a baseline that it
// measures in the same run. The figures in BENCHMARKS.md are its output.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

// A scenario measures one thing.
type scenario struct {
	name, about string
	run         func(context.Context, options) ([]figure, error)
	apart       bool // the server has a core of its own
}

// options is what all scenarios are told.
type options struct {
	binary  string
	folder  string // on the disk that is measured
	rounds  int
	small   bool     // a fraction of the load: to see that it works
	drivers []driver // the servers that are compared
	cores   *cores   // nil: servers run where the system likes
}

func (o options) tempFolder(prefix string) (string, error) { return os.MkdirTemp(o.folder, prefix) }

func scenarios() []scenario {
	return []scenario{
		{"append", "accepted messages/s, 64 and 1 pipelining senders, against bare SQLite group commit", appendScenario, false},
		{"fanout", "cost and rate of deliveries in one channel of 10, 100 and 1000 (senders × messages in flight)", fanoutScenario, true},
		{"channels", "cost and rate of deliveries in 1000 channels of 5", channelsScenario, true},
		{"rate", "cost and latency of 200 messages/s in a channel of 100, in both durability modes", rateScenario, true},
		{"idle", "memory per idle joined connection", idleScenario, true},
		{"login", "how fast people connect and log in", loginScenario, true},
		{"grow-members", "cost of a delivery with up to 10,000 members", growMembersScenario, true},
		{"grow-channels", "what up to 100,000 channels cost", growChannelsScenario, true},
		{"grow-connections", "what up to 20,000 connections cost", growConnectionsScenario, true},
		{"grow-log", "pages of history and start of a node with up to 10,000,000 entries", growLogScenario, true},
		{"link", "messages/s over one link between two nodes, both ways, against a local channel", linkScenario, false},
		{"hop", "time from SAY to RECV by way of another node, against a local channel", hopScenario, false},
		{"outage", "messages/s that a link carries after an outage, both ways, against a local channel", outageScenario, false},
		{"wire", "bytes on a link per message, at 1 and 100 members behind it", wireScenario, false},
		{"peers", "CPU per message at the home of 1, 10 and 50 peers, against none", peersScenario, false},
	}
}

// arguments are those of the command line.
type arguments struct {
	options
	foreign           bool
	only              string
	ergo, json, plots string
}

func main() {
	if err := run(os.Args[1:], os.Stdout, os.Stderr); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

func parse(args []string, stderr io.Writer) (a arguments, err error) {
	flags := flag.NewFlagSet("load", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&a.binary, "binary", "./chatnode", "the `program` to measure")
	flags.StringVar(&a.folder, "folder", "", "a `folder` on the disk to measure (default: the system's temporary folder)")
	flags.StringVar(&a.only, "run", "", "only `scenarios` with one of these names, separated by commas")
	flags.IntVar(&a.rounds, "rounds", 5, "measured `rounds` of each, the median counts")
	flags.BoolVar(&a.small, "small", false, "a fraction of the load, to see that all works")
	flags.BoolVar(&a.foreign, "foreign", false, "compare with those of ngircd, inspircd and nats-server that are installed, too")
	flags.StringVar(&a.ergo, "ergo", "", "compare with this Ergo `binary`, too")
	flags.StringVar(&a.json, "json", "", "write JSON to a `file`")
	flags.StringVar(&a.plots, "plots", "", "write charts (SVG) to a `folder`")
	flags.Usage = func() { usage(flags) }
	if err := flags.Parse(args); err != nil {
		return a, err
	}
	if a.rounds < 1 {
		return a, errors.New("--rounds must be at least 1")
	}
	for name := range strings.SplitSeq(a.only, ",") {
		if a.only != "" && !slices.ContainsFunc(scenarios(), func(s scenario) bool { return s.name == name }) {
			return a, fmt.Errorf("--run: there is no scenario %q", name)
		}
	}
	return a, nil
}

func run(args []string, stdout, stderr io.Writer) error {
	a, err := parse(args, stderr)
	if err != nil {
		return err
	}
	o := a.options
	if o.folder, err = os.MkdirTemp(o.folder, "chatnode-load-"); err != nil {
		return err
	}
	defer os.RemoveAll(o.folder) //nolint:errcheck // a temporary folder
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if o.drivers, err = a.servers(o.folder); err != nil {
		return err
	}
	m := thisMachine()
	all, err := measure(ctx, o, a.only, stderr)
	if err != nil {
		return err
	}
	if a.json != "" {
		err = errors.Join(err, writeJSON(a.json, m, all))
	}
	if a.plots != "" {
		err = errors.Join(err, writePlots(a.plots, all))
	}
	return errors.Join(err, show(stdout, m, all))
}

// servers are those that are compared: the baseline, the node, and others that are asked for.
func (a arguments) servers(folder string) ([]driver, error) {
	binary, err := compileBaseline(folder)
	if err != nil {
		return nil, err
	}
	all := []driver{{baseline, raw{}, startRaw(binary)}, chatnode("power")}
	if a.foreign {
		all = append(all, installed()...)
	}
	if a.ergo != "" {
		all = append(all, ergo(a.ergo))
	}
	return all, nil
}

// measure runs the scenarios that are asked for.
func measure(ctx context.Context, o options, only string, progress io.Writer) (all []figure, err error) {
	apart, err := splitCores()
	if err != nil {
		return nil, err
	}
	for _, s := range scenarios() {
		if only != "" && !slices.Contains(strings.Split(only, ","), s.name) {
			continue
		}
		if o.cores = nil; s.apart {
			o.cores = apart
		}
		fmt.Fprintf(progress, "%s: %s\n", s.name, s.about)
		began := time.Now()
		err := o.cores.apart(func() error {
			got, err := s.run(ctx, o)
			all = append(all, got...)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.name, err)
		}
		fmt.Fprintf(progress, "  %.1f s\n", time.Since(began).Seconds())
	}
	return all, nil
}

func usage(flags *flag.FlagSet) {
	fmt.Fprintln(flags.Output(), "load measures a node.\n\n  go run ./tests/load --binary ./chatnode\n"+
		"  go run ./tests/load --run fanout,idle --foreign --json figures.json --plots charts\n\nScenarios:")
	for _, s := range scenarios() {
		fmt.Fprintf(flags.Output(), "  %-16s %s\n", s.name, s.about)
	}
	fmt.Fprintln(flags.Output(), "\nFlags:")
	flags.PrintDefaults()
}
