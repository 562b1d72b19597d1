//go:build linux

package faults_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"
)

// newLiar is a peer that speaks for the people and of the channels of others, and says what cannot be.
func newLiar(t *testing.T, dice *rand.Rand, nodes []string, places []place) *stranger {
	return newStranger(t, dice, func(ctx context.Context, s *stranger, l *strangeLink) {
		s.mu.Lock()
		g := &gossip{dice: rand.New(rand.NewPCG(s.dice.Uint64(), 0)), to: s.station.host, nodes: nodes, places: places}
		s.mu.Unlock()
		l.say("FEDERATECONFIRM")
		switch g.dice.IntN(10) {
		case 0:
			l.say(hello(g.to)) // it claims to be the node itself
		case 1: // it is of version 0.1
		default:
			l.say(hello(liarHost))
		}
		l.say("FEDCHANNELS den, go:"+g.node(), fmt.Sprintf("FEDHAVE 0 0\nFEDHAVE %d %d", time.Now().Unix(), g.dice.IntN(5)))
		over := make(chan struct{})
		var talking sync.WaitGroup
		talking.Go(func() {
			tick := time.NewTicker(10 * time.Millisecond)
			defer tick.Stop()
			for {
				select {
				case <-tick.C:
					l.say(g.line())
				case <-over:
					return
				}
			}
		})
		s.hear(l, func(string, string) {})
		close(over)
		talking.Wait()
	})
}

// gossip makes up lines.
type gossip struct {
	dice   *rand.Rand
	to     string // the node that is lied to
	nodes  []string
	places []place
	n      int // rows numbered
}

func (g *gossip) node() string { return pick(g.dice, g.nodes) + ".test" }

// somebody is a person of the nodes, or of nobody.
func (g *gossip) somebody() string {
	name := fmt.Sprint(pick(g.dice, g.nodes), 1+g.dice.IntN(4))
	if g.dice.IntN(8) == 0 {
		return name
	}
	return name + "@" + pick(g.dice, []string{g.node(), g.node(), g.node(), liarHost, plainHost, "nobody.test", ""})
}

// somewhere is a channel of the nodes, with its home or without, or with a wrong one.
func (g *gossip) somewhere() string {
	p := pick(g.dice, g.places)
	switch g.dice.IntN(4) {
	case 0:
		return p.String()
	case 1:
		return p.name + ":" + liarHost
	}
	return p.name
}

func (g *gossip) number() string {
	return pick(g.dice, []string{"0", "1", "2", fmt.Sprint(g.dice.IntN(5000)), fmt.Sprint(time.Now().Unix()), "-1",
		"9223372036854775807", "9223372036854775808", "x", ""})
}

// row tags a line as one of an outbox, mostly as the next one.
func (g *gossip) row(line string) string {
	switch g.dice.IntN(6) {
	case 0:
		return line
	case 1:
		return fmt.Sprintf("@n=%s.%s %s", g.number(), g.number(), line)
	}
	g.n++
	return fmt.Sprintf("@n=1.%d %s", g.n, line)
}

// logged tags a line as one of a channel's log.
func (g *gossip) logged(line string) string {
	if g.dice.IntN(4) == 0 {
		return line
	}
	return fmt.Sprintf("@e=%s;s=%s;id=%s.%s;t=%s %s", g.number(), g.number(), g.number(), g.number(), g.number(), line)
}

// line is the next lie.
func (g *gossip) line() string {
	who, whom, where := g.somebody(), g.somebody(), g.somewhere()
	kinds := []func() string{
		func() string { return g.row(fmt.Sprintf("FEDSAY %s %s %s %d", who, where, lie, g.dice.IntN(1000))) },
		func() string { return g.logged(fmt.Sprintf("FEDRECV * %s %s %s *", who, where, lie)) },
		func() string { return g.logged(fmt.Sprintf("FEDRECV %s %s %s %s to", whom, who, where, lie)) },
		func() string { return g.row(fmt.Sprintf("FEDJOIN %s %s", who, where)) },
		func() string { return g.row(fmt.Sprintf("FEDLEAVE %s %s", who, where)) },
		func() string {
			return g.row(fmt.Sprintf("FEDDO %s %s %s %s", who, pick(g.dice, strings.Fields("KICK BAN UNBAN OP DEOP TOPIC DELETE")), where, whom))
		},
		func() string { return g.row(fmt.Sprintf("FEDWHISPER %s %s %s psst", who, whom, lie)) },
		func() string {
			return fmt.Sprintf("@re=%s.%s FEDRESULT %s %s %s %d", g.number(), g.number(), strings.Split(who, "@")[0], pick(g.dice, strings.Fields("JOIN SAY LEAVE X")), where, g.dice.IntN(2))
		},
		func() string { return g.logged(fmt.Sprintf("FEDMEMBERS %s %s, %s", where, who, whom)) },
		func() string {
			return g.logged(fmt.Sprintf("FEDMEMBER %s %s%s", where, pick(g.dice, []string{"+", "-", ""}), who))
		},
		func() string { return g.logged(fmt.Sprintf("FEDTOPIC %s %s", where, lie)) },
		func() string { return g.logged("FEDGONE " + where) },
		func() string { return fmt.Sprintf("FEDEPOCH %s %s %s", where, g.number(), g.number()) },
		func() string { return fmt.Sprintf("FEDGAP %s %s %s %s", where, g.number(), g.number(), g.number()) },
		func() string { return fmt.Sprintf("FEDSYNC %s %s %s", where, g.number(), g.number()) },
		func() string { return fmt.Sprintf("FEDPULL %s %s %s %s", where, g.number(), g.number(), g.number()) },
		func() string { return fmt.Sprintf("FEDPULLED %s %s %s %s", where, g.number(), g.number(), g.number()) },
		func() string { return fmt.Sprintf("FEDACK %s %s %s", where, g.number(), g.number()) },
		func() string { return fmt.Sprintf("FEDHAVE %s %s", g.number(), g.number()) },
		func() string { return "FEDNEW " + where },
		func() string { return "FEDCHANNELS " + where + ", , x:" + g.node() + "," + who },
		func() string { return hello(g.node()) },
		func() string { return fmt.Sprintf("FEDINVITE %s host=%s addr=%[1]s", g.number(), g.node()) },
		func() string { return "FEDKEY spki=AAAA sig=BBBB" },
		func() string { return "LOGIN " + strings.Split(who, "@")[0] + " pw" },
		func() string { return "SAY " + where + " " + lie },
		func() string { return "FEDERATE-OUT" },
		func() string { return "FEDPING " + strings.Repeat("x", g.dice.IntN(300)) },
		func() string { return "@n=1.1" },
		func() string { return "@;;==; FEDSAY " + who },
		func() string { return strings.Repeat("z", 1<<g.dice.IntN(18)) },
		g.noise,
	}
	return pick(g.dice, kinds)()
}

// noise is bytes.
func (g *gossip) noise() string {
	var b strings.Builder
	b.WriteString(pick(g.dice, []string{"", "FEDSAY ", "@n=", "FEDRECV * ", "FEDHELLO "}))
	for range g.dice.IntN(60) {
		b.WriteByte(byte(g.dice.IntN(256)))
	}
	return b.String()
}
