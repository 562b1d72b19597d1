package main

import (
	"context"
	"errors"
	"fmt"
)

const (
	fanoutSenders = 8
	inFlight      = 16
)

// deliveryUnits are what a talk is measured in.
var deliveryUnits = []string{"CPU s per million deliveries", "deliveries/s"}

// fanoutScenario measures one channel in which everybody hears everything.
func fanoutScenario(ctx context.Context, o options) ([]figure, error) {
	part, many := 1, 1000
	if o.small {
		part, many = 50, 200
	}
	var all []figure
	for _, shape := range []struct {
		members, senders, inFlight int
		deliveries                 int // fewer where fewer share a write
	}{
		{10, fanoutSenders, inFlight, 400_000},
		{100, fanoutSenders, inFlight, 2_000_000},
		{many, fanoutSenders, inFlight, 6_000_000},
		{100, 1, 1, 200_000},
	} {
		messages := max(1, shape.deliveries/part/shape.members/shape.senders)
		what := fmt.Sprintf("%d members, %d × %d in flight", shape.members, shape.senders, shape.inFlight)
		got, err := o.compare(ctx, "fanout", what, deliveryUnits, func(ctx context.Context, o options, d driver) ([]float64, error) {
			return fanout(ctx, o, d, shape.members, shape.senders, shape.inFlight, messages)
		})
		if err != nil {
			return nil, err
		}
		all = append(all, got...)
	}
	return all, nil
}

// fanout measures a channel: the processor time per million deliveries, and deliveries a second.
func fanout(ctx context.Context, o options, d driver, members, senders, inFlight, messages int) (values []float64, err error) {
	s, err := d.start(ctx, o)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	if err := d.open(s, []string{"go"}); err != nil {
		return nil, err
	}
	clients, err := gather(s, d, members, 16<<10, one("go"))
	defer func() { err = errors.Join(err, quit(clients)) }()
	if err != nil {
		return nil, err
	}
	cpu, rate, err := oneChannel(d, clients, "go", senders, inFlight, messages).measure(ctx, s)
	return []float64{cpu, rate}, err
}

// oneChannel is a talk in one channel, with a stream for each sender. The senders are the first members, and the one after
// each is its witness.
func oneChannel(d driver, clients []*client, channel string, senders, inFlight, messages int) *talk {
	t := &talk{d: d, messages: messages, inFlight: inFlight}
	for _, c := range clients {
		t.members = append(t.members, &member{c: c, next: make([]int, senders)})
	}
	for i := range senders {
		s := &speaker{c: clients[i], first: i, streams: []string{channel}}
		t.speakers = append(t.speakers, s)
		t.members[i].own = s
		witness := t.members[(i+1)%len(clients)]
		if witness.witnessed == nil {
			witness.witnessed, witness.owed = make([]*speaker, senders), make([]int, senders)
		}
		witness.witnessed[i] = s
	}
	return t
}

// channelsScenario measures many small channels: each sender speaks in an equal share of them by turns, and in each it is
// heard by four others.
func channelsScenario(ctx context.Context, o options) ([]figure, error) {
	channels, messages := 1000, 30
	if o.small {
		channels, messages = 80, 20
	}
	what := fmt.Sprintf("%d channels of %d, %d × %d in flight", channels, 1+listeners, fanoutSenders, inFlight)
	return o.compare(ctx, "channels", what, deliveryUnits, func(ctx context.Context, o options, d driver) ([]float64, error) {
		return manyChannels(ctx, o, d, channels/fanoutSenders, messages)
	})
}

// listeners is how many people are in each of many channels besides the one who speaks.
const listeners = 4

func manyChannels(ctx context.Context, o options, d driver, channelsEach, messages int) (values []float64, err error) {
	s, err := d.start(ctx, o)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	names := make([]string, channelsEach*fanoutSenders)
	for i := range names {
		names[i] = fmt.Sprint("room", i)
	}
	if err := d.open(s, names); err != nil {
		return nil, err
	}
	clients, err := gather(s, d, fanoutSenders+listeners*len(names), 4<<10, func(i int) []string {
		if i < fanoutSenders {
			return names[i*channelsEach : (i+1)*channelsEach]
		}
		at := (i - fanoutSenders) / listeners
		return names[at : at+1]
	})
	defer func() { err = errors.Join(err, quit(clients)) }()
	if err != nil {
		return nil, err
	}
	cpu, rate, err := roomTalk(d, clients, names, messages).measure(ctx, s)
	return []float64{cpu, rate}, err
}

// roomTalk is a talk with a stream for each channel. The first listener of a channel is its witness.
func roomTalk(d driver, clients []*client, names []string, messages int) *talk {
	t := &talk{d: d, messages: messages, inFlight: inFlight}
	each := len(names) / fanoutSenders
	for i, c := range clients[:fanoutSenders] {
		s := &speaker{c: c, first: i * each, streams: names[i*each : (i+1)*each]}
		t.speakers = append(t.speakers, s)
		t.members = append(t.members, &member{c: c, crowd: -1 - i, first: s.first, own: s, next: make([]int, each)})
	}
	for i, c := range clients[fanoutSenders:] {
		room := i / listeners
		m := &member{c: c, crowd: room, first: room, next: make([]int, 1)}
		if i%listeners == 0 {
			m.witnessed, m.owed = []*speaker{t.speakers[room/each]}, make([]int, 1)
		}
		t.members = append(t.members, m)
	}
	return t
}
