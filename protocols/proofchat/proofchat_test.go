package proofchat

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/hashicorp/go-hclog"

	"chatnode/channels"
	"chatnode/node/session"
)

var (
	bob   = channels.Person{ID: 1, Name: "bob"}
	eve   = channels.Person{ID: 2, Name: "eve", Host: "there:5050"}
	room  = &channels.Channel{Name: "lobby"}
	inbox = &channels.Channel{Kind: channels.Inbox, Name: "bob"}
	plain = &channels.Channel{Name: "go", Host: "legacy:5050", Home: 4}
)

// wire makes bytes of hexadecimal digits and texts in quotes; +n after one is n NULs.
func wire(t testing.TB, spec string) string {
	t.Helper()
	var b strings.Builder
	for token := range strings.FieldsSeq(spec) {
		token, zeros, padded := strings.Cut(token, "+")
		if text, ok := strings.CutPrefix(token, "'"); ok {
			b.WriteString(strings.ReplaceAll(strings.TrimSuffix(text, "'"), "_", " "))
		} else {
			p, err := hex.DecodeString(token)
			if err != nil {
				t.Fatal(err)
			}
			b.Write(p)
		}
		if padded {
			n, err := strconv.Atoi(zeros)
			if err != nil {
				t.Fatal(err)
			}
			b.WriteString(strings.Repeat("\x00", n))
		}
	}
	return b.String()
}

func TestMessagesOfTheNodeByteForByte(t *testing.T) {
	who := func(names ...string) (all []channels.Person) {
		for i, name := range names {
			all = append(all, channels.Person{ID: channels.PersonID(i + 1), Name: name})
		}
		return all
	}
	for _, k := range []struct {
		name string
		got  []byte
		want string
	}{
		{"ACK of the first", appendAck(nil, who("alice")), "00 01+7 'alice'+27"},
		{"ACK, newest first", appendAck(nil, who("alice", "bob")), "00 02+7 'bob'+29 'alice'+27"},
		{"ACK of nobody", appendAck(nil, nil), "00 00+7"},
		{"ERR 0", appendErr(nil, nameTaken), "02 00+7"},
		{"ERR 1", appendErr(nil, nameTooLong), "02 01+7"},
		{"ERR 2", appendErr(nil, nameHasBlanks), "02 02+7"},
		{"ERR 3", appendErr(nil, noSuchTarget), "02 03+7"},
		{"ERR 4", appendErr(nil, unknownFormat), "02 04+7"},
		{"ERR 5", appendErr(nil, other), "02 05+7"},
		{"MSG", appendEntry(nil, &channels.Entry{Channel: room, Author: bob, Body: "hi all"}), "01 'bob'+29 06+7 'hi_all'"},
		{"MSG after a message", appendEntry([]byte("x"), &channels.Entry{Channel: room, Author: bob, Body: "hi"}), "'x' 01 'bob'+29 02+7 'hi'"},
		{"MSG of another node's", appendEntry(nil, &channels.Entry{Channel: room, Author: eve, Body: "hi"}), "01 'eve@there:5050'+18 02+7 'hi'"},
		{"a whisper", appendEntry(nil, &channels.Entry{Channel: inbox, Author: bob, Body: "psst"}), "01 'bob'+29 09+7 '[PM]_psst'"},
		{"of a plain peer's channel", appendEntry(nil, &channels.Entry{Channel: inbox, Label: plain, Author: bob, Body: "hi"}), "01 'bob'+29 02+7 'hi'"},
		{"after a hole", appendAfterGap(nil, &channels.Entry{Channel: room, Author: bob, Body: "hi"}),
			"01 'SERVER'+26 17+7 'older_messages_are_gone' 01 'bob'+29 02+7 'hi'"},
	} {
		if want := wire(t, k.want); string(k.got) != want {
			t.Errorf("%s: %x, want %x", k.name, k.got, want)
		}
	}
}

func TestNamesAreShownIn32Bytes(t *testing.T) {
	x := strings.Repeat
	for _, k := range []struct{ name, host, want string }{
		{"a", "", "a"},
		{x("a", 32), "", x("a", 32)},
		{x("a", 33), "", x("a", 31) + "~"},
		{x("a", 64), "", x("a", 31) + "~"},
		{x("a", 25), "b.test", x("a", 25) + "@b.test"},
		{x("a", 26), "b.test", x("a", 26) + "@b.te~"},
		{x("é", 16), "", x("é", 16)},
		{x("é", 17), "", x("é", 15) + "~"},
		{x("世", 11), "", x("世", 10) + "~"},
		{x("🎉", 9), "", x("🎉", 7) + "~"},
		{"a" + x("🎉", 8), "", "a" + x("🎉", 7) + "~"},
		{"eve", "a b\x00c\u2003d", "eve@a_b_c_d"},
	} {
		got := shown(channels.Person{Name: k.name, Host: k.host})
		if got != k.want {
			t.Errorf("%s@%s is shown as %q, want %q", k.name, k.host, got, k.want)
		}
		if name := appendName(nil, got); len(name) != nameBytes || !utf8.ValidString(got) {
			t.Errorf("%q has %d bytes", name, len(name))
		}
	}
}

