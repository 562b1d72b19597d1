//go:build linux

package faults_test

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
)

// A place is a channel.
type place struct{ name, home string }

func (p place) String() string { return p.name + ":" + p.home }

// seen is what people of a node call the place.
func (p place) seen(host string) string {
	if p.home == host {
		return p.name
	}
	return p.String()
}

// A position is where a message stands in a channel. Epoch 0 is the channel's first.
type position struct{ epoch, seq int64 }

func (p position) String() string {
	if p.epoch == 0 {
		return strconv.FormatInt(p.seq, 10)
	}
	return fmt.Sprintf("%d.%d", p.epoch, p.seq)
}

func (p position) compare(q position) int {
	return cmp.Or(cmp.Compare(p.epoch, q.epoch), cmp.Compare(p.seq, q.seq))
}

// An entry is a message as somebody heard it, or as HISTORY shows it. Names have their host, wherever it was seen.
type entry struct {
	position
	id     string // "inc.n"
	author string // name@host
	time   string
	text   string

	// of what is shown, not of the message
	gap       bool
	recovered string
}

// same reports whether two nodes show the same message at the same place.
func (e entry) same(f entry) bool {
	e.gap, e.recovered, f.gap, f.recovered = false, "", false, ""
	return e == f
}

func (e entry) String() string {
	return fmt.Sprintf("%v %s %s %s %.40q", e.position, e.id, e.time, e.author, e.text)
}

// ref is what the message was called by who said it: the first word of its text.
func (e entry) ref() string { return refOf(e.text) }

func refOf(text string) string {
	ref, _, _ := strings.Cut(text, " ")
	return ref
}

// speakerOf is who said a message, of those whose names the suite knows.
func speakerOf(ref string) string {
	speaker, _, _ := strings.Cut(ref, "-")
	return speaker
}

// A said line is a line of a node to a client, in parts.
type said struct {
	tags map[string]string
	verb string
	rest string // what follows the verb
}

var unescape = strings.NewReplacer(`\:`, ";", `\s`, " ", `\\`, `\`, `\r`, "\r", `\n`, "\n")

func parse(line string) said {
	var s said
	if list, rest, found := strings.Cut(line, " "); found && strings.HasPrefix(list, "@") {
		s.tags, line = map[string]string{}, rest
		for tag := range strings.SplitSeq(list[1:], ";") {
			key, value, _ := strings.Cut(tag, "=")
			s.tags[key] = unescape.Replace(value)
		}
	}
	s.verb, s.rest, _ = strings.Cut(line, " ")
	return s
}

// message reads a RECV line as somebody at a node got it.
func (s said) message(host string) (place, entry, error) {
	author, rest, _ := strings.Cut(s.rest, " ")
	channel, text, ok := strings.Cut(rest, " ")
	p, e := parsePlace(channel, host), entry{id: s.tags["id"], author: author, time: s.tags["time"], text: text}
	if !ok || s.verb != "RECV" {
		return p, e, fmt.Errorf("%q is no message", s.verb+" "+s.rest)
	}
	if !strings.Contains(author, "@") {
		e.author += "@" + host
	}
	e.gap, e.recovered = s.tags["gap"] != "", s.tags["recovered"]
	var err error
	e.position, err = parsePosition(s.tags["seq"])
	return p, e, err
}

func parsePlace(channel, host string) place {
	if name, home, far := strings.Cut(channel, ":"); far {
		return place{name, home}
	}
	return place{channel, host}
}

// parsePosition reads [epoch.]seq.
func parsePosition(s string) (p position, err error) {
	epoch, seq, later := strings.Cut(s, ".")
	if !later {
		epoch, seq = "0", s
	}
	if p.epoch, err = strconv.ParseInt(epoch, 10, 64); err == nil {
		p.seq, err = strconv.ParseInt(seq, 10, 64)
	}
	return p, err
}
