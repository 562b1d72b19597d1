package bcp_test

import (
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"chatnode/node/session"
	"chatnode/protocols/bcp"
	"chatnode/tests/harness"
)

const inactive = "Disconnected for inactivity."

// idleFor fails unless a client that does nothing is told so, after more than a minute and within two looks of it.
func idleFor(t *testing.T, c *harness.BCP, since time.Time) {
	t.Helper()
	got := readSlowly(t, c)
	if want := harness.BCPStatus(1, inactive); got != want {
		t.Fatalf("got %q", got)
	}
	if took := time.Since(since); took <= time.Minute || took > 80*time.Second {
		t.Errorf("it was disconnected after %v", took)
	}
	c.ExpectClosed()
}

// readSlowly reads a message for which no test has to be patient.
func readSlowly(t *testing.T, c *harness.BCP) string {
	t.Helper()
	p := make([]byte, 1+1+2+len(inactive))
	if err := c.Conn.SetReadDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(c.Conn, p); err != nil {
		t.Fatal(err)
	}
	return string(p)
}

func TestWhoIsIdleForAMinuteIsDisconnected(t *testing.T) {
	for what, begin := range map[string]func(c *harness.BCP){
		"without a word":              func(*harness.BCP) {},
		"in the middle of a message":  func(c *harness.BCP) { c.SendRaw("\x01\x00\x05al") },
		"registered":                  func(c *harness.BCP) { c.Enter("alice") },
		"after a SEND":                func(c *harness.BCP) { c.Enter("alice"); c.Say("hi") },
		"in the middle of a SEND":     func(c *harness.BCP) { c.Enter("alice"); c.SendRaw("\x02\x00") },
		"with the string of a STATUS": func(c *harness.BCP) { c.Enter("alice"); c.SendRaw("\x00\x00") },
		"without an acknowledgement": func(c *harness.BCP) {
			c.SendRaw(harness.BCPRegister("alice"))
			c.Expect(harness.BCPStatus(0, ""), harness.BCPWelcome("alice", "alice"))
		},
	} {
		t.Run(what, func(t *testing.T) {
			inRoom(t, func(t *testing.T, r *room) {
				c := r.connect()
				begin(c)
				idleFor(t, c, time.Now())
				r.ended(session.WordIdle, 1)
			})
		})
	}
}

func TestWhoHearsOthersIsNotIdleAndWhoNeverAcknowledgesIs(t *testing.T) {
	inRoom(t, func(t *testing.T, r *room) {
		alice := r.connect().Enter("alice")
		bob := r.connect().Enter("bob", "alice")
		alice.Hear("[Server]", "bob has joined the server.")
		mute := r.connect()
		mute.SendRaw(harness.BCPRegister("mute"))
		mute.Expect(harness.BCPStatus(0, ""), harness.BCPWelcome("mute", "alice", "bob", "mute"))
		start := time.Now()
		for _, c := range []*harness.BCP{alice, bob} {
			c.Hear("[Server]", "mute has joined the server.")
		}
		talk := func(rounds int) {
			for range rounds {
				<-time.After(25 * time.Second)
				alice.Say("still here")
				bob.Hear("alice", "still here")
			}
		}
		talk(2)
		idleFor(t, mute, start)
		alice.Hear("[Server]", "mute has left the server.")
		bob.Hear("[Server]", "mute has left the server.")
		talk(10)
		r.ended(session.WordIdle, 1)
	})
}

func TestANameHasToBeGivenInTime(t *testing.T) {
	inRoom(t, func(t *testing.T, r *room) {
		c, start := r.connect(), time.Now()
		var trickle sync.WaitGroup
		trickle.Go(func() {
			for _, b := range "\x01\x00\xff" + string(make([]byte, 200)) { // a byte every five seconds, so it is not idle
				if _, err := io.WriteString(c.Conn, string(b)); err != nil {
					return
				}
				<-time.After(5 * time.Second)
			}
		})
		c.Expect(harness.BCPStatus(1, "No name was given in time."))
		c.ExpectClosed()
		if took := time.Since(start); took != 15*time.Second {
			t.Errorf("it was disconnected after %v", took)
		}
		c.Close()
		trickle.Wait()
		r.ended(session.WordTimeout, 1)
	}, func(s *session.Settings) { s.LoginTimeout = 15 * time.Second })
}

func TestARefusedNameIsToldAndThenAShortPauseFollows(t *testing.T) {
	inRoom(t, func(t *testing.T, r *room) {
		r.connect().Enter("alice")
		for what, after := range map[string]string{"nothing": "", "something": "\x02\x00\x02hi\x04\x00", "REGISTER again": harness.BCPRegister("bob")} {
			c, start := r.connect(), time.Now()
			c.SendRaw(harness.BCPRegister("alice") + after)
			c.Expect(harness.BCPStatus(1, taken))
			if took := time.Since(start); took != 0 {
				t.Errorf("%s: it was told after %v", what, took)
			}
			c.ExpectClosed()
			if took := time.Since(start); took != 500*time.Millisecond {
				t.Errorf("%s: it was closed after %v", what, took)
			}
		}
		c, start := r.connect(), time.Now()
		c.SendRaw(harness.BCPRegister("alice"))
		c.Expect(harness.BCPStatus(1, taken))
		synctest.Wait()
		c.Close()
		r.ended(bcp.WordRefused, 4)
		if took := time.Since(start); took != 0 {
			t.Errorf("who closes is waited for: %v", took)
		}
	})
}

