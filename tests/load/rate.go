package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// rateUnits are what the fixed rate is measured in.
var rateUnits = []string{"CPU s per million deliveries", "ms p50", "ms p99", "ms p99.9", "ms p99 that the load itself was late"}

// rateScenario measures a channel of 100 in which 200 messages a second are said, whatever becomes of them: the time until
// each member has heard a message, from when it was due to be said. The node is measured in both durability modes, beside
// the time that the disk takes for an fsync.
func rateScenario(ctx context.Context, o options) ([]figure, error) {
	const perSecond, members = 200, 100
	seconds, writes := 20, 1000
	if o.small {
		seconds, writes = 1, 100
	}
	disk, err := fsyncs(o.folder, writes)
	if err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(o.drivers, func(d driver) bool { return d.name == "chatnode" }); i >= 0 {
		o.drivers = slices.Insert(slices.Clone(o.drivers), i+1, chatnode("process"))
	}
	what := fmt.Sprintf("%d messages/s, %d members", perSecond, members)
	got, err := o.compare(ctx, "rate", what, rateUnits, func(ctx context.Context, o options, d driver) ([]float64, error) {
		return fixedRate(ctx, o, d, members, time.Second/perSecond, seconds*perSecond/fanoutSenders)
	})
	for i, percent := range []float64{50, 99, 99.9} {
		got = append(got, measured("rate", what, ms(percentile(disk, percent)), rateUnits[i+1]).by("fsync of 4 KiB"))
	}
	return got, err
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func fixedRate(ctx context.Context, o options, d driver, members int, interval time.Duration, messages int) (values []float64, err error) {
	s, err := d.start(ctx, o)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	if err := d.open(s, []string{"go"}); err != nil {
		return nil, err
	}
	clients, err := gather(s, d, members, 16<<10, one("go"))
	defer func() { err = errors.Join(err, quit(clients)) }()
	if err != nil {
		return nil, err
	}
	t := oneChannel(d, clients, "go", fanoutSenders, 0, messages)
	t.interval = interval
	for _, m := range t.members {
		m.witnessed = nil
	}
	cpu, _, err := t.measure(ctx, s)
	if err != nil {
		return nil, err
	}
	var late []time.Duration
	for _, m := range t.members {
		late = append(late, m.late...)
	}
	slices.Sort(late)
	slices.Sort(t.behind)
	return []float64{cpu, ms(percentile(late, 50)), ms(percentile(late, 99)), ms(percentile(late, 99.9)), ms(percentile(t.behind, 99))}, nil
}
