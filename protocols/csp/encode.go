package csp

import (
	"sync"
	"unicode/utf16"

	"chatnode/channels"
)

// A code says what a response is: three digits.
type code string

// The codes of responses. A message that was not said has that of a KICK that failed: the stock client shows that one and
// does nothing else.
const (
	alive          code = "100"
	loggedIn       code = "110"
	groupList      code = "130"
	message        code = "140"
	founded        code = "170"
	joined         code = "180"
	hasLeft        code = "190"
	banned         code = "191"
	kicked         code = "192"
	loginFailed    code = "200"
	chatFailed     code = "230"
	joinFailed     code = "240"
	banFailed      code = "250"
	kickFailed     code = "260"
	notSaid        code = kickFailed
	generalError   code = "300"
	unknownCommand code = "310"
	syntaxError    code = "320"
	otherVersion   code = "330"
)

// The labels of a response. No client looks at them; some responses have none.
const (
	control = "CC"
	data    = "DC"
)

const userKey = "username"

// appendAnswer appends a response. All five keys are always there, as the stock client needs them. The parameters are keys,
// each with its value.
func appendAnswer(dst []byte, c code, channel, payload string, parameters ...string) []byte {
	dst = appendHead(dst, c, channel, parameters...)
	return append(appendString(dst, payload), "}\n"...)
}

// appendHead appends a response up to its payload.
func appendHead(dst []byte, c code, channel string, parameters ...string) []byte {
	dst = append(dst, `{"version":1.0,"response_code":"`...)
	dst = append(append(dst, c...), `","parameters":{`...)
	for i := 0; i < len(parameters); i += 2 {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendString(dst, parameters[i]), ':')
		dst = appendString(dst, parameters[i+1])
	}
	return append(append(append(dst, `},"channel":"`...), channel...), `","payload":`...)
}

// appendList appends the names of groups.
func appendList(dst []byte, user string, names []string) []byte {
	dst = append(appendHead(dst, groupList, "", userKey, user), '[')
	for i, name := range names {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendString(dst, name)
	}
	return append(dst, "]}\n"...)
}

// appendString appends a string between quotes, in ASCII as the original does it.
func appendString(dst []byte, s string) []byte {
	return append(appendText(append(dst, '"'), s), '"')
}

func appendText(dst []byte, s string) []byte {
	for _, r := range s {
		dst = appendRune(dst, r)
	}
	return dst
}

func appendRune(dst []byte, r rune) []byte {
	switch {
	case r == '"' || r == '\\':
		return append(dst, '\\', byte(r))
	case r >= ' ' && r <= '~':
		return append(dst, byte(r))
	case r > 0xffff:
		high, low := utf16.EncodeRune(r)
		return appendEscape(appendEscape(dst, high), low)
	}
	return appendEscape(dst, r)
}

func appendEscape(dst []byte, unit rune) []byte {
	const hex = "0123456789abcdef"
	return append(dst, '\\', 'u', hex[unit>>12&15], hex[unit>>8&15], hex[unit>>4&15], hex[unit&15])
}

// encodings has an encoding for each length of line that the node was configured with: an int to a *channels.Encoding.
var encodings sync.Map

// looks is how messages look on lines of so many bytes at most.
func looks(most int) *channels.Encoding {
	look, known := encodings.Load(most)
	if !known {
		look, _ = encodings.LoadOrStore(most, &channels.Encoding{Append: func(dst []byte, e *channels.Entry) []byte {
			return appendMessage(dst, e, most)
		}})
	}
	return look.(*channels.Encoding) // nothing else is kept there
}

// appendMessage appends a message, cut between characters into as many responses as it takes. Each has its author, and the
// mark of a whisper.
func appendMessage(dst []byte, e *channels.Entry, most int) []byte {
	const tail = "\"}\n"
	mark := ") "
	if e.Channel.Kind == channels.Inbox && e.Label == nil {
		mark = ") [PM] "
	}
	head := append(appendHead(nil, message, data), '"')
	head = appendText(head, "("+e.Author.Address()+mark)
	if dst == nil {
		dst = make([]byte, 0, len(head)+len(e.Body)+len(e.Body)/8+len(tail))
	}
	start := len(dst)
	dst = append(dst, head...)
	var next [12]byte // two escapes
	for _, r := range e.Body {
		shown := appendRune(next[:0], r)
		if n := len(dst) - start; n > len(head) && n+len(shown)+len(tail)-1 > most { // the line feed is not of the line
			dst = append(dst, tail...)
			start = len(dst)
			dst = append(dst, head...)
		}
		dst = append(dst, shown...)
	}
	return append(dst, tail...)
}

// appendNotice appends what a group is told of somebody; nothing of what this protocol has no words for.
func appendNotice(dst []byte, n channels.Notice, who string) []byte {
	group := ""
	if n.Channel != nil {
		group = n.Channel.Address()
	}
	switch {
	case n.Event == channels.EnteredChannel:
		return appendAnswer(dst, joined, control, who+" has joined "+group+".", userKey, who, groupKey, group)
	case n.Event == channels.BannedOutside, n.Event == channels.LeftChannel && n.Reason == channels.WasBanned:
		return appendAnswer(dst, banned, control, who+" has been banned from "+group+".", bannedKey, who)
	case n.Event == channels.LeftChannel && n.Reason == channels.Kicked:
		return appendAnswer(dst, kicked, control, who+" has been kicked out of "+group+".", kickedKey, who)
	case n.Event == channels.LeftChannel:
		return appendAnswer(dst, hasLeft, "", who+" has left "+group+".", userKey, who)
	}
	return dst
}
