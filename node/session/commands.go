package session

import (
	"context"
	"slices"
	"time"

	"chatnode/channels"
)

// The commands of a person (native protocol §3 and §5). Each takes a function that makes the tongue's answer; it gets nil
// or a Refusal, and is called after the command has been carried out and before any later one is answered. Commands that
// change something are gathered and carried out together, in order, by the next Commit; the others Commit first.

// change asks for something that only a logged-in person may do to a channel or person of this node; elsewhere does it to
// one of another node.
func (s *Session) change(address string, sep byte, do func(tx channels.Tx, by channels.Person, name string) error, reply func(error) []byte, elsewhere func(name, host string)) {
	if s.seat == nil {
		s.refuse(channels.NotLoggedIn, reply)
		return
	}
	name, host := channels.SplitHost(address, sep, s.Host())
	switch {
	case host == "":
		by := s.seat.Person
		s.do(func(tx channels.Tx) error { return do(tx, by, name) }, reply)
	case elsewhere == nil:
		s.refuse(channels.PeerUnknown, reply)
	default:
		elsewhere(channels.NormalName(name), host)
	}
}

// refuse answers a command that is not carried out, in its place.
func (s *Session) refuse(w channels.Word, reply func(error) []byte) {
	s.Reply(reply(channels.Refuse(w)))
}

// Create makes a channel owned by the person, who does not join it. The name is bare.
func (s *Session) Create(name string, reply func(error) []byte) {
	if s.seat == nil {
		s.refuse(channels.NotLoggedIn, reply)
		return
	}
	by := s.seat.Person
	s.do(func(tx channels.Tx) error { return channels.Create(tx, by, name) }, reply)
}

// Join makes the person a member; they hear the channel after the answer.
func (s *Session) Join(channel string, reply func(error) []byte) {
	s.change(channel, ':', channels.Join, reply, func(name, host string) {
		s.Commit()
		s.server.Remote.Join(s, name, host, reply)
	})
}

// Leave ends the membership; what was said before is still heard.
func (s *Session) Leave(channel string, reply func(error) []byte) {
	s.change(channel, ':', channels.Leave, reply, func(name, host string) {
		by := s.seat.Person
		s.do(func(tx channels.Tx) error {
			c, err := channels.Remote(tx, host, name)
			if err != nil {
				return err
			}
			return channels.LeaveRemote(tx, by, c.Channel)
		}, reply)
	})
}

// Delete ends a channel of the person's.
func (s *Session) Delete(channel string, reply func(error) []byte) {
	s.change(channel, ':', channels.Delete, reply, nil)
}

// Say says a line of text in a channel. The answer comes after the line itself. See channels.Say for ref. In a channel of
// another node reply may be called twice: when the message waits for that node, and at its end.
func (s *Session) Say(channel, text, ref string, reply func(channels.RefResult, error) []byte) {
	var said channels.RefResult
	s.spoke = true
	s.waitUntilRecovered()
	s.change(channel, ':', func(tx channels.Tx, by channels.Person, name string) (err error) {
		said, err = channels.Say(tx, by, name, text, ref)
		return err
	}, func(err error) []byte { return reply(said, err) }, func(name, host string) {
		s.Do(s.server.Remote.Say(s, name, host, text, ref, reply))
	})
}

// waitUntilRecovered holds new messages back while peers are asked for what was lost.
func (s *Session) waitUntilRecovered() {
	recovered := s.server.Remote.Recovered()
	select {
	case <-recovered:
		return
	default:
	}
	s.Commit()
	select {
	case <-recovered:
	case <-s.out.closed:
	case <-s.ctx.Done():
	}
}

// Whisper leaves a line of text in a person's inbox.
func (s *Session) Whisper(to, text, ref string, reply func(channels.RefResult, error) []byte) {
	var said channels.RefResult
	s.change(to, '@', func(tx channels.Tx, by channels.Person, name string) (err error) {
		said, err = channels.Whisper(tx, by, name, text, ref)
		return err
	}, func(err error) []byte { return reply(said, err) }, func(name, host string) {
		s.Commit()
		s.server.Remote.Whisper(s, name, host, text, ref, false, reply)
	})
}