func TestAnAckHas255NamesAtTheMostAndNoneTwice(t *testing.T) {
	var here []channels.Person
	for i := range 300 {
		here = append(here, channels.Person{Name: "n" + strconv.Itoa(i)})
	}
	p := appendAck(nil, here)
	if want := 1 + intBytes + 255*nameBytes; len(p) != want || p[1] != 255 {
		t.Errorf("%d bytes, count %d", len(p), p[1])
	}
	if first, last := p[9:41], p[len(p)-32:]; !bytes.HasPrefix(first, []byte("n299\x00")) || !bytes.HasPrefix(last, []byte("n45\x00")) {
		t.Errorf("from %q to %q", first, last)
	}
	long := strings.Repeat("x", 40)
	same := appendAck(nil, []channels.Person{{ID: 1, Name: long + "1"}, {ID: 2, Name: long + "2"}, {ID: 3, Name: "a"}})
	if want := wire(t, "00 02+7 'a'+31 '"+long[:31]+"~'"); string(same) != want {
		t.Errorf("%x, want %x", same, want)
	}
}

func TestALongTextIsSeveralMessagesCutBetweenCharacters(t *testing.T) {
	x := strings.Repeat
	for _, k := range []struct {
		c      *channels.Channel
		body   string
		pieces []string
	}{
		{room, x("a", 255), []string{x("a", 255)}},
		{room, x("a", 256), []string{x("a", 255), "a"}},
		{room, x("a", 510), []string{x("a", 255), x("a", 255)}},
		{room, x("é", 128), []string{x("é", 127), "é"}},
		{room, x("🎉", 65), []string{x("🎉", 63), "🎉🎉"}},
		{room, x("\x80", 300), []string{x("\x80", 255), x("\x80", 45)}}, // no text, but it ends
		{inbox, x("a", 250), []string{"[PM] " + x("a", 250)}},
		{inbox, x("a", 251), []string{"[PM] " + x("a", 250), "[PM] a"}},
		{inbox, x("世", 84), []string{"[PM] " + x("世", 83), "[PM] 世"}},
		{inbox, "\x00\t\r\x7f", []string{"[PM] \x00\t\r\x7f"}},
	} {
		var want []byte
		for _, piece := range k.pieces {
			want = appendMsg(want, "bob", piece)
		}
		got := appendEntry(nil, &channels.Entry{Channel: k.c, Author: bob, Body: k.body})
		if !bytes.Equal(got, want) {
			t.Errorf("%.40q: %q, want %q", k.body, got, want)
		}
	}
}

func TestAMessageIsMadeInOneAllocation(t *testing.T) {
	for _, body := range []string{"hi", strings.Repeat("x", 4096), strings.Repeat("é", 20_000)} {
		for _, c := range []*channels.Channel{room, inbox} {
			e := &channels.Entry{Channel: c, Author: bob, Body: body}
			if n := testing.AllocsPerRun(20, func() { appendEntry(nil, e) }); n > 1 {
				t.Errorf("%d bytes: %v allocations", len(body), n)
			}
		}
	}
}

