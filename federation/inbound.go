package federation

import (
	"slices"
	"strings"

	"chatnode/channels"
	"chatnode/node/session"
)

// A verb is what a peer may say, and when.
type verb struct {
	run func(l *link, ln line)
	// early: before FEDCHANNELS too. acts: it is said for one of the peer's people; who says it first without FEDCHANNELS
	// is a plain peer. extended: it is passed over on a plain link.
	early, acts, extended bool
}

// verbs is every line that counts on a link. What is not here is passed over (seed 003: unknown messages may be ignored).
var verbs map[string]verb

func init() { // not in the declaration: the handlers name verbs too
	verbs = map[string]verb{
		"FEDERATE-OUT":    {run: func(*link, line) {}, early: true},
		"FEDERATECONFIRM": {run: (*link).confirm, early: true},
		"FEDHELLO":        {run: (*link).greet, early: true},
		"FEDCHANNELS":     {run: (*link).channels, early: true},
		"FEDBYE":          {run: (*link).partingWord, early: true},
		"FEDNEW":          {run: (*link).channelMade},
		"FEDJOIN":         {run: (*link).join, acts: true},
		"FEDSAY":          {run: (*link).hearSaid, acts: true},
		"FEDLEAVE":        {run: (*link).left, acts: true, extended: true},
		"FEDWHISPER":      {run: (*link).whispered, acts: true, extended: true},
		"FEDDO":           {run: (*link).command, acts: true, extended: true},
		"FEDRESULT":       {run: (*link).result},
		"FEDRECV":         {run: (*link).receive},
		"FEDHAVE":         {run: (*link).hasRows, extended: true},
		"FEDSYNC":         {run: (*link).syncAsked, extended: true},
		"FEDPULL":         {run: (*link).pullAsked, extended: true},
		"FEDPULLED":       {run: (*link).pulled, extended: true},
		"FEDGAP":          {run: (*link).gap, extended: true},
		"FEDEPOCH":        {run: (*link).epoch, extended: true},
		"FEDMEMBERS":      {run: (*link).members, extended: true},
		"FEDMEMBER":       {run: (*link).member, extended: true},
		"FEDTOPIC":        {run: (*link).topic, extended: true},
		"FEDGONE":         {run: (*link).gone, extended: true},
		"FEDACK":          {run: (*link).acknowledged, extended: true},
		"FEDPING":         {run: (*link).ping, extended: true},
		"FEDPONG":         {run: (*link).pong, extended: true},
	}
}

// handle carries out one line of the peer.
func (l *link) handle(text []byte) {
	ln := parseLine(text)
	v, known := verbs[ln.verb]
	if known && v.acts && l.confirmed {
		l.learnName(ln)
	}
	switch {
	case l.word != "":
	case !known:
		l.pass("unknown")
	case !l.confirmed && ln.verb != "FEDERATECONFIRM" && ln.verb != "FEDBYE":
		l.pass("not-confirmed")
	case !l.introduced && !v.early:
		l.pass("not-introduced")
	case v.extended && l.kind != channels.ExtendedLink:
		l.pass("not-extended")
	case ln.bad && ln.n == channels.Position{}:
		l.pass("malformed")
	default:
		v.run(l, ln)
	}
}

// learnName looks whose people a peer acts for, if it has not said who it is.
func (l *link) learnName(ln line) {
	address, _, _ := strings.Cut(ln.rest, " ")
	_, host, ok := parseAddress(address, '@')
	if !ok || l.claim.acting != "" || l.hello.said && !l.introduced {
		return
	}
	l.setClaim(func(c *claimant) { c.acting = host })
	if !l.introduced {
		l.introduce()
		return
	}
	if l.kind == channels.PlainLink && l.naming != channels.NamedByList {
		l.rename()
	}
}

func (l *link) setClaim(change func(*claimant)) {
	l.service.mu.Lock()
	defer l.service.mu.Unlock()
	change(&l.claim)
}

func (l *link) confirm(line) {
	if !l.confirmed && l.dialled != nil {
		l.confirmed = true
		l.introduceSelf()
	}
}

func (l *link) greet(ln line) {
	if l.hello.said || l.introduced {
		l.pass("second-hello")
		return
	}
	l.hello = parseHello(ln.rest)
	l.setClaim(func(c *claimant) { c.hello = l.hello.host })
	if w := l.mayStay(); w != "" {
		l.word = w
	} else if l.line == nil || !l.line.Plain {
		l.introduce()
	}
}

// partingWord is why the peer ends the link.
func (l *link) partingWord(ln line) {
	if ln.rest == byeSelf {
		l.service.never(l.dialled)
	}
	if l.said = "bye"; slices.Contains(byeWords, ln.rest) {
		l.said = ln.rest
	}
}

// byeWords are the reasons of a peer's FEDBYE that ends are counted under; all others are one.
var byeWords = []string{byeSelf, byeSameHost, byeHello, byeDuplicate, byeUnavailable, byeDead, byeNotListed, byeBlocked, byeFull,
	session.WordClosing, session.WordTimeout, session.WordStalled, session.WordBusy}

func (l *link) channelMade(ln line) {
	l.addNames(ln.rest)
	l.showNames()
}

func (l *link) ping(ln line) { l.say("FEDPONG", ln.rest[:min(len(ln.rest), maxPing)]) }

// maxPing is how much of a FEDPING is repeated.
const maxPing = 512

func (l *link) pong(ln line) {
	if ln.rest == recoveryPing {
		l.session.Commit()
		l.service.recovery.answered(l)
	}
}

// acts reports whether an address is of a person that the peer may act for, and gives their name.
func (l *link) acts(address string) (name string, ok bool) {
	name, host, ok := parseAddress(address, '@')
	if !ok || host != l.host {
		l.pass("not-its-user")
		return name, false
	}
	return name, true
}

// ofPeer is the bare name of a channel of the peer's, as it writes it: with its host or without.
func (l *link) ofPeer(channel string) (name string, ok bool) {
	name, host, full := strings.Cut(channel, ":")
	if full && host != l.host {
		l.pass("not-its-channel")
		return "", false
	}
	name, err := channels.ParseName(name)
	return name, err == nil
}

// ours is the bare name of a channel of this node, as a peer writes it: bare, or with our host.
func (l *link) ours(channel string) string {
	name, _ := channels.SplitHost(channel, ':', l.own)
	return channels.NormalName(name)
}

// carried tells the peer what has taken effect. Called each time when steps have been carried out.
func (l *link) carried() {
	for inc, n := range l.have {
		l.say("FEDHAVE", numbers(channels.Position{Epoch: inc, Seq: n}))
	}
	clear(l.have)
	if l.word != "" {
		return
	}
	l.listen()
	l.applyTouched()
	l.acknowledge()
}
