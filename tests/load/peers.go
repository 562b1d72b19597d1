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
		messages = 4000
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
	all := []figure{{"peers", "peers with a member each: 0", median(cpu[0]), "CPU µs per message", 0, ""}}
	for i, n := range counts[1:] {
		v := median(cpu[i+1])
		all = append(all, figure{"peers", fmt.Sprint("peers with a member each: ", n), v, "CPU µs per message", ratio(v, all[0].Value), "none"})
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
	clients, err := s.members(fanoutSenders, 16<<10)
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
	var hearing errgroup.Group
	for _, p := range peers {
		hearing.Go(func() error { return p.hear(messages) })
	}
	for i, c := range clients {
		hearing.Go(func() error { return sayInWindow(c, i, messages) })
	}
	if err := hearing.Wait(); err != nil {
		return 0, err
	}
	after, err := s.cpu()
	return (after - used) / time.Duration(messages), err
}
