package native_test

import (
	"strings"
	"testing"

	"chatnode/channels"
)

func TestEveryReasonForARefusalStandsInATranscript(t *testing.T) {
	var all strings.Builder
	for _, path := range transcripts(t) {
		all.WriteString(strings.Join(read(t, path), "\n"))
	}
	// not these: channels.RateLimited takes hundreds of guesses at once, channels.Unavailable a full disk
	for _, word := range []channels.Word{
		channels.Malformed, channels.UnknownCommand, channels.NotLoggedIn, channels.AlreadyLoggedIn, channels.BadCredentials,
		channels.NameTaken, channels.BadName, channels.NoSuchChannel, channels.NoSuchUser, channels.ChannelExists,
		channels.NotMember, channels.AlreadyMember, channels.Banned, channels.Forbidden, channels.EmptyMessage,
		channels.TooLong, channels.RegistrationClosed, channels.PeerUnknown,
	} {
		if !strings.Contains(all.String(), "err="+string(word)+" RESULT ") {
			t.Errorf("no transcript shows err=%s", word)
		}
	}
}
