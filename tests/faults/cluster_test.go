//go:build linux

package faults_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"chatnode/node/config"
	"chatnode/tests/netfault"
)

// clockVariable moves a node's clock, where the build has it.
const clockVariable = "CHATNODE_CLOCK_OFFSET"

// A cluster is nodes that are linked through proxies.
type cluster struct {
	t        *testing.T
	plan     plan
	folder   string
	stations map[string]*station        // by name
	proxies  map[string]*netfault.Proxy // by way: "a>b" is where a dials b
	losses   []loss
	begun    time.Time
	done     []string // what has happened, with its time
}

// newCluster starts the nodes of a plan, linked to each other and to strangers, whose lines in a node's peers file are
// given. They run until the end of the test.
func newCluster(t *testing.T, p plan, strangers func(name string) []string) *cluster {
	t.Helper()
	c := &cluster{t: t, plan: p, stations: map[string]*station{}, proxies: map[string]*netfault.Proxy{}, begun: time.Now()}
	c.folder = folderFor(t, p)
	t.Cleanup(func() { _ = os.WriteFile(filepath.Join(c.folder, "happened"), []byte(c.story()), 0o600) }) // a help
	for _, name := range p.nodes {
		c.stations[name] = c.station(name)
	}
	var running sync.WaitGroup
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(func() { cancel(); running.Wait() })
	for _, from := range p.nodes {
		for _, to := range p.nodes {
			if from != to {
				proxy := c.proxy(from + ">" + to)
				running.Go(func() { proxy.Run(ctx) })
			}
		}
	}
	for _, name := range p.nodes {
		if len(p.nodes) > 1 {
			c.federate(c.stations[name], strangers(name))
		}
		c.start(c.stations[name])
	}
	return c
}

// folderFor is where a walk's files are: kept if it fails and was told so.
func folderFor(t *testing.T, p plan) string {
	t.Helper()
	if *keepFlag == "" {
		return t.TempDir()
	}
	folder, err := filepath.Abs(filepath.Join(*keepFlag, fmt.Sprintf("seed-%d", p.seed)))
	if err == nil {
		err = os.RemoveAll(folder)
	}
	if err == nil {
		err = os.MkdirAll(folder, 0o700)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the files are in %s", folder)
		} else if err := os.RemoveAll(folder); err != nil {
			t.Error(err)
		}
	})
	return folder
}

func (c *cluster) station(name string) *station {
	c.t.Helper()
	s := newStation(c.t, name, filepath.Join(c.folder, name))
	s.config.Store.Durability = config.Power
	if c.plan.process {
		s.config.Store.Durability = config.Process
	}
	if c.plan.disks {
		d, err := newDisk(c.t, s.config.Data)
		if err != nil {
			c.note("%v", err)
		} else {
			s.disk = d
		}
	}
	return s
}

func (c *cluster) proxy(way string) *netfault.Proxy {
	c.t.Helper()
	record, err := os.Create(filepath.Join(c.folder, "link-"+way))
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { _ = record.Close() }) // a lost record is seen by whoever looks for it
	p, err := netfault.New(record)
	if err != nil {
		c.t.Fatal(err)
	}
	c.proxies[way] = p
	return p
}

// federate tells a node of the others.
func (c *cluster) federate(s *station, strangers []string) {
	c.t.Helper()
	var text bytes.Buffer
	for _, other := range c.plan.nodes {
		if other != s.name {
			fmt.Fprintf(&text, "%s name=%s\n", c.proxies[s.name+">"+other].Address(), c.stations[other].host)
		}
	}
	for _, line := range strangers {
		fmt.Fprintln(&text, line)
	}
	f := &s.config.Federation
	f.Peers = filepath.Join(s.folder, "peers.txt")
	f.Accept = config.AcceptListed
	f.RetryMax = config.Duration(200 * time.Millisecond)
	f.PingEvery, f.DeadAfter = config.Duration(time.Second), config.Duration(3*time.Second)
	f.ReplyTimeout = config.Duration(time.Second)
	f.RecoverWait = config.Duration(3 * time.Second)
	if err := os.WriteFile(f.Peers, text.Bytes(), 0o600); err != nil {
		c.t.Fatal(err)
	}
}

// start starts a node, and leads the proxies to it.
func (c *cluster) start(s *station) {
	c.t.Helper()
	s.start()
	for way, p := range c.proxies {
		if strings.HasSuffix(way, ">"+s.name) {
			p.Lead(s.process.Address)
		}
	}
}

// all are the stations in their order.
func (c *cluster) all() (all []*station) {
	for _, name := range c.plan.nodes {
		all = append(all, c.stations[name])
	}
	return all
}

// note writes down what happens.
func (c *cluster) note(format string, args ...any) {
	c.done = append(c.done, fmt.Sprintf("%8.3f  %s", time.Since(c.begun).Seconds(), fmt.Sprintf(format, args...)))
}