// WhisperOnLine is Whisper to somebody who is on line, if it is a person of this node: others are NoSuchUser. Nothing waits for
// another node that is away: that is PeerDown.
func (s *Session) WhisperOnLine(to, text string, reply func(error) []byte) {
	s.spoke = true
	s.change(to, '@', func(tx channels.Tx, by channels.Person, name string) error {
		p, err := channels.Somebody(tx, name)
		if err == nil && p.ID != by.ID && !s.server.Hub.IsOnLine(p.ID) { // who asks is, also when nothing more will come from them
			err = channels.Refuse(channels.NoSuchUser)
		}
		if err == nil {
			_, err = channels.Whisper(tx, by, name, text, "")
		}
		return err
	}, reply, func(name, host string) {
		s.Commit()
		s.server.Remote.Whisper(s, name, host, text, "", true, func(_ channels.RefResult, err error) []byte { return reply(err) })
	})
}

// Enter lets a session that Enters hear a channel that the person is a member of, and no other, from the answer on. back: as
// in channels.Delivery.Enter; it is asked when all that was asked for before has been carried out.
func (s *Session) Enter(channel string, back func() bool, reply func(error) []byte) {
	if s.seat == nil {
		s.refuse(channels.NotLoggedIn, reply)
		return
	}
	by, seat := s.seat.Person, s.seat
	name, host := channels.SplitHost(channel, ':', s.Host())
	var c *channels.State
	s.pending = append(s.pending, channels.Step{Asker: s, Do: func(tx channels.Tx) (err error) {
		if host != "" {
			c, err = channels.JoinedRemote(tx, by, host, channels.NormalName(name))
		} else {
			c, err = channels.JoinedHere(tx, by, name)
		}
		return err
	}, Done: func(d *channels.Delivery, err error) {
		if err == nil {
			d.Enter(seat, c.Channel, c.Head, back())
		}
		s.answer(d.Order(), func() []byte { return reply(err) })
	}})
}

// Topic tells a channel's topic; that of a channel of another node as its home told it.
func (s *Session) Topic(channel string, reply func(string, error) []byte) {
	var topic string
	answer := func(err error) []byte { return reply(topic, err) }
	s.change(channel, ':', func(tx channels.Tx, by channels.Person, name string) (err error) {
		topic, err = channels.Topic(tx, by, name)
		return err
	}, answer, func(name, host string) {
		by := s.seat.Person
		s.do(func(tx channels.Tx) error {
			c, err := channels.JoinedRemote(tx, by, host, name)
			if err == nil {
				topic = c.Topic
			}
			return err
		}, answer)
	})
}

// SetTopic changes a channel's topic.
func (s *Session) SetTopic(channel, topic string, reply func(error) []byte) {
	s.change(channel, ':', func(tx channels.Tx, by channels.Person, name string) error {
		return channels.SetTopic(tx, by, name, topic)
	}, reply, s.command("TOPIC", topic, reply))
}

// command is what asks another node for something that operators do.
func (s *Session) command(verb, argument string, reply func(error) []byte) func(name, host string) {
	return func(name, host string) {
		s.Commit()
		s.server.Remote.Command(s, verb, name, host, argument, reply)
	}
}

// Kick, Ban, Unban, Op and Deop do something to another person in a channel.

// Kick ends a membership.
func (s *Session) Kick(channel, who string, reply func(error) []byte) {
	s.over("KICK", channel, who, channels.Kick, reply)
}

// Ban ends a membership and keeps the person out.
func (s *Session) Ban(channel, who string, reply func(error) []byte) {
	s.over("BAN", channel, who, channels.Ban, reply)
}

// Unban lets a person join again.
func (s *Session) Unban(channel, who string, reply func(error) []byte) {
	s.over("UNBAN", channel, who, channels.Unban, reply)
}

// Op gives a member an operator's rights.
func (s *Session) Op(channel, who string, reply func(error) []byte) {
	s.over("OP", channel, who, channels.MakeOperator, reply)
}

// Deop takes an operator's rights away.
func (s *Session) Deop(channel, who string, reply func(error) []byte) {
	s.over("DEOP", channel, who, channels.UnmakeOperator, reply)
}

func (s *Session) over(verb, channel, who string, rule channels.RuleOverSomeone, reply func(error) []byte) {
	target := who
	if name, host := channels.SplitHost(who, '@', s.Host()); host == "" {
		target = name
	}
	s.change(channel, ':', func(tx channels.Tx, by channels.Person, name string) error {
		return rule(tx, by, name, target)
	}, reply, s.command(verb, target, reply))
}

