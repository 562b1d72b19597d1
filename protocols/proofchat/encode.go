package proofchat

import (
	"encoding/binary"
	"strings"
	"unicode"
	"unicode/utf8"

	"chatnode/channels"
)

// The opcodes of the node's messages.
const (
	ackOp = iota // INT, so many NAMEs
	msgOp        // NAME STR
	errOp        // INT
)

const (
	most        = 255     // bytes of a text, and names in an ACK: the stock client reads no larger INT
	privateMark = "[PM] " // before each piece of a whisper
	cutMark     = "~"     // at the end of a name that is longer than a NAME
)

// message is how an entry looks.
var message = &channels.Encoding{Append: appendEntry}

func appendEntry(dst []byte, e *channels.Entry) []byte {
	mark := ""
	if e.Channel.Kind == channels.Inbox && e.Label == nil {
		mark = privateMark
	}
	sender := shown(e.Author)
	if dst == nil {
		const head = 1 + nameBytes + intBytes
		dst = make([]byte, 0, len(e.Body)+(head+len(mark))*(1+len(e.Body)/(most-len(mark)-utf8.UTFMax)))
	}
	for rest := e.Body; rest != ""; {
		var piece string
		piece, rest = channels.Cut(rest, most-len(mark))
		dst = appendHead(dst, sender, len(mark)+len(piece))
		dst = append(append(dst, mark...), piece...)
	}
	return dst
}

// appendAfterGap appends an entry after a hole.
func appendAfterGap(dst []byte, e *channels.Entry) []byte {
	return appendEntry(appendMsg(dst, server, "older messages are gone"), e)
}

// appendMsg appends a MSG of at most 255 bytes of text.
func appendMsg(dst []byte, sender, text string) []byte {
	return append(appendHead(dst, sender, len(text)), text...)
}

func appendHead(dst []byte, sender string, text int) []byte {
	return appendInt(appendName(append(dst, msgOp), sender), text)
}

// appendAck appends an ACK. here is who is in the lobby, in the order in which they came: the last come first in it. No
// name is in it twice, although two long ones may look the same.
func appendAck(dst []byte, here []channels.Person) []byte {
	names := make([]string, 0, min(len(here), most))
	seen := make(map[string]bool, cap(names))
	for i := len(here) - 1; i >= 0 && len(names) < most; i-- {
		if name := shown(here[i]); !seen[name] {
			seen[name] = true
			names = append(names, name)
		}
	}
	dst = appendInt(append(dst, ackOp), len(names))
	for _, name := range names {
		dst = appendName(dst, name)
	}
	return dst
}

func appendErr(dst []byte, c code) []byte { return appendInt(append(dst, errOp), int(c)) }

func appendInt(dst []byte, n int) []byte { return binary.LittleEndian.AppendUint64(dst, uint64(n)) }

// appendName appends a NAME of a name of at most 32 bytes.
func appendName(dst []byte, name string) []byte {
	return append(append(dst, name...), make([]byte, nameBytes-len(name))...)
}

// shown is what somebody is called here: at most 32 bytes, without a blank.
func shown(p channels.Person) string {
	name := p.Address()
	if strings.ContainsFunc(name, unfit) { // of a host, at the most
		name = strings.Map(func(r rune) rune {
			if unfit(r) {
				return '_'
			}
			return r
		}, name)
	}
	if len(name) > nameBytes {
		name, _ = channels.Cut(name, nameBytes-len(cutMark))
		name += cutMark
	}
	return name
}

func unfit(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }

// left tells of people of this node who leave the lobby or the node.
func left(n channels.Notice) []byte {
	if n.Event != channels.LeftChannel && n.Event != channels.WentOffLine {
		return nil
	}
	return told(n, " has left")
}

// joinedOrLeft is left, and tells of those who come as well.
func joinedOrLeft(n channels.Notice) []byte {
	if n.Event == channels.EnteredChannel || n.Event == channels.CameOnLine {
		return told(n, " has joined")
	}
	return left(n)
}

// told tells what somebody else does, if it is not somebody of another node.
func told(n channels.Notice, does string) []byte {
	if n.Self || n.Person.Host != "" {
		return nil
	}
	return appendMsg(nil, server, shown(n.Person)+does)
}

// notOwn hides from people what they say in the lobby themselves.
func notOwn(hearer channels.PersonID, e *channels.Entry) bool {
	return e.Channel.Kind != channels.Public || e.Author.ID != hearer
}
