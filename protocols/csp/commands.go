package csp

import (
	"strings"
	"sync/atomic"
	"unicode"

	"chatnode/channels"
	"chatnode/node/session"
)

// A command is one verb of the protocol.
type command struct {
	needs   []string // keys among the parameters, beside the name of the user
	payload bool     // needs one
	begins  bool     // logs in: the name in it is nobody's yet
	run     [states]func(*client, request)
}

// commands is every verb that a client may send, with what it does in each state. What is not here is unknown.
var commands map[string]command

func init() { // not in the declaration: the handlers look things up
	type does = [states]func(*client, request)
	commands = map[string]command{
		//                                                                logged out         no group             in a group
		"AUTH": {needs: []string{secretKey}, begins: true, run: does{(*client).auth, (*client).denied, (*client).denied}},
		"NWUA": {needs: []string{secretKey}, begins: true, run: does{(*client).enrol, (*client).denied, (*client).denied}},
		"REDY": {run: does{(*client).denied, (*client).ready, (*client).ready}},
		"LIST": {run: does{(*client).denied, (*client).list, (*client).list}},
		"CHAT": {needs: []string{groupKey}, run: does{(*client).denied, (*client).found, (*client).found}},
		"JOIN": {needs: []string{groupKey}, run: does{(*client).denied, (*client).join, (*client).join}},
		"LEVE": {run: does{(*client).denied, (*client).left, (*client).leave}},
		"MSSG": {needs: []string{groupKey}, payload: true, run: does{(*client).denied, (*client).outside, (*client).say}},
		"KICK": {needs: []string{groupKey, kickedKey}, run: does{(*client).denied, (*client).kick, (*client).kick}},
		"BANN": {needs: []string{groupKey, bannedKey}, run: does{(*client).denied, (*client).ban, (*client).ban}},
	}
}

// denied is the answer to whoever is not logged in, cannot be, or is already.
func (c *client) denied(r request) { c.Reply(denial(r)) }

func denial(r request) []byte {
	channel := control
	if r.command == "NWUA" {
		channel = ""
	}
	return appendAnswer(nil, loginFailed, channel, "")
}

func (c *client) auth(r request) {
	kind := channels.SeatKind{Multi: true, Enters: true}
	c.Login(r.user, r.secret, session.LoginOptions{Kind: kind}, func(err error) []byte {
		if err != nil {
			return denial(r)
		}
		c.name = r.user
		return appendAnswer(nil, loggedIn, control, "")
	})
}

// enrol makes an account and logs in. The stock client cannot speak under names that are not plain.
func (c *client) enrol(r request) {
	made := false
	if plainName(r.user) {
		c.Register(r.user, r.secret, func(err error) []byte {
			made = err == nil
			return nil
		})
	}
	if made {
		c.auth(r)
	} else {
		c.denied(r)
	}
}

// plainName reports whether a name is ASCII without white space and parentheses; what else a name may be is the node's rule.
func plainName(name string) bool {
	return !strings.ContainsFunc(name, func(r rune) bool {
		return r > unicode.MaxASCII || unicode.IsSpace(r) || r == '(' || r == ')'
	})
}

func (c *client) ready(request) { c.Reply(appendAnswer(nil, alive, control, "Ready")) }

func (c *client) list(r request) {
	if all := c.Channels(); all != "" {
		c.Reply(appendList(nil, r.user, strings.Split(all, ", ")))
	} else { // the stock client asks for ever for a number in a list that is empty
		c.Reply(appendAnswer(nil, joinFailed, "", "There are no groups yet.", userKey, r.user))
	}
}

func (c *client) join(r request) {
	c.enter(r.group, func(err error) []byte {
		if err != nil {
			return appendAnswer(nil, joinFailed, control, reason(err), userKey, r.user, groupKey, r.group)
		}
		return appendAnswer(nil, joined, control, r.user+" has joined "+r.group+".", userKey, r.user, groupKey, r.group)
	})
}

// found makes a group and enters it. Once it is made its maker is told so, whatever became of entering.
func (c *client) found(r request) {
	made := false
	c.Create(r.group, func(err error) []byte {
		if made = err == nil; !made {
			return appendAnswer(nil, chatFailed, "", reason(err))
		}
		return nil
	})
	if c.Commit(); made {
		c.enter(r.group, func(error) []byte { return appendAnswer(nil, founded, "", "") })
	}
}

