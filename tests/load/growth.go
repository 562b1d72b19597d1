package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// growMembersScenario measures what a delivery costs in a channel of more and more members.
func growMembersScenario(ctx context.Context, o options) ([]figure, error) {
	sizes, deliveries := []int{10, 100, 1000, 10_000}, 2_000_000
	if o.small {
		sizes, deliveries = []int{10, 100}, 10_000
	}
	o.rounds = min(o.rounds, 3)
	var all []figure
	for _, n := range sizes {
		n, err := o.connections(n)
		if err != nil {
			return nil, err
		}
		got, err := o.compare(ctx, "grow-members", "one channel", deliveryUnits, func(ctx context.Context, o options, d driver) ([]float64, error) {
			return fanout(ctx, o, d, n, fanoutSenders, inFlight, max(1, deliveries/n/fanoutSenders))
		})
		if err != nil {
			return nil, err
		}
		all = append(all, grown(got, "members", n)...)
	}
	return all, nil
}

// growConnectionsScenario measures what a connection costs, and what a delivery in a channel of 100 does, with more and more
// others that say nothing.
func growConnectionsScenario(ctx context.Context, o options) ([]figure, error) {
	sizes, deliveries := []int{1000, 5000, 10_000, 20_000}, 500_000
	if o.small {
		sizes, deliveries = []int{100, 200}, 10_000
	}
	o.rounds = 1
	units := []string{"KiB each", deliveryUnits[0]}
	var all []figure
	for _, n := range sizes {
		n, err := o.connections(n)
		if err != nil {
			return nil, err
		}
		got, err := o.compare(ctx, "grow-connections", "in channels of 100", units, func(ctx context.Context, o options, d driver) ([]float64, error) {
			return crowded(ctx, o, d, n, deliveries/groupSize/fanoutSenders)
		})
		if err != nil {
			return nil, err
		}
		all = append(all, grown(got, "connections", n)...)
	}
	return all, nil
}

// crowded is the memory of each connection in KiB, and the processor time per million deliveries in one channel.
func crowded(ctx context.Context, o options, d driver, connections, messages int) (values []float64, err error) {
	s, err := d.start(ctx, o)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	var cpu float64
	each, err := idle(s, d, connections, func(clients []*client) error {
		var err error
		cpu, _, err = oneChannel(d, clients[:groupSize], group(0), fanoutSenders, inFlight, messages).measure(ctx, s)
		return err
	})
	return []float64{each / 1024, cpu}, err
}

// growChannelsScenario measures what channels cost that exist, and what a delivery in a channel of 100 does among them.
func growChannelsScenario(ctx context.Context, o options) ([]figure, error) {
	sizes, deliveries := []int{10, 100, 1000, 10_000, 100_000}, 500_000
	if o.small {
		sizes, deliveries = []int{10, 100}, 10_000
	}
	o.rounds = min(o.rounds, 3)
	o.drivers = []driver{chatnode("power")}
	units := []string{"created/s", "KiB each", "ms to start", deliveryUnits[0]}
	var all []figure
	for _, n := range sizes {
		got, err := o.compare(ctx, "grow-channels", "channels that exist", units, func(ctx context.Context, o options, d driver) ([]float64, error) {
			return amongChannels(ctx, o, d, n, deliveries/groupSize/fanoutSenders)
		})
		if err != nil {
			return nil, err
		}
		all = append(all, grown(got, "channels", n)...)
	}
	return ofFirst(all), nil
}

// ofFirst gives figures of a growth their ratio to its first step.
func ofFirst(all []figure) []figure {
	first := map[string]figure{}
	for i, f := range all {
		key := f.What + "|" + f.Unit
		if begin, known := first[key]; known {
			all[i] = f.of(fmt.Sprintf("%g %s", begin.X, begin.Axis), begin.Value)
		} else {
			first[key] = f
		}
	}
	return all
}

// kept is a node whose data outlive it.
type kept struct {
	*server
	setup  setup
	folder string
}

// startKept starts a node with a new folder.
func startKept(ctx context.Context, o options) (*kept, error) {
	k := &kept{setup: setup{host: "load.test", durability: "power"}}
	var err error
	if k.folder, err = o.tempFolder("node-"); err != nil {
		return nil, err
	}
	k.server, err = k.setup.startIn(ctx, o, k.folder)
	return k, err
}