func TestWhoPoursInBytesAfterARefusalIsClosedSoon(t *testing.T) {
	inRoom(t, func(t *testing.T, r *room) {
		r.connect().Enter("alice")
		c := r.connect()
		c.SendRaw(harness.BCPRegister("alice"))
		c.Expect(harness.BCPStatus(1, taken))
		written := 0
		for {
			n, err := c.Conn.Write(make([]byte, 512))
			if written += n; err != nil {
				break
			}
		}
		if written > 8192 {
			t.Errorf("%d bytes were read", written)
		}
		r.ended(bcp.WordRefused, 1)
	})
}

func TestARateOfMessagesSlowsEachLineAndLosesNothing(t *testing.T) {
	inRoom(t, func(t *testing.T, r *room) {
		alice := r.connect().Enter("alice")
		bob := r.connect().Enter("bob", "alice")
		alice.Hear("[Server]", "bob has joined the server.")
		start := time.Now()
		alice.SendRaw(harness.BCPSend("1\n2\n3\n4\n5\n6"))
		for _, line := range []string{"1", "2", "3", "4", "5", "6"} {
			bob.Hear("alice", line)
		}
		alice.Expect(harness.BCPStatus(0, ""))
		if took := time.Since(start); took < 3*time.Second || took > 5*time.Second {
			t.Errorf("6 lines at 1 a second after a burst of 3 took %v", took)
		}
	}, func(s *session.Settings) { s.CommandsPerS, s.CommandBurst = 1, 3 })
}

// TestInputCutAtEveryByte sends each half of a conversation in two writes, each read by itself, and byte by byte.
func TestInputCutAtEveryByte(t *testing.T) {
	said := harness.BCPSend("Grüße\n世界") + harness.BCPSend("\x00") + harness.BCPSend("end") + "\x05"
	for _, ack := range []string{harness.BCPAck, harness.BCPAck + "\x00\x00", harness.BCPAck + "\x00\x02ok"} {
		for at := range len(ack + said) {
			inRoom(t, func(t *testing.T, r *room) { converse(t, r, harness.BCPRegister("zoë"), ack+said, at) })
		}
	}
}

// cut is a text in two parts; with 0 it is in single bytes.
func cut(s string, at int) []string {
	switch {
	case at == 0:
		parts := make([]string, len(s))
		for i := range parts {
			parts[i] = s[i : i+1]
		}
		return parts
	case at >= len(s):
		return []string{s}
	}
	return []string{s[:at], s[at:]}
}

func converse(t *testing.T, r *room, first, then string, at int) {
	bob := r.connect().Enter("bob")
	c := r.connect()
	send := func(s string) {
		for _, p := range cut(s, at) {
			c.SendRaw(p)
		}
	}
	send(first)
	c.Expect(harness.BCPStatus(0, ""), harness.BCPWelcome("zoë", "bob", "zoë"))
	bob.Hear("[Server]", "zoë has joined the server.")
	send(then)
	bob.Hear("zoë", "Grüße")
	bob.Hear("zoë", "世界")
	c.Expect(harness.BCPStatus(0, ""), harness.BCPStatus(1, "There is nothing in the message."), harness.BCPStatus(0, ""))
	bob.Hear("zoë", "end")
	c.Refused("There is no such message.")
	bob.Hear("[Server]", "zoë has left the server.")
}

// TestWhoReadsNoAnswersIsReadNoMoreAndGetsThemAll holds what waits for a client that only sends.
func TestWhoReadsNoAnswersIsReadNoMoreAndGetsThemAll(t *testing.T) {
	inRoom(t, func(t *testing.T, r *room) {
		c := r.connect().Enter("alice")
		const asked = 50_000
		var written atomic.Int64
		var sending sync.WaitGroup
		sending.Go(func() {
			burst := strings.Repeat(harness.BCPSend("\n"), asked/100)
			for range 100 {
				n, err := io.WriteString(c.Conn, burst)
				if written.Add(int64(n)); err != nil {
					t.Error(err)
					return
				}
			}
		})
		synctest.Wait()
		if taken := written.Load() / 4; taken > 5000 {
			t.Errorf("%d messages were read", taken)
		}
		for range asked {
			c.Expect(harness.BCPStatus(1, "There is nothing in the message."))
		}
		sending.Wait()
	}, func(s *session.Settings) { s.ReplyBytes = 64 << 10 })
}
