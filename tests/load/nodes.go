package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// pair is two linked nodes: the home of the channels, and a node whose people are members of them. The member node dials.
type pair struct {
	home, away *server
	road       *road // between them; nil: there is nothing
}

// far is how the member node's people call a channel of the home.
func far(channel string) string { return channel + ":home.test" }

// startPair starts two nodes, with a road between them or without.
func startPair(ctx context.Context, o options, durability string, onRoad bool) (p *pair, err error) {
	p = &pair{}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.stop())
		}
	}()
	const nowhere = "127.0.0.1:1 name=away.test" // the home knows the other by its line, and does not reach it
	if p.home, err = (setup{"home.test", durability, []string{nowhere}}).start(ctx, o); err != nil {
		return p, err
	}
	address := p.home.address
	if onRoad {
		if p.road, err = openRoad(address); err != nil {
			return p, err
		}
		address = p.road.address()
	}
	p.away, err = setup{"away.test", durability, []string{address + " name=home.test"}}.start(ctx, o)
	return p, err
}

func (p *pair) stop() error {
	var errs []error
	for _, s := range []*server{p.away, p.home} {
		if s != nil {
			errs = append(errs, s.stop())
		}
	}
	if p.road != nil {
		errs = append(errs, p.road.end())
	}
	return errors.Join(errs...)
}

// patience is how long a link may take to come or go, or what is measured to end.
const patience = 5 * time.Minute

// await waits until the member node lists a channel of the home, or no longer: that is when the link is up, or down.
func (p *pair) await(channel string, listed bool) error {
	c, err := p.away.dial(64 << 10)
	if err != nil {
		return err
	}
	defer c.conn.Close() //nolint:errcheck // all was answered
	for began := time.Now(); time.Since(began) < patience; {
		if err := c.write("CHANNELS\n"); err != nil {
			return err
		}
		line, err := c.in.ReadString('\n')
		if err != nil {
			return err
		}
		if strings.Contains(strings.TrimSpace(line)+",", " "+far(channel)+",") == listed {
			return nil
		}
	}
	return fmt.Errorf("whether %s is listed is not %v for too long", far(channel), listed)
}

// create makes channels of the home, and waits until the member node knows of the last.
func (p *pair) create(names ...string) error {
	if err := p.home.create(names...); err != nil {
		return err
	}
	return p.await(names[len(names)-1], true)
}
