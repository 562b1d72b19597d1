//go:build linux

package faults_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"chatnode/tests/harness"
)

var here = place{"go", "a.test"}

// fairWorld is one in which nothing is wrong: two people who have said six messages in turn, heard on both nodes.
func fairWorld() *world {
	w := &world{hosts: []string{"a.test", "b.test"}, places: []place{here}, speakers: map[string]string{"a1": "a.test", "b1": "b.test"},
		logs: map[string]map[place][]entry{"a.test": {}, "b.test": {}}}
	var log []entry
	for i := range 6 {
		who := []string{"a1", "b1"}[i%2]
		e := entry{author: who + "@" + w.speakers[who], text: fmt.Sprintf("%s-%d text", who, i+1), id: fmt.Sprint("7.", i+1), time: fmt.Sprint("t", i)}
		if e.position = (position{0, int64(i + 1)}); i > 3 {
			e.position = position{9, int64(i + 1)}
		}
		log = append(log, e)
		w.said = append(w.said, claim{ref: e.ref(), place: here, why: "heard"})
	}
	for host := range w.logs {
		w.logs[host][here] = slices.Clone(log)
	}
	w.said[0].at = position{0, 1}
	whole := &hearing{who: "a1@a.test", host: "a.test", whole: true, heard: map[place][]entry{here: slices.Clone(log[:3])}}
	again := &hearing{who: "a1@a.test", host: "a.test", whole: true, round: 1, last: true, heard: map[place][]entry{here: slices.Clone(log[2:])}}
	plain := &hearing{who: "old@old.test", host: "a.test", loose: true, plain: true,
		heard: map[place][]entry{here: {{author: log[1].author, text: log[1].text}, {author: log[4].author, text: log[4].text}}}}
	w.hearings = []*hearing{whole, again, plain}
	return w
}

