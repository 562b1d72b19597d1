//go:build linux

package faults_test

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"chatnode/tests/netfault"
)

// A fault is something that goes wrong for a while, or once.
type fault struct {
	at, lasts time.Duration // since the walk's begin
	kind      string
	target    string // a node "b"; a way "a>b", the proxy by which a dials b; or a pair "a-b", both proxies
	args      []string
}

// String returns the fault as a line that parseFault reads.
func (f fault) String() string {
	return strings.Join(append([]string{f.at.String(), f.lasts.String(), f.kind, f.target}, f.args...), " ")
}

func parseFault(line string) (f fault, err error) {
	words := strings.Fields(line)
	if len(words) < 4 {
		return f, fmt.Errorf("%q is no fault", line)
	}
	if f.at, err = time.ParseDuration(words[0]); err == nil {
		f.lasts, err = time.ParseDuration(words[1])
	}
	f.kind, f.target, f.args = words[2], words[3], words[4:]
	return f, err
}

// nodes are those that a fault is on, or between.
func (f fault) nodes() []string {
	return strings.FieldsFunc(f.target, func(r rune) bool { return r == '-' || r == '>' })
}

// between reports whether it is a fault of the way from node to node.
func (f fault) between() bool { return len(f.nodes()) == 2 }

func (f fault) arg(i int) string {
	if i < len(f.args) {
		return f.args[i]
	}
	return ""
}

// A plan is what happens to some nodes, all of it drawn from a seed.
type plan struct {
	seed     uint64
	length   time.Duration
	nodes    []string // "a", "b" …
	process  bool     // durability "process"
	pace     time.Duration
	restores bool
	plain    bool // a peer of version 0.1 stands beside the nodes
	flood    bool // a peer that floods them
	liar     bool // a peer that lies
	disks    bool // each node has a small disk of its own
	clocks   bool
	stay     bool // nobody leaves a place; else somebody does, of each node
	faults   []fault
}

// String returns the plan in lines, of which the first tells the circumstances.
func (p plan) String() string {
	lines := []string{fmt.Sprintf("# seed %d, %v, nodes %v: process %v, pace %v, restores %v, plain %v, flood %v, liar %v, disks %v, clocks %v",
		p.seed, p.length, p.nodes, p.process, p.pace, p.restores, p.plain, p.flood, p.liar, p.disks, p.clocks)}
	for _, f := range p.faults {
		lines = append(lines, f.String())
	}
	return strings.Join(lines, "\n") + "\n"
}

// What a node and a way can suffer. The same kind more than once is likelier.
var (
	nodeFaults = strings.Fields("kill kill kill term term restore restore restore backup stop stop hup full full write clock")
	wayFaults  = strings.Fields("sever sever sever cut cut cut freeze freeze delay slow tear tear tear tear once once twice twice")
)

// newPlan draws a walk. The same seed gives the same plan, as long as the code is the same.
func newPlan(seed uint64, length time.Duration, nodes []string) plan {
	dice := rand.New(rand.NewPCG(seed, 0))
	p := plan{seed: seed, length: length, nodes: nodes}
	p.process = dice.IntN(4) == 0
	p.pace = logUniform(dice, 30*time.Millisecond, 300*time.Millisecond)
	p.restores = dice.IntN(2) == 0
	p.plain, p.flood, p.liar = dice.IntN(2) == 0, dice.IntN(4) == 0, dice.IntN(2) == 0
	p.disks, p.clocks = dice.IntN(2) == 0, dice.IntN(3) == 0
	gap := logUniform(dice, 100*time.Millisecond, 800*time.Millisecond)
	busy := map[string]time.Duration{} // until when a node or a pair has a fault
	backups := map[string]int{}
	for _, n := range nodes {
		backups[n] = 1 // one is taken before the walk
	}
	for at := time.Duration(0); ; {
		at += time.Duration(dice.ExpFloat64() * float64(gap))
		if at >= length {
			return p
		}
		f := p.draw(dice, backups)
		f.at = at.Truncate(time.Millisecond)
		f.lasts = min(f.lasts, length-f.at).Truncate(time.Millisecond)
		key := strings.Join(slices.Sorted(slices.Values(f.nodes())), "-")
		if f.kind == "" || busy[key] > f.at {
			continue
		}
		if f.kind == "backup" {
			backups[f.target]++
		}
		busy[key] = f.at + f.lasts + time.Millisecond
		p.faults = append(p.faults, f)
	}
}

// draw draws one fault, without its time; its kind is empty if it is one that this walk does not have.
func (p plan) draw(dice *rand.Rand, backups map[string]int) fault {
	f := fault{lasts: logUniform(dice, 20*time.Millisecond, 5*time.Second)}
	if len(p.nodes) == 1 || dice.IntN(100) < 40 {
		f.kind, f.target = pick(dice, nodeFaults), pick(dice, p.nodes)
		p.drawNode(dice, &f, backups[f.target])
		return f
	}
	f.kind = pick(dice, wayFaults)
	i := dice.IntN(len(p.nodes))
	j := (i + 1 + dice.IntN(len(p.nodes)-1)) % len(p.nodes)
	f.target = p.nodes[i] + pick(dice, []string{"-", "-", ">"}) + p.nodes[j]
	direction := pick(dice, []string{"forth", "back", "both"})
	switch f.kind {
	case "cut", "freeze", "twice", "once":
		f.args = []string{direction}
	case "delay":
		f.args = []string{direction, logUniform(dice, time.Millisecond, time.Second).String()}
	case "slow":
		bytes := int(math.Pow(2, 3+7*dice.Float64()))
		f.args = []string{direction, strconv.Itoa(bytes), logUniform(dice, time.Millisecond, 100*time.Millisecond).String()}
	case "tear":
		f.args = []string{direction, strconv.Itoa(int(math.Pow(2, 14*dice.Float64())) - 1)}
	}
	return f
}

