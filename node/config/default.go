package config

import (
	_ "embed"
	"time"
)

// Example is a file that says what the defaults are: every key with its default and an explanation. Loading it is the
// same as loading an empty file in its folder.
//
//go:embed default.toml
var Example string

// Default returns the configuration of a node that was told nothing. Its paths are relative to the working folder; Load
// makes them relative to its file.
func Default() Config {
	return Config{
		Host:       "localhost",
		Data:       "data",
		Listen:     Listen{Chat: Addresses{"127.0.0.1:5050"}}, // this machine only, until somebody says otherwise
		Gateways:   Gateways{Lobby: "lobby", A3MaxUsers: 16},  // a tongue whose users all hear each other is for small groups
		Accounts:   Accounts{Registration: Open, BcryptCost: 10, MaxSessions: 8},
		Federation: defaultFederation(),
		Store: Store{
			Durability: Power,
			TailBytes:  32 << 20, // a hundred thousand short messages: catching up rarely reads the disk
		},
		Limits: defaultLimits(),
		Log:    Log{Level: LevelInfo, Format: FormatText},
	}
}

func defaultFederation() Federation {
	return Federation{
		Accept:       AcceptListed,
		Blocked:      []string{},
		ReplyTimeout: seconds(5),                   // a person waits for a JOIN
		QueueTTL:     Duration(7 * 24 * time.Hour), // a peer may be away for a week
		QueueBytes:   256 << 20,                    // what a disk can spare for one peer
		MaxChannels:  10_000,                       // more is a peer gone wrong
		NoticeAfter:  seconds(30),                  // people need not hear of a restart
		RecoverWait:  seconds(10),                  // a restored node asks its peers, but not for ever
		PingEvery:    seconds(20),                  // keeps address translators awake
		DeadAfter:    seconds(60),                  // three pings lost
		RetryMax:     seconds(60),                  // a peer that comes back is found within a minute
		LinesPerS:    5000,                         // far above talk, far below what stops a node
	}
}

func defaultLimits() Limits {
	return Limits{
		LineBytes:        64 << 10,
		ReplyBytes:       256 << 10, // one page of history
		CommandsPerS:     50,        // no person types so fast
		CommandBurst:     200,       // a client that joins all its channels at once
		HandshakeTimeout: seconds(10),
		StallTimeout:     seconds(120), // a laptop that changes networks
		Replay:           1000,         // a day of a lively channel
		Grace:            seconds(10),  // what service managers allow before they kill
	}
}

func seconds(n int) Duration { return Duration(time.Duration(n) * time.Second) }
