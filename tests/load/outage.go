package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// outageScenario measures how fast what was said while a link was down gets to the other side when it is back: messages
// that waited at the member node, until they stand in the home's log and a member there has heard them, and messages that
// were said at the home, until the other node has them and a member there has heard them. The time runs from the new
// connection on.
func outageScenario(ctx context.Context, o options) ([]figure, error) {
	messages := 100_000
	if o.small {
		messages = 2000
	}
	var rates [4][]float64
	for range o.rounds {
		r, err := outage(ctx, o, messages)
		if err != nil {
			return nil, err
		}
		for i := range rates {
			rates[i] = append(rates[i], r[i])
		}
	}
	local, queued, drained, caughtUp := median(rates[0]), median(rates[1]), median(rates[2]), median(rates[3])
	name := fmt.Sprint(messages, " messages: ")
	return []figure{
		measured("outage", name+"said and heard in a local channel", local, "messages/s"),
		measured("outage", name+"taken into the queue while the home is away", queued, "messages/s").of("local", local),
		measured("outage", name+"from the queue into the home's log", drained, "messages/s").of("local", local),
		measured("outage", name+"said at the home, caught up by the other node", caughtUp, "messages/s").of("local", local),
	}, nil
}

// outage returns messages/s: local, into the queue, out of it, and from the home's log into the replica.
func outage(ctx context.Context, o options, messages int) (rates [4]float64, err error) {
	p, err := startPair(ctx, o, "power", true)
	if err != nil {
		return rates, err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	if err := errors.Join(p.away.create("here"), p.create("go")); err != nil {
		return rates, err
	}
	if rates[0], err = said(p.away, []string{"here"}, p.away, []string{"here"}, messages); err != nil {
		return rates, err
	}
	member, err := p.away.join("member", far("go"), 256<<10)
	if err != nil {
		return rates, err
	}
	defer func() { err = errors.Join(err, member.conn.Close()) }()
	host, err := p.home.join("host", "go", 256<<10)
	if err != nil {
		return rates, err
	}
	defer func() { err = errors.Join(err, host.conn.Close()) }()
	if err := p.cut(); err != nil {
		return rates, err
	}
	began := time.Now()
	if err := member.sayUnheard(far("go"), messages); err != nil {
		return rates, err
	}
	rates[1] = perSecond(messages, began)
	if rates[2], err = p.drain(ctx, host, member, messages); err != nil {
		return rates, err
	}
	if err := p.cut(); err != nil {
		return rates, err
	}
	if err := pipeline(host, "go", messages); err != nil {
		return rates, err
	}
	rates[3], err = p.drain(ctx, member, nil, messages)
	return rates, err
}

func perSecond(n int, since time.Time) float64 { return float64(n) / time.Since(since).Seconds() }

// cut takes the link away, and returns when the member node knows.
func (p *pair) cut() error {
	p.road.shut()
	return p.await("go", false)
}

// sayUnheard says messages that nobody hears now, and returns when all are stored.
func (c *client) sayUnheard(channel string, messages int) error {
	line := "SAY " + channel + " " + text + "\n"
	for left := messages; left > 0; left -= min(left, window) {
		if err := c.write(strings.Repeat(line, min(left, window))); err != nil {
			return err
		}
	}
	return c.ask(" stored", "PING stored")
}

// drain gives the link back, and returns how many messages a second the first person heard from then on. The other, if
// there is one, hears them as well, and is waited for.
func (p *pair) drain(ctx context.Context, first, other *client, messages int) (rate float64, err error) {
	p.road.lead(p.home.address)
	select {
	case <-p.road.opened:
	case <-ctx.Done():
		return 0, ctx.Err()
	case <-time.After(patience):
		return 0, errors.New("the link does not come back")
	}
	began := time.Now()
	var hearing errgroup.Group
	if other != nil {
		hearing.Go(func() error { return other.recvAll(messages) })
	}
	hearing.Go(func() error {
		err := first.recvAll(messages)
		rate = perSecond(messages, began)
		return err
	})
	err = hearing.Wait()
	return rate, err
}

func (c *client) recvAll(messages int) error {
	for range messages {
		if err := c.recv(); err != nil {
			return err
		}
	}
	return nil
}
