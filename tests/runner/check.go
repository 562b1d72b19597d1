package runner

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// check finds what no schema can: names that mean nothing.
func (d *decoder) check(c *Case, path string) {
	k := checker{decoder: d, c: c, path: path, talks: map[string]bool{}, peers: map[string]bool{}, known: map[string]bool{}}
	k.roles(c.Steps)
	k.nodes()
	k.steps(c.Steps)
}

// A checker goes through a case in the order of its text.
type checker struct {
	*decoder
	c     *Case
	path  string
	peers map[string]bool // every client and peer of the case, and whether it is a peer
	talks map[string]bool // clients and peers that have connected or listened so far
	known map[string]bool // variables that have a value so far
}

func (k *checker) field(place string) string { return inFile(k.path, place) }

// roles finds out who is a peer, and which of them listen.
func (k *checker) roles(steps []Step) {
	for i := range steps {
		s := &steps[i]
		switch s.verb {
		case "listen":
			if !slices.Contains(k.c.dialled, s.who) {
				k.c.dialled = append(k.c.dialled, s.who)
			}
		case "stop", "start":
			k.c.restarts = true
			continue
		case "repeat":
			k.roles(s.steps)
		}
		if s.who == "" {
			continue
		}
		if was, known := k.peers[s.who]; known && was != s.peer {
			k.problem(k.field(s.Path), "%s is a client and a peer: give one of them another name", s.who)
		}
		k.peers[s.who] = s.peer
	}
}

// configured are the keys that the runner sets itself.
var configured = []string{"host", "listen.chat", "federation.peers"}

func (k *checker) nodes() {
	for i, n := range k.c.Nodes {
		field := k.field(join("nodes", strconv.Itoa(i)))
		if k.c.node(n.ID) != &k.c.Nodes[i] {
			k.problem(field+".id", "another node is called %s", n.ID)
		}
		if k.peers[n.ID] {
			k.problem(field+".id", "a peer is called %s too", n.ID)
		}
		for j, id := range n.Peers {
			place := join(field+".peers", strconv.Itoa(j))
			switch {
			case id == n.ID:
				k.problem(place, "a node is no peer of itself")
			case k.c.node(id) == nil && !slices.Contains(k.c.dialled, id):
				k.problem(place, "there is no node %s, and no peer of that name that listens", id)
			}
		}
		for _, key := range configured {
			if _, ok := n.Config[key]; ok {
				k.problem(field+".config."+key, "the runner sets this key itself")
			}
		}
	}
}

func (k *checker) steps(steps []Step) {
	for i := range steps {
		s := &steps[i]
		k.who(s)
		for _, text := range []string{s.text, s.expect.text} {
			k.variables(s, text)
		}
		k.binds(s.who, s.expect)
		for _, w := range s.all {
			k.connected(s, w.who)
			k.variables(s, w.expect.text)
		}
		for _, w := range s.all {
			k.binds(w.who, w.expect)
		}
		if s.verb == "repeat" {
			outer := k.known["i"]
			k.known["i"] = true
			k.steps(s.steps)
			k.known["i"] = outer
		}
	}
}

// who checks who does a step, and to whom.
func (k *checker) who(s *Step) {
	switch s.verb {
	case "connect":
		if s.text != "" && k.c.node(s.text) == nil {
			k.problem(k.field(s.Path)+".connect", "there is no node %s", s.text)
		}
		k.talks[s.who] = true
	case "listen":
		if !slices.ContainsFunc(k.c.Nodes, func(n Node) bool { return slices.Contains(n.Peers, s.who) }) {
			k.problem(k.field(s.Path)+".listen", "no node has %s among its peers", s.who)
		}
		k.talks[s.who] = true
	case "stop", "start":
		if k.c.node(s.who) == nil {
			k.problem(k.field(s.Path)+".node", "there is no node %s", s.who)
		}
	case "cut", "heal":
		if !k.c.linked(s.link[0], s.link[1]) && !k.c.linked(s.link[1], s.link[0]) {
			k.problem(k.field(s.Path)+".link", "neither %s nor %s has the other among its peers", s.link[0], s.link[1])
		}
	case "sleep", "expect_all", "repeat":
	default:
		k.connected(s, s.who)
	}
}

func (c *Case) linked(from, to string) bool {
	n := c.node(from)
	return n != nil && slices.Contains(n.Peers, to)
}

func (k *checker) connected(s *Step, who string) {
	if !k.talks[who] {
		k.problem(k.field(s.Path), "%s has not connected before", who)
	}
}

// variables checks that what a text uses has a value by then.
func (k *checker) variables(s *Step, text string) {
	for _, found := range names(text) {
		if !strings.HasSuffix(found, "}") || !k.known[name(found)] {
			k.problem(k.field(s.Path), "nothing is known as %s here ($${ stands for ${ itself)", found)
		}
	}
}

// binds notes the variables that a pattern gives values to.
func (k *checker) binds(who string, p pattern) {
	if !p.regex {
		return
	}
	for _, group := range group.FindAllStringSubmatch(p.text, -1) {
		k.known[who+"."+group[1]] = true
	}
}

// group finds the named groups of a regular expression.
var group = regexp.MustCompile(`\(\?P?<([A-Za-z_][A-Za-z0-9_]*)>`)