// again starts the node anew after it has ended, and returns how long it took until it answered.
func (k *kept) again(ctx context.Context, o options) (took time.Duration, err error) {
	began := time.Now()
	s, err := k.setup.startIn(ctx, o, k.folder)
	if err != nil {
		return 0, err
	}
	k.server = s
	c, err := k.dial(4096)
	if err != nil {
		return 0, err
	}
	err = c.request("PING x\n", "PONG x")
	return time.Since(began), errors.Join(err, c.conn.Close())
}

// amongChannels are the values of one step of growChannelsScenario.
func amongChannels(ctx context.Context, o options, d driver, channels, messages int) (values []float64, err error) {
	k, err := startKept(ctx, o)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, k.stop()) }()
	names := make([]string, channels)
	for i := range names {
		names[i] = fmt.Sprint("room", i)
	}
	before, err := k.rss()
	if err != nil {
		return nil, err
	}
	began := time.Now()
	if err := k.create(names...); err != nil {
		return nil, err
	}
	created := perSecond(channels, began)
	after, err := k.rss()
	if err != nil {
		return nil, err
	}
	if err := k.stop(); err != nil {
		return nil, err
	}
	start, err := k.again(ctx, o)
	if err != nil {
		return nil, err
	}
	clients, err := gather(k.server, d, groupSize, 16<<10, one(names[0]))
	defer func() { err = errors.Join(err, quit(clients)) }()
	if err != nil {
		return nil, err
	}
	cpu, _, err := oneChannel(d, clients, names[0], fanoutSenders, inFlight, messages).measure(ctx, k.server)
	return []float64{created, float64(after-before) / 1024 / float64(channels), ms(start), cpu}, err
}

// growLogScenario measures pages of history and starts of a node with a longer and longer log in one channel, which is
// said through the node.
func growLogScenario(ctx context.Context, o options) (all []figure, err error) {
	sizes := []int{10_000, 100_000, 1_000_000, 10_000_000}
	if o.small {
		sizes = []int{1000, 10_000}
	}
	k, err := startKept(ctx, o)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, k.stop()) }()
	if err := k.create("go"); err != nil {
		return nil, err
	}
	said := 0
	for _, n := range sizes {
		if err := k.lengthen(n - said); err != nil {
			return nil, err
		}
		said = n
		got, err := k.logFigures(ctx, o, n)
		if err != nil {
			return nil, err
		}
		all = append(all, grown(got, "entries", n)...)
	}
	return ofFirst(all), nil
}

// lengthen has somebody say messages in the channel "go".
func (k *kept) lengthen(messages int) error {
	c, err := k.author()
	if err != nil {
		return err
	}
	return errors.Join(pipeline(c, "go", messages), c.conn.Close())
}

// author logs in and is a member of the channel "go", since now or since earlier.
func (k *kept) author() (*client, error) {
	c, err := k.dial(256 << 10)
	if err != nil {
		return nil, err
	}
	return c, c.request("REGISTER author pw\nLOGIN author pw\nJOIN go\nPING in\n", "PONG in")
}

// logFigures are the values of one step of growLogScenario.
func (k *kept) logFigures(ctx context.Context, o options, entries int) (all []figure, err error) {
	for _, end := range []struct {
		what string
		end  func() error
	}{
		{"after an orderly end", func() error { return k.stop() }},
		{"after a kill", func() error { return k.kill() }}, // of the node that runs then
	} {
		if err := end.end(); err != nil {
			return nil, err
		}
		took, err := k.again(ctx, o)
		if err != nil {
			return nil, err
		}
		all = append(all, measured("grow-log", end.what, ms(took), "ms to start"))
	}
	c, err := k.author()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.conn.Close()) }()
	for _, page := range []struct{ what, where string }{
		{"the newest page", ""}, {"a page in the middle", fmt.Sprintf(" before=%d", entries/2)}, {"the oldest page", " after=0"},
	} {
		took, err := c.history(page.where)
		if err != nil {
			return nil, err
		}
		all = append(all, measured("grow-log", page.what, ms(took), "ms for 100 entries"))
	}
	return all, nil
}

// history is the median time of a page.
func (c *client) history(where string) (time.Duration, error) {
	const times, limit = 51, 100
	var took []time.Duration
	for range times {
		began := time.Now()
		if err := c.write(fmt.Sprintf("HISTORY go%s limit=%d\n", where, limit)); err != nil {
			return 0, err
		}
		head, err := c.in.ReadString('\n')
		if err != nil {
			return 0, err
		}
		if strings.TrimSpace(head) != fmt.Sprint("RESULT HISTORY go ", limit) {
			return 0, fmt.Errorf("HISTORY go%s was answered %q", where, head)
		}
		if err := hear(c.in, limit); err != nil {
			return 0, err
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	return percentile(took, 50), nil
}