// TestTheCheckerFindsWhatIsWrong doctors a fair world in one way after the other.
func TestTheCheckerFindsWhatIsWrong(t *testing.T) {
	both := func(w *world, change func([]entry) []entry) {
		for host := range w.logs {
			w.logs[host][here] = change(w.logs[host][here])
		}
	}
	heard := func(w *world, round int) []entry { return w.hearings[round].heard[here] }
	for _, c := range []struct {
		name   string
		doctor func(w *world)
		want   string // empty: nothing is wrong
	}{
		{"nothing", func(*world) {}, ""},
		{"one node lacks one", func(w *world) { w.logs["b.test"][here] = w.logs["b.test"][here][1:] }, "a.test (-) and b.test (+) differ: - 1 7.1"},
		{"one node has one more", func(w *world) { w.logs["a.test"][here] = w.logs["a.test"][here][:5] }, "differ: + 9.6"},
		{"another order", func(w *world) {
			l := w.logs["b.test"][here]
			l[0], l[1] = l[1], l[0]
		}, "differ"},
		{"another time", func(w *world) { w.logs["b.test"][here][0].time = "later" }, "differ"},
		{"recovered is no difference", func(w *world) { w.logs["b.test"][here][0].recovered = "a.test" }, ""},
		{"a hole in the numbers", func(w *world) { both(w, func(l []entry) []entry { return slices.Delete(l, 1, 2) }) }, "comes after 1"},
		{"an epoch back", func(w *world) { both(w, func(l []entry) []entry { l[3].epoch = 10; return l }) }, "comes after 10.4"},
		{"a hole before an epoch", func(w *world) { both(w, func(l []entry) []entry { return slices.Delete(l, 3, 4) }) }, "comes after 3"},
		{"a gap is said", func(w *world) { both(w, func(l []entry) []entry { l[3].gap = true; return l }) }, "something is missing"},
		{"one name for two", func(w *world) { both(w, func(l []entry) []entry { l[3].id = l[1].id; return l }) }, "both are called 7.2 of @b.test"},
		{"said twice", func(w *world) { both(w, func(l []entry) []entry { l[3].text = l[1].text; return l }) }, "b1-2 is there 2 times"},
		{"said twice, as may be", func(w *world) {
			both(w, func(l []entry) []entry { l[3].text = l[1].text; return l })
			w.said = slices.Delete(w.said, 3, 4)
			heard(w, 1)[1].text = l1
			w.losses = []loss{{refs: map[string]bool{"b1-2": true}}}
		}, ""},
		{"a wrong name", func(w *world) { both(w, func(l []entry) []entry { l[1].author = "a1@a.test"; return l }) }, "b1@b.test has said 2"},
		{"a wrong host", func(w *world) { both(w, func(l []entry) []entry { l[1].author = "b1@a.test"; return l }) }, "b1@b.test has said 2"},
		{"nobody's", func(w *world) { both(w, func(l []entry) []entry { l[1].text = "x-1 y"; return l }) }, "nobody has said"},
		{"a lie", func(w *world) { both(w, func(l []entry) []entry { l[1].text = "LIE 1"; return l }) }, "a lie is believed"},
		{"a lie is heard", func(w *world) { heard(w, 0)[1].text = "LIE 1" }, "a lie is believed"},
		{"what was told is not there", func(w *world) { w.said = append(w.said, claim{"a1-77", here, "was told", position{}}) }, "a1-77 is not there, and was told"},
		{"lost with the disk", func(w *world) {
			w.said = append(w.said, claim{"a1-77", here, "was told", position{}})
			w.losses = []loss{{said: map[string]bool{"a1-77": true}}}
		}, ""},
		{"it is elsewhere", func(w *world) { w.said[0].at = position{0, 2} }, "a1-1 does not stand at 2"},
		{"it may be elsewhere", func(w *world) {
			w.said[0].at = position{0, 7}
			w.losses = []loss{{spots: map[spot]string{{here, position{0, 7}}: "a1-1"}}}
		}, ""},
		{"heard twice", func(w *world) { heard(w, 0)[1] = heard(w, 0)[0] }, "is heard after 1"},
		{"heard out of order", func(w *world) { slices.Reverse(heard(w, 0)) }, "is heard after"},
		{"heard what is not there", func(w *world) { heard(w, 0)[2].seq, heard(w, 1)[0].seq = 33, 33 }, "nothing stands there"},
		{"heard what is lost", func(w *world) {
			heard(w, 0)[2] = entry{position: position{0, 33}, author: "a1@a.test", text: "a1-9"}
			w.losses = []loss{{spots: map[spot]string{{here, position{0, 33}}: "a1-9"}}}
		}, ""},
		{"heard otherwise", func(w *world) { heard(w, 0)[2].text += "!" }, "and there stands"},
		{"heard with a gap", func(w *world) { heard(w, 0)[2].gap = true }, "something is missing before 3"},
		{"missed in the middle", func(w *world) { w.hearings[1].heard[here] = slices.Delete(heard(w, 1), 1, 2) }, "4 7.4 t3 b1@b.test \"b1-4 text\" is not heard"},
		{"missed at the end", func(w *world) { w.hearings[1].heard[here] = heard(w, 1)[:2] }, "9.5 7.5 t4 a1@a.test \"a1-5 text\" is not heard"},
		{"missed by one who comes and goes", func(w *world) {
			w.hearings[1].heard[here] = slices.Delete(heard(w, 1), 1, 2)
			w.hearings[1].loose = true
		}, ""},
		{"recovered meanwhile", func(w *world) {
			w.hearings[1].heard[here] = slices.Delete(heard(w, 1), 1, 2)
			w.logs["b.test"][here][3].recovered = "a.test"
		}, ""},
		{"missed between connections", func(w *world) { w.hearings[1].heard[here] = heard(w, 1)[2:] }, "before connection 1, go:a.test: 4"},
		{"missed without replay", func(w *world) {
			w.hearings[1].heard[here] = heard(w, 1)[2:]
			w.hearings[1].whole = false
		}, ""},
		{"plain: heard twice", func(w *world) { heard(w, 2)[1] = heard(w, 2)[0] }, "is heard after 2"},
		{"plain: another author", func(w *world) { heard(w, 2)[1].author = "b1@b.test" }, "and there stands"},
		{"plain: not there", func(w *world) { heard(w, 2)[1].text = "b1-99" }, "is not there"},
	} {
		w := fairWorld()
		c.doctor(w)
		wrong := w.check()
		switch {
		case c.want == "" && len(wrong) > 0:
			t.Errorf("%s: it finds %q", c.name, wrong)
		case c.want != "" && !slices.ContainsFunc(wrong, func(s string) bool { return strings.Contains(s, c.want) }):
			t.Errorf("%s: it finds %q, want %q", c.name, wrong, c.want)
		}
	}
}

// l1 is the text of the second message of the fair world.
const l1 = "b1-2 text"

