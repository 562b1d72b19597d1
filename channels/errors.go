package channels

import "errors"

// A Word says in one token why something was refused. It is what a client that asked for tags reads after err=.
type Word string

// The words of a refusal (native protocol §5).
const (
	Malformed          Word = "malformed"
	UnknownCommand     Word = "unknown-command"
	NotLoggedIn        Word = "not-logged-in"
	AlreadyLoggedIn    Word = "already-logged-in"
	BadCredentials     Word = "bad-credentials"
	NameTaken          Word = "name-taken"
	BadName            Word = "bad-name"
	NoSuchChannel      Word = "no-such-channel"
	NoSuchUser         Word = "no-such-user"
	ChannelExists      Word = "channel-exists"
	NotMember          Word = "not-member"
	AlreadyMember      Word = "already-member"
	Banned             Word = "banned"
	Forbidden          Word = "forbidden"
	EmptyMessage       Word = "empty-message"
	TooLong            Word = "too-long"
	RateLimited        Word = "rate-limited"
	RegistrationClosed Word = "registration-closed"
	PeerUnknown        Word = "peer-unknown"
	PeerDown           Word = "peer-down"
	Timeout            Word = "timeout"
	Unknown            Word = "unknown" // it may have been done
	Full               Word = "full"
	Unavailable        Word = "unavailable"
)

// A Refusal is an error whose public half is a word for the person who asked and whose private half, if any, is for the
// log. A refused request has done nothing.
type Refusal struct {
	Word  Word
	Cause error // nil when the person is at fault and there is nothing to log
}

// Error is the word, and the cause if there is one: for the log, not for the asker.
func (r *Refusal) Error() string {
	if r.Cause == nil {
		return string(r.Word)
	}
	return string(r.Word) + ": " + r.Cause.Error()
}

// Unwrap returns the cause.
func (r *Refusal) Unwrap() error { return r.Cause }

// Refuse returns a refusal that is the asker's own fault.
func Refuse(w Word) error { return &Refusal{Word: w} }

// WordOf returns the word to tell the asker. An error that is no refusal is Unavailable: the node could not do it.
func WordOf(err error) Word {
	var r *Refusal
	if errors.As(err, &r) {
		return r.Word
	}
	return Unavailable
}

// IsRefusal reports whether err refuses a request on its merits, as against a failure of the node itself.
func IsRefusal(err error) bool {
	var r *Refusal
	return errors.As(err, &r) && r.Word != Unavailable
}
