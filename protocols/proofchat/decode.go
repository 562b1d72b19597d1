package proofchat

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"

	"chatnode/channels"
)

// An opcode begins a message of a client. Those of the node are others.
type opcode byte

const (
	reg     opcode = iota // NAME: the client wants to be called that
	mesg                  // STR: a text for all others
	pmsg                  // NAME STR: a text for one
	exit                  // NAME, which does not matter: the client leaves
	opcodes               // how many there are
)

// layouts says what follows each opcode: a NAME, then a STR, if it has them.
var layouts = [opcodes]struct{ name, text bool }{
	reg:  {name: true},
	mesg: {text: true},
	pmsg: {name: true, text: true},
	exit: {name: true},
}

// The sizes on the wire, in bytes.
const (
	nameBytes = 32      // NAME, padded on the right with NUL
	intBytes  = 8       // INT, little-endian
	maxText   = 4096    // the longest text that is carried out
	maxSkip   = 1 << 20 // the longest text that is passed over; nobody who says more means it
)

// The errors of a message that cannot be read; where the next one begins is unknown.
var (
	errOpcode = errors.New("unknown opcode")
	errLength = errors.New("a text of an impossible length")
)

// A request is one message of a client.
type request struct {
	op   opcode
	name string // without its padding
	text string
	long bool // the text was longer than maxText, and is not here
}

// source is where a message comes from, at most maxText bytes at once.
type source interface {
	Next(n int) ([]byte, error)
}

// decode reads one message. The error is errOpcode, errLength, or the source's.
func decode(in source) (request, error) {
	p, err := in.Next(1)
	if err != nil {
		return request{}, err
	}
	r := request{op: opcode(p[0])}
	if r.op >= opcodes {
		return r, errOpcode
	}
	if layouts[r.op].name {
		if p, err = in.Next(nameBytes); err != nil {
			return r, err
		}
		r.name = string(bytes.TrimRight(p, "\x00"))
	}
	if layouts[r.op].text {
		err = r.decodeText(in)
	}
	return r, err
}

// decodeText reads a STR.
func (r *request) decodeText(in source) error {
	p, err := in.Next(intBytes)
	if err != nil {
		return err
	}
	n := binary.LittleEndian.Uint64(p)
	switch {
	case n > maxSkip:
		return errLength
	case n > maxText:
		r.long = true
		return skip(in, int(n))
	}
	p, err = in.Next(int(n))
	r.text = string(p)
	return err
}

// skip passes over n bytes.
func skip(in source, n int) error {
	for n > 0 {
		p, err := in.Next(min(n, maxText))
		if err != nil {
			return err
		}
		n -= len(p)
	}
	return nil
}

// A code says in an ERR what is wrong.
type code byte

const (
	nameTaken code = iota
	nameTooLong
	nameHasBlanks
	noSuchTarget
	unknownFormat
	other
)

// server is the name that the node speaks under.
const server = "SERVER"

// validUsername is the predicate validate_username of Proofchat.
func validUsername(name string) bool {
	return len(name) >= 1 && len(name) <= nameBytes && !strings.Contains(name, " ")
}

// refused reports the names that are no names in Proofchat, and why. A name that is one may still be none of the node's.
func refused(name string) (why code, bad bool) {
	normal := channels.NormalName(name)
	switch {
	case validUsername(name) && validUsername(normal) && name != server:
		return 0, false
	case name == server:
		return nameTaken, true
	case strings.Contains(name, " "):
		return nameHasBlanks, true
	case len(normal) > nameBytes: // what fits in a NAME may grow in normal form
		return nameTooLong, true
	}
	return other, true
}

// codes are what refusals are called in Proofchat. All others are other.
var codes = map[channels.Word]code{
	channels.NameTaken:       nameTaken,
	channels.AlreadyLoggedIn: nameTaken,
	channels.NoSuchUser:      noSuchTarget,
	channels.PeerUnknown:     noSuchTarget,
	channels.PeerDown:        noSuchTarget,
}

func codeOf(err error) code {
	if c, known := codes[channels.WordOf(err)]; known {
		return c
	}
	return other
}

// codeOfUnreadable is what is told of a message that cannot be read; fatal is false for other errors. Before REG every
// other message is of an unknown format.
func codeOfUnreadable(err error, s state) (c code, fatal bool) {
	switch {
	case errors.Is(err, errOpcode), errors.Is(err, errLength) && s == newcomer:
		return unknownFormat, true
	case errors.Is(err, errLength):
		return other, true
	}
	return 0, false
}
