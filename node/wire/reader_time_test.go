package wire

import (
	"fmt"
	"io"
	"net"
	"os"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// inBubble runs a test over a pipe, in a bubble with a clock of its own.
func inBubble(t *testing.T, f func(t *testing.T, ours, theirs net.Conn)) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := piped(t)
		f(t, ours, theirs)
	})
}

// sayAfter writes each part when the pause before it is over, and then closes after the last pause.
func sayAfter(t *testing.T, conn net.Conn, last time.Duration, parts ...any) {
	t.Helper()
	beside(t, conn, func() {
		for _, p := range parts {
			switch p := p.(type) {
			case time.Duration:
				pause(p)
			case string:
				if _, err := io.WriteString(conn, p); err != nil {
					t.Errorf("write %q: %v", p, err)
				}
			}
		}
		pause(last)
	})
}

// at checks how long the test has been going on.
func at(t *testing.T, began time.Time, want time.Duration) {
	t.Helper()
	if got := time.Since(began); got != want {
		t.Errorf("after %v; want %v", got, want)
	}
}

const quiet = 200 * time.Millisecond

func TestWhatIsQuietOnAConnectionWithoutLineFeedsIsALine(t *testing.T) {
	inBubble(t, func(t *testing.T, ours, theirs net.Conn) {
		began := time.Now()
		sayAfter(t, theirs, time.Second, time.Second, "LOG", quiet-1, "IN bob", quiet-1, " x", 3*quiet, "SAY go hi\r", time.Hour, "rest")
		r := NewReader(ours, ReaderOptions{Line: 64, Unterminated: quiet})
		wantLine(t, r, "LOGIN bob x")
		at(t, began, time.Second+2*(quiet-1)+quiet)
		wantLine(t, r, "SAY go hi")
		wantLine(t, r, "rest")
		wantError(t, r, io.EOF)
	})
}

func TestAfterALineFeedQuietEndsNoLine(t *testing.T) {
	for _, first := range []string{"one\n", "\n", repeated('x', 100) + "\n"} {
		inBubble(t, func(t *testing.T, ours, theirs net.Conn) {
			began := time.Now()
			sayAfter(t, theirs, 0, first, "two", time.Hour, "more\n")
			r := NewReader(ours, ReaderOptions{Line: 64, Unterminated: quiet})
			_, _ = r.ReadLine() // the first; too long in one case
			wantLine(t, r, "twomore")
			at(t, began, time.Hour)
		})
	}
}

func TestALineFeedMayComeWithinTheQuiet(t *testing.T) {
	inBubble(t, func(t *testing.T, ours, theirs net.Conn) {
		sayAfter(t, theirs, time.Hour, "one", quiet/2, "\ntwo", 10*quiet, "\n")
		r := NewReader(ours, ReaderOptions{Line: 64, Unterminated: quiet})
		wantLine(t, r, "one")
		wantLine(t, r, "two")
		wantError(t, r, io.EOF)
	})
}

func TestWhatIsLeftAtTheEndIsALineWhereThatIsAllowed(t *testing.T) {
	for _, k := range []struct {
		sent string
		mode time.Duration
		want string
	}{
		{"rest", quiet, "[rest]"},
		{"rest\r", quiet, "[rest]"},
		{"rest", 0, "[]"},
		{"one\nrest", quiet, "[one rest]"},
		{"one\nrest", 0, "[one]"},
		{"one\n", quiet, "[one]"},
		{"12345678", quiet, "[12345678]"},
		{"12345678\r", quiet, "[12345678]"},
		{"123456789", quiet, "[]"},
		{"123456789\r", quiet, "[]"},
		{"12345678901234567890", quiet, "[]"},
	} {
		t.Run(fmt.Sprintf("%q %v", k.sent, k.mode), func(t *testing.T) {
			ours, theirs := dialled(t)
			say(t, theirs, k.sent)
			if got := fmt.Sprint(lines(t, NewReader(ours, ReaderOptions{Line: 8, Unterminated: k.mode}))); got != k.want {
				t.Errorf("%s; want %s", got, k.want)
			}
		})
	}
}

