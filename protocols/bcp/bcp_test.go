package bcp

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"chatnode/channels"
)

var (
	lobby = &channels.Channel{Name: "lobby"}
	inbox = &channels.Channel{Name: "bob", Kind: channels.Inbox}
	alice = channels.Person{ID: 1, Name: "alice"}
	eve   = channels.Person{ID: 2, Name: "eve", Host: "b.test:5050"}
)

func TestAnEntryIsADeliver(t *testing.T) {
	for _, k := range []struct {
		what  string
		entry *channels.Entry
		want  string // in hex, where it is short
	}{
		{"a message", &channels.Entry{Channel: lobby, Author: alice, Body: "hi bob"}, "03 0005 616c696365 0006 686920626f62"},
		{"of another node", &channels.Entry{Channel: lobby, Author: eve, Body: "hi"}, "03 000f 65766540622e746573743a35303530 0002 6869"},
		{"a whisper", &channels.Entry{Channel: inbox, Author: alice, Body: "hi"}, "03 0005 616c696365 0007 5b504d5d206869"},
		{"of a channel of a plain peer", &channels.Entry{Channel: inbox, Label: lobby, Author: alice, Body: "hi"}, "03 0005 616c696365 0002 6869"},
		{"TAB and LF", &channels.Entry{Channel: lobby, Author: alice, Body: "a\tb\nc"}, "03 0005 616c696365 0005 6109620a63"},
		{"control characters", &channels.Entry{Channel: lobby, Author: alice, Body: "\x00a\x7f"}, "03 0005 616c696365 0007 efbfbd61efbfbd"},
		{"no UTF-8", &channels.Entry{Channel: lobby, Author: alice, Body: "a\xff"}, "03 0005 616c696365 0004 61efbfbd"},
		{"nothing", &channels.Entry{Channel: lobby, Author: alice}, "03 0005 616c696365 0000"},
	} {
		want, err := hex.DecodeString(strings.ReplaceAll(k.want, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		if got := k.entry.Encoded(delivery); !bytes.Equal(got, want) {
			t.Errorf("%s: %x, want %x", k.what, got, want)
		}
		if got := appendEntry([]byte("before"), k.entry); string(got) != "before"+string(want) {
			t.Errorf("%s: appended as %q", k.what, got)
		}
	}
}

// deliver is a DELIVER as the document has it.
func deliver(from, text string) string {
	p := append([]byte{3, byte(len(from) >> 8), byte(len(from))}, from...)
	return string(append(append(p, byte(len(text)>>8), byte(len(text))), text...))
}

func TestALongTextIsCutBetweenCharactersAndEachPieceCarriesTheMark(t *testing.T) {
	x := func(n int) string { return strings.Repeat("x", n) }
	for _, k := range []struct {
		what, mark, text string
		pieces           []string
	}{
		{"as long as may be", "", x(4095), []string{x(4095)}},
		{"one byte more", "", x(4096), []string{x(4095), "x"}},
		{"a character over the edge", "", x(4094) + "é!", []string{x(4094), "é!"}},
		{"four bytes over the edge", "", x(4092) + "🎉", []string{x(4092), "🎉"}},
		{"an emoji that fits", "", x(4091) + "🎉" + "z", []string{x(4091) + "🎉", "z"}},
		{"three pieces", "", x(4095) + x(4095) + "z", []string{x(4095), x(4095), "z"}},
		{"a whisper as long as may be", whispered, x(4090), []string{whispered + x(4090)}},
		{"a whisper of one byte more", whispered, x(4091), []string{whispered + x(4090), whispered + "x"}},
		{"more after what cannot be shown", "", strings.Repeat("\x01", 1366), []string{strings.Repeat("\ufffd", 1365), "\ufffd"}},
	} {
		var want string
		for _, piece := range k.pieces {
			want += deliver("bob", piece)
		}
		if got := string(appendDeliver(nil, "bob", k.mark, k.text)); got != want {
			t.Errorf("%s: %d bytes, want %d", k.what, len(got), len(want))
		}
		if got := deliverLen([]byte(want)); got != len(deliver("bob", k.pieces[0])) {
			t.Errorf("%s: the first DELIVER has %d bytes", k.what, got)
		}
	}
}

func TestComingAndGoingIsToldOfOthersOfThisNode(t *testing.T) {
	joined, left := deliver("[Server]", "alice has joined the server."), deliver("[Server]", "alice has left the server.")
	for _, k := range []struct {
		notice channels.Notice
		want   string
	}{
		{channels.Notice{Event: channels.EnteredChannel, Person: alice, Channel: lobby}, joined},
		{channels.Notice{Event: channels.CameOnLine, Person: alice}, joined},
		{channels.Notice{Event: channels.LeftChannel, Person: alice, Channel: lobby}, left},
		{channels.Notice{Event: channels.LeftChannel, Person: alice, Channel: lobby, Reason: channels.Kicked}, left},
		{channels.Notice{Event: channels.WentOffLine, Person: alice}, left},
		{channels.Notice{Event: channels.EnteredChannel, Person: eve, Channel: lobby}, ""},
		{channels.Notice{Event: channels.LeftChannel, Person: eve, Channel: lobby}, ""},
		{channels.Notice{Event: channels.EnteredChannel, Person: alice, Channel: lobby, Self: true}, ""},
		{channels.Notice{Event: channels.LeftChannel, Person: alice, Channel: lobby, Self: true, Reason: channels.Kicked}, ""},
		{channels.Notice{Event: channels.HomeAway, Channel: lobby, Text: "b.test"}, ""},
		{channels.Notice{Event: channels.TopicChanged, Channel: lobby, Text: "new"}, ""},
	} {
		if got := string(notice(k.notice)); got != k.want {
			t.Errorf("%+v: %q, want %q", k.notice, got, k.want)
		}
	}
}

func TestNobodyHearsWhatTheySaidThemselves(t *testing.T) {
	own, whisper := &channels.Entry{Channel: lobby, Author: alice}, &channels.Entry{Channel: inbox, Author: alice}
	if others(alice.ID, own) || !others(eve.ID, own) || !others(alice.ID, whisper) {
		t.Error("an entry goes to those who should not hear it, or not to those who should")
	}
}

func TestTheWelcomeAndEveryStatusAsInTheCapture(t *testing.T) {
	if got, want := welcome("alice", []channels.Person{eve, alice}), "Logged in as alice.\nCurrent Clients: eve@b.test:5050, alice"; got != want {
		t.Errorf("%q", got)
	}
	if got := appendStatus(nil, statusOK, ""); string(got) != "\x04\x00\x00\x00" {
		t.Errorf("%x", got)
	}
	if got := appendStatus(nil, statusBad, "Disconnected for inactivity."); string(got) != "\x04\x01\x00\x1cDisconnected for inactivity." {
		t.Errorf("%x", got)
	}
}

func TestEveryRefusalHasASentence(t *testing.T) {
	if got := reason(channels.Refuse(channels.Full)); got != "Refused: full." {
		t.Errorf("%q", got)
	}
	if got := reason(io.EOF); got != refusals[channels.Unavailable] {
		t.Errorf("%q", got)
	}
	for word, text := range refusals {
		if text == "" || len(text) > 200 {
			t.Errorf("%s: %q", word, text)
		}
	}
}

func TestATextIsCutIntoLines(t *testing.T) {
	for _, k := range []struct {
		text string
		want []string
	}{
		{"hi", []string{"hi"}},
		{" hi ", []string{" hi "}},
		{" ", []string{" "}},
		{"a\nb", []string{"a", "b"}},
		{"\n\na\r\n\r\nb\n", []string{"a", "b"}},
		{"a\tb\x00\x1b\x7f", []string{"a\tb"}},
		{"a\n\t\nb", []string{"a", "\t", "b"}},
		{"Grüße, 世界 🎉\u0085\u2028", []string{"Grüße, 世界 🎉\u0085\u2028"}},
		{"\ufffd", []string{"\ufffd"}},
	} {
		if got, wrong := lines(k.text); wrong != "" || !slices.Equal(got, k.want) {
			t.Errorf("%q: %q, %q; want %q", k.text, got, wrong, k.want)
		}
	}
	for text, want := range map[string]string{
		"\xff": "A message has to be UTF-8.", "a\xc3": "A message has to be UTF-8.", "\xed\xa0\x80": "A message has to be UTF-8.",
		"\n": "There is nothing in the message.", "\t": "There is nothing in the message.", "\x00\x01\r\n\x7f": "There is nothing in the message.",
	} {
		if got, wrong := lines(text); got != nil || wrong != want {
			t.Errorf("%q: %q, %q; want %q", text, got, wrong, want)
		}
	}
}

// allStates and allEvents are walked. want says what follows on what, as the protocol has it; where it says nothing, the
// connection is about to end.
var (
	allStates = []state{statePreRegister, stateSendStat, stateAvailable, stateSendMsg, statePendingStatus, stateErr, stateClosing}
	allEvents = []event{gotRegister, gotSend, gotStatus, gotBadStatus, gotOther, answered, delivering, delivered, failed, told}
)

func TestEveryEventInEveryState(t *testing.T) {
	type row struct {
		in state
		e  event
	}
	want := map[row]state{
		{statePreRegister, gotRegister}: stateSendStat,
		{stateSendStat, answered}:       stateAvailable,
		{stateAvailable, gotSend}:       stateSendStat,
		{stateAvailable, delivering}:    stateSendMsg,
		{stateSendMsg, delivered}:       statePendingStatus,
		{statePendingStatus, gotStatus}: stateAvailable,
		{statePendingStatus, gotSend}:   statePendingStatus, // the wait rule is per direction
		{statePendingStatus, answered}:  statePendingStatus,
		{stateErr, told}:                stateClosing,
	}
	for _, in := range allStates {
		for _, e := range allEvents {
			next, ok := want[row{in, e}]
			if !ok {
				next = stateErr
			}
			if in == stateClosing {
				next = stateClosing
			}
			if got := in.after(e); got != next {
				t.Errorf("in state %d, event %d leads to state %d, want %d", in, e, got, next)
			}
		}
	}
}

func TestEveryMessageThatMayNotComeIsAnsweredWithASentence(t *testing.T) {
	for _, in := range []state{statePreRegister, stateAvailable} {
		for e := gotRegister; e <= gotOther; e++ {
			c := &client{state: in}
			err := c.move(e)
			var v violation
			switch {
			case in.after(e) != stateErr && err != nil:
				t.Errorf("state %d, event %d: %v", in, e, err)
			case in.after(e) == stateErr && (!errors.As(err, &v) || v == ""):
				t.Errorf("state %d, event %d: %v", in, e, err)
			}
		}
	}
}

func TestTheClockKnowsWhenNothingCameOrWentForAMinute(t *testing.T) {
	start := time.Unix(1e9, 0)
	at := func(s int) time.Time { return start.Add(time.Duration(s) * time.Second) }
	for _, k := range []struct {
		what  string
		comes map[int]bool   // seconds at which bytes come
		goes  map[int]uint64 // bytes that have gone by then, at looks
		idle  int
	}{
		{"nothing at all", nil, nil, 70},
		{"something comes", map[int]bool{35: true}, nil, 105},
		{"something comes just in time", map[int]bool{69: true}, nil, 139},
		{"something goes", nil, map[int]uint64{30: 7}, 100},
		{"something goes in the last moment", nil, map[int]uint64{70: 7}, 140},
		{"something went before, and no more", nil, map[int]uint64{10: 7, 20: 7}, 80},
	} {
		var c clock
		gone := uint64(0)
		look := c.wait(start)
		for s := 1; ; s++ {
			if n, ok := k.goes[s]; ok {
				gone = n
			}
			if k.comes[s] {
				look = c.wait(at(s))
			}
			if at(s).Before(look) {
				continue
			}
			if c.idle(at(s), gone) {
				if s != k.idle {
					t.Errorf("%s: idle after %d s, want %d", k.what, s, k.idle)
				}
				break
			}
			look = c.wait(at(s))
			if s > 300 {
				t.Fatalf("%s: never idle", k.what)
			}
		}
	}
}

// source hands out bytes as a connection does.
type source struct {
	in   []byte
	most int // asked for at once
}

func (s *source) next(n int) ([]byte, error) {
	s.most = max(s.most, n)
	if n > len(s.in) {
		return nil, io.EOF
	}
	p := s.in[:n]
	s.in = s.in[n:]
	return p, nil
}

// decodeAll is what a client sent, written as a server may be sent it, up to the first thing that ends the connection.
func decodeAll(d *decoder) (all []string, end error) {
	for {
		op, err := d.opcode()
		if err != nil {
			return all, err
		}
		switch op {
		case opRegister, opSend:
			text, err := d.text()
			if err != nil {
				return all, err
			}
			all = append(all, string(appendString([]byte{byte(op)}, text)))
		case opStatus:
			code, err := d.code()
			if err != nil {
				return all, err
			}
			all = append(all, string([]byte{byte(op), code}))
		default:
			return all, violation("")
		}
	}
}

func TestAClientsStatusMayHaveAString(t *testing.T) {
	const send = "\x02\x00\x02hi"
	for in, want := range map[string][]string{
		"\x04\x00" + send:                                       {"\x04\x00", send},
		"\x04\x00\x00\x00" + send:                               {"\x04\x00", send},
		"\x04\x00\x00\x02ok" + send:                             {"\x04\x00", send},
		"\x04\x00\x00\xff" + strings.Repeat("\x02", 255) + send: {"\x04\x00", send},
		"\x04\x00\x04\x00" + send:                               {"\x04\x00", "\x04\x00", send},
		"\x04\x00\x00\x00\x04\x00\x00\x01x\x04\x01" + send:      {"\x04\x00", "\x04\x00", "\x04\x01", send},
		send + "\x04\x00" + send:                                {send, "\x04\x00", send},
		"\x01\x00\x03bob\x04\x00\x00\x00":                       {"\x01\x00\x03bob", "\x04\x00"},
		"\x04\x00\x00":                                          {"\x04\x00"},
		"\x04":                                                  nil,
	} {
		d := decoder{next: (&source{in: []byte(in)}).next}
		if got, err := decodeAll(&d); err != io.EOF || !slices.Equal(got, want) {
			t.Errorf("%q: %q, %v; want %q", in, got, err, want)
		}
	}
	for _, in := range []string{"\x00", send + "\x00", "\x04\x00\x00\x00\x00", "\x03", "\x05", "\xff"} {
		d := decoder{next: (&source{in: []byte(in)}).next}
		var v violation
		if _, err := decodeAll(&d); !errors.As(err, &v) {
			t.Errorf("%q: %v", in, err)
		}
	}
}

func TestAStringHasOneTo4095Bytes(t *testing.T) {
	for n, want := range map[int]error{0: errLength, 1: nil, 4095: nil, 4096: errLength, 65535: errLength} {
		in := append(binary.BigEndian.AppendUint16(nil, uint16(n)), make([]byte, n)...)
		s := source{in: in}
		d := decoder{next: s.next}
		text, err := d.text()
		if !errors.Is(err, want) || err == nil && len(text) != n || err != nil && len(s.in) != n {
			t.Errorf("%d: %d bytes, %v", n, len(text), err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		"", "\x01\x00\x03bob\x04\x00\x02\x00\x02hi", "\x04\x00\x00\x00\x04\x00\x00\x02ok\x02\x00\x01x", "\x02\x00\x00", "\x02\x10\x00", "\x02\x0f\xff",
		"\x00", "\x03\x00\x01a\x00\x01b", "\x05", "\x04\x01\x00\x1cDisconnected for inactivity.", "\x04\x00\x00", "\x02\x00\x05a\nb\x00\t", "\x02\x00\x02\xff\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		s := &source{in: bytes.Clone(in)}
		d := decoder{next: s.next}
		all, err := decodeAll(&d)
		if s.most > maxString {
			t.Errorf("%d bytes were asked for at once", s.most)
		}
		var v violation
		if err != io.EOF && !errors.Is(err, errLength) && !errors.As(err, &v) {
			t.Errorf("%v", err)
		}
		again, err := decodeAll(&decoder{next: (&source{in: []byte(strings.Join(all, ""))}).next})
		if err != io.EOF || !slices.Equal(all, again) {
			t.Errorf("%q is read again as %q, %v", all, again, err)
		}
		for _, m := range all {
			checkLines(t, m)
		}
	})
}

// checkLines holds what may be said to the rules, and the way back to what it came from.
func checkLines(t *testing.T, message string) {
	t.Helper()
	if message[0] != byte(opSend) {
		return
	}
	said, wrong := lines(message[3:])
	if wrong != "" && said != nil {
		t.Errorf("%q: %q and %q", message, wrong, said)
	}
	for _, line := range said {
		if line == "" || !utf8.ValidString(line) || strings.ContainsFunc(line, func(r rune) bool { return control(r) && r != '\t' }) {
			t.Errorf("%q is said as %q", message, line)
		}
		if got := string(appendDeliver(nil, "bob", "", line)); got != deliver("bob", line) {
			t.Errorf("%q is heard as %q", line, got)
		}
	}
}
