package harness

import (
	"testing"
	"time"
)

// Talk plays a transcript: lines beginning with "> " are sent, those with "< " must come back, byte for byte.
func (c *Client) Talk(transcript ...string) {
	c.t.Helper()
	for _, line := range transcript {
		switch text := line[2:]; line[:2] {
		case "> ":
			c.SendRaw(text + "\n")
		case "< ":
			c.Expect(text)
		default:
			c.t.Fatalf("%q is neither sent nor received", line)
		}
	}
}

// Eventually fails unless something becomes true.
func Eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(Patience); !is(); {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}
