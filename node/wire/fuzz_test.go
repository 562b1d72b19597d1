package wire

import (
	"bytes"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// model says which lines bytes are, however they come, by the plainest means; rest is what has no end.
func model(in []byte, most int, unterminated bool) (all []string, rest []byte) {
	parts := bytes.Split(in, []byte("\n"))
	parts, rest = parts[:len(parts)-1], parts[len(parts)-1]
	for _, p := range parts {
		if p = bytes.TrimSuffix(p, []byte("\r")); len(p) > most {
			all = append(all, tooLong)
		} else {
			all = append(all, string(p))
		}
	}
	if p := bytes.TrimSuffix(rest, []byte("\r")); unterminated && len(rest) > 0 && len(p) <= most {
		all = append(all, string(p))
	}
	return all, rest
}

// segments is a connection on which bytes come in pieces of the sizes given, over and over.
type segments struct {
	net.Conn // nil: nothing else is asked of it
	in       []byte
	sizes    []byte
	reads    int
}

func (s *segments) Read(p []byte) (int, error) {
	if len(s.in) == 0 {
		return 0, io.EOF
	}
	size := len(s.in)
	if len(s.sizes) > 0 {
		size = int(s.sizes[s.reads%len(s.sizes)]) + 1
	}
	s.reads++
	n := copy(p, s.in[:min(size, len(s.in))])
	s.in = s.in[n:]
	return n, nil
}

func (s *segments) SetReadDeadline(time.Time) error { return nil }

func FuzzReadLine(f *testing.F) {
	long := bytes.Repeat([]byte("0123456789"), 70)
	f.Add([]byte("one\ntwo\r\nthree"), []byte{0}, uint16(16), false)
	f.Add([]byte("one\r\r\n\n\r\nrest\r"), []byte{2, 0}, uint16(8), true)
	f.Add([]byte("SAY go Grüße 世界 🎉\r\n"), []byte{0, 1, 2}, uint16(64), false)
	f.Add(append(long, "\nnext\n"...), []byte{99}, uint16(100), true)
	f.Add(append(long[:511:511], "\r\nnext\n"...), []byte{255, 255}, uint16(511), false)
	f.Add(append(long[:512:512], "\nnext\n"...), []byte{}, uint16(512), true)
	f.Fuzz(func(t *testing.T, in, sizes []byte, most uint16, unterminated bool) {
		o := ReaderOptions{Line: int(most)}
		if unterminated {
			o.Unterminated = time.Hour
		}
		want, _ := model(in, o.Line, unterminated)
		conn := &segments{in: bytes.Clone(in), sizes: sizes}
		if got := readAll(t, NewReader(conn, o), conn); !slices.Equal(got, want) {
			t.Errorf("%q; want %q", got, want)
		}
	})
}

// readAll reads to the end and holds the reader to what Buffered says.
func readAll(t *testing.T, r *Reader, conn *segments) (all []string) {
	t.Helper()
	for {
		buffered, before := r.Buffered(), conn.reads
		line, err := r.ReadLine()
		switch {
		case buffered && conn.reads != before:
			t.Errorf("a line was buffered, and more was read before %q", line)
		case errors.Is(err, ErrTooLong):
			all = append(all, tooLong)
		case err != nil:
			if err != io.EOF || buffered {
				t.Errorf("the end is %v, with a line buffered: %v", err, buffered)
			}
			return all
		default:
			all = append(all, string(line))
		}
		if len(r.buf) > max(idleBuffer, r.o.Line+idleBuffer) {
			t.Fatalf("a buffer of %d bytes for lines of %d", len(r.buf), r.o.Line)
		}
	}
}

func FuzzTags(f *testing.F) {
	f.Add("@ref=a\\sb SAY go hi", "a b")
	f.Add("@seq=41;id=3.907;draft/x PING a", "; \\\r\n=:")
	f.Add("@", "")
	f.Add("@ SAY", `\`)
	f.Add("@=;= x", `\\s`)
	f.Add(`@a=\ b`, "Grüße 世界 🎉\t\x7f")
	f.Fuzz(func(t *testing.T, line, value string) {
		tags, rest, err := SplitTags(line)
		if err != nil && (tags != nil || rest != "") {
			t.Errorf("%q: an error, and %q, %q", line, tags, rest)
		}
		if err == nil && !strings.HasSuffix(line, rest) {
			t.Errorf("%q: the rest is %q", line, rest)
		}
		if !utf8.ValidString(value) || strings.Contains(value, "\x00") {
			return
		}
		list := AppendTag(AppendTag(nil, "ref", value), "seq", value)
		if bytes.ContainsAny(list, " \r\n") || bytes.Count(list, []byte(";")) != 1 {
			t.Errorf("%q is written as %q", value, list)
		}
		tags, rest, err = SplitTags(string(list) + " " + line)
		if want := []Tag{{"ref", value}, {"seq", value}}; err != nil || rest != line || !slices.Equal(tags, want) {
			t.Errorf("%q: %q, %q, %v", list, tags, rest, err)
		}
	})
}
