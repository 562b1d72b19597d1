package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sync/errgroup"
)

// idleScenario measures what a connection costs that is logged in, in a channel of 100, and says nothing: the growth of the
// server's memory.
func idleScenario(ctx context.Context, o options) ([]figure, error) {
	connections := 10_000
	if o.small {
		connections = 200
	}
	connections, err := o.connections(connections)
	if err != nil {
		return nil, err
	}
	o.rounds = min(o.rounds, 3)
	what := fmt.Sprintf("%d joined connections", connections)
	return o.compare(ctx, "idle", what, []string{"KiB each"}, func(ctx context.Context, o options, d driver) ([]float64, error) {
		s, err := d.start(ctx, o)
		if err != nil {
			return nil, err
		}
		each, err := idle(s, d, connections, nil)
		return []float64{each / 1024}, errors.Join(err, s.stop())
	})
}

// connections is as many as are asked for, or as the limit of open files allows.
func (o options) connections(n int) (int, error) {
	allowed, err := openFiles(n)
	if err != nil || allowed >= n {
		return n, err
	}
	_, err = fmt.Fprintf(os.Stderr, "  the limit of open files allows %d connections, not %d\n", allowed, n)
	return allowed, err
}

// idle has people join and say nothing. It returns the bytes that the server grew by for each, after it has run what is to
// be done while they are there.
func idle(s *server, d driver, connections int, meanwhile func([]*client) error) (each float64, err error) {
	if err := d.open(s, groups(connections)); err != nil {
		return 0, err
	}
	before, err := s.rss()
	if err != nil {
		return 0, err
	}
	clients, err := gather(s, d, connections, 512, func(i int) []string { return []string{group(i)} })
	defer func() { err = errors.Join(err, quit(clients)) }()
	if err != nil {
		return 0, err
	}
	after, err := s.rss()
	if err == nil && meanwhile != nil {
		err = meanwhile(clients)
	}
	return float64(after-before) / float64(connections), err
}

// loginScenario measures how fast people with accounts connect and log in, as many at a time as the server
// takes well.
func loginScenario(ctx context.Context, o options) ([]figure, error) {
	people := 4000
	if o.small {
		people = 200
	}
	what := fmt.Sprintf("%d connect and log in (the node with bcrypt cost 4)", people)
	return o.compare(ctx, "login", what, []string{"logins/s", "CPU ms each"}, func(ctx context.Context, o options, d driver) ([]float64, error) {
		return logins(ctx, o, d, people)
	})
}

func logins(ctx context.Context, o options, d driver, people int) (values []float64, err error) {
	s, err := d.start(ctx, o)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	if err := registerAll(s, d, people); err != nil {
		return nil, err
	}
	before, err := s.cpu()
	if err != nil {
		return nil, err
	}
	began := time.Now()
	clients := make([]*client, people)
	defer func() { err = errors.Join(err, quit(clients)) }()
	var arriving errgroup.Group
	arriving.SetLimit(d.facts().crowd)
	for i := range clients {
		arriving.Go(func() (err error) {
			if clients[i], err = s.dial(4096); err != nil {
				return err
			}
			if err := d.login(clients[i], fmt.Sprint("person", i)); err != nil {
				return err
			}
			return clients[i].request(d.facts().ping, "PONG")
		})
	}
	if err := arriving.Wait(); err != nil {
		return nil, err
	}
	took := time.Since(began)
	after, err := s.cpu()
	return []float64{float64(people) / took.Seconds(), ms(after-before) / float64(people)}, err
}

// registerAll makes the accounts, over several connections.
func registerAll(s *server, d driver, people int) error {
	const connections = 32
	var registering errgroup.Group
	for first := range connections {
		registering.Go(func() error {
			c, err := s.dial(4096)
			if err != nil {
				return err
			}
			defer c.conn.Close() //nolint:errcheck // all was answered
			for i := first; i < people; i += connections {
				if err := d.register(c, fmt.Sprint("person", i)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return registering.Wait()
}