// drawNode completes the fault of a node of which there are so many backups.
func (p plan) drawNode(dice *rand.Rand, f *fault, backups int) {
	how := pick(dice, []string{"kill", "term"})
	older := dice.IntN(backups)
	offset := pick(dice, []string{"1h", "-1h", "0s"})
	switch f.kind {
	case "restore":
		f.args = []string{how, strconv.Itoa(older)}
	case "clock":
		f.args = []string{how, offset}
	case "hup", "backup":
		f.lasts = 0
	}
	if !p.restores && (f.kind == "restore" || f.kind == "backup") || !p.disks && f.kind == "full" || !p.clocks && f.kind == "clock" {
		f.kind = ""
	}
}

func pick[T any](dice *rand.Rand, from []T) T { return from[dice.IntN(len(from))] }

// logUniform draws a duration of which each order of magnitude is as likely as the next.
func logUniform(dice *rand.Rand, least, most time.Duration) time.Duration {
	d := float64(least) * math.Pow(float64(most)/float64(least), dice.Float64())
	return time.Duration(d).Truncate(10 * time.Microsecond)
}

// A happening is the begin or the end of a fault.
type happening struct {
	at  time.Duration
	end bool
	fault
}

// happenings are the plan's in the order of their time.
func (p plan) happenings() (all []happening) {
	for _, f := range p.faults {
		all = append(all, happening{f.at, false, f}, happening{f.at + f.lasts, true, f})
	}
	slices.SortStableFunc(all, func(a, b happening) int { return cmp.Compare(a.at, b.at) })
	return all
}

// A spoiler does one thing to a proxy, of whose directions Forth is the way that the fault means.
type spoiler func(p *netfault.Proxy, d netfault.Direction)

// spoiler says what a fault of a way does. Proxies are healed at its end.
func (f fault) spoiler() (spoiler, error) {
	pause, err := time.Duration(0), error(nil)
	amount := 0
	switch f.kind {
	case "delay":
		pause, err = time.ParseDuration(f.arg(1))
	case "slow":
		if pause, err = time.ParseDuration(f.arg(2)); err == nil {
			amount, err = strconv.Atoi(f.arg(1))
		}
	case "tear":
		amount, err = strconv.Atoi(f.arg(1))
	}
	if err != nil {
		return nil, fmt.Errorf("fault %v: %w", f, err)
	}
	how, known := map[string]spoiler{
		"sever":  func(p *netfault.Proxy, _ netfault.Direction) { p.Sever() },
		"cut":    (*netfault.Proxy).Cut,
		"freeze": (*netfault.Proxy).Freeze,
		"twice":  (*netfault.Proxy).DuplicateAllLines,
		"once":   (*netfault.Proxy).DuplicateNextLine,
		"delay":  func(p *netfault.Proxy, d netfault.Direction) { p.Delay(d, pause) },
		"slow":   func(p *netfault.Proxy, d netfault.Direction) { p.Slow(d, amount, pause) },
		"tear":   func(p *netfault.Proxy, d netfault.Direction) { p.CutAfter(d, int64(amount)) },
	}[f.kind]
	if !known {
		return nil, fmt.Errorf("fault %v: there is no such kind", f)
	}
	return how, nil
}

// direction is the one that the fault means, on the proxy by which its first node dials the second.
func (f fault) direction() netfault.Direction {
	switch f.arg(0) {
	case "forth":
		return netfault.Forth
	case "back":
		return netfault.Back
	}
	return netfault.Both
}

// TestAPlanIsReadAsItIsWritten reads what plans look like when they are printed.
func TestAPlanIsReadAsItIsWritten(t *testing.T) {
	kinds := map[string]bool{}
	for seed := range uint64(200) {
		p := newPlan(seed, 10*time.Second, []string{"a", "b", "c"})
		if again := newPlan(seed, 10*time.Second, []string{"a", "b", "c"}); again.String() != p.String() {
			t.Fatalf("seed %d makes two plans:\n%v\n%v", seed, p, again)
		}
		busy := map[string]time.Duration{}
		for i, line := range strings.Split(strings.TrimSpace(p.String()), "\n")[1:] {
			f, err := parseFault(line)
			if err != nil || f.String() != p.faults[i].String() {
				t.Fatalf("%q is read as %v, %v", line, f, err)
			}
			if _, err := f.spoiler(); f.between() && err != nil {
				t.Fatal(err)
			}
			key := strings.Join(slices.Sorted(slices.Values(f.nodes())), "-")
			if f.at < busy[key] || f.at+f.lasts > p.length {
				t.Fatalf("%v: while another lasts, or for too long", f)
			}
			busy[key] = f.at + f.lasts
			kinds[f.kind] = true
		}
	}
	for _, kind := range append(nodeFaults, wayFaults...) {
		if !kinds[kind] {
			t.Errorf("nothing is ever a %s", kind)
		}
	}
}