func TestNoticesAreOfPeopleHereWhoLeaveAndIfConfiguredCome(t *testing.T) {
	kicked := channels.Notice{Event: channels.LeftChannel, Person: bob, Channel: room, Reason: channels.Kicked}
	self := kicked
	self.Self = true
	long := channels.Person{Name: strings.Repeat("x", 64)}
	for _, k := range []struct {
		n             channels.Notice
		usual, joined string
	}{
		{channels.Notice{Event: channels.LeftChannel, Person: bob, Channel: room}, "bob has left", "bob has left"},
		{channels.Notice{Event: channels.WentOffLine, Person: bob}, "bob has left", "bob has left"},
		{channels.Notice{Event: channels.WentOffLine, Person: long}, long.Name[:31] + "~ has left", long.Name[:31] + "~ has left"},
		{kicked, "bob has left", "bob has left"},
		{self, "", ""},
		{channels.Notice{Event: channels.EnteredChannel, Person: bob, Channel: room}, "", "bob has joined"},
		{channels.Notice{Event: channels.CameOnLine, Person: bob}, "", "bob has joined"},
		{channels.Notice{Event: channels.EnteredChannel, Person: bob, Channel: room, Self: true}, "", ""},
		{channels.Notice{Event: channels.LeftChannel, Person: eve, Channel: room}, "", ""},
		{channels.Notice{Event: channels.EnteredChannel, Person: eve, Channel: room}, "", ""},
		{channels.Notice{Event: channels.HomeAway, Channel: plain, Text: "away"}, "", ""},
		{channels.Notice{Event: channels.TopicChanged, Channel: room, Text: "new"}, "", ""},
		{channels.Notice{Event: channels.ChannelGone, Channel: room}, "", ""},
	} {
		for announce, want := range map[bool]string{false: k.usual, true: k.joined} {
			var p []byte
			if want != "" {
				p = appendMsg(nil, "SERVER", want)
			}
			if got := (Protocol{AnnounceJoins: announce}).Form().Notice(k.n); !bytes.Equal(got, p) {
				t.Errorf("%+v, joins %v: %q, want %q", k.n, announce, got, p)
			}
		}
	}
}

func TestOnlyOnesOwnWordsInTheLobbyAreHidden(t *testing.T) {
	for _, k := range []struct {
		c    *channels.Channel
		by   channels.Person
		want bool
	}{{room, bob, false}, {room, eve, true}, {inbox, bob, true}, {inbox, eve, true}} {
		if got := notOwn(bob.ID, &channels.Entry{Channel: k.c, Author: k.by}); got != k.want {
			t.Errorf("%s by %s: %v", k.c.Name, k.by.Name, got)
		}
	}
}

// input is a source of bytes that are there already.
type input struct {
	rest    []byte
	longest int // that was asked for
}

func (in *input) Next(n int) ([]byte, error) {
	in.longest = max(in.longest, n)
	if n > len(in.rest) {
		return nil, io.EOF
	}
	p := in.rest[:n]
	in.rest = in.rest[n:]
	return p, nil
}

