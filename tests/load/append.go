package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// text is what is said: 64 bytes.
var text = strings.Repeat("x", 64)

// appendScenario measures how many messages a second are accepted, each stored before anyone hears it, in channels with
// one member each: what is measured is taking in, not handing out.
func appendScenario(ctx context.Context, o options) ([]figure, error) {
	messages := 4000 // of each sender
	if o.small {
		messages = 200
	}
	var all []figure
	for _, durability := range []string{"power", "process"} {
		for _, senders := range []int{64, 1} {
			n := messages
			if senders == 1 {
				n = 20 * messages
			}
			var ours, bare []float64
			for range o.rounds { // interleaved, so that what disturbs one disturbs the other
				b, err := bareGroupCommit(o, durability, senders, n)
				if err != nil {
					return nil, err
				}
				a, err := accepted(ctx, o, durability, senders, n)
				if err != nil {
					return nil, err
				}
				ours, bare = append(ours, a), append(bare, b)
			}
			name := fmt.Sprintf("%d senders, %s", senders, durability)
			all = append(all,
				measured("append", name+": bare SQLite group commit", median(bare), "messages/s"),
				measured("append", name+": node", median(ours), "messages/s").of("bare SQLite", median(bare)))
		}
	}
	return all, nil
}

func accepted(ctx context.Context, o options, durability string, senders, messages int) (perSecond float64, err error) {
	s, err := start(ctx, o, durability)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	names := make([]string, senders)
	for i := range names {
		names[i] = fmt.Sprint("room", i)
	}
	if err := s.create(names...); err != nil {
		return 0, err
	}
	clients := make([]*client, senders)
	defer func() { err = errors.Join(err, quit(clients)) }()
	for i := range clients {
		if clients[i], err = s.join(fmt.Sprint("sender", i), names[i], 64<<10); err != nil {
			return 0, err
		}
	}
	began := time.Now()
	var sending errgroup.Group
	for i, c := range clients {
		sending.Go(func() error { return pipeline(c, names[i], messages) })
	}
	if err := sending.Wait(); err != nil {
		return 0, err
	}
	return float64(senders*messages) / time.Since(began).Seconds(), nil
}

// window is how many messages a pipelining sender has in flight.
const window = 256

// pipeline says messages with a window in flight and returns when it has heard each, in order.
func pipeline(c *client, channel string, messages int) error {
	line := "SAY " + channel + " " + text + "\n"
	credit := make(chan struct{}, window)
	var both errgroup.Group
	both.Go(func() error {
		for sent := 0; sent < messages; {
			n := 0
			credit <- struct{}{}
			for n = 1; n < window/2 && sent+n < messages; n++ {
				select {
				case credit <- struct{}{}:
					continue
				default:
				}
				break
			}
			if _, err := io.WriteString(c.conn, strings.Repeat(line, n)); err != nil {
				return err
			}
			sent += n
		}
		return nil
	})
	for range messages {
		got, err := c.in.ReadSlice('\n')
		if err != nil {
			return err
		}
		if len(got) < len(text) || got[0] != 'R' || got[2] != 'C' {
			return fmt.Errorf("a message was answered %q", got)
		}
		<-credit
	}
	return both.Wait()
}
