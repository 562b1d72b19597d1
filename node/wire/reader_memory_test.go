package wire

import (
	"fmt"
	"net"
	"strings"
	"testing"
)

// burst makes n bytes of short lines.
func burst(n int) (text string, count int) {
	var b strings.Builder
	for ; b.Len() < n; count++ {
		fmt.Fprintf(&b, "SAY go %d\n", count)
	}
	return b.String(), count
}

func TestABurstIsReadInOneGo(t *testing.T) {
	for _, size := range []int{idleBuffer / 2, idleBuffer + 1, 3 * idleBuffer, 20_000, 60_000} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			ours, theirs := dialled(t)
			text, count := burst(size)
			say(t, theirs, text)
			arrived(t, ours, len(text))
			reads := 0
			r := NewReader(&watched{ours, func() { reads++ }}, ReaderOptions{Line: 65536})
			for i := range count {
				wantLine(t, r, fmt.Sprint("SAY go ", i))
				if more := i+1 < count; r.Buffered() != more {
					t.Fatalf("after line %d of %d: Buffered is %v", i, count, !more)
				}
			}
			if reads != 1 {
				t.Errorf("%d blocking reads", reads)
			}
		})
	}
}

func TestALargeBufferIsGivenBackWhenThereIsNothingInIt(t *testing.T) {
	ours, theirs := dialled(t)
	const most = 8192
	var sizes []int
	var r *Reader
	r = NewReader(&watched{ours, func() { sizes = append(sizes, len(r.buf)) }}, ReaderOptions{Line: most})
	for range 3 {
		text, count := burst(4 * idleBuffer)
		if _, err := theirs.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
		arrived(t, ours, len(text))
		for i := range count {
			wantLine(t, r, fmt.Sprint("SAY go ", i))
		}
		if len(r.buf) != most+idleBuffer {
			t.Errorf("%d bytes while busy", len(r.buf))
		}
	}
	_ = theirs.Close()
	lines(t, r)
	for _, n := range sizes {
		if n != idleBuffer {
			t.Errorf("%d bytes while waiting", n)
		}
	}
}

func TestAHalfLineKeepsItsBufferUntilItsEnd(t *testing.T) {
	onEither(t, func(t *testing.T, ours, theirs net.Conn) {
		long := repeated('x', 5*idleBuffer)
		say(t, theirs, "short\n"+long, long+"\nlast\n")
		r := NewReader(ours, ReaderOptions{Line: 65536})
		wantLine(t, r, "short")
		wantLine(t, r, long+long)
		wantLine(t, r, "last")
		wantNothing(t, r)
	})
}

// wantNothing reads to the end of a connection on which nothing more comes.
func wantNothing(t *testing.T, r *Reader) {
	t.Helper()
	if rest := lines(t, r); rest != nil {
		t.Errorf("%.60q came too", rest)
	}
	if len(r.buf) != idleBuffer {
		t.Errorf("%d bytes of buffer at the end", len(r.buf))
	}
}

func TestALineThatIsTooLongIsDiscardedInBoundedMemoryAndLookedAtOnce(t *testing.T) {
	const most = 4096
	ours, theirs := dialled(t)
	var parts []string
	for range 10 * most / 64 {
		parts = append(parts, repeated('x', 64))
	}
	say(t, theirs, append(parts, "\nnext\n"+repeated('y', most)+"\n")...)
	var r *Reader
	largest := 0
	r = NewReader(&watched{ours, func() {
		largest = max(largest, len(r.buf))
		if r.scanned != r.to {
			t.Errorf("%d bytes will be looked at again", r.to-r.scanned)
		}
	}}, ReaderOptions{Line: most})
	wantError(t, r, ErrTooLong)
	wantLine(t, r, "next")
	wantLine(t, r, repeated('y', most))
	if largest > most+idleBuffer {
		t.Errorf("a buffer of %d bytes for lines of %d", largest, most)
	}
	wantNothing(t, r)
}

func TestABufferOfAnotherSizeIsNotTakenFromThePool(t *testing.T) {
	for _, most := range []int{1000, 5000, 2000, 5000} {
		ours, theirs := piped(t)
		say(t, theirs, repeated('x', most)+"\n", "y\n")
		r := NewReader(ours, ReaderOptions{Line: most})
		wantLine(t, r, repeated('x', most))
		if len(r.buf) != most+idleBuffer {
			t.Errorf("%d bytes for lines of %d", len(r.buf), most)
		}
		wantLine(t, r, "y")
		wantNothing(t, r)
	}
}