func TestMessagesOfAClientAreDecoded(t *testing.T) {
	x := strings.Repeat
	for _, k := range []struct {
		name, sent string
		want       request
		err        error
	}{
		{"REG", "00 'alice'+27", request{op: reg, name: "alice"}, nil},
		{"REG of nothing", "00 +32", request{op: reg}, nil},
		{"REG without padding", "00 '" + x("a", 32) + "'", request{op: reg, name: x("a", 32)}, nil},
		{"REG with a NUL inside", "00 'a'+1 'b'+29", request{op: reg, name: "a\x00b"}, nil},
		{"MESG", "01 06+7 'hi_bob'", request{op: mesg, text: "hi bob"}, nil},
		{"MESG of nothing", "01 +8", request{op: mesg}, nil},
		{"MESG of 255", "01 ff+7 '" + x("a", 255) + "'", request{op: mesg, text: x("a", 255)}, nil},
		{"MESG of 256", "01 0001+6 '" + x("a", 256) + "'", request{op: mesg, text: x("a", 256)}, nil},
		{"MESG of 4096", "01 0010+6 '" + x("a", 4096) + "'", request{op: mesg, text: x("a", 4096)}, nil},
		{"MESG of 4097", "01 0110+6 '" + x("a", 4097) + "'", request{op: mesg, long: true}, nil},
		{"MESG of 1 MiB", "01 000010+5 '" + x("a", 1<<20) + "'", request{op: mesg, long: true}, nil},
		{"MESG of 1 MiB and one", "01 010010+5", request{op: mesg}, errLength},
		{"MESG of 2^63", "01 +7 80", request{op: mesg}, errLength},
		{"MESG of 2^64-1", "01 ffffffffffffffff", request{op: mesg}, errLength},
		{"PMSG", "02 'alice'+27 04+7 'psst'", request{op: pmsg, name: "alice", text: "psst"}, nil},
		{"PMSG of nothing to nobody", "02 +32 +8", request{op: pmsg}, nil},
		{"PMSG too long", "02 'alice'+27 0110+6 '" + x("a", 4097) + "'", request{op: pmsg, name: "alice", long: true}, nil},
		{"EXIT", "03 'alice'+27", request{op: exit, name: "alice"}, nil},
		{"04", "04", request{op: 4}, errOpcode},
		{"ff", "ff", request{op: 255}, errOpcode},
		{"nothing", "", request{}, io.EOF},
		{"cut in a NAME", "00 'alice'", request{op: reg}, io.EOF},
		{"cut in an INT", "01 06", request{op: mesg}, io.EOF},
		{"cut in a text", "01 06+7 'hi'", request{op: mesg}, io.EOF},
		{"cut in a text too long", "01 0110+6 'hi'", request{op: mesg, long: true}, io.EOF},
	} {
		in := &input{rest: []byte(wire(t, k.sent))}
		got, err := decode(in)
		if got != k.want || err != k.err || err == nil && len(in.rest) > 0 {
			t.Errorf("%s: %+v, %v; want %+v, %v", k.name, got, err, k.want, k.err)
		}
		if in.longest > maxText {
			t.Errorf("%s: %d bytes were wanted at once", k.name, in.longest)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		"", "00 'alice'+27", "01 02+7 'hi'", "02 'bob'+29 02+7 'hi'", "03 +32", "04", "01 0110+6 'x'", "01 ffffffffffffffff", "01 +8 01 +8 03 +32",
		"00 'a'+31 01 01+7 'x' 02 'a'+31 01+7 'y' 03 'a'+31",
	} {
		f.Add([]byte(wire(f, seed)))
	}
	f.Fuzz(func(t *testing.T, sent []byte) {
		in := &input{rest: sent}
		for {
			before := in.rest
			r, err := decode(in)
			switch {
			case err != nil && err != io.EOF && err != errOpcode && err != errLength:
				t.Fatal(err)
			case in.longest > maxText:
				t.Fatalf("%d bytes were wanted at once", in.longest)
			case err != nil:
				return
			}
			used := len(before) - len(in.rest)
			if again := encode(r); !r.long && string(before[:used]) != again {
				t.Fatalf("%x is read as %+v", before[:used], r)
			}
			if len(r.text) > maxText || len(r.name) > nameBytes || strings.HasSuffix(r.name, "\x00") || r.long && used <= maxText {
				t.Fatalf("%x is read as %+v", before[:used], r)
			}
		}
	})
}

// encode is the inverse of decode.
func encode(r request) string {
	p := []byte{byte(r.op)}
	if layouts[r.op].name {
		p = appendName(p, r.name)
	}
	if layouts[r.op].text {
		p = append(appendInt(p, len(r.text)), r.text...)
	}
	return string(p)
}

// usernames has for each name the code that a REG of it is refused with before the node is asked; none is -1.
var usernames = []struct {
	name  string
	valid bool
	code  int
}{
	{"", false, 5},
	{"a", true, -1},
	{" ", false, 2},
	{"a b", false, 2},
	{" a", false, 2},
	{"a ", false, 2},
	{"SERVER", true, 0},
	{"server", true, -1}, // the node refuses it
	{"SERVER ", false, 2},
	{"a\tb", true, -1}, // the node refuses it
	{"a\u2003b", true, -1},
	{"a\x00b", true, -1},
	{"\xff", true, -1},
	{strings.Repeat("a", 31), true, -1},
	{strings.Repeat("a", 32), true, -1},
	{strings.Repeat("a", 33), false, 1},
	{strings.Repeat("a", 32) + " ", false, 2},
	{strings.Repeat("é", 16), true, -1},
	{strings.Repeat("e\u0301", 10), true, -1},
	{strings.Repeat("\u0344", 16), true, 1}, // it doubles in normal form
}

func TestANameIsValidAsInTheSeed(t *testing.T) {
	for _, k := range usernames {
		if got := validUsername(k.name); got != k.valid {
			t.Errorf("%q: %v, want %v", k.name, got, k.valid)
		}
		why, bad := refused(k.name)
		if bad != (k.code >= 0) || bad && int(why) != k.code {
			t.Errorf("REG of %q: %v, %v; want %d", k.name, why, bad, k.code)
		}
	}
}

func FuzzValidUsername(f *testing.F) {
	for _, k := range usernames {
		f.Add(k.name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		blanks := 0
		for i := range len(name) {
			if name[i] == ' ' {
				blanks++
			}
		}
		valid := len(name) > 0 && len(name) <= 32 && blanks == 0
		if validUsername(name) != valid {
			t.Errorf("%q: want %v", name, valid)
		}
		why, bad := refused(name)
		if !valid && !bad || bad && valid && why != nameTaken && why != nameTooLong {
			t.Errorf("REG of %q: %v, %v", name, why, bad)
		}
		if (name == server) != (bad && why == nameTaken) || (blanks > 0) != (bad && why == nameHasBlanks) {
			t.Errorf("REG of %q: %v, %v", name, why, bad)
		}
		if n, err := channels.ParseName(name); err == nil && !bad && !validUsername(n) {
			t.Errorf("%q would be called %q", name, n)
		}
	})
}

func TestEveryStateHasARuleForEveryMessage(t *testing.T) {
	for s, row := range rules {
		for op, rule := range row {
			if rule == nil {
				t.Errorf("state %d has no rule for opcode %d", s, op)
			}
		}
	}
}

func TestEveryRefusalHasACode(t *testing.T) {
	for word, want := range map[channels.Word]code{
		channels.NameTaken: 0, channels.AlreadyLoggedIn: 0, channels.NoSuchUser: 3, channels.PeerUnknown: 3, channels.BadName: 5,
		channels.Banned: 5, channels.Full: 5, channels.NotMember: 5, channels.NoSuchChannel: 5, channels.Unavailable: 5, channels.Unknown: 5,
	} {
		if got := codeOf(channels.Refuse(word)); got != want {
			t.Errorf("%s: %d, want %d", word, got, want)
		}
	}
	if got := codeOf(errors.New("the disk is full")); got != other {
		t.Errorf("an error of the node: %d", got)
	}
	for _, k := range []struct {
		err  error
		s    state
		want code
	}{{errOpcode, newcomer, 4}, {errOpcode, member, 4}, {errLength, newcomer, 4}, {errLength, member, 5}} {
		if got, fatal := codeOfUnreadable(k.err, k.s); got != k.want || !fatal {
			t.Errorf("%v in state %d: %d", k.err, k.s, got)
		}
	}
}

// tongue is a Tongue made of a function.
type tongue func(*session.Session) string

func (tongue) Form() session.Form                { return Protocol{}.Form() }
func (f tongue) Serve(s *session.Session) string { return f(s) }

// serve speaks a tongue over a pipe, in a bubble of synctest, and returns the client's end and what tells the word.
func serve(t *testing.T, f session.Tongue) (client net.Conn, word func() string) {
	v := &session.Server{
		Host:     "a.test",
		Hub:      channels.NewHub(nil, 1<<20),
		Settings: func() *session.Settings { return &session.Settings{ReplyBytes: 1 << 10, MaxSessions: 1} },
		Logger:   hclog.NewNullLogger(),
	}
	v.Init()
	ctx, cancel := context.WithCancel(t.Context())
	client, server := net.Pipe()
	served := make(chan struct{})
	go func() {
		if err := v.Run(ctx); err != nil {
			t.Error(err)
		}
	}()
	go func() {
		defer close(served)
		v.Serve(ctx, server, f)
	}()
	return client, func() string {
		<-served
		cancel()
		synctest.Wait()
		for w := range v.Ended() {
			return w
		}
		return ""
	}
}

func TestANewcomerHasTenSecondsAfterTheLastErr(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, word := serve(t, Protocol{Lobby: "lobby"})
		time.Sleep(time.Hour) // nothing limits the first message
		var last time.Time
		for _, send := range []string{"03 +32", "00 +32", "00 'a_b'+29", "00 'SERVER'+26", "01 02+7 'hi'"} {
			if _, err := io.WriteString(conn, wire(t, send)); err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadFull(conn, make([]byte, 9)); err != nil {
				t.Fatal(err)
			}
			last = time.Now()
			time.Sleep(9 * time.Second)
		}
		if _, err := io.WriteString(conn, "\x00half a name"); err != nil { // does not help
			t.Fatal(err)
		}
		if n, err := conn.Read(make([]byte, 1)); n > 0 || err != io.EOF {
			t.Errorf("%d bytes, %v", n, err)
		}
		if waited := time.Since(last); waited != 10*time.Second {
			t.Errorf("closed after %v", waited)
		}
		if got := word(); got != session.WordTimeout {
			t.Errorf("the word is %q", got)
		}
	})
}

func TestAfterExitTheNodeWaitsTenSeconds(t *testing.T) {
	for name, sends := range map[string]bool{"a silent client": false, "a talking client": true} {
		synctest.Test(t, func(t *testing.T) {
			conn, word := serve(t, tongue(func(s *session.Session) string {
				(&client{Session: s}).awaitClose()
				return session.WordQuit
			}))
			start := time.Now()
			var talking sync.WaitGroup
			defer talking.Wait()
			if sends {
				talking.Go(func() { // until the connection is closed
					for {
						if _, err := conn.Write(make([]byte, 1000)); err != nil {
							return
						}
						time.Sleep(time.Second)
					}
				})
			}
			if n, err := conn.Read(make([]byte, 1)); n > 0 || err != io.EOF {
				t.Errorf("%s: %d bytes, %v", name, n, err)
			}
			if waited := time.Since(start); waited != 10*time.Second || word() != session.WordQuit {
				t.Errorf("%s: closed after %v", name, waited)
			}
		})
	}
}
