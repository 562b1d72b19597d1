package federation

import "time"

// Settings are the limits of federation. Links keep those that they began with, as far as they concern the connection.
type Settings struct {
	Accept       string        // any, listed or pinned
	StrictNames  bool          // nobody is named by a claim alone
	Blocked      []string      // hosts
	ReplyTimeout time.Duration // for an answer of a peer to what a client waits for
	QueueTTL     time.Duration // rows of an outbox are kept for so long
	QueueBytes   int64         // of lines that may wait for one peer
	MaxChannels  int           // names of a peer that are kept
	NoticeAfter  time.Duration // a link is down for so long before people are told
	RecoverWait  time.Duration // after a restore peers are waited for so long before messages are taken
	PingEvery    time.Duration
	DeadAfter    time.Duration // no byte came and none was taken
	RetryMax     time.Duration // between two attempts to dial
	LinesPerS    int           // of one peer

	LineBytes int           // the longest line of a client
	Handshake time.Duration // FEDERATE-OUT to FEDCHANNELS
}
