// Package bcp is the Basic Chat Protocol of rpchat: binary messages, each acknowledged, in one room. Its people are guests
// in the lobby.
package bcp

import (
	"errors"
	"time"

	"chatnode/channels"
	"chatnode/node/session"
)

// Protocol is the tongue.
type Protocol struct {
	Lobby string // the channel that its people talk in
}

var _ session.Tongue = Protocol{}

// Form implements session.Tongue.
func (Protocol) Form() session.Form {
	return session.Form{Entry: delivery, Notice: notice, Only: others, Paced: deliverLen}
}

// Serve implements session.Tongue.
func (p Protocol) Serve(s *session.Session) (word string) {
	c := &client{Session: s, lobby: p.Lobby}
	c.in.next = c.read
	s.Frame(session.Framing{Line: maxString, Deadline: c.deadline})
	s.SetPresence(true)
	for {
		if err := c.message(); err != nil {
			return c.close(err)
		}
	}
}

// client is one connection. It belongs to the goroutine that serves it.
type client struct {
	*session.Session
	lobby string
	in    decoder
	state state
	clock clock
	until time.Time // nothing is waited for any longer; zero: the clock says it
}

// commands is what a client may send. What is not here is against the protocol.
var commands = map[opcode]func(*client) error{
	opRegister: (*client).register,
	opSend:     (*client).send,
	opStatus:   (*client).status,
}

// message reads a message and carries it out. Its errors end the connection.
func (c *client) message() error {
	op, err := c.in.opcode()
	if err != nil {
		return err
	}
	if run := commands[op]; run != nil {
		return run(c)
	}
	return c.move(gotOther)
}

// move takes a step in the table of states. A violation is one that leads to stateErr.
func (c *client) move(e event) error {
	from := c.state
	if c.state = from.after(e); c.state == stateErr {
		return complaint(from, e)
	}
	return nil
}

func (c *client) register() error {
	if err := c.move(gotRegister); err != nil {
		return err
	}
	name, err := c.in.text()
	if errors.Is(err, errLength) {
		return refusal(refusals[channels.BadName])
	}
	if err != nil {
		return err
	}
	c.TakeTurn()
	var refused error
	c.Arrive(channels.Guest{Name: name, Tongue: "bcp", Channel: c.lobby}, func(here []channels.Person, err error) []byte {
		if refused = err; err != nil {
			return nil
		}
		c.Message(appendDeliver(nil, server, "", welcome(channels.NormalName(name), here)))
		return appendStatus(nil, statusOK, "")
	})
	if refused != nil {
		return refusal(reason(refused))
	}
	return c.move(answered)
}

// send says the lines of a text. They are answered together, when all are stored or one is refused.
func (c *client) send() error {
	if err := c.move(gotSend); err != nil {
		return err
	}
	text, err := c.in.text()
	if errors.Is(err, errLength) {
		return violation("A message has 1 to 4095 bytes.")
	}
	if err != nil {
		return err
	}
	c.TakeTurn()
	all, wrong := lines(text)
	if wrong != "" {
		c.Reply(appendStatus(nil, statusBad, wrong))
	}
	c.say(all)
	return c.move(answered) // in its turn, before whatever is answered later
}

// say says lines, each of them a message to those who hear it.
func (c *client) say(all []string) {
	var refused error
	for i, line := range all {
		if !c.TakeTurnOf(i) {
			return
		}
		c.Say(c.lobby, line, "", func(_ channels.RefResult, err error) []byte {
			if refused == nil {
				refused = err
			}
			switch {
			case i < len(all)-1:
				return nil
			case refused != nil:
				return appendStatus(nil, statusBad, reason(refused))
			}
			return appendStatus(nil, statusOK, "")
		})
	}
}

// status is a client's answer to a message. Messages are sent without the tongue: that one was shows when it is answered.
func (c *client) status() error {
	code, err := c.in.code()
	if err != nil {
		return err
	}
	if code == statusOK && c.Acknowledged() {
		c.state = c.state.after(delivering).after(delivered)
	}
	e := gotStatus
	if code != statusOK {
		e = gotBadStatus
	}
	return c.move(e)
}

// A violation is what a client did against the protocol, as it is told.
type violation string

// Error implements error.
func (v violation) Error() string { return string(v) }

// A refusal is why a client could not be let in, as it is told.
type refusal string

// Error implements error.
func (r refusal) Error() string { return string(r) }

// The words of the ends of connections that are this tongue's own.
const (
	WordViolation = "violation" // the client broke the protocol
	WordRefused   = "refused"   // the name was not to be had
)

// farewells is what a client is told at an end that is not its own, by the word of the end.
var farewells = map[string]string{
	session.WordIdle:                "Disconnected for inactivity.",
	session.WordTimeout:             "No name was given in time.",
	session.WordClosing:             "The server is closing.",
	string(channels.Kicked):         "You were put out of the lobby.",
	string(channels.WasBanned):      "You are banned from the lobby.",
	string(channels.ChannelDeleted): "The lobby is closed.",
}

// close tells the client why it ends, if it can know, and returns the word of the end.
func (c *client) close(why error) (word string) {
	text := why.Error()
	var v violation
	var r refusal
	switch {
	case errors.As(why, &v):
		word = WordViolation
	case errors.As(why, &r):
		word = WordRefused
	default:
		word = c.EndWord(why)
		text = farewells[word]
	}
	c.state = c.state.after(failed)
	if text != "" {
		c.Reply(appendStatus(nil, statusBad, text))
	}
	if word == WordRefused {
		c.pause()
	}
	c.state = c.state.after(told)
	return word
}

// How long a client that was not let in keeps its connection, and what it may send meanwhile: that of rpchat shows what it
// was told only if the end does not come with it.
const (
	pauseFor   = 500 * time.Millisecond
	pauseBytes = maxString
)

func (c *client) pause() {
	c.until = time.Now().Add(pauseFor)
	for range pauseBytes {
		if _, err := c.Next(1); err != nil {
			return // the time is over, or the client has gone
		}
	}
}

// read waits for the next bytes, until the client has been idle for too long.
func (c *client) read(n int) ([]byte, error) {
	for {
		p, err := c.Next(n)
		if err == nil || c.EndWord(err) != session.WordIdle {
			return p, err
		}
		if taken, _ := c.Taken(); c.clock.idle(time.Now(), taken) {
			return nil, err
		}
	}
}

func (c *client) deadline() time.Time {
	if !c.until.IsZero() {
		return c.until
	}
	return c.clock.wait(time.Now())
}