// story is the plan, and what has happened.
func (c *cluster) story() string { return c.plan.String() + strings.Join(c.done, "\n") + "\n" }

// walk lets everything happen that is planned.
func (c *cluster) walk() {
	c.t.Helper()
	for _, s := range c.all() {
		c.backup(s)
	}
	c.note("the walk begins")
	begun := time.Now()
	for _, h := range c.plan.happenings() {
		if wait := h.at - time.Since(begun); wait > 0 {
			<-time.After(wait)
		}
		for _, s := range c.all() {
			if !s.limited {
				s.alive()
			}
		}
		c.happen(h)
	}
	if wait := c.plan.length - time.Since(begun); wait > 0 {
		<-time.After(wait)
	}
	c.heal()
}

// happen begins or ends a fault.
func (c *cluster) happen(h happening) {
	c.t.Helper()
	if h.end {
		c.note("end of %v", h.fault)
	} else {
		c.note("%v", h.fault)
	}
	if h.between() {
		c.onWay(h)
	} else if h.end {
		c.endOnNode(h.fault)
	} else {
		c.onNode(h.fault)
	}
}

func (c *cluster) onWay(h happening) {
	c.t.Helper()
	spoil, err := h.spoiler()
	if err != nil {
		c.t.Fatal(err)
	}
	n := h.nodes()
	there, back := c.proxies[n[0]+">"+n[1]], c.proxies[n[1]+">"+n[0]]
	if there == nil || back == nil {
		c.t.Fatalf("fault %v: there is no such way", h.fault)
	}
	d := h.direction()
	reversed := d
	if d != netfault.Both {
		reversed = netfault.Both ^ d
	}
	both := strings.Contains(h.target, "-")
	switch {
	case h.end:
		there.Heal()
		if both {
			back.Heal()
		}
	default:
		spoil(there, d)
		if both {
			spoil(back, reversed)
		}
	}
}

func (c *cluster) onNode(f fault) {
	c.t.Helper()
	s := c.stations[f.target]
	if s == nil {
		c.t.Fatalf("fault %v: there is no such node", f)
	}
	switch f.kind {
	case "kill", "term":
		s.halt(f.kind)
	case "clock":
		s.halt(f.arg(0))
		if s.clock = f.arg(1); !clockMoves() {
			s.clock = ""
		}
	case "restore":
		s.halt(f.arg(0))
		c.restore(s, f.arg(1))
	case "backup":
		c.backup(s)
	case "stop":
		s.pause()
	case "hup":
		s.signal(syscall.SIGHUP)
	case "full":
		c.must(s.fill())
	case "write":
		s.limitFiles()
	default:
		c.t.Fatalf("fault %v: there is no such kind", f)
	}
}

func (c *cluster) endOnNode(f fault) {
	c.t.Helper()
	s := c.stations[f.target]
	switch f.kind {
	case "kill", "term", "restore", "clock":
		c.start(s)
	case "stop":
		s.resume()
	case "full":
		c.must(s.free())
	case "write":
		s.endLimit()
		c.start(s)
	}
}

func (c *cluster) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

// backup takes a backup of a node, which is stopped for it, or else copied as it runs.
func (c *cluster) backup(s *station) {
	c.t.Helper()
	if !*hotFlag {
		s.halt("term")
		defer c.start(s)
	}
	s.backups = append(s.backups, s.snapshot(fmt.Sprintf("backup-%02d.db", len(s.backups))))
}

// restore puts a backup back, and finds out what is lost by that.
func (c *cluster) restore(s *station, number string) {
	c.t.Helper()
	i, err := strconv.Atoi(number)
	c.must(err)
	i = min(i, len(s.backups)-1)
	dead := s.snapshot(fmt.Sprintf("lost-%02d.db", len(c.losses)))
	var others []*holding
	for _, other := range c.all() {
		if other != s {
			others = append(others, c.holding(other, other.snapshot(fmt.Sprintf("held-%02d.db", len(c.losses)))))
		}
	}
	l := lost(s.host, c.holding(s, dead), c.holding(s, s.backups[i]), others...)
	c.losses = append(c.losses, l)
	c.note("backup %d is put back on %v", i, l)
	s.putBack(s.backups[i])
}

func (c *cluster) holding(s *station, file string) *holding {
	c.t.Helper()
	h, err := readHolding(file, s.host)
	if err != nil {
		c.t.Fatalf("%s: %v", file, err)
	}
	return h
}

// heal ends all faults and starts what is down.
func (c *cluster) heal() {
	c.t.Helper()
	for _, p := range c.proxies {
		p.Heal()
	}
	for _, s := range c.all() {
		s.resume()
		c.must(s.free())
		s.alive()
		if !s.up() {
			c.start(s)
		}
	}
	c.note("all is healed")
}
