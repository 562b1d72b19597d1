package wire

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"testing"
)

func TestALineEndsWithALineFeedAndLosesOneCarriageReturn(t *testing.T) {
	eight, nine := repeated('8', 8), repeated('9', 9)
	for _, k := range []struct {
		name  string
		parts []string
		want  []string
	}{
		{"line feed", []string{"one\n"}, []string{"one"}},
		{"carriage return and line feed", []string{"one\r\n"}, []string{"one"}},
		{"two carriage returns", []string{"one\r\r\n"}, []string{"one\r"}},
		{"a carriage return inside", []string{"o\rne\n"}, []string{"o\rne"}},
		{"a carriage return begins the next", []string{"one\n\rtwo\n"}, []string{"one", "\rtwo"}},
		{"blank lines", []string{"\n\r\n\n"}, []string{"", "", ""}},
		{"several in one segment", []string{"one\ntwo\r\nthree\n"}, []string{"one", "two", "three"}},
		{"one in many segments", []string{"o", "n", "e", "\r", "\n"}, []string{"one"}},
		{"an end and a beginning in one segment", []string{"on", "e\ntw", "o\n"}, []string{"one", "two"}},
		{"bytes that are no text", []string{"\x00\xff\n"}, []string{"\x00\xff"}},
		{"no end", []string{"one\ntwo"}, []string{"one"}},
		{"nothing", nil, nil},
		{"the longest", []string{eight + "\n"}, []string{eight}},
		{"the longest, and a carriage return", []string{eight + "\r\n"}, []string{eight}},
		{"the longest, in pieces", []string{eight, "\r", "\n"}, []string{eight}},
		{"the longest, and two carriage returns", []string{eight + "\r\r\nnext\n"}, []string{tooLong, "next"}},
		{"one byte longer", []string{nine + "\nnext\n"}, []string{tooLong, "next"}},
		{"one byte longer, and a carriage return", []string{nine + "\r\nnext\n"}, []string{tooLong, "next"}},
		{"one byte longer, in pieces", []string{nine, "\n", "next\n"}, []string{tooLong, "next"}},
		{"one byte longer, cut before its last", []string{eight, "9\nnext\n"}, []string{tooLong, "next"}},
		{"much longer", []string{nine + nine, nine + nine, nine + "\nnext\n"}, []string{tooLong, "next"}},
		{"too long, and no end", []string{nine + nine}, nil},
		{"too long twice", []string{nine + "\n" + nine + nine + "\nnext\n"}, []string{tooLong, tooLong, "next"}},
		{"too long between others", []string{"one\n" + nine + "\ntwo\nthree\n"}, []string{"one", tooLong, "two", "three"}},
	} {
		t.Run(k.name, func(t *testing.T) {
			onEither(t, func(t *testing.T, ours, theirs net.Conn) {
				say(t, theirs, k.parts...)
				if got := lines(t, NewReader(ours, ReaderOptions{Line: 8})); !slices.Equal(got, k.want) {
					t.Errorf("%q; want %q", got, k.want)
				}
			})
		})
	}
}

func TestTheLongestLineIsTakenWhateverTheMaximum(t *testing.T) {
	for _, most := range []int{1, idleBuffer - 2, idleBuffer - 1, idleBuffer, idleBuffer + 1, 2 * idleBuffer, 65536} {
		t.Run(fmt.Sprint(most), func(t *testing.T) {
			onEither(t, func(t *testing.T, ours, theirs net.Conn) {
				longest := repeated('x', most)
				say(t, theirs, longest, "\n", longest, "\r", "\n", longest+"\n"+longest+"\r\n", longest, "y\n", longest+"y\r\n", "z\n")
				got := lines(t, NewReader(ours, ReaderOptions{Line: most}))
				if want := []string{longest, longest, longest, longest, tooLong, tooLong, "z"}; !slices.Equal(got, want) {
					t.Errorf("%.40q", got)
				}
			})
		})
	}
}

func TestALineIsTheSameWhereverItIsCut(t *testing.T) {
	const whole = "SAY go Grüße, 世界 🎉\r\nSAY go e\u0301\n"
	want := []string{"SAY go Grüße, 世界 🎉", "SAY go e\u0301"}
	onEither(t, func(t *testing.T, ours, theirs net.Conn) {
		r := NewReader(ours, ReaderOptions{Line: 64})
		var parts []string
		for cut := range len(whole) + 1 {
			parts = append(parts, whole[:cut], whole[cut:])
		}
		say(t, theirs, slices.DeleteFunc(parts, func(p string) bool { return p == "" })...)
		for cut := range len(whole) + 1 {
			for _, w := range want {
				if line, err := r.ReadLine(); err != nil || string(line) != w {
					t.Fatalf("cut at %d: %q, %v; want %q", cut, line, err, w)
				}
			}
		}
		wantError(t, r, io.EOF)
	})
}

