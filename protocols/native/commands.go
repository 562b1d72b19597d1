package native

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"chatnode/channels"
	"chatnode/node/session"
)

// A command is one verb of the protocol.
type command struct {
	least, most int  // words that follow the verb, its text not counted
	textAfter   int  // after so many words the rest of the line is one text; 0: no text
	secret      bool // words are not repeated in an answer
	run         func(c *client, r request)
}

// commands is every verb that a client may send. What is not here is unknown.
var commands map[string]command

func init() { // not in the declaration: the handlers parse too
	commands = map[string]command{
		"REGISTER":   {least: 2, most: 2, secret: true, run: (*client).register},
		"LOGIN":      {least: 2, most: 2, secret: true, run: (*client).login},
		"LOGOUT":     {run: (*client).logout},
		"PASSWD":     {least: 2, most: 2, secret: true, run: (*client).passwd},
		"UNREGISTER": {least: 1, most: 1, secret: true, run: (*client).unregister},
		"CREATE":     {least: 1, most: 1, run: onChannel((*session.Session).Create)},
		"JOIN":       {least: 1, most: 1, run: onChannel((*session.Session).Join)},
		"LEAVE":      {least: 1, most: 1, run: onChannel((*session.Session).Leave)},
		"DELETE":     {least: 1, most: 1, run: onChannel((*session.Session).Delete)},
		"SAY":        {least: 1, most: 1, textAfter: 1, run: (*client).say},
		"WHISPER":    {least: 1, most: 1, textAfter: 1, run: (*client).whisper},
		"TOPIC":      {least: 1, most: 1, textAfter: 1, run: (*client).topic},
		"KICK":       {least: 2, most: 2, run: onPerson((*session.Session).Kick)},
		"BAN":        {least: 2, most: 2, run: onPerson((*session.Session).Ban)},
		"UNBAN":      {least: 2, most: 2, run: onPerson((*session.Session).Unban)},
		"OP":         {least: 2, most: 2, run: onPerson((*session.Session).Op)},
		"DEOP":       {least: 2, most: 2, run: onPerson((*session.Session).Deop)},
		"CHANNELS":   {run: (*client).channels},
		"WHO":        {most: 1, run: (*client).who},
		"HISTORY":    {least: 1, most: 4, run: (*client).history},
		"CAPS":       {most: 64, run: (*client).switchOn},
		"PEERS":      {run: (*client).peers},
		"PING":       {least: 1, most: 1, run: (*client).ping},
		"QUIT":       {run: (*client).leave},
	}
}

// onChannel is a command that names a channel and is answered 1 or 0.
func onChannel(do func(*session.Session, string, func(error) []byte)) func(*client, request) {
	return func(c *client, r request) { do(c.Session, r.words[0], c.result(r, r.words[0])) }
}

// onPerson is a command that names a channel and a person in it.
func onPerson(do func(_ *session.Session, channel, who string, reply func(error) []byte)) func(*client, request) {
	return func(c *client, r request) { do(c.Session, r.words[0], r.words[1], c.result(r, r.words...)) }
}

func (c *client) register(r request) { c.Register(r.words[0], r.words[1], c.result(r)) }

func (c *client) login(r request) {
	c.Login(r.words[0], r.words[1], session.LoginOptions{Kind: channels.SeatKind{Multi: c.caps[multiCap]}, Replay: c.caps[replayCap]}, c.result(r))
}

func (c *client) logout(r request)     { c.Logout(c.result(r)) }
func (c *client) passwd(r request)     { c.ChangePassword(r.words[0], r.words[1], c.result(r)) }
func (c *client) unregister(r request) { c.Unregister(r.words[0], c.result(r)) }

func (c *client) say(r request) {
	c.Say(r.words[0], r.text, r.ref, func(said channels.RefResult, err error) []byte {
		if err == nil && (r.ref == "" || !r.tags) || said.Unknown && !r.tags {
			return nil // the line itself is the answer; of what may have been said nothing else is told
		}
		return c.filed(r, said, err)
	})
}

