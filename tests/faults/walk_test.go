//go:build linux

package faults_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// patience is how long a walk waits for what must come once everything is healed. It is never waited out in one that passes.
const patience = 40 * time.Second

// calm is for how long every node must show the same, before that is taken for the end.
const calm = time.Second

// A walk is a cluster that people talk on while it suffers.
type walk struct {
	t         *testing.T
	plan      plan
	cluster   *cluster
	places    []place
	talkers   []*talker
	auditors  []*auditor
	strangers map[string][]*stranger // by node

	// of all that lives
	ctx    context.Context
	stop   context.CancelFunc
	living sync.WaitGroup
	visit  context.CancelFunc // ends the strangers' lives
}

// run lets a plan happen and holds what is left to what was promised.
func run(t *testing.T, p plan) {
	t.Helper()
	w := &walk{t: t, plan: p, strangers: map[string][]*stranger{}}
	w.ctx, w.stop = context.WithCancel(context.Background())
	defer w.living.Wait()
	defer w.stop()
	w.prepare()
	w.cluster.walk()
	w.settle()
	logs := w.read()
	w.end()
	w.judge(logs)
	if t.Failed() {
		w.tell()
	}
}

// prepare starts the nodes and brings everybody to their places.
func (w *walk) prepare() {
	w.t.Helper()
	dice := rand.New(rand.NewPCG(w.plan.seed, 1))
	for _, name := range w.plan.nodes {
		for i := range 6 / len(w.plan.nodes) {
			w.places = append(w.places, place{fmt.Sprint("go", i+1), name + ".test"})
		}
	}
	w.cluster = newCluster(w.t, w.plan, func(name string) []string { return w.invite(dice, name) })
	defer func() {
		if w.t.Failed() {
			w.tell()
		}
	}()
	for _, s := range w.cluster.all() {
		w.people(dice, s)
	}
	for _, t := range w.talkers {
		w.living.Go(func() { t.live(w.ctx) })
	}
	for _, a := range w.auditors {
		w.within("the auditor may not enter", func() bool {
			err := a.connect(w.ctx)
			a.close()
			return err == nil
		})
	}
	w.within("not everybody has joined", func() bool {
		return !slices.ContainsFunc(w.talkers, func(t *talker) bool { return !t.joined() })
	})
	for _, t := range w.talkers {
		t.wake()
	}
	ctx, cancel := context.WithCancel(w.ctx)
	w.visit = cancel
	for name, all := range w.strangers {
		for _, s := range all {
			s.station = w.cluster.stations[name]
			w.living.Go(func() { s.live(ctx) })
		}
	}
}

// invite makes the strangers who come to a node, and returns their lines of its peers file.
func (w *walk) invite(dice *rand.Rand, name string) (lines []string) {
	at := w.places[slices.IndexFunc(w.places, func(p place) bool { return p.home == name+".test" })]
	add := func(s *stranger, host, trust string) {
		w.strangers[name] = append(w.strangers[name], s)
		lines = append(lines, s.listed(host, trust))
	}
	if w.plan.plain {
		add(newPlain(w.t, dice, at), plainHost, "full")
	}
	if w.plan.flood {
		add(newFlood(w.t, dice, at), floodHost, "full")
	}
	if w.plan.liar {
		add(newLiar(w.t, dice, w.plan.nodes, w.places), liarHost, "readonly")
	}
	return lines
}

// people makes those who live at a node, and its channels.
func (w *walk) people(dice *rand.Rand, s *station) {
	w.t.Helper()
	owner := s.process.Login("owner")
	for _, p := range w.places {
		if p.home == s.host {
			owner.Ask("CREATE "+p.name, "RESULT CREATE "+p.name+" 1")
		}
	}
	for i := range 5 {
		name := fmt.Sprint(s.name, i+1)
		owner.Ask("REGISTER "+name+" pw", "RESULT REGISTER 1")
		t := newTalker(name, s, w.places, dice, w.plan.pace)
		t.hushed, t.final = true, true // until everybody is there
		t.complain = w.complain
		t.patient = i%2 == 0
		if i == 1 || i == 2 {
			t.caps = "tags multi replay"
		}
		t.wanders = i == 4 && !w.plan.stay
		w.talkers = append(w.talkers, t)
	}
	owner.Close()
	w.auditors = append(w.auditors, &auditor{name: "auditor", home: s, places: w.places})
}

// complain is safe for any goroutine that lives.
func (w *walk) complain(format string, args ...any) {
	w.t.Errorf("after %v: %s", time.Since(w.cluster.begun).Round(time.Millisecond), fmt.Sprintf(format, args...))
}

// within waits for a condition, looking often, and fails if it is not met.
func (w *walk) within(what string, met func() bool) {
	w.t.Helper()
	limit := time.After(patience)
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for !met() {
		for _, s := range w.cluster.all() {
			s.alive()
		}
		select {
		case <-look.C:
		case <-limit:
			w.tell()
			w.t.Fatalf("%s after %v", what, patience)
		}
	}
}

// settle waits until everybody knows what became of what they have said, and says a last word everywhere.
func (w *walk) settle() {
	w.t.Helper()
	w.visit()
	healed := time.Now()
	for _, t := range w.talkers {
		t.hush()
	}
	w.allStored()
	for _, t := range w.talkers {
		t.conclude()
	}
	w.allStored()
	w.cluster.note("everybody knows that all is stored, after %v", time.Since(healed).Round(time.Millisecond))
}