// Channels lists the channels that can be joined, to anybody, as in "a, b".
func (s *Session) Channels() string {
	s.Commit()
	return s.server.Hub.List()
}

// OnLine lists everybody on line here, in the order in which they logged in. Who has closed the connection is not, also
// when nobody has noticed yet; who asks is, also when nothing more will come from them.
func (s *Session) OnLine() ([]channels.Person, error) {
	s.Commit()
	if s.seat == nil {
		return nil, channels.Refuse(channels.NotLoggedIn)
	}
	me := s.seat.Person.ID
	return slices.DeleteFunc(s.server.Hub.OnLine(), func(p channels.Person) bool {
		return p.ID != me && !s.server.Hub.IsOnLine(p.ID)
	}), nil
}

// WhoIsOnLine names everybody on line here, in code point order.
func (s *Session) WhoIsOnLine() ([]string, error) {
	all, err := s.OnLine()
	names := addresses(all)
	slices.Sort(names)
	return names, err
}

// Who names the members of a channel that are on line here, and all that are people of other nodes, to members.
func (s *Session) Who(channel string) (names []string, err error) {
	s.Commit()
	c, err := s.heard(channel)
	if err != nil {
		return nil, err
	}
	if c.Kind == channels.Inbox {
		return nil, channels.Refuse(channels.NoSuchChannel)
	}
	here, err := s.server.Hub.Hearing(s.seat, c.Address())
	if err != nil {
		return nil, err
	}
	names = addresses(here)
	var elsewhere []channels.Person
	err = s.read("who is in a channel", func(ctx context.Context) (err error) {
		elsewhere, err = s.server.Log.MembersElsewhere(ctx, c)
		return err
	})
	for _, p := range elsewhere {
		names = append(names, p.Address())
	}
	slices.Sort(names)
	return names, err
}

func addresses(all []channels.Person) []string {
	names := make([]string, len(all))
	for i, p := range all {
		names[i] = p.Address()
	}
	return names
}

// heard finds a channel that the person has joined.
func (s *Session) heard(channel string) (*channels.Channel, error) {
	if s.seat == nil {
		return nil, channels.Refuse(channels.NotLoggedIn)
	}
	name, host := channels.SplitHost(channel, ':', s.Host())
	name = channels.NormalName(name)
	if host == "" {
		return s.server.Hub.Heard(s.seat, name)
	}
	c, err := s.server.Hub.Heard(s.seat, name+":"+host)
	if err == nil {
		return c, nil
	}
	by := s.seat.Person
	why := s.now(func(tx channels.Tx) error { // the hub knows nothing of nodes that are away
		_, err := channels.JoinedRemote(tx, by, host, name)
		return err
	})
	if why != nil {
		err = why
	}
	return nil, err
}

// read reads the database on a goroutine of its own.
func (s *Session) read(what string, f func(context.Context) error) (err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.ctx), readTimeout)
	defer cancel()
	s.aside(ctx, func(ctx context.Context) { err = f(ctx) })
	if err != nil && !channels.IsRefusal(err) {
		s.log().Error("something cannot be read", "what", what, "error", err)
	}
	return err
}

// readTimeout bounds one reading of the log, so that a defect cannot hold a connection for ever.
const readTimeout = 30 * time.Second

// HistoryBytes bounds a page of HISTORY: so many bytes of text, about.
const HistoryBytes = 256 << 10

// A Page asks for messages of a channel: the first Limit after a position, or the last Limit before one, or the last.
type Page struct {
	After, Before string // positions as the client was shown them; empty: none
	Limit         int
}

// A Line is one message of a page of HISTORY. Gap: what stood before it is gone.
type Line struct {
	*channels.Entry
	Gap bool
}

// History reads a page of a channel's log, oldest first, for its members; the person's own inbox is channels.InboxName.
func (s *Session) History(channel string, p Page) (lines []Line, err error) {
	s.Commit()
	c, err := s.heard(channel)
	if err != nil {
		return nil, err
	}
	err = s.read("a page of history", func(ctx context.Context) (err error) {
		lines, err = s.page(ctx, c, p)
		return err
	})
	return lines, err
}

