package bcp

import (
	"encoding/binary"
	"errors"
	"strings"
	"unicode/utf8"
)

// An opcode is the first byte of a message.
type opcode byte

// The messages. A string is its length, two bytes, and its bytes.
const (
	opRegister opcode = 1 // string name
	opSend     opcode = 2 // string text
	opDeliver  opcode = 3 // string from, string text
	opStatus   opcode = 4 // byte code, string text; from a client the string may be missing
)

// maxString is the longest string either way, in bytes.
const maxString = 4095

// The codes of STATUS.
const (
	statusOK  = 0
	statusBad = 1
)

// errLength says that a string is empty or too long. It was not read.
var errLength = errors.New("length of a string")

// decoder cuts what comes in into parts of messages. Its errors but errLength are those of next.
type decoder struct {
	next func(n int) ([]byte, error) // the next n bytes, valid until the next call
	// mayFollow: a STATUS was read, and its string may come. No message begins with 0, so a 0 here is the first byte of the
	// length of a string, and the string is shorter than 256 bytes. Nobody waits for it.
	mayFollow bool
}

// opcode returns the first byte of the next message. The string of the STATUS before is passed over.
func (d *decoder) opcode() (opcode, error) {
	b, err := d.byte()
	if err == nil && b == 0 && d.mayFollow {
		if b, err = d.byte(); err == nil {
			_, err = d.next(int(b))
		}
		if err == nil {
			b, err = d.byte()
		}
	}
	d.mayFollow = false
	return opcode(b), err
}

// text reads the string of a REGISTER or a SEND.
func (d *decoder) text() (string, error) {
	p, err := d.next(2)
	if err != nil {
		return "", err
	}
	n := int(binary.BigEndian.Uint16(p))
	if n == 0 || n > maxString {
		return "", errLength
	}
	p, err = d.next(n)
	return string(p), err
}

// code reads the code of a STATUS.
func (d *decoder) code() (byte, error) {
	b, err := d.byte()
	d.mayFollow = true
	return b, err
}

func (d *decoder) byte() (byte, error) {
	p, err := d.next(1)
	if err != nil {
		return 0, err
	}
	return p[0], nil
}

// lines cuts a text at its line feeds and drops empty lines and control characters, but for tabs. wrong is what the client
// is told of a text that cannot be said.
func lines(text string) (all []string, wrong string) {
	if !utf8.ValidString(text) {
		return nil, "A message has to be UTF-8."
	}
	if strings.TrimFunc(text, control) == "" {
		return nil, "There is nothing in the message."
	}
	for line := range strings.SplitSeq(text, "\n") {
		line = strings.Map(func(r rune) rune {
			if control(r) && r != '\t' {
				return -1
			}
			return r
		}, line)
		if line != "" {
			all = append(all, line)
		}
	}
	return all, ""
}

func control(r rune) bool { return r < 0x20 || r == 0x7f }