// TestWhatIsLostIsWhatNobodyHolds computes a loss.
func TestWhatIsLostIsWhatNobodyHolds(t *testing.T) {
	at := func(seq int64) spot { return spot{here, position{0, seq}} }
	h := func(rows, refs string, entries ...string) *holding {
		h := &holding{map[spot]string{}, map[string]bool{}, map[string]bool{}}
		for i, ref := range entries {
			h.entries[at(int64(i+1))] = ref
		}
		for _, row := range strings.Fields(rows) {
			h.rows[row] = true
		}
		for _, ref := range strings.Fields(refs) {
			h.refs[ref] = true
		}
		return h
	}
	l := lost("a.test", h("r1 r2 r3 r4", "m1 m2", "m1", "m2", "m3", "m4", "m5"), h("r1", "m1", "m1"), h("m4 r2", "", "m1", "m2", "m3"), h("", "", "r3"))
	if fmt.Sprint(l.spots) != "map[go:a.test 4:m4 go:a.test 5:m5]" || fmt.Sprint(l.said) != "map[m5:true r4:true]" ||
		fmt.Sprint(l.refs) != "map[m2:true]" || l.between != 4 {
		t.Errorf("%v %v %v %d", l.spots, l.said, l.refs, l.between)
	}
}

// TestADiskIsFullForAWhile holds the small disk to what the walks need of it.
func TestADiskIsFullForAWhile(t *testing.T) {
	folder := t.TempDir()
	d, err := newDisk(t, folder)
	if err != nil {
		t.Skip(err)
	}
	file := filepath.Join(d.root(), folder, "file")
	for range 2 {
		if err := d.fill(); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, make([]byte, 128<<10), 0o600); err == nil {
			t.Error("a full disk takes more")
		}
		if err := d.free(); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(os.WriteFile(file, make([]byte, 128<<10), 0o600), os.Remove(file)); err != nil {
			t.Error(err)
		}
	}
	if seen, err := os.ReadDir(folder); err != nil || len(seen) > 0 {
		t.Errorf("others see %v, %v", seen, err)
	}
}

// meet lets a stranger live for a test, and returns a link to it.
func meet(t *testing.T, s *stranger) (net.Conn, *bufio.Reader) {
	t.Helper()
	s.station = &station{host: "a.test"}
	ctx, cancel := context.WithCancel(context.Background())
	var living sync.WaitGroup
	living.Go(func() { s.live(ctx) })
	t.Cleanup(func() { cancel(); living.Wait() })
	c, err := net.Dial("tcp", s.listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.SetDeadline(time.Now().Add(harness.Patience)); err != nil {
		t.Fatal(err)
	}
	return c, bufio.NewReader(c)
}

// TestThePlainPeerSpeaksVersion01 plays the node to it.
func TestThePlainPeerSpeaksVersion01(t *testing.T) {
	s := newPlain(t, rand.New(rand.NewPCG(1, 1)), here)
	c, in := meet(t, s)
	for _, step := range []struct{ say, hear string }{
		{"FEDERATE-OUT\n", "FEDERATECONFIRM\nFEDCHANNELS \n"},
		{"FEDHELLO v=1 host=a.test\nFEDCHANNELS go\n", "FEDJOIN olda@old.test go\n"},
		{"FEDRESULT olda JOIN go:a.test 1\n", "FEDSAY olda@old.test go olda-1 plain\n"},
		{"FEDRECV olda@old.test olda@old.test go:a.test olda-1 plain\n", "FEDSAY olda@old.test go olda-2 plain\n"},
	} {
		if _, err := c.Write([]byte(step.say)); err != nil {
			t.Fatal(err)
		}
		for want := range strings.Lines(step.hear) {
			if got, err := in.ReadString('\n'); got != want {
				t.Fatalf("after %q: %q, %v", step.say, got, err)
			}
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if heard := fmt.Sprint(s.hearings[0].heard[here]); !strings.Contains(heard, `olda@old.test "olda-1 plain"`) {
		t.Errorf("it has heard %s", heard)
	}
}

// TestTheLiarDoesNotTire reads what the liar says.
func TestTheLiarDoesNotTire(t *testing.T) {
	c, in := meet(t, newLiar(t, rand.New(rand.NewPCG(1, 1)), three, []place{here}))
	if _, err := c.Write([]byte("FEDERATE-OUT\nFEDCHANNELS go\n")); err != nil {
		t.Fatal(err)
	}
	for n, verbs := 0, map[string]bool{}; len(verbs) < 15; n++ {
		line, err := in.ReadString('\n')
		if err != nil || n > 5000 {
			t.Fatalf("after %d lines: %v; %v", n, err, verbs)
		}
		if verb := parse(strings.TrimSpace(line)).verb; strings.HasPrefix(verb, "FED") {
			verbs[verb] = true
		}
	}
}