// enter makes the account a member of a group if it is none yet, moves the session there, and leaves the group that it was
// in. Unless the session is in the new one then, it stays where it was.
func (c *client) enter(group string, answer func(error) []byte) {
	old, next, moved := c.in(), c.address(group), false
	var why atomic.Pointer[error] // another node may answer late
	c.Join(group, func(err error) []byte {
		if err != nil {
			why.Store(&err)
		}
		return nil
	})
	back := func() bool {
		w := why.Load()
		return w != nil && channels.WordOf(*w) == channels.AlreadyMember
	}
	c.Enter(group, back, func(err error) []byte { // also of one who was a member before
		if moved = err == nil; moved {
			c.group.Store(&next)
		} else if w := why.Load(); w != nil {
			err = *w
		}
		return answer(err)
	})
	if c.Commit(); moved && old != "" && old != next {
		c.Leave(old, func(error) []byte { return nil })
	}
}

// leave ends the membership of the group that the session is in, whatever group the client names. It is always answered as
// if it were done: the stock client waits for nothing else.
func (c *client) leave(r request) {
	c.Leave(c.in(), func(error) []byte {
		c.group.Store(nil)
		return leaving(r)
	})
	c.Commit() // what comes next depends on it
}

func (c *client) left(r request) { c.Reply(leaving(r)) }

func leaving(r request) []byte {
	return appendAnswer(nil, hasLeft, "", r.user+" has left the group.", userKey, r.user)
}

// say says a text, each line of it for itself. It is answered once, if any was refused.
func (c *client) say(r request) {
	if c.address(r.group) != c.in() {
		c.outside(r)
		return
	}
	said := 0
	var failed atomic.Bool // another node may answer late
	answer := func(was channels.RefResult, err error) []byte {
		if err == nil || was.Unknown || failed.Swap(true) {
			return nil
		}
		return refusal(notSaid, r, reason(err))
	}
	for line := range strings.SplitSeq(c.withoutAuthor(r), "\n") {
		if line = channels.PlainText(strings.TrimSuffix(line, "\r")); line == "" {
			continue
		}
		if !c.TakeTurnOf(said) {
			return
		}
		said++
		if len(line) > c.LineBytes() { // with what stands for control characters
			c.Reply(answer(channels.RefResult{}, channels.Refuse(channels.TooLong)))
			continue
		}
		c.Say(r.group, line, "", answer)
	}
	if said == 0 {
		c.Reply(refusal(notSaid, r, reason(channels.Refuse(channels.EmptyMessage))))
	}
}

// withoutAuthor is a text without the name that clients put in front of it.
func (c *client) withoutAuthor(r request) string {
	for _, name := range []string{r.user, c.Person().Name} {
		if text, had := strings.CutPrefix(r.payload, "("+name+") "); had {
			return text
		}
	}
	return r.payload
}

// outside refuses what is said to a group that the session is not in.
func (c *client) outside(r request) {
	c.Reply(refusal(notSaid, r, reason(channels.Refuse(channels.NotMember))))
}

func (c *client) kick(r request) {
	c.putOut(r, kicked, kickFailed, " has been kicked out of ", kickedKey, (*session.Session).Kick)
}

func (c *client) ban(r request) {
	c.putOut(r, banned, banFailed, " has been banned from ", bannedKey, (*session.Session).Ban)
}

// putOut does something to somebody else, in any group.
func (c *client) putOut(r request, yes, no code, text, key string, do func(_ *session.Session, group, who string, reply func(error) []byte)) {
	if c.isSelf(r.target) {
		c.Reply(refusal(no, r, "You cannot do that to yourself."))
		return
	}
	do(c.Session, r.group, r.target, func(err error) []byte {
		if err != nil {
			return refusal(no, r, reason(err))
		}
		return appendAnswer(nil, yes, control, r.target+text+r.group+".", key, r.target)
	})
}

// refusal tells the one who asked, and is shown to nobody else.
func refusal(no code, r request, why string) []byte {
	return appendAnswer(nil, no, control, why, userKey, r.user)
}

// reasons are refusals in words for people.
var reasons = map[channels.Word]string{
	channels.BadName:       "That is no name for a group.",
	channels.ChannelExists: "There is a group of that name already.",
	channels.NoSuchChannel: "There is no such group.",
	channels.NoSuchUser:    "There is no such user.",
	channels.NotMember:     "Not a member of that group.",
	channels.Banned:        "You are banned from that group.",
	channels.Forbidden:     "You may not do that.",
	channels.EmptyMessage:  "There is nothing to say.",
	channels.TooLong:       "That is too long.",
	channels.PeerUnknown:   "That server is not known.",
	channels.PeerDown:      "That server cannot be reached now.",
	channels.Timeout:       "That server has not answered.",
	channels.Full:          "Too much waits for that server.",
}

func reason(err error) string {
	if text, known := reasons[channels.WordOf(err)]; known {
		return text
	}
	return "That cannot be done now."
}
