//go:build linux

package faults_test

import (
	"fmt"
	"slices"
	"strings"
)

// A world is all that was said and heard, and what every node shows of it in the end.
type world struct {
	hosts    []string
	places   []place
	speakers map[string]string // their hosts, by name
	logs     map[string]map[place][]entry
	said     []claim
	hearings []*hearing
	losses   []loss

	wrong []string
	at    map[place]map[position]int // where in the log
	times map[place]map[string]int   // by ref: how often it stands there
}

// A claim is a message that must stand in its place, as somebody was told or has heard it.
type claim struct {
	ref   string
	place place
	why   string
	at    position // where it is said to stand; 0: nowhere in particular
}

// most is how much that is wrong is told of one kind.
const most = 10

// check returns what is wrong.
func (w *world) check() []string {
	w.at, w.times = map[place]map[position]int{}, map[place]map[string]int{}
	for _, p := range w.places {
		w.index(p)
		w.few(func() { w.compare(p) })
		w.few(func() { w.ordered(p) })
		w.few(func() { w.named(p) })
	}
	w.few(w.kept)
	w.few(w.once)
	w.few(func() {
		for _, h := range w.hearings {
			w.locate(h)
			w.heard(h)
		}
	})
	w.few(w.nothingMissed)
	return w.wrong
}

// few keeps what a check finds short.
func (w *world) few(check func()) {
	before := len(w.wrong)
	check()
	if more := len(w.wrong) - before - most; more > 0 {
		w.wrong = append(w.wrong[:before+most], fmt.Sprintf("… and %d more of this kind", more))
	}
}

func (w *world) add(format string, args ...any) {
	w.wrong = append(w.wrong, fmt.Sprintf(format, args...))
}

// log is what the home of a place shows.
func (w *world) log(p place) []entry { return w.logs[p.home][p] }

func (w *world) index(p place) {
	w.at[p], w.times[p] = map[position]int{}, map[string]int{}
	for i, e := range w.log(p) {
		w.at[p][e.position] = i
		w.times[p][e.ref()]++
	}
}

// compare holds that every node shows the same, but for what a restored home has numbered again.
func (w *world) compare(p place) {
	for _, host := range w.hosts {
		only, others := diff(w.log(p), w.logs[host][p])
		for _, e := range only {
			if !w.standsElsewhere(p, host, e) {
				w.add("%v: %s (-) and %s (+) differ: - %v", p, p.home, host, e)
			}
		}
		for _, e := range others {
			if !w.numberedAgain(p, e.position, e.ref()) {
				w.add("%v: %s (-) and %s (+) differ: + %v", p, p.home, host, e)
			}
		}
	}
}

// diff returns what is in one of two logs only, or at another place, in the order of the places.
func diff(a, b []entry) (inA, inB []entry) {
	for i, j := 0, 0; i < len(a) || j < len(b); {
		switch {
		case i < len(a) && j < len(b) && a[i].same(b[j]):
			i, j = i+1, j+1
		case j == len(b) || i < len(a) && a[i].compare(b[j].position) <= 0:
			inA = append(inA, a[i])
			i++
		default:
			inB = append(inB, b[j])
			j++
		}
	}
	return inA, inB
}

// numberedAgain reports whether a message that stood at a place stands in another epoch of its home's log. A restored home
// that cannot reach in time those who have it numbers it again, when its author's node sends it again; restored once more,
// it may get it back at its first place. Whoever has it keeps it where it was (federation protocol §2: an id that is stored
// is a no-op, whatever its epoch).
func (w *world) numberedAgain(p place, at position, ref string) bool {
	return w.homeWasRestored(p) && slices.ContainsFunc(w.log(p), func(e entry) bool { return e.ref() == ref && e.epoch != at.epoch })
}

// standsElsewhere is numberedAgain as the home's log has it: another node has the message in another epoch.
func (w *world) standsElsewhere(p place, host string, e entry) bool {
	return w.homeWasRestored(p) && slices.ContainsFunc(w.logs[host][p], func(other entry) bool {
		return other.ref() == e.ref() && other.epoch != e.epoch
	})
}

func (w *world) homeWasRestored(p place) bool {
	return slices.ContainsFunc(w.losses, func(l loss) bool { return l.host == p.home })
}

