package federation

import (
	"slices"
	"strings"

	"chatnode/channels"
)

// What a peer asks for its people: rows of its outbox, which take effect exactly once, whatever dies when (federation
// protocol §2), or plain lines.

// An asking is what a peer asks for one of its people.
type asking struct {
	line
	user string // as the answer names them
	what string // the command that is answered
	to   string // the channel or person that the answer names
	// do carries it out. at is the place in the log that the answer tells, if it has one.
	do func(tx channels.Tx, p *channels.Peer) (at channels.Position, err error)
	// then runs after the commit.
	then func(d *channels.Delivery, err error)
	// quiet: a plain peer hears of a failure alone.
	quiet bool
}

// ask carries out what a peer asks, once, and answers. A row that comes before the peer was told what is had of its rows
// is none that counts: it comes again. A plain peer's message has to wait until what was lost has been given back.
func (l *link) ask(a asking) {
	row := a.n != channels.Position{}
	if row && !l.told.Load() {
		l.pass("before-have")
		return
	}
	if !row && l.service.recovery.isActive() {
		a.do = func(channels.Tx, *channels.Peer) (at channels.Position, err error) {
			return at, channels.Refuse(channels.Timeout)
		}
	}
	var at channels.Position
	var err error
	again := false
	l.session.Do(channels.Step{Do: func(tx channels.Tx) error {
		again, err = false, nil
		peer, failure := tx.PeerByID(l.id)
		if failure != nil {
			return failure
		}
		if again, failure = l.again(tx, a.n); again || failure != nil {
			return failure
		}
		if a.bad {
			err = channels.Refuse(channels.Malformed)
		} else if at, err = a.do(tx, peer); err != nil && !channels.IsRefusal(err) {
			return err
		}
		return l.settle(tx, a, at, err)
	}, Done: func(d *channels.Delivery, failure error) {
		switch {
		case failure != nil:
			l.fail(failure)
			return
		case a.n != channels.Position{}:
			l.have[a.n.Epoch] = max(l.have[a.n.Epoch], a.n.Seq)
		case !a.quiet || err != nil:
			l.say(a.answer(l.own, err))
		}
		if a.then != nil && !again {
			a.then(d, err)
		}
	}})
}

// again reports whether a row took effect before.
func (l *link) again(tx channels.Tx, n channels.Position) (bool, error) {
	if n == (channels.Position{}) {
		return false, nil
	}
	have, err := tx.Have(l.id, n.Epoch)
	return n.Seq <= have, err
}

// settle notes that a row has taken effect, and puts its answer in the outbox.
func (l *link) settle(tx channels.Tx, a asking, at channels.Position, err error) error {
	if a.n == (channels.Position{}) {
		return nil
	}
	if err := tx.SetHave(l.id, a.n.Epoch, a.n.Seq); err != nil {
		return err
	}
	if a.what == "" {
		return nil
	}
	tags := "@re=" + pair(a.n)
	if err == nil && at != (channels.Position{}) {
		tags += ";" + place(at)
	}
	if err != nil {
		tags += ";err=" + string(channels.WordOf(err))
	}
	return tx.Send(l.id, &channels.Row{Verb: "FEDRESULT", Line: tags + " " + a.answer(channels.OwnHost, err)})
}

// answer is the FEDRESULT line, without its tags.
func (a *asking) answer(own string, err error) string {
	to := short(a.to)
	if !strings.Contains(to, "@") && to != "" {
		to += ":" + own
	}
	end := " 1"
	if err != nil {
		end = " 0"
	}
	return strings.Join(slices.DeleteFunc([]string{"FEDRESULT", a.user, short(a.what), to}, func(w string) bool { return w == "" }), " ") + end
}

// bareUser is the name before the host, for an answer.
func bareUser(address string) string {
	name, _, _ := strings.Cut(address, "@")
	return short(name)
}

// short is a name as it is repeated: one that is longer than any can be is not.
func short(name string) string {
	if len(name) > 4*channels.MaxName {
		return "*"
	}
	return name
}

// join is FEDJOIN user@itshost chan.
func (l *link) join(ln line) {
	words := ln.words(2)
	if len(words) < 2 || strings.Contains(words[1], " ") {
		words = append(words, "")[:2]
		ln.bad = true
	}
	name, mine := l.acts(words[0])
	channel := l.ours(words[1])
	first := l.kind == channels.PlainLink && !l.joined[name+" "+channel]
	if first && len(l.joined) < maxJoined {
		l.joined[name+" "+channel] = true
	}
	var state *channels.State
	var members []string
	l.ask(asking{line: ln, user: bareUser(words[0]), what: "JOIN", to: channel, do: func(tx channels.Tx, p *channels.Peer) (at channels.Position, err error) {
		state = nil
		if !mine {
			return at, channels.Refuse(channels.Forbidden)
		}
		by, err := tx.RemotePerson(p, name, true)
		if err != nil {
			return at, err
		}
		err = channels.Join(tx, by, channel)
		if channels.WordOf(err) == channels.AlreadyMember && (first || l.kind == channels.ExtendedLink) {
			err = nil
		}
		if err != nil {
			return at, err
		}
		s, err := tx.Channel(channel)
		if err != nil {
			return at, err
		}
		if s.Elsewhere[p.ID] == 1 && l.kind == channels.ExtendedLink {
			state = s
			members, err = memberList(tx, s)
		}
		return s.Head, err
	}, then: func(d *channels.Delivery, err error) {
		if err == nil && state != nil && d.Listens(l.seat, state.Channel) {
			l.session.PutState(stateLines(state, members, l.hello.line))
		}
	}})
}

