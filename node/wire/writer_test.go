package wire

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"runtime"
	"testing"
	"time"
)

const stall = time.Second

func TestTryWriteTakesPartAndNeverWaits(t *testing.T) {
	ours, theirs := dialled(t)
	_ = ours.SetWriteBuffer(4096) // asked for, to be quick; any size will do
	w := NewWriter(ours)
	var sent []byte
	piece := make([]byte, 100_000)
	part, full := false, false
	for i := byte(0); !full; i++ {
		for j := range piece {
			piece[j] = i + byte(j)
		}
		n, err := w.TryWrite(piece)
		if err != nil {
			t.Fatal(err)
		}
		sent = append(sent, piece[:n]...)
		part = part || n > 0 && n < len(piece)
		full = n == 0
	}
	if !part {
		t.Error("nothing was taken in part")
	}
	_ = ours.CloseWrite() // what is lost here is missed below
	if got, err := io.ReadAll(theirs); err != nil || !bytes.Equal(got, sent) {
		t.Errorf("%d bytes came, %v; want the %d that were taken", len(got), err, len(sent))
	}
}

func TestTryWriteToNoSocketTakesNothing(t *testing.T) {
	ours, _ := piped(t)
	if n, err := NewWriter(ours).TryWrite([]byte("x")); n != 0 || err != nil {
		t.Error(n, err)
	}
}

func TestTryWriteTellsThatTheConnectionIsGone(t *testing.T) {
	ours, theirs := dialled(t)
	_ = theirs.SetLinger(0) // so that closing is a reset
	_ = theirs.Close()
	_, _ = io.ReadAll(ours) // until the reset is here
	if n, err := NewWriter(ours).TryWrite([]byte("x")); n != 0 || err == nil {
		t.Error(n, err)
	}
	_ = ours.Close()
	if n, err := NewWriter(ours).TryWrite([]byte("x")); n != 0 || !errors.Is(err, net.ErrClosed) {
		t.Error(n, err)
	}
}

// takeSlowly reads n bytes one by one, each after a pause.
func takeSlowly(conn net.Conn, n int, each time.Duration) {
	for range n {
		pause(each)
		if _, err := io.ReadFull(conn, make([]byte, 1)); err != nil {
			return
		}
	}
}

func TestAPeerThatReadsNothingIsStalled(t *testing.T) {
	inBubble(t, func(t *testing.T, ours, _ net.Conn) {
		began := time.Now()
		if err := NewWriter(ours).Write([]byte("hello"), stall); !errors.Is(err, ErrStalled) {
			t.Error(err)
		}
		at(t, began, stall)
	})
}

func TestAPeerThatStopsReadingIsStalled(t *testing.T) {
	inBubble(t, func(t *testing.T, ours, theirs net.Conn) {
		began := time.Now()
		go takeSlowly(theirs, 4, stall/4)
		if err := NewWriter(ours).Write([]byte("hello"), stall); !errors.Is(err, ErrStalled) {
			t.Error(err)
		}
		if took := time.Since(began); took < 2*stall || took > 3*stall {
			t.Errorf("noticed after %v; it read for %v", took, stall)
		}
	})
}

func TestAPeerThatReadsSlowlyIsNeverStalled(t *testing.T) {
	inBubble(t, func(t *testing.T, ours, theirs net.Conn) {
		began := time.Now()
		const n = 1000
		go takeSlowly(theirs, n, stall*9/10)
		if err := NewWriter(ours).Write(make([]byte, n), stall); err != nil {
			t.Error(err)
		}
		at(t, began, n*stall*9/10)
	})
}

func TestWithoutAStallTheWriterWaitsForEver(t *testing.T) {
	inBubble(t, func(t *testing.T, ours, theirs net.Conn) {
		began := time.Now()
		go takeSlowly(theirs, 3, 1000*time.Hour)
		if err := NewWriter(ours).Write([]byte("abc"), 0); err != nil {
			t.Error(err)
		}
		at(t, began, 3000*time.Hour)
	})
}

func TestNoDeadlineIsLeftAfterAWrite(t *testing.T) {
	inBubble(t, func(t *testing.T, ours, theirs net.Conn) {
		go takeSlowly(theirs, 2, 0)
		w := NewWriter(ours)
		if err := w.Write([]byte("ab"), stall); err != nil {
			t.Fatal(err)
		}
		go takeSlowly(theirs, 1, 10*stall)
		if err := w.Write([]byte("c"), 0); err != nil {
			t.Error(err)
		}
	})
}

func TestNothingToWriteIsWrittenAtOnce(t *testing.T) {
	ours, _ := piped(t)
	if err := NewWriter(ours).Write(nil, stall); err != nil {
		t.Error(err)
	}
}

func TestAConnectionThatIsGoneIsNotStalled(t *testing.T) {
	for _, d := range []time.Duration{0, stall} {
		onEither(t, func(t *testing.T, ours, _ net.Conn) {
			_ = ours.Close()
			if err := NewWriter(ours).Write([]byte("x"), d); err == nil || errors.Is(err, ErrStalled) {
				t.Error(err)
			}
		})
		ours, theirs := piped(t)
		_ = theirs.Close()
		if err := NewWriter(ours).Write([]byte("x"), d); !errors.Is(err, io.ErrClosedPipe) {
			t.Error(err)
		}
	}
}

func TestAllThatIsWrittenComesInOrder(t *testing.T) {
	ours, theirs := dialled(t)
	_ = ours.SetWriteBuffer(4096) // asked for; any size will do
	want := make([]byte, 256<<10)
	for i := range want {
		want[i] = byte(rand.Uint32())
	}
	done := make(chan error, 1)
	go func() {
		w := NewWriter(ours)
		n, err := w.TryWrite(want)
		if err == nil {
			err = w.Write(want[n:], time.Minute)
		}
		done <- errors.Join(err, ours.Close())
	}()
	got, err := io.ReadAll(theirs)
	if err := errors.Join(err, <-done); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d of %d bytes came, %v", len(got), len(want), err)
	}
}

func TestAConnectionThatTheOtherSideClosedIsSeenToBe(t *testing.T) {
	here, there := dialled(t)
	if Closed(here) {
		t.Error("it is closed before it is")
	}
	if _, err := there.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if err := there.Close(); err != nil {
		t.Fatal(err)
	}
	p := make([]byte, 1)
	if _, err := here.Read(p); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); !Closed(here); { // loopback is quick, but not at once
		if time.Now().After(deadline) {
			t.Fatal("it is not seen to be closed")
		}
		runtime.Gosched()
	}
	if pipe, _ := net.Pipe(); Closed(pipe) {
		t.Error("a pipe is closed")
	}
}