func TestBufferedTellsWholeLinesOnly(t *testing.T) {
	ours, theirs := piped(t)
	r := NewReader(ours, ReaderOptions{Line: 8})
	if r.Buffered() {
		t.Error("before anything came")
	}
	say(t, theirs, "a\nb\nc", "\n"+repeated('x', 20), "\nd\n")
	for _, k := range []struct {
		line string
		more bool
	}{{"a", true}, {"b", false}, {"c", false}, {tooLong, true}, {"d", false}} {
		line, err := r.ReadLine()
		if err != nil && k.line != tooLong || err == nil && string(line) != k.line {
			t.Fatalf("%q, %v; want %q", line, err, k.line)
		}
		for range 2 { // asking changes nothing
			if got := r.Buffered(); got != k.more {
				t.Errorf("after %q: %v", k.line, got)
			}
		}
	}
}

// TestLinesOverSocketsAreThoseOfTheModel is what the fuzz test does, with what only a socket can do.
func TestLinesOverSocketsAreThoseOfTheModel(t *testing.T) {
	for seed := range uint64(60) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		most := 1 + rnd.IntN(1500)
		var in strings.Builder
		for range 1 + rnd.IntN(40) {
			in.WriteString(repeated('x', rnd.IntN(most+20)) + []string{"\n", "\r\n", "\r", "\n\n"}[rnd.IntN(4)])
		}
		want, _ := model([]byte(in.String()), most, false)
		var parts []string
		for rest := in.String(); rest != ""; {
			n := min(len(rest), 1+rnd.IntN(3000))
			parts = append(parts, rest[:n])
			rest = rest[n:]
		}
		ours, theirs := dialled(t)
		say(t, theirs, parts...)
		r := NewReader(ours, ReaderOptions{Line: most})
		if got := lines(t, r); !slices.Equal(got, want) {
			t.Errorf("seed %d: %d lines, want %d", seed, len(got), len(want))
		}
		if len(r.buf) > most+idleBuffer+1 {
			t.Errorf("seed %d: a buffer of %d bytes for lines of %d", seed, len(r.buf), most)
		}
	}
}

// mute is a connection that reads nothing and says nothing.
type mute struct{ net.Conn }

func (mute) Read([]byte) (int, error) { return 0, nil }

func TestAConnectionThatReadsNothingIsNotAskedForEver(t *testing.T) {
	wantError(t, NewReader(mute{}, ReaderOptions{Line: 8}), io.ErrNoProgress)
}

func TestACarriageReturnMayBelongToTheLine(t *testing.T) {
	ours, theirs := piped(t)
	say(t, theirs, "one\r\n", "\r\ntw", "o\n", repeated('8', 8)+"\r\n")
	got := lines(t, NewReader(ours, ReaderOptions{Line: 8, KeepReturn: true}))
	if want := []string{"one\r", "\r", "two", tooLong}; !slices.Equal(got, want) {
		t.Errorf("%q; want %q", got, want)
	}
}

func TestBytesAreCountedWhereverTheyAreCut(t *testing.T) {
	const in = "abbcccdddd\neeeee"
	for cut := 1; cut < len(in); cut++ {
		onEither(t, func(t *testing.T, ours, theirs net.Conn) {
			say(t, theirs, in[:cut], in[cut:])
			r := NewReader(ours, ReaderOptions{Line: 1 << 10})
			for i, want := range []string{"", "a", "bb", "ccc", "dddd", "\neeee"} {
				if got, err := r.Next(len(want)); err != nil || string(got) != want {
					t.Fatalf("cut at %d: %q, %v; want %q", cut, got, err, want)
				}
				if i == 0 && r.Has() != 0 {
					t.Errorf("%d bytes have come", r.Has())
				}
			}
			if got, err := r.Next(2); err != io.EOF || r.Has() != 1 {
				t.Errorf("%q, %v, %d left", got, err, r.Has())
			}
		})
	}
}

func TestALongLineCostsWhatWasSentOfIt(t *testing.T) {
	for _, k := range []struct{ sent, most int }{{idleBuffer - 1, idleBuffer}, {60 << 10, firstLarge}, {1 << 20, 1<<20 + idleBuffer}} {
		ours, theirs := dialled(t)
		r := NewReader(ours, ReaderOptions{Line: 1 << 20})
		say(t, theirs, repeated('x', k.sent))
		for r.Has() < k.sent {
			if _, err := r.fill(); err != nil {
				t.Fatal(err)
			}
		}
		if len(r.buf) > k.most {
			t.Errorf("%d bytes take %d", k.sent, len(r.buf))
		}
	}
}
