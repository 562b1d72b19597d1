package config

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Durability says what a message survives once somebody has heard it.
type Durability string

// The values of store.durability.
const (
	Power   Durability = "power"   // a power cut: fsync before anyone hears
	Process Durability = "process" // the end of the process, not that of the machine
)

// Registration says who can make an account.
type Registration string

// The values of accounts.registration.
const (
	Open   Registration = "open"   // everybody
	Token  Registration = "token"  // who has a token
	Closed Registration = "closed" // nobody but an operator
)

// Accept says which peers may link.
type Accept string

// The values of federation.accept.
const (
	AcceptAny    Accept = "any"    // everybody
	AcceptListed Accept = "listed" // who stands in the peers file
	AcceptPinned Accept = "pinned" // who has a pinned key
)

// Level is the least grave that is logged.
type Level string

// The values of log.level, gravest last.
const (
	LevelTrace Level = "trace"
	LevelDebug Level = "debug"
	LevelInfo  Level = "info"
	LevelWarn  Level = "warn"
	LevelError Level = "error"
)

// Format is the form of a line of the log.
type Format string

// The values of log.format.
const (
	FormatText Format = "text"
	FormatJSON Format = "json"
)

// A Duration is a length of time, never negative. A file gives it as a string in the form of time.ParseDuration: "200ms",
// "5s", "168h".
type Duration time.Duration

// String returns the shortest form that UnmarshalText takes: "168h", not "168h0m0s".
func (d Duration) String() string {
	s := time.Duration(d).String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// MarshalText returns what String does. It never fails.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads a duration. A text that is none, or a negative one, is an error that quotes it and leaves d as it
// was.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf(`%q is not a duration such as "200ms" or "168h"`, text)
	}
	if v < 0 {
		return fmt.Errorf("%q is negative", text)
	}
	*d = Duration(v)
	return nil
}

// Addresses is a list of host:port. A file gives it as a string or as a list of strings; "" and [] are both nil: off.
type Addresses []string

var errNotAddresses = errors.New("must be a string or a list of strings")

// UnmarshalTOML takes what the decoder found: a string or a list of strings. Anything else is an error and leaves a as it
// was.
func (a *Addresses) UnmarshalTOML(found any) error {
	switch v := found.(type) {
	case string:
		*a = nil
		if v != "" {
			*a = Addresses{v}
		}
		return nil
	case []any:
		return a.fromList(v)
	}
	return errNotAddresses
}

func (a *Addresses) fromList(list []any) error {
	var out Addresses
	for _, v := range list {
		s, ok := v.(string)
		if !ok {
			return errNotAddresses
		}
		out = append(out, s)
	}
	*a = out
	return nil
}

// simplest returns a as a file best says it: a string where there is one address or none, a list otherwise.
func (a Addresses) simplest() any {
	switch len(a) {
	case 0:
		return ""
	case 1:
		return a[0]
	}
	return []string(a)
}