func (c *client) whisper(r request) {
	c.Whisper(r.words[0], r.text, r.ref, func(said channels.RefResult, err error) []byte {
		return c.filed(r, said, err)
	})
}

// filed answers a message: with a ref, where it stands.
func (c *client) filed(r request, said channels.RefResult, err error) []byte {
	if err != nil {
		return c.failed(r, err, r.words[0])
	}
	a := c.answer(r)
	switch {
	case len(a.tags) == 0:
	case said.Queued:
		a.tag("state", "queued")
	case said.Channel != nil:
		a.tag("seq", string(said.Channel.AppendPosition(nil, said.Position)))
		a.tag("state", "stored")
	default: // in the inbox of another node's
		a.tag("state", "stored")
	}
	return a.line(r.words[0], "1")
}

func (c *client) topic(r request) {
	if r.text != "" {
		c.SetTopic(r.words[0], r.text, func(err error) []byte { return c.topicIs(r, r.text, err) })
		return
	}
	c.Topic(r.words[0], func(topic string, err error) []byte { return c.topicIs(r, topic, err) })
}

func (c *client) topicIs(r request, topic string, err error) []byte {
	if err != nil {
		return c.failed(r, err, r.words[0])
	}
	return c.answer(r).line(r.words[0], "1", topic)
}

func (c *client) channels(r request) { c.Reply(c.answer(r).line(c.Channels())) }

func (c *client) who(r request) {
	names, err := c.names(r)
	if err != nil {
		c.Reply(c.failed(r, err, r.words...))
		return
	}
	c.Reply(c.answer(r).line(append(r.words, list(names))...))
}

func (c *client) names(r request) ([]string, error) {
	if len(r.words) == 0 {
		return c.WhoIsOnLine()
	}
	return c.Who(r.words[0])
}

// The number of lines in a page of HISTORY.
const (
	usualPage = 100
	mostLines = 1000
)

func (c *client) history(r request) {
	var lines []session.Line
	page, err := parsePage(r.words[1:])
	if err == nil {
		lines, err = c.History(r.words[0], page)
	}
	if err != nil {
		c.Reply(c.failed(r, err, r.words[0]))
		return
	}
	p := c.answer(r).line(r.words[0], strconv.Itoa(len(lines)))
	for _, l := range lines {
		p = inPieces(p, l.Entry, c.protocol.LineBytes, func(dst []byte, e *channels.Entry, more string) []byte {
			if l.Gap {
				more += ";gap=1"
			}
			return appendWith(dst, e, more)
		})
	}
	c.Reply(p)
}

func parsePage(options []string) (session.Page, error) {
	p := session.Page{Limit: usualPage}
	for _, o := range options {
		key, value, _ := strings.Cut(o, "=")
		switch key {
		case "after":
			p.After = value
		case "before":
			p.Before = value
		case "limit":
			n, err := strconv.Atoi(value)
			if err != nil || n < 1 {
				return p, channels.Refuse(channels.Malformed)
			}
			p.Limit = min(n, mostLines)
			continue
		default:
			return p, channels.Refuse(channels.Malformed)
		}
		if value == "" {
			return p, channels.Refuse(channels.Malformed)
		}
	}
	return p, nil
}

// peers tells the state of the links to other nodes.
func (c *client) peers(r request) {
	all, err := c.Peers()
	if err != nil {
		c.Reply(c.failed(r, err))
		return
	}
	p := c.answer(r).line(strconv.Itoa(len(all)))
	for _, peer := range all {
		oldest := time.Duration(0)
		if peer.Oldest > 0 {
			oldest = time.Since(time.UnixMilli(peer.Oldest)).Round(time.Second)
		}
		p = fmt.Appendf(p, "PEER %s state=%s queued=%d oldest=%v lag=%d\n", peer.Host, peer.State, peer.Rows, oldest, peer.Lag)
	}
	c.Reply(p)
}

func (c *client) ping(r request) { c.Reply([]byte("PONG " + r.words[0] + "\n")) }

func (c *client) leave(request) { c.quit = true }
