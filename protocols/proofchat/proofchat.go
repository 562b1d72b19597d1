// Package proofchat is the protocol of Proofchat: binary messages in one room, and private ones.
package proofchat

import (
	"errors"
	"os"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"chatnode/channels"
	"chatnode/node/session"
)

// Protocol is the tongue.
type Protocol struct {
	Lobby         string // the channel that its people talk in
	AnnounceJoins bool   // who comes is told
}

var _ session.Tongue = Protocol{}

// Form implements session.Tongue.
func (p Protocol) Form() session.Form {
	f := session.Form{Entry: message, AfterGap: appendAfterGap, TellsGaps: true, Notice: left, Only: notOwn}
	if p.AnnounceJoins {
		f.Notice = joinedOrLeft
	}
	return f
}

// patience is how long the node waits for another REG after an ERR, and for the client to close after its EXIT.
const patience = 10 * time.Second

// wordMalformed is the end of a connection whose client sent what cannot be read: where its next message begins is unknown.
const wordMalformed = "malformed"

// Serve implements session.Tongue.
func (p Protocol) Serve(s *session.Session) (word string) {
	c := &client{Session: s, lobby: p.Lobby}
	c.Frame(session.Framing{Line: maxText})
	c.SetPresence(true)
	for c.state != gone {
		r, err := decode(c)
		if err != nil {
			return c.end(err)
		}
		c.TakeTurn()
		rules[c.state][r.op](c, r)
	}
	c.awaitClose()
	return session.WordQuit
}

// A state says what a client may send.
type state int

const (
	newcomer state = iota // nobody yet
	member                // a guest in the lobby
	gone                  // after EXIT: nothing more is carried out
)

// rules say what becomes of each message in each state but gone.
var rules = [gone][opcodes]func(*client, request){
	newcomer: {reg: (*client).register, mesg: (*client).notYet, pmsg: (*client).notYet, exit: (*client).notYet},
	member:   {reg: (*client).again, mesg: (*client).say, pmsg: (*client).whisper, exit: (*client).exit},
}

// client is one connection in this tongue. It belongs to the goroutine that serves it.
type client struct {
	*session.Session
	lobby string
	state state
	since time.Time // of the last ERR to a newcomer, or of EXIT; zero: there was none
}

// waits limits from now on how long the client may take to go on.
func (c *client) waits() {
	c.since = time.Now()
	until := c.since.Add(patience)
	c.Frame(session.Framing{Line: maxText, Deadline: func() time.Time { return until }})
}

// register answers REG with ACK, and with ERR, after which there may be another one.
func (c *client) register(r request) {
	if code, bad := refused(r.name); bad {
		c.Reply(appendErr(nil, code))
		c.waits()
		return
	}
	c.Arrive(channels.Guest{Name: r.name, Tongue: "proofchat", Channel: c.lobby}, func(here []channels.Person, err error) []byte {
		if err != nil {
			return appendErr(nil, codeOf(err))
		}
		return appendAck(nil, here)
	})
	if c.Person().ID == 0 {
		c.waits()
		return
	}
	c.state = member
	c.Frame(session.Framing{Line: maxText})
}

// notYet answers what is no REG, before one.
func (c *client) notYet(request) {
	c.Reply(appendErr(nil, unknownFormat))
	c.waits()
}

// again answers a second REG.
func (c *client) again(request) { c.Reply(appendErr(nil, unknownFormat)) }

func (c *client) say(r request) {
	c.eachLine(r, func(line string, failed func(error) []byte) {
		c.Say(c.lobby, line, "", func(_ channels.RefResult, err error) []byte { return failed(err) })
	})
}

func (c *client) whisper(r request) {
	c.eachLine(r, func(line string, failed func(error) []byte) { c.WhisperOnLine(r.name, line, failed) })
}

// eachLine sends the lines of a text, those that say something. failed is the answer to all of them: one ERR, or nothing.
func (c *client) eachLine(r request, send func(line string, failed func(error) []byte)) {
	if r.long || !utf8.ValidString(r.text) || strings.Trim(r.text, "\n") == "" {
		c.Reply(appendErr(nil, other))
		return
	}
	var told atomic.Bool // the answers to lines for another node come when they come
	failed := func(err error) []byte {
		if err == nil || told.Swap(true) {
			return nil
		}
		return appendErr(nil, codeOf(err))
	}
	said := 0
	for line := range strings.SplitSeq(r.text, "\n") {
		if line == "" {
			continue
		}
		if !c.TakeTurnOf(said) {
			return
		}
		said++
		send(line, failed)
	}
}

// exit frees the name at once; the others are told.
func (c *client) exit(request) {
	c.Logout(func(error) []byte { return nil })
	c.state = gone
}

// awaitClose passes over what the client still sends until it closes: the stock client cannot bear that the node is first.
func (c *client) awaitClose() {
	c.waits()
	for {
		if _, err := c.Next(maxText); err != nil {
			return // whatever it is, it is the end
		}
	}
}

// ends are what members are told when the node closes the connection, by the word of the end.
var ends = map[string]string{
	session.WordClosing:             "the node stops",
	session.WordIdle:                "you have said nothing for too long",
	string(channels.Kicked):         "you were kicked",
	string(channels.WasBanned):      "you were banned",
	string(channels.ChannelDeleted): "the room is closed",
}

// end answers an error of reading, and returns the word of the end.
func (c *client) end(err error) (word string) {
	if code, fatal := codeOfUnreadable(err, c.state); fatal {
		c.Reply(appendErr(nil, code))
		return wordMalformed
	}
	word = c.EndWord(err)
	if c.state == newcomer && word == session.WordIdle && !c.since.IsZero() && errors.Is(err, os.ErrDeadlineExceeded) {
		word = session.WordTimeout
	}
	if text := ends[word]; text != "" && c.state == member {
		c.Reply(appendMsg(nil, server, text))
	}
	return word
}
