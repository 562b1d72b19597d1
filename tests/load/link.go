package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// linkScenario measures how many messages a second one link carries, in channels of one sender each: said by people of
// another node, each committed there, numbered and committed at the home, and committed and heard where they were said; and
// said at the home, and heard by one person of the other node each.
func linkScenario(ctx context.Context, o options) ([]figure, error) {
	messages, many := 100_000, 64 // said by all senders together; and how many of them are many
	if o.small {
		messages, many = 1000, 4
	}
	var all []figure
	for _, durability := range []string{"power", "process"} {
		for _, senders := range []int{many, 1} {
			var rates [4][]float64
			var cpu [2][]float64
			for range o.rounds {
				r, c, err := linkRound(ctx, o, durability, senders, messages/senders)
				if err != nil {
					return nil, err
				}
				for i := range rates {
					rates[i] = append(rates[i], r[i])
				}
				for i := range cpu {
					cpu[i] = append(cpu[i], c[i])
				}
			}
			name := fmt.Sprintf("%d senders, %s: ", senders, durability)
			local, remote, pairs, onward := median(rates[0]), median(rates[1]), median(rates[2]), median(rates[3])
			all = append(all,
				measured("link", name+"in a channel of their own node", local, "messages/s"),
				measured("link", name+"in a channel of the other", remote, "messages/s").of("their own", local),
				measured("link", name+"CPU where they are", median(cpu[0]), "µs per message"),
				measured("link", name+"CPU at the home", median(cpu[1]), "µs per message"),
				measured("link", name+"heard by another here", pairs, "messages/s"),
				measured("link", name+"heard by another there", onward, "messages/s").of("heard here", pairs))
		}
	}
	return all, nil
}

// linkRound returns messages/s in channels of the senders' own node, of the other node, in channels of the home with
// another member there, and with one on the other node; and for the second, the µs of both nodes' processors per message.
func linkRound(ctx context.Context, o options, durability string, senders, messages int) (rates [4]float64, cpu [2]float64, err error) {
	p, err := startPair(ctx, o, durability, false)
	if err != nil {
		return rates, cpu, err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	names := func(kind string) (all []string) {
		for i := range senders {
			all = append(all, fmt.Sprint(kind, i))
		}
		return all
	}
	if err := errors.Join(p.away.create(names("own")...), p.create(slices.Concat(names("here"), names("onward"), names("there"))...)); err != nil {
		return rates, cpu, err
	}
	if rates[0], err = said(p.away, names("own"), p.away, nil, messages); err != nil {
		return rates, cpu, err
	}
	before, err := p.cpu()
	if err != nil {
		return rates, cpu, err
	}
	if rates[1], err = said(p.away, farAll(names("there")), p.away, nil, messages); err != nil {
		return rates, cpu, err
	}
	after, err := p.cpu()
	if err != nil {
		return rates, cpu, err
	}
	for i := range cpu {
		cpu[i] = (after[i] - before[i]).Seconds() * 1e6 / float64(senders*messages)
	}
	if rates[2], err = said(p.home, names("here"), p.home, names("here"), messages); err != nil {
		return rates, cpu, err
	}
	rates[3], err = said(p.home, names("onward"), p.away, farAll(names("onward")), messages)
	return rates, cpu, err
}

func farAll(names []string) (all []string) {
	for _, n := range names {
		all = append(all, far(n))
	}
	return all
}

// cpu is the processor time of the member node, and of the home.
func (p *pair) cpu() (used [2]time.Duration, err error) {
	for i, s := range []*server{p.away, p.home} {
		if used[i], err = s.cpu(); err != nil {
			return used, err
		}
	}
	return used, nil
}

// said has one person say messages in each channel of a node, and one hear them on another, under the names that channels
// have there, if there are such. It returns messages a second until all are heard.
func said(by *server, channels []string, heardAt *server, as []string, messages int) (perSecond float64, err error) {
	senders, err := by.joinAll("says-", channels)
	defer func() { err = errors.Join(err, quit(senders)) }()
	if err != nil {
		return 0, err
	}
	hearers, err := heardAt.joinAll("hears-", as)
	defer func() { err = errors.Join(err, quit(hearers)) }()
	if err != nil {
		return 0, err
	}
	began := time.Now()
	var saying errgroup.Group
	for i, c := range senders {
		saying.Go(func() error { return pipeline(c, channels[i], messages) })
	}
	for _, c := range hearers {
		saying.Go(func() error { return hear(c.in, messages) })
	}
	if err := saying.Wait(); err != nil {
		return 0, err
	}
	return float64(len(channels)*messages) / time.Since(began).Seconds(), nil
}

// joinAll makes a member of each channel.
func (s *server) joinAll(prefix string, channels []string) ([]*client, error) {
	clients := make([]*client, len(channels))
	var joining errgroup.Group
	joining.SetLimit(16)
	for i, name := range channels {
		joining.Go(func() (err error) {
			clients[i], err = s.join(prefix+strings.ReplaceAll(name, ":", "-"), name, 64<<10)
			return err
		})
	}
	return clients, joining.Wait()
}

// hear counts lines.
func hear(in *bufio.Reader, messages int) error {
	for range messages {
		if _, err := in.ReadSlice('\n'); err != nil {
			return err
		}
	}
	return nil
}
