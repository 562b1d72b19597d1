package main

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"
)

// wireScenario measures the bytes that cross a link for a message of 64, both ways together, with 1 and with 100 people of
// the other node in the channel. Messages are said one at a time: what is said of many at once costs less.
func wireScenario(ctx context.Context, o options) ([]figure, error) {
	messages, many := 2000, 100
	if o.small {
		messages, many = 100, 10
	}
	var all []figure
	for _, members := range []int{1, many} {
		var bytes [3][]float64
		for range min(o.rounds, 3) {
			plain, err := plainBytes(ctx, o, members, messages)
			if err != nil {
				return nil, err
			}
			athome, there, err := extendedBytes(ctx, o, members, messages)
			if err != nil {
				return nil, err
			}
			for i, n := range []float64{plain, athome, there} {
				bytes[i] = append(bytes[i], n)
			}
		}
		name := fmt.Sprintf("members there: %d, ", members)
		plain, athome, there := median(bytes[0]), median(bytes[1]), median(bytes[2])
		all = append(all,
			measured("wire", name+"plain, said at the home", plain, "bytes per message"),
			measured("wire", name+"extended, said at the home", athome, "bytes per message").of("plain", plain),
			measured("wire", name+"extended, said there", there, "bytes per message").of("plain, said at the home", plain))
	}
	return all, nil
}

// extendedBytes are the bytes per message of what is said at the home, and of what is said on the other node.
func extendedBytes(ctx context.Context, o options, members, messages int) (athome, there float64, err error) {
	p, err := startPair(ctx, o, "process", true)
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	if err := p.create("go"); err != nil {
		return 0, 0, err
	}
	host, err := p.home.join("host", "go", 64<<10)
	if err != nil {
		return 0, 0, err
	}
	people := []*client{host}
	defer func() { err = errors.Join(err, quit(people)) }()
	for i := range members {
		c, err := p.away.join(fmt.Sprint("person", i), far("go"), 64<<10)
		if err != nil {
			return 0, 0, err
		}
		people = append(people, c)
	}
	if athome, err = p.bytesOf(host, "go", people, messages); err != nil {
		return 0, 0, err
	}
	there, err = p.bytesOf(people[1], far("go"), people, messages)
	return athome, there, err
}

// bytesOf has somebody say messages, each heard by all before the next, and counts what crosses the link for each.
func (p *pair) bytesOf(by *client, channel string, people []*client, messages int) (float64, error) {
	before := p.road.bytes.Load()
	for range messages {
		if err := by.sayTo(channel, people); err != nil {
			return 0, err
		}
	}
	return float64(p.road.bytes.Load()-before) / float64(messages), nil
}

// plainBytes are the bytes per message of what is said at the home, for a peer of version 0.1.
func plainBytes(ctx context.Context, o options, members, messages int) (each float64, err error) {
	peers, lines, err := newPeers(1, false)
	defer func() { err = errors.Join(err, closePeers(peers)) }()
	if err != nil {
		return 0, err
	}
	s, err := setup{"home.test", "process", lines}.start(ctx, o)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	if err := s.create("go"); err != nil {
		return 0, err
	}
	host, err := s.join("host", "go", 64<<10)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, host.conn.Close()) }()
	p := peers[0]
	if err := errors.Join(p.link(ctx), p.join("go", members)); err != nil {
		return 0, err
	}
	var hearing errgroup.Group
	hearing.Go(func() error { return p.hear(messages * members) })
	for range messages {
		if err := host.sayTo("go", []*client{host}); err != nil {
			return 0, err
		}
	}
	err = hearing.Wait()
	return float64(p.bytes) / float64(messages), err
}

// sayTo says a message, and returns when all these have heard it.
func (c *client) sayTo(channel string, people []*client) error {
	if err := c.write("SAY " + channel + " " + text + "\n"); err != nil {
		return err
	}
	for _, other := range people {
		if err := other.recv(); err != nil {
			return err
		}
	}
	return nil
}
