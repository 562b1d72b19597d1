package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// hopScenario measures what the way to another node adds to the time from SAY to RECV, one message at a time: to the
// speaker who is not where the channel's home is, and to a member on another node of what is said at the home. The three
// are said by turns, with pauses in which what follows a message on the link comes to its end.
func hopScenario(ctx context.Context, o options) ([]figure, error) {
	messages := 1000
	if o.small {
		messages = 50
	}
	var all []figure
	for _, durability := range []string{"power", "process"} {
		var times [3][2][]float64 // of each kind, its percentiles
		for range o.rounds {
			took, err := hops(ctx, o, durability, messages)
			if err != nil {
				return nil, err
			}
			for kind := range took {
				slices.Sort(took[kind])
				for i, percent := range []int{50, 99} {
					at := took[kind][len(took[kind])*percent/100]
					times[kind][i] = append(times[kind][i], float64(at)/float64(time.Microsecond))
				}
			}
		}
		for i, percent := range []string{"p50", "p99"} {
			name := durability + ", " + percent + ": "
			local, remote, onward := median(times[0][i]), median(times[1][i]), median(times[2][i])
			all = append(all,
				measured("hop", name+"said and heard in a local channel", local, "µs"),
				measured("hop", name+"said in a channel of another node, heard by the speaker", remote, "µs").of("local", local),
				measured("hop", name+"said at the home, heard on another node", onward, "µs").of("local", local))
		}
	}
	return all, nil
}

// hopPause is how long after a message the next is said.
const hopPause = 2 * time.Millisecond

// hops are the times from SAY to RECV of a local channel, of one of another node, and from the home to the other node.
func hops(ctx context.Context, o options, durability string, messages int) (took [3][]time.Duration, err error) {
	p, err := startPair(ctx, o, durability, false)
	if err != nil {
		return took, err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	if err := errors.Join(p.away.create("here"), p.create("go")); err != nil {
		return took, err
	}
	var people [3]*client
	defer func() { err = errors.Join(err, quit(people[:])) }()
	for i, who := range []struct {
		at      *server
		channel string
	}{{p.away, "here"}, {p.away, far("go")}, {p.home, "go"}} {
		if people[i], err = who.at.join(fmt.Sprint("person", i), who.channel, 4096); err != nil {
			return took, err
		}
	}
	self, member, host := people[0], people[1], people[2]
	for range messages {
		for i, turn := range []struct {
			by      *client
			channel string
			heardBy *client
			also    *client
		}{{self, "here", self, nil}, {member, far("go"), member, host}, {host, "go", member, host}} {
			<-time.After(hopPause)
			began := time.Now()
			if err := turn.by.write("SAY " + turn.channel + " " + text + "\n"); err != nil {
				return took, err
			}
			if err := turn.heardBy.recv(); err != nil {
				return took, err
			}
			took[i] = append(took[i], time.Since(began))
			if turn.also != nil {
				if err := turn.also.recv(); err != nil {
					return took, err
				}
			}
		}
	}
	return took, nil
}

// recv reads one message.
func (c *client) recv() error {
	got, err := c.in.ReadSlice('\n')
	if err == nil && !bytes.HasPrefix(got, []byte("RECV ")) {
		err = fmt.Errorf("%q is no message", got)
	}
	return err
}
