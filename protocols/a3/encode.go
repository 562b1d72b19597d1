package a3

import "chatnode/channels"

// The answers of one token.
const (
	inUse     = "IN-USE"
	busy      = "BUSY"
	sendOK    = "SEND-OK"
	badUser   = "BAD-DEST-USER"
	badHeader = "BAD-RQST-HDR"
	badBody   = "BAD-RQST-BODY"
)

// delivery is how a message looks. The text holds no line feed, whatever tongue it was said in.
var delivery = &channels.Encoding{Append: appendDelivery}

func appendDelivery(dst []byte, e *channels.Entry) []byte {
	from := e.Author.Address()
	if dst == nil {
		dst = make([]byte, 0, len("DELIVERY  \n")+len(from)+len(e.Body))
	}
	dst = append(append(dst, "DELIVERY "...), from...)
	dst = append(append(dst, ' '), e.Body...)
	return append(dst, '\n')
}

// private shows what was sent to somebody, and nothing of a channel.
func private(_ channels.PersonID, e *channels.Entry) bool {
	return e.Channel.Kind == channels.Inbox && e.Label == nil
}

// fromOthers shows what was sent to somebody, and what others say in the lobby, which is all that a guest is in.
func fromOthers(hearer channels.PersonID, e *channels.Entry) bool {
	return private(hearer, e) || e.Channel.Kind == channels.Public && e.Author.ID != hearer
}

// appendList appends the answer to LIST: those of this node whose names the protocol can carry.
func appendList(dst []byte, all []channels.Person) []byte {
	dst = append(dst, "LIST-OK"...)
	sep := byte(' ')
	for _, p := range all {
		if p.Host == "" && carried(p.Name) {
			dst = append(append(dst, sep), p.Name...)
			sep = ','
		}
	}
	return append(dst, '\n')
}
