package main

import (
	"context"
	"errors"
	"fmt"
)

// idleScenario measures what a connection costs that is logged in, in a channel, and says nothing: the growth of the
// server's memory.
func idleScenario(ctx context.Context, o options) ([]figure, error) {
	connections := 5000
	if o.small {
		connections = 200
	}
	var each []float64
	for range min(o.rounds, 3) {
		bytes, err := idle(ctx, o, connections)
		if err != nil {
			return nil, err
		}
		each = append(each, bytes/1024)
	}
	return []figure{{"idle", fmt.Sprintf("%d joined connections", connections), median(each), "KiB each", 0, ""}}, nil
}

func idle(ctx context.Context, o options, connections int) (bytes float64, err error) {
	s, err := start(ctx, o, "power")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	before, err := s.rss()
	if err != nil {
		return 0, err
	}
	clients, err := s.members(connections, 512)
	defer func() { err = errors.Join(err, quit(clients)) }()
	if err != nil {
		return 0, err
	}
	after, err := s.rss()
	return float64(after-before) / float64(connections), err
}
