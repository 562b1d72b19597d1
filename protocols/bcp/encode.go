package bcp

import (
	"encoding/binary"
	"strings"
	"unicode/utf8"

	"chatnode/channels"
)

// server is who says what the node itself says.
const server = "[Server]"

// whispered stands before each piece of a private message.
const whispered = "[PM] "

// delivery is how entries look.
var delivery = &channels.Encoding{Append: appendEntry}

func appendEntry(dst []byte, e *channels.Entry) []byte {
	mark := ""
	if e.Channel.Kind == channels.Inbox && e.Label == nil {
		mark = whispered
	}
	return appendDeliver(dst, e.Author.Address(), mark, e.Body)
}

// others reports whether somebody is shown an entry: not what they said in the lobby themselves.
func others(hearer channels.PersonID, e *channels.Entry) bool {
	return e.Channel.Kind == channels.Inbox || e.Author.ID != hearer
}

// happened is how a notice goes on after the name.
var happened = map[channels.Presence]string{
	channels.EnteredChannel: " has joined the server.",
	channels.CameOnLine:     " has joined the server.",
	channels.LeftChannel:    " has left the server.",
	channels.WentOffLine:    " has left the server.",
}

// notice is how the coming and going of other people of this node looks.
func notice(n channels.Notice) []byte {
	what := happened[n.Event]
	if what == "" || n.Self || n.Person.Host != "" {
		return nil
	}
	return appendDeliver(nil, server, "", n.Person.Name+what)
}

// welcome is what a newcomer is told.
func welcome(name string, here []channels.Person) string {
	names := make([]string, len(here))
	for i, p := range here {
		names[i] = p.Address()
	}
	return "Logged in as " + name + ".\nCurrent Clients: " + strings.Join(names, ", ")
}

// appendDeliver appends a text as one DELIVER, or as several if it is too long, each with the mark before its text. from is
// an address, and much shorter than a string may be.
func appendDeliver(dst []byte, from, mark, text string) []byte {
	text = shown(text)
	for first := true; first || text != ""; first = false {
		var piece string
		piece, text = channels.Cut(text, maxString-len(mark))
		dst = append(dst, byte(opDeliver))
		dst = appendString(dst, from)
		dst = binary.BigEndian.AppendUint16(dst, uint16(len(mark)+len(piece)))
		dst = append(append(dst, mark...), piece...)
	}
	return dst
}

// shown is a text with U+FFFD for what cannot be sent: control characters, but for TAB and LF, and what is no UTF-8.
func shown(text string) string {
	if utf8.ValidString(text) && !strings.ContainsFunc(text, hidden) {
		return text
	}
	return strings.Map(func(r rune) rune {
		if hidden(r) {
			return utf8.RuneError
		}
		return r
	}, text)
}

func hidden(r rune) bool { return control(r) && r != '\t' && r != '\n' }

// deliverLen is the length of the DELIVER that messages begin with.
func deliverLen(messages []byte) int {
	n := 1
	for range 2 { // strings
		n += 2 + int(binary.BigEndian.Uint16(messages[n:]))
	}
	return n
}

func appendStatus(dst []byte, code byte, text string) []byte {
	return appendString(append(dst, byte(opStatus), code), text)
}

func appendString(dst []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint16(dst, uint16(len(s))), s...)
}

// refusals is why something was refused, for people.
var refusals = map[channels.Word]string{
	channels.BadName:         "That is not a name: 1 to 64 bytes of UTF-8, without blanks, control characters and @ : , are one.",
	channels.NameTaken:       "The name is taken.",
	channels.Banned:          "You are banned from the lobby.",
	channels.NotMember:       "You are not in the lobby.",
	channels.NoSuchChannel:   "The lobby is closed.",
	channels.Unavailable:     "The server cannot do that now. Try again.",
	channels.AlreadyLoggedIn: "The name is taken.",
}

// reason is why something was refused.
func reason(err error) string {
	w := channels.WordOf(err)
	if text := refusals[w]; text != "" {
		return text
	}
	return "Refused: " + string(w) + "."
}