// maxJoined bounds how many first FEDJOINs of a plain peer's people are remembered.
const maxJoined = 1 << 16

// memberList is the members of a channel of this node, as its peers write them: its own bare.
func memberList(tx channels.Tx, s *channels.State) ([]string, error) {
	names := make([]string, 0, len(s.Members))
	for id := range s.Members {
		p, err := tx.PersonByID(id)
		if err != nil {
			return nil, err
		}
		names = append(names, p.Address())
	}
	return names, nil
}

// left is FEDLEAVE user@itshost chan.
func (l *link) left(ln line) {
	words := append(ln.words(2), "")
	name, mine := l.acts(words[0])
	channel := l.ours(words[1])
	l.ask(asking{line: ln, user: bareUser(words[0]), what: "LEAVE", to: channel, do: func(tx channels.Tx, p *channels.Peer) (at channels.Position, err error) {
		by, err := l.person(tx, p, name, mine)
		if err != nil {
			return at, err
		}
		return at, channels.Leave(tx, by, channel)
	}})
}

// person finds one of the peer's people.
func (l *link) person(tx channels.Tx, p *channels.Peer, name string, mine bool) (channels.Person, error) {
	if !mine {
		return channels.Person{}, channels.Refuse(channels.Forbidden)
	}
	by, err := tx.RemotePerson(p, name, false)
	if err == nil && by.ID == 0 {
		err = channels.Refuse(channels.NotMember)
	}
	return by, err
}

// hearSaid is FEDSAY user@itshost chan text.
func (l *link) hearSaid(ln line) {
	words := append(ln.words(3), "", "")
	name, mine := l.acts(words[0])
	channel, text := l.ours(words[1]), words[2]
	readOnly := l.line != nil && l.line.Trust == ReadOnly
	l.ask(asking{line: ln, user: bareUser(words[0]), what: "SAY", to: channel, quiet: true, do: func(tx channels.Tx, p *channels.Peer) (at channels.Position, err error) {
		by, err := l.person(tx, p, name, mine && !readOnly)
		if err != nil {
			return at, err
		}
		return channels.SayFrom(tx, by, channel, text, l.origin(ln))
	}})
}

// origin is the name everywhere of a message that the peer's people say: the number of its row. A plain peer gives none.
func (l *link) origin(ln line) channels.Origin {
	if ln.n == (channels.Position{}) {
		return channels.Origin{}
	}
	return channels.Origin{Peer: l.id, Inc: ln.n.Epoch, N: ln.n.Seq}
}

// whispered is FEDWHISPER user@itshost touser text.
func (l *link) whispered(ln line) {
	words := append(ln.words(3), "", "")
	name, mine := l.acts(words[0])
	readOnly := l.line != nil && l.line.Trust == ReadOnly
	l.ask(asking{line: ln, user: bareUser(words[0]), what: "WHISPER", to: bareUser(words[1]) + "@" + channels.OwnHost, do: func(tx channels.Tx, p *channels.Peer) (at channels.Position, err error) {
		if !mine || readOnly {
			return at, channels.Refuse(channels.Forbidden)
		}
		by, err := tx.RemotePerson(p, name, true)
		if err != nil {
			return at, err
		}
		return at, channels.WhisperFrom(tx, by, bareUser(words[1]), words[2], l.origin(ln))
	}})
}

// commands of FEDDO, by their names.
var commands = map[string]channels.RuleOverSomeone{
	"KICK":  channels.Kick,
	"BAN":   channels.Ban,
	"UNBAN": channels.Unban,
	"OP":    channels.MakeOperator,
	"DEOP":  channels.UnmakeOperator,
	"TOPIC": channels.SetTopic,
}

// command is FEDDO user@itshost KICK chan target, and its like.
func (l *link) command(ln line) {
	words := append(ln.words(4), "", "", "")
	name, mine := l.acts(words[0])
	what, channel, argument := words[1], l.ours(words[2]), words[3]
	l.ask(asking{line: ln, user: bareUser(words[0]), what: what, to: channel, do: func(tx channels.Tx, p *channels.Peer) (at channels.Position, err error) {
		rule, known := commands[what]
		by, err := l.person(tx, p, name, mine)
		switch {
		case err != nil:
			return at, err
		case !known:
			return at, channels.Refuse(channels.UnknownCommand)
		}
		if what != "TOPIC" {
			argument = l.target(argument)
		}
		return at, rule(tx, by, channel, argument)
	}})
}

// target is the address of a person as this node writes it: bare for its own.
func (l *link) target(address string) string {
	if name, host := channels.SplitHost(address, '@', l.own); host == "" {
		return name
	}
	return address
}