func TestWhatIsTooLongIsNoLineHoweverQuiet(t *testing.T) {
	for _, long := range []string{"123456789", "123456789\r", "1234567890", repeated('x', 2000)} {
		inBubble(t, func(t *testing.T, ours, theirs net.Conn) {
			sayAfter(t, theirs, 0, long, time.Hour, "\nnext\n")
			r := NewReader(ours, ReaderOptions{Line: 8, Unterminated: quiet})
			wantError(t, r, ErrTooLong)
			wantLine(t, r, "next")
			wantError(t, r, io.EOF)
		})
	}
}

func TestTheDeadlineIsAskedForEachRead(t *testing.T) {
	inBubble(t, func(t *testing.T, ours, theirs net.Conn) {
		began := time.Now()
		until := began.Add(10 * time.Second)
		r := NewReader(ours, ReaderOptions{Line: 64, Deadline: func() time.Time { return until }})
		sayAfter(t, theirs, time.Second, "one\ntwo\nth", 9*time.Second, "ree\n", 48*time.Hour, "four\n")
		wantLine(t, r, "one")
		wantLine(t, r, "two")
		wantLine(t, r, "three")
		wantError(t, r, os.ErrDeadlineExceeded)
		at(t, began, 10*time.Second)
		until = began.Add(time.Minute) // a later one counts, and so does none
		wantError(t, r, os.ErrDeadlineExceeded)
		at(t, began, time.Minute)
		until = time.Time{}
		wantLine(t, r, "four")
		wantError(t, r, io.EOF)
	})
}

func TestADeadlineBeforeTheQuietEndsNoLine(t *testing.T) {
	inBubble(t, func(t *testing.T, ours, theirs net.Conn) {
		until := time.Now().Add(quiet / 2)
		r := NewReader(ours, ReaderOptions{Line: 64, Unterminated: quiet, Deadline: func() time.Time { return until }})
		sayAfter(t, theirs, time.Second, "one")
		wantError(t, r, os.ErrDeadlineExceeded)
		until = time.Now().Add(time.Hour)
		wantLine(t, r, "one")
	})
}

func TestAReaderThatIsStoppedReadsNoMore(t *testing.T) {
	for _, mode := range []time.Duration{0, quiet} {
		inBubble(t, func(t *testing.T, ours, theirs net.Conn) {
			var stopping atomic.Bool
			began := time.Now()
			r := NewReader(ours, ReaderOptions{Line: 64, Unterminated: mode, Stopping: stopping.Load,
				Deadline: func() time.Time { return began.Add(time.Hour) }})
			sayAfter(t, theirs, time.Hour, "half")
			go func() {
				pause(quiet / 2)
				stopping.Store(true)
				_ = ours.SetReadDeadline(time.Unix(1, 0)) // a pipe that is open takes it
			}()
			wantError(t, r, os.ErrDeadlineExceeded)
			wantError(t, r, os.ErrDeadlineExceeded) // also where a deadline is set anew
			at(t, began, quiet/2)
		})
	}
}

func TestLinesThatHaveComeAreHandedOutWhileStopping(t *testing.T) {
	ours, theirs := piped(t)
	stopping := false
	r := NewReader(ours, ReaderOptions{Line: 64, Stopping: func() bool { return stopping }})
	say(t, theirs, "one\ntwo\n")
	wantLine(t, r, "one")
	stopping = true
	wantLine(t, r, "two")
	wantError(t, r, os.ErrDeadlineExceeded)
}

func TestAConnectionThatIsClosedHereSaysSo(t *testing.T) {
	onEither(t, func(t *testing.T, ours, _ net.Conn) {
		_ = ours.Close()
		if line, err := NewReader(ours, ReaderOptions{Line: 8, Deadline: time.Now}).ReadLine(); err == nil || err == io.EOF {
			t.Errorf("%q, %v", line, err)
		}
	})
}
