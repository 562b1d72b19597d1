package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/sync/errgroup"
)

// fanoutScenario measures one channel: 8 senders with 16 messages in flight each, everybody hears everything. CPU is the
// server's own.
func fanoutScenario(ctx context.Context, o options) ([]figure, error) {
	deliveries := 2_000_000
	if o.small {
		deliveries = 50_000
	}
	var all []figure
	for _, members := range []int{100, 1000} {
		var rate, cpu []float64
		for range o.rounds {
			r, c, err := fanout(ctx, o, members, deliveries/members)
			if err != nil {
				return nil, err
			}
			rate, cpu = append(rate, r), append(cpu, c)
		}
		name := fmt.Sprintf("1 channel of %d", members)
		all = append(all,
			figure{"fanout", name, median(rate), "deliveries/s", 0, ""},
			figure{"fanout", name, median(cpu), "CPU s per million deliveries", 0, ""})
	}
	all[3].Ratio, all[3].Of = ratio(all[3].Value, all[1].Value), "the channel of 100"
	return all, nil
}

const (
	fanoutSenders = 8
	inFlight      = 16
)

func fanout(ctx context.Context, o options, members, messages int) (rate, cpu float64, err error) {
	s, err := start(ctx, o, "power")
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	clients, err := s.members(members, 16<<10)
	defer func() { err = errors.Join(err, quit(clients)) }()
	if err != nil {
		return 0, 0, err
	}
	messages -= messages % fanoutSenders
	used, err := s.cpu()
	if err != nil {
		return 0, 0, err
	}
	began := time.Now()
	var hearing errgroup.Group
	for i, c := range clients {
		if i < fanoutSenders {
			hearing.Go(func() error { return sayInWindow(c, i, messages) })
		} else {
			hearing.Go(func() error { return hear(c.in, messages) })
		}
	}
	if err := hearing.Wait(); err != nil {
		return 0, 0, err
	}
	took := time.Since(began)
	after, err := s.cpu()
	delivered := float64(messages * members)
	return delivered / took.Seconds(), (after - used).Seconds() / delivered * 1e6, err
}

// members makes members of the channel "go", all on line.
func (s *server) members(n, buffer int) ([]*client, error) {
	if err := s.create("go"); err != nil {
		return nil, err
	}
	clients := make([]*client, n)
	var joining errgroup.Group
	joining.SetLimit(16)
	for i := range clients {
		joining.Go(func() (err error) {
			clients[i], err = s.join(fmt.Sprint("member", i), "go", buffer)
			return err
		})
	}
	return clients, joining.Wait()
}

// sayInWindow says its share of the messages, some in flight at a time, and hears all of them.
func sayInWindow(c *client, sender, messages int) error {
	line := fmt.Sprintf("SAY go %d %s\n", sender, text)
	own := fmt.Sprintf("RECV member%d ", sender)
	left := messages / fanoutSenders
	for range min(inFlight, left) {
		if _, err := io.WriteString(c.conn, line); err != nil {
			return err
		}
		left--
	}
	for range messages {
		got, err := c.in.ReadSlice('\n')
		if err != nil {
			return err
		}
		if left > 0 && len(got) > len(own) && string(got[:len(own)]) == own {
			if _, err := io.WriteString(c.conn, line); err != nil {
				return err
			}
			left--
		}
	}
	return nil
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