// wentBack reports whether a home may have gone back to an older copy of its disk and then to a newer one. What the newer had
// comes before what was said meanwhile, and those who were on line then have not heard it.
func (w *world) wentBack(p place, after, before position) bool {
	times := 0
	for _, l := range w.losses {
		if l.host == p.home {
			times++
		}
	}
	return times > 1 && after.epoch != before.epoch
}

// numberedAgainBetween reports whether a home may say that nothing is missing between two places of its log: it was restored,
// and all that is known to have stood there was numbered again.
func (w *world) numberedAgainBetween(p place, after, before position) bool {
	if after.epoch != before.epoch || !w.homeWasRestored(p) {
		return false
	}
	for _, all := range w.known(p) {
		for _, e := range all {
			if e.compare(after) > 0 && e.compare(before) < 0 && !w.numberedAgain(p, e.position, e.ref()) {
				return false
			}
		}
	}
	return true
}

// known is all that nodes have of a place, and all that people have heard there.
func (w *world) known(p place) [][]entry {
	var all [][]entry
	for _, host := range w.hosts {
		all = append(all, w.logs[host][p])
	}
	for _, h := range w.hearings {
		if !h.plain {
			all = append(all, h.heard[p])
		}
	}
	return all
}

// ordered holds that the numbers run on, without an end that is not said, and that nothing has the name of something else.
func (w *world) ordered(p place) {
	var last position
	names := map[string]entry{}
	for _, e := range w.log(p) {
		again := e.epoch == last.epoch && e.seq > last.seq+1 && w.numberedAgainBetween(p, last, e.position)
		if again {
			last.seq, e.gap = e.seq-1, false
		}
		if e.epoch == last.epoch && e.seq != last.seq+1 || e.epoch < last.epoch || e.epoch > last.epoch && e.seq > last.seq+1 && !w.wentBack(p, last, e.position) {
			w.add("%v: %v comes after %v", p, e, last)
		}
		if e.gap {
			w.add("%v: something is missing before %v, says HISTORY", p, e)
		}
		name := e.id + " of " + e.author[strings.Index(e.author, "@"):]
		if f, again := names[name]; again {
			w.add("%v: both are called %s: %v and %v", p, name, f, e)
		}
		names[name] = e
		last = e.position
	}
}

// named holds that messages stand under the names of those who said them.
func (w *world) named(p place) {
	for _, e := range w.log(p) {
		w.isNamed(e, fmt.Sprint(p))
	}
}

func (w *world) isNamed(e entry, where string) {
	speaker := speakerOf(e.ref())
	_, host, _ := strings.Cut(e.author, "@")
	want := speaker + "@" + w.speakers[speaker]
	switch {
	case e.ref() == lie && host == liarHost:
	case e.ref() == lie:
		w.add("%s: a lie is believed: %v", where, e)
	case w.speakers[speaker] == "":
		w.add("%s: nobody has said %v", where, e)
	case e.author != want:
		w.add("%s: %s has said %v", where, want, e)
	}
}

// kept holds that what somebody was told is kept, or has heard, is there.
func (w *world) kept() {
	for _, c := range w.said {
		if w.times[c.place][c.ref] == 0 && !w.mayBeGone(c.ref) {
			w.add("%v: %s is not there, and %s", c.place, c.ref, c.why)
		}
		if c.at == (position{}) || w.mayBeElsewhere(spot{c.place, c.at}, c.ref) || w.numberedAgain(c.place, c.at, c.ref) {
			continue
		}
		if i, found := w.at[c.place][c.at]; !found || w.log(c.place)[i].ref() != c.ref {
			w.add("%v: %s does not stand at %v, and %s", c.place, c.ref, c.at, c.why)
		}
	}
}

// once holds that nothing is there twice.
func (w *world) once() {
	for _, p := range w.places {
		for ref, times := range w.times[p] {
			if ref != lie && times > 1+w.mayBeAgain(ref) {
				w.add("%v: %s is there %d times", p, ref, times)
			}
		}
	}
}

func (w *world) mayBeGone(ref string) bool {
	return slices.ContainsFunc(w.losses, func(l loss) bool { return l.said[ref] })
}

func (w *world) mayBeAgain(ref string) (n int) {
	for _, l := range w.losses {
		if l.refs[ref] {
			n++
		}
	}
	return n
}

// mayBeElsewhere reports whether what stood at a place may be gone from there.
func (w *world) mayBeElsewhere(s spot, ref string) bool {
	return slices.ContainsFunc(w.losses, func(l loss) bool { return l.spots[s] == ref })
}

