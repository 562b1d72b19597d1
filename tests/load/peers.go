package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
)

// peersScenario measures the processor time that a message costs its home with a member on each of so many other nodes,
// which this tool plays. The load is the fan-out's: 8 senders at the home with 16 messages in flight each.
func peersScenario(ctx context.Context, o options) ([]figure, error) {
	messages := 80_000
	if o.small {
		messages = 1000
	}
	counts := []int{0, 1, 10, 50}
	cpu := make([][]float64, len(counts))
	for range o.rounds {
		for i, n := range counts {
			each, err := withPeers(ctx, o, n, messages)
			if err != nil {
				return nil, err
			}
			cpu[i] = append(cpu[i], float64(each)/float64(time.Microsecond))
		}
	}
	all := []figure{measured("peers", "peers with a member each: 0", median(cpu[0]), "CPU µs per message")}
	for i, n := range counts[1:] {
		v := median(cpu[i+1])
		all = append(all, measured("peers", fmt.Sprint("peers with a member each: ", n), v, "CPU µs per message").of("none", all[0].Value))
	}
	return all, nil
}

// withPeers is the processor time of the home per message.
func withPeers(ctx context.Context, o options, n, messages int) (each time.Duration, err error) {
	peers, lines, err := newPeers(n, true)
	defer func() { err = errors.Join(err, closePeers(peers)) }()
	if err != nil {
		return 0, err
	}
	s, err := setup{"home.test", "power", lines}.start(ctx, o)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	d := chatnode("power")
	if err := d.open(s, []string{"go"}); err != nil {
		return 0, err
	}
	clients, err := gather(s, d, fanoutSenders, 16<<10, one("go"))
	defer func() { err = errors.Join(err, quit(clients)) }()
	if err != nil {
		return 0, err
	}
	for _, p := range peers {
		if err := p.link(ctx); err != nil {
			return 0, err
		}
		if err := p.join("go", 1); err != nil {
			return 0, err
		}
	}
	used, err := s.cpu()
	if err != nil {
		return 0, err
	}
	t := oneChannel(d, clients, "go", fanoutSenders, inFlight, messages/fanoutSenders)
	hearing, ctx := errgroup.WithContext(ctx)
	for _, p := range peers {
		hearing.Go(func() error { return p.hear(messages) })
	}
	hearing.Go(func() error { return t.run(ctx) })
	if err := hearing.Wait(); err != nil {
		return 0, err
	}
	after, err := s.cpu()
	if err != nil {
		return 0, err
	}
	return (after - used) / time.Duration(messages), t.check()
}