func (s *Session) page(ctx context.Context, c *channels.Channel, p Page) ([]Line, error) {
	before := channels.Last
	if p.Before != "" {
		var err error
		if before, err = c.ParsePosition(p.Before); err != nil {
			return nil, err
		}
	}
	if c.Home != 0 && len(c.Epochs()) == 0 {
		return s.labelled(ctx, c, p)
	}
	if p.After != "" {
		after, err := c.ParsePosition(p.After)
		if err != nil {
			return nil, err
		}
		if start := c.Start(); c.Home != 0 && after.Epoch == start.Epoch && after.Seq < start.Seq {
			start.Seq = min(start.Seq, after.Seq+int64(p.Limit)) + 1
			s.server.Remote.Fetch(ctx, c, start, p.Limit)
		}
		upto := before
		if p.Before != "" {
			upto.Seq--
		}
		entries, err := s.server.Log.After(ctx, c, after, upto, p.Limit, HistoryBytes)
		return withGaps(c, after, entries), err
	}
	entries, err := s.server.Log.Before(ctx, c, before, p.Limit, HistoryBytes)
	if err == nil && c.Home != 0 && len(entries) < p.Limit {
		s.fetch(ctx, c, before, entries, p.Limit)
		entries, err = s.server.Log.Before(ctx, c, before, p.Limit, HistoryBytes)
	}
	if err != nil || len(entries) == 0 {
		return nil, err
	}
	last := c.Start() // or what stands before the page: it tells whether the first line follows something
	prior, err := s.server.Log.Before(ctx, c, entries[0].Position, 1, 1)
	switch {
	case len(prior) > 0:
		last = prior[0].Position
	case c.Home != 0 && !last.Before(entries[0].Position): // its home may have more, and did not say that it is gone
		last = channels.Position{Epoch: entries[0].Epoch, Seq: entries[0].Seq - 1}
	}
	return withGaps(c, last, entries), err
}

// fetch asks the home of a channel for what stands before the oldest entries that there are here.
func (s *Session) fetch(ctx context.Context, c *channels.Channel, before channels.Position, have []*channels.Entry, limit int) {
	oldest := c.Start()
	oldest.Seq++
	if len(have) > 0 {
		oldest = have[0].Position
	}
	if before.Before(oldest) {
		oldest = before
	}
	if !c.Start().Before(oldest) || oldest.Seq == c.Start().Seq+1 { // what is missing stands before what is known here
		s.server.Remote.Fetch(ctx, c, oldest, limit-len(have))
	}
}

func withGaps(c *channels.Channel, last channels.Position, entries []*channels.Entry) []Line {
	lines := make([]Line, len(entries))
	for i, e := range entries {
		lines[i] = Line{e, !e.Precedes(last)}
		last = e.Position
	}
	return lines
}

// labelled reads a page of a channel that there is no log of: what was said in it to this person stands in the inbox.
func (s *Session) labelled(ctx context.Context, c *channels.Channel, p Page) ([]Line, error) {
	inbox, err := s.server.Hub.Heard(s.seat, channels.InboxName)
	if err != nil {
		return nil, err
	}
	after, before := channels.Position{}, channels.Last
	if p.Before != "" {
		if before, err = inbox.ParsePosition(p.Before); err != nil {
			return nil, err
		}
	}
	if p.After != "" {
		if after, err = inbox.ParsePosition(p.After); err != nil {
			return nil, err
		}
	}
	entries, err := s.server.Log.Labelled(ctx, inbox, c, after, before, p.Limit, HistoryBytes, p.After != "")
	lines := make([]Line, len(entries))
	for i, e := range entries {
		lines[i] = Line{Entry: e}
	}
	return lines, err
}

// Peers tells an operator of the node the state of its links.
func (s *Session) Peers() (all []PeerState, err error) {
	if err := s.IsAdmin(); err != nil {
		return nil, err
	}
	err = s.read("the state of peers", func(ctx context.Context) (err error) {
		all, err = s.server.Remote.Peers(ctx)
		return err
	})
	return all, err
}

// IsAdmin refuses whoever is no operator of the node.
func (s *Session) IsAdmin() error {
	s.Commit()
	if s.seat == nil {
		return channels.Refuse(channels.NotLoggedIn)
	}
	if !s.admin {
		return channels.Refuse(channels.Forbidden)
	}
	return nil
}