// locate finds where the messages stand that a peer of version 0.1 has heard.
func (w *world) locate(h *hearing) {
	if !h.plain {
		return
	}
	for p, all := range h.heard {
		known := map[string]entry{}
		for _, e := range w.log(p) {
			known[e.ref()] = e
		}
		var found []entry
		for _, e := range all {
			f, there := known[e.ref()]
			switch {
			case there && w.times[p][e.ref()] == 1 && e.author == f.author && e.text == f.text:
				f.gap = false // of what HISTORY shows: a peer of version 0.1 is told of none
				found = append(found, f)
			case !there && !w.mayBeGone(e.ref()):
				w.add("%s, link %d: %v is heard in %v, and is not there", h.who, h.round, e, p)
			case there && (e.author != f.author || e.text != f.text):
				w.add("%s, link %d: %v is heard in %v, and there stands %v", h.who, h.round, e, p, f)
			}
		}
		h.heard[p] = found
	}
}

// heard holds that a connection has heard what the log has, once, in order, and with nothing missing between.
func (w *world) heard(h *hearing) {
	for p, all := range h.heard {
		where := fmt.Sprintf("%s, connection %d, %v", h.who, h.round, p)
		var last *entry
		for i := range all {
			e := &all[i]
			w.isNamed(*e, where)
			if e.gap {
				w.add("%s: something is missing before %v, it is said", where, e)
			}
			// a peer of version 0.1 is told no places: where a restored home has numbered again, its order is that of before
			if last != nil && e.compare(last.position) <= 0 && !(h.plain && w.homeWasRestored(p)) {
				w.add("%s: %v is heard after %v", where, e, last)
			}
			j, found := w.at[p][e.position]
			switch {
			case !found && (w.mayBeElsewhere(spot{p, e.position}, e.ref()) || w.numberedAgain(p, e.position, e.ref())):
				continue
			case !found:
				w.add("%s: %v is heard, and nothing stands there", where, e)
				continue
			case !w.log(p)[j].same(*e):
				w.add("%s: %v is heard, and there stands %v", where, e, w.log(p)[j])
				continue
			}
			if last != nil && !h.loose {
				w.missed(where, p, last.position, e.position)
			}
			last = e
		}
		if h.last && last != nil && !h.loose {
			w.missed(where, p, last.position, position{1 << 62, 0})
		}
	}
}

// missed holds that nothing stands between two positions that would have been heard live.
func (w *world) missed(where string, p place, after, before position) {
	log := w.log(p)
	if w.wentBack(p, after, before) {
		return
	}
	for i := w.at[p][after] + 1; i < len(log) && log[i].compare(before) < 0; i++ {
		again := w.homeWasRestored(p) && slices.ContainsFunc(w.known(p), func(all []entry) bool { // one who was heard at the old place
			return slices.ContainsFunc(all, func(e entry) bool { return e.ref() == log[i].ref() && e.epoch != log[i].epoch })
		})
		if !again && !w.recovered(p, log[i].position) {
			w.add("%s: %v is not heard, but %v before and %v", where, log[i], after, before)
		}
	}
}

// recovered reports whether some node has got an entry after others had heard what comes later.
func (w *world) recovered(p place, at position) bool {
	return slices.ContainsFunc(w.hosts, func(host string) bool {
		log := w.logs[host][p]
		i, found := slices.BinarySearchFunc(log, at, func(e entry, at position) int { return e.compare(at) })
		return found && log[i].recovered != ""
	})
}

// nothingMissed holds that those who are told at LOGIN what they have missed have heard everything.
func (w *world) nothingMissed() {
	type ear struct {
		who   string
		place place
	}
	last, torn := map[ear]position{}, map[string]bool{}
	for _, h := range w.hearings { // in the order of one's connections
		after := torn[h.who]
		torn[h.who] = h.torn
		for p, all := range h.heard {
			at := ear{h.who, p}
			first := true
			for _, e := range all {
				if _, found := w.at[p][e.position]; !found {
					continue
				}
				if before, heard := last[at]; first && heard && h.whole && !after && before.compare(e.position) < 0 {
					w.missed(fmt.Sprintf("%s, before connection %d, %v", h.who, h.round, p), p, before, e.position)
				}
				first = false
				if e.compare(last[at]) > 0 {
					last[at] = e.position
				}
			}
		}
	}
}
