package main

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
)

// gather has n people connect, log in, and join the channels that they are told; it returns when the server has nothing
// more to tell any of them. The clients are there to be closed also where there is an error.
func gather(s *server, d driver, n, buffer int, channelsOf func(i int) []string) ([]*client, error) {
	clients := make([]*client, n)
	var arriving errgroup.Group
	arriving.SetLimit(d.facts().crowd)
	for i := range clients {
		arriving.Go(func() (err error) {
			if clients[i], err = s.dial(buffer); err != nil {
				return err
			}
			return clients[i].enter(d, fmt.Sprint("person", i), channelsOf(i))
		})
	}
	if err := arriving.Wait(); err != nil {
		return clients, err
	}
	return clients, settle(d, clients)
}

// enter makes an account, logs in and joins.
func (c *client) enter(d driver, name string, channels []string) error {
	if err := c.conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	if err := d.register(c, name); err != nil {
		return err
	}
	if err := d.login(c, name); err != nil {
		return err
	}
	return d.join(c, channels)
}

// settle returns when all that the server owes the clients has been read.
func settle(d driver, clients []*client) error {
	var errs []error
	for _, c := range clients {
		errs = append(errs, c.write(d.facts().ping))
	}
	for _, c := range clients {
		errs = append(errs, c.until("PONG"))
	}
	return errors.Join(errs...)
}

// one is the list of one channel for everybody.
func one(channel string) func(int) []string {
	return func(int) []string { return []string{channel} }
}

// groupSize is how many people share a channel where all that counts is that they have joined one.
const groupSize = 100

// group is the channel of person i.
func group(i int) string { return fmt.Sprint("group", i/groupSize) }

// groups are the channels of n people.
func groups(n int) (names []string) {
	for i := 0; i < n; i += groupSize {
		names = append(names, group(i))
	}
	return names
}
