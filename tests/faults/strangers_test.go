//go:build linux

package faults_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// What the peers are called that are no nodes of ours.
const (
	plainHost = "old.test"
	liarHost  = "liar.test"
	floodHost = "flood.test"
)

// lie is what all lies begin with.
const lie = "LIE"

// A stranger waits for a node to dial it, again and again, and then talks to it in its own way.
type stranger struct {
	listener *net.TCPListener
	station  *station // who dials
	dice     *rand.Rand
	talk     func(ctx context.Context, s *stranger, l *strangeLink)

	mu       sync.Mutex
	links    int        // guarded by mu
	hearings []*hearing // guarded by mu; what they heard is the link's while it lasts
	said     []string   // guarded by mu: refs
	ends     []string   // guarded by mu: why the node has ended links
}

// A strangeLink is one link of a stranger to a node.
type strangeLink struct {
	net.Conn
	in      *bufio.Scanner
	number  int
	hearing *hearing
}

func newStranger(t *testing.T, dice *rand.Rand, talk func(context.Context, *stranger, *strangeLink)) *stranger {
	t.Helper()
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	return &stranger{listener: l, dice: rand.New(rand.NewPCG(dice.Uint64(), 0)), talk: talk}
}

// listed is the stranger's line in the node's peers file.
func (s *stranger) listed(name, trust string) string {
	return fmt.Sprintf("%s name=%s trust=%s", s.listener.Addr(), name, trust)
}

// live takes links until the context ends.
func (s *stranger) live(ctx context.Context) {
	defer context.AfterFunc(ctx, func() { _ = s.listener.Close() })()
	var running sync.WaitGroup
	defer running.Wait()
	for {
		c, err := s.listener.AcceptTCP()
		if err != nil {
			return // the context has ended
		}
		running.Go(func() { s.link(ctx, c) })
	}
}

func (s *stranger) link(ctx context.Context, c net.Conn) {
	defer context.AfterFunc(ctx, func() { _ = c.Close() })() // it may have ended
	defer c.Close()                                          //nolint:errcheck // likewise
	s.mu.Lock()
	s.links++
	l := &strangeLink{Conn: c, in: bufio.NewScanner(c), number: s.links}
	l.in.Split(wholeLines)
	l.hearing = &hearing{round: s.links, host: s.station.host, loose: true, plain: true, heard: map[place][]entry{}}
	s.hearings = append(s.hearings, l.hearing)
	s.mu.Unlock()
	l.in.Buffer(nil, 1<<20)
	s.talk(ctx, s, l)
}

// newest reports whether no other link was made since.
func (s *stranger) newest(l *strangeLink) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.links == l.number
}

func (s *stranger) ended(word string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ends = append(s.ends, word)
}

// say writes lines. A link that has ended is noticed by its reader.
func (l *strangeLink) say(lines ...string) { _, _ = io.WriteString(l, strings.Join(lines, "\n")+"\n") }

// hear calls each with the verb and the rest of every line, without tags, until the link ends.
func (s *stranger) hear(l *strangeLink, each func(verb, rest string)) {
	for l.in.Scan() {
		x := parse(l.in.Text())
		if x.verb == "FEDBYE" {
			s.ended(x.rest)
		}
		each(x.verb, x.rest)
	}
}

// newPlain is a peer of version 0.1 with one user, who talks in a channel of the node.
func newPlain(t *testing.T, dice *rand.Rand, at place) *stranger {
	user := "old" + strings.TrimSuffix(at.home, ".test")
	address := user + "@" + plainHost
	return newStranger(t, dice, func(ctx context.Context, s *stranger, l *strangeLink) {
		l.hearing.who = address
		joined := make(chan struct{})
		var talking sync.WaitGroup
		over := make(chan struct{})
		talking.Go(func() {
			select {
			case <-joined:
				s.chat(l, address, at, over)
			case <-over:
			}
		})
		s.hear(l, func(verb, rest string) {
			switch words := strings.SplitN(rest, " ", 4); {
			case verb == "FEDERATE-OUT":
				l.say("FEDERATECONFIRM", "FEDCHANNELS ")
			case verb == "FEDCHANNELS":
				l.say("FEDJOIN " + address + " " + at.name)
			case verb == "FEDRESULT" && rest == user+" JOIN "+at.String()+" 1":
				select {
				case <-joined:
				default:
					close(joined)
				}
			case verb == "FEDRECV" && len(words) == 4 && words[0] == address && parsePlace(words[2], "") == at:
				l.hearing.heard[at] = append(l.hearing.heard[at], entry{author: words[1], text: words[3]})
			case verb == "FEDRECV":
				l.hearing.heard[at] = append(l.hearing.heard[at], entry{author: "?", text: rest})
			}
		})
		close(over)
		talking.Wait()
	})
}

// chat says something now and then on the newest link, for as long as a link lasts.
func (s *stranger) chat(l *strangeLink, address string, at place, over <-chan struct{}) {
	tick := time.NewTicker(150 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-over:
			return
		}
		if !s.newest(l) {
			continue
		}
		s.mu.Lock()
		ref := fmt.Sprintf("%s-%d", strings.TrimSuffix(address, "@"+plainHost), len(s.said)+1)
		s.said = append(s.said, ref)
		s.mu.Unlock()
		l.say("FEDSAY " + address + " " + at.name + " " + ref + " plain")
	}
}

// hello is what an extended peer says of itself.
func hello(host string) string {
	return fmt.Sprintf("FEDHELLO v=1 host=%s inc=%d saw=0 line=69632 caps=log", host, time.Now().Unix())
}

// newFlood is a peer that says far too much, and reads little.
func newFlood(t *testing.T, dice *rand.Rand, at place) *stranger {
	user := "f" + strings.TrimSuffix(at.home, ".test")
	return newStranger(t, dice, func(ctx context.Context, s *stranger, l *strangeLink) {
		l.say("FEDERATECONFIRM", hello(floodHost), "FEDCHANNELS x, y", "FEDHAVE 0 0")
		l.say("@n=1.1 FEDJOIN " + user + "@" + floodHost + " " + at.name)
		var reading sync.WaitGroup
		reading.Go(func() {
			s.hear(l, func(verb, _ string) {
				if verb == "FEDPING" {
					return // it is too busy to answer
				}
			})
			_ = l.Close() // so that the writer ends
		})
		var err error
		for n := 2; err == nil && ctx.Err() == nil; n++ {
			line := fmt.Sprintf("FEDPING %[1]d\nFEDNEW c%[2]d\nNONSENSE %[1]d\nFEDACK %[3]s 1 %[1]d\n", n, n%1000, at.name)
			if n < 300 {
				line += fmt.Sprintf("@n=1.%[1]d FEDSAY %[2]s@%[3]s %[4]s %[2]s-%[1]d flood\n", n, user, floodHost, at.name)
			}
			_, err = io.WriteString(l, line)
		}
		reading.Wait()
	})
}

// wholeLines is bufio.ScanLines without what is left when a connection is torn in the middle of a line.
func wholeLines(data []byte, atEOF bool) (advance int, token []byte, err error) {
	if atEOF && bytes.IndexByte(data, '\n') < 0 {
		return len(data), nil, nil
	}
	return bufio.ScanLines(data, atEOF)
}
