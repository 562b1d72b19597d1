package session

import (
	"context"

	"chatnode/channels"
)

// Remote carries out what people of this node ask of other nodes. Its methods are called on the goroutine that serves the
// session; those that wait return when reply has been called, and its answer stands in the output.
type Remote interface {
	// Join asks the home of a channel to let the person in. It waits.
	Join(s *Session, channel, host string, reply func(error) []byte)
	// Say is the step that says something in a channel of another node. reply is called in its Done, or later, or both: with
	// Queued first, and then with the end.
	Say(s *Session, channel, host, text, ref string, reply func(channels.RefResult, error) []byte) channels.Step
	// Whisper leaves something in the inbox of a person of another node. It waits while the link is up. now: only while the
	// link is up, else it is refused with PeerDown.
	Whisper(s *Session, to, host, text, ref string, now bool, reply func(channels.RefResult, error) []byte)
	// Command asks the home of a channel for what operators and owners do: verb is KICK, BAN, UNBAN, OP, DEOP or TOPIC. It
	// waits.
	Command(s *Session, verb, channel, host, argument string, reply func(error) []byte)
	// Fetch asks the home of a channel for messages that stand before what is known of it here: about so many before a
	// position. It waits.
	Fetch(ctx context.Context, c *channels.Channel, before channels.Position, limit int)
	// Recovered is closed when new messages are taken: after a restore peers are asked first for what was lost.
	Recovered() <-chan struct{}
	// Peers tells the state of each link, or of each peer that something waits for.
	Peers(ctx context.Context) ([]PeerState, error)
}

// PeerState is the state of the link to a peer.
type PeerState struct {
	Host  string
	State string // up, plain, down
	channels.Waiting
	Lag int64 // messages of our channels that the peer has not stored yet
}