// allStored waits until everybody is in all places and knows that all messages are stored.
func (w *walk) allStored() {
	w.t.Helper()
	var t *talker
	defer func() {
		if w.t.Failed() && t != nil {
			t.report(w.t)
		}
	}()
	w.within("not all is stored", func() bool {
		i := slices.IndexFunc(w.talkers, func(t *talker) bool { return !t.joined() || len(t.unended()) > 0 })
		if i >= 0 {
			t = w.talkers[i]
		}
		return i < 0
	})
}

// read waits until every node shows the same, and for as long as it takes to believe it. It returns what they show.
func (w *walk) read() (logs map[string]map[place][]entry) {
	w.t.Helper()
	for _, a := range w.auditors {
		if err := a.connect(w.ctx); err != nil {
			w.t.Fatal(err)
		}
		defer a.close()
	}
	var must []*message
	for _, t := range w.talkers {
		must = append(must, t.messages[len(t.messages)-len(w.places):]...)
	}
	limit, since := time.Now().Add(patience/3), time.Time{}
	for time.Now().Before(limit) && (since.IsZero() || time.Since(since) < calm) {
		before := logs
		logs = map[string]map[place][]entry{}
		for _, a := range w.auditors {
			log, err := a.read(w.ctx)
			if err != nil {
				w.t.Fatal(err)
			}
			logs[a.home.host] = log
		}
		switch {
		case !alike(logs, must):
			since = time.Time{}
		case since.IsZero() || !equal(before, logs):
			since = time.Now()
		}
		<-time.After(calm / 4)
	}
	return logs
}

func equal(a, b map[string]map[place][]entry) bool {
	return maps.EqualFunc(a, b, func(x, y map[place][]entry) bool {
		return maps.EqualFunc(x, y, func(l, m []entry) bool { return slices.EqualFunc(l, m, entry.same) })
	})
}

// end hears the last that is owed, ends all connections, and stops the nodes.
func (w *walk) end() {
	w.t.Helper()
	for _, t := range w.talkers {
		if err := t.finish(w.ctx); err != nil {
			w.t.Errorf("%s, at the end: %v", t.address(), err)
		}
	}
	w.stop()
	w.living.Wait()
	for _, s := range w.cluster.all() {
		s.halt("term")
		if s.disk == nil {
			w.cluster.holding(s, s.snapshot("end.db"))
		}
	}
}

// judge holds what is shown to what was said and heard.
func (w *walk) judge(logs map[string]map[place][]entry) {
	w.t.Helper()
	world := world{places: w.places, speakers: map[string]string{}, logs: logs, losses: w.cluster.losses}
	for _, s := range w.cluster.all() {
		world.hosts = append(world.hosts, s.host)
		world.speakers["old"+s.name], world.speakers["f"+s.name] = plainHost, floodHost
	}
	heard := map[string]place{}
	for _, t := range w.talkers {
		world.speakers[t.name] = t.home.host
		world.hearings = append(world.hearings, t.hearings...)
		for _, m := range t.messages {
			why := ""
			switch {
			case m.stored:
				why = t.address() + " was told that it is stored"
			case m.queued:
				why = t.address() + " was told that it is queued"
			default:
				continue
			}
			world.said = append(world.said, claim{m.ref, m.place, why, m.at})
		}
	}
	for _, all := range w.strangers {
		for _, s := range all {
			for _, h := range s.hearings {
				if h.who != "" {
					world.hearings = append(world.hearings, h)
				}
			}
		}
	}
	for _, h := range world.hearings {
		for p, all := range h.heard {
			for _, e := range all {
				if _, known := heard[e.ref()]; !known && e.ref() != lie {
					heard[e.ref()] = p
					world.said = append(world.said, claim{ref: e.ref(), place: p, why: h.who + " has heard it"})
				}
			}
		}
	}
	for _, wrong := range world.check() {
		w.t.Error(wrong)
	}
	w.sum(logs, len(heard))
}

// sum says how much has happened.
func (w *walk) sum(logs map[string]map[place][]entry, heard int) {
	entries, said, again, connections := 0, 0, 0, 0
	told := map[string]int{}
	for _, p := range w.places {
		entries += len(logs[p.home][p])
	}
	for _, t := range w.talkers {
		connections += len(t.hearings)
		for _, m := range t.messages {
			said, again = said+1, again+m.said-1
		}
		for word, n := range t.told {
			told[word] += n
		}
	}
	w.t.Logf("seed %d: %d faults; %d messages said, %d times more; %d stand in %d places; %d connections have heard %d; refused: %v",
		w.plan.seed, len(w.plan.faults), said, again, entries, len(w.places), connections, heard, told)
	for _, l := range w.cluster.losses {
		w.t.Logf("seed %d: lost with the disk of %v", w.plan.seed, l)
	}
}

// tell says what has led to a failure.
func (w *walk) tell() {
	w.t.Logf("run it again with -seed %d -walks 1 -length %v; this is what has happened:\n%s", w.plan.seed, w.plan.length, w.cluster.story())
	for name, all := range w.strangers {
		for _, s := range all {
			s.mu.Lock()
			if len(s.ends) > 0 {
				w.t.Logf("%s has ended links to a stranger with %q", name, s.ends)
			}
			s.mu.Unlock()
		}
	}
	for _, s := range w.cluster.all() {
		if s.process != nil {
			s.keepLog()
		}
	}
	if *keepFlag != "" {
		return // they are in the files
	}
	for way, p := range w.cluster.proxies {
		w.t.Logf("the last lines on %s:\n%s", way, strings.Join(p.Transcript(), "\n"))
	}
}
