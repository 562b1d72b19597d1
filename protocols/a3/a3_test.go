package a3

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"chatnode/channels"
)

var (
	bob  = channels.Person{ID: 1, Name: "bob"}
	eve  = channels.Person{ID: 2, Name: "eve", Host: "there:5050"}
	john = channels.Person{ID: 3, Name: "Jérôme-2_(x)."}

	inbox  = &channels.Channel{Kind: channels.Inbox, Name: "bob"}
	lobby  = &channels.Channel{Name: "lobby"}
	remote = &channels.Channel{Name: "go", Host: "there:5050"}
)

func TestAMessageIsADeliveryFromItsAuthor(t *testing.T) {
	for _, k := range []struct {
		name string
		e    *channels.Entry
		want string
	}{
		{"of this node", &channels.Entry{Channel: inbox, Author: bob, Body: "hi"}, "DELIVERY bob hi\n"},
		{"of another node", &channels.Entry{Channel: inbox, Author: eve, Body: "hi"}, "DELIVERY eve@there:5050 hi\n"},
		{"in the lobby", &channels.Entry{Channel: lobby, Author: bob, Body: "hi"}, "DELIVERY bob hi\n"},
		{"blanks", &channels.Entry{Channel: inbox, Author: bob, Body: "  two  blanks \t"}, "DELIVERY bob   two  blanks \t\n"},
		{"control characters", &channels.Entry{Channel: inbox, Author: bob, Body: "\x00\x1b[1m\r"}, "DELIVERY bob \x00\x1b[1m\r\n"},
		{"other scripts", &channels.Entry{Channel: inbox, Author: john, Body: "Grüße, 世界 🎉"}, "DELIVERY Jérôme-2_(x). Grüße, 世界 🎉\n"},
		{"like a message", &channels.Entry{Channel: inbox, Author: bob, Body: "DELIVERY eve hi"}, "DELIVERY bob DELIVERY eve hi\n"},
		{"long", &channels.Entry{Channel: inbox, Author: bob, Body: strings.Repeat("x", longestLine)}, "DELIVERY bob " + strings.Repeat("x", longestLine) + "\n"},
	} {
		for _, before := range []string{"", "SEND-OK\n"} {
			if got := string(appendDelivery([]byte(before), k.e)); got != before+k.want {
				t.Errorf("%s: %.80q, want %.80q", k.name, got, before+k.want)
			}
		}
		if got := string(appendDelivery(nil, k.e)); got != k.want {
			t.Errorf("%s, alone: %.80q, want %.80q", k.name, got, k.want)
		}
	}
}

func TestAListNamesThoseWhomTheProtocolCanCarry(t *testing.T) {
	for want, all := range map[string][]channels.Person{
		"LIST-OK\n":                   nil,
		"LIST-OK bob\n":               {bob},
		"LIST-OK Jérôme-2_(x).,bob\n": {john, bob},
		"LIST-OK bob,Jérôme-2_(x).\n": {{Name: "a!b"}, bob, eve, {Name: "#x"}, {Name: "a$b"}, {Name: "a%"}, {Name: "a^"}, {Name: "a&"}, {Name: "a*"}, john, {Name: "a,b"}, {}},
	} {
		if got := string(appendList(nil, all)); got != want {
			t.Errorf("%v: %q, want %q", all, got, want)
		}
	}
	if got := string(appendList([]byte("SEND-OK\n"), []channels.Person{bob})); got != "SEND-OK\nLIST-OK bob\n" {
		t.Errorf("after something else: %q", got)
	}
}

func TestWhoIsShownWhat(t *testing.T) {
	for _, k := range []struct {
		name           string
		e              *channels.Entry
		alone, inLobby bool
	}{
		{"a message", &channels.Entry{Channel: inbox, Author: eve}, true, true},
		{"one's own message to oneself", &channels.Entry{Channel: inbox, Author: bob}, true, true},
		{"the lobby", &channels.Entry{Channel: lobby, Author: john}, false, true},
		{"oneself in the lobby", &channels.Entry{Channel: lobby, Author: bob}, false, false},
		{"a channel without a log", &channels.Entry{Channel: inbox, Author: eve, Label: remote}, false, false},
	} {
		if got := (Protocol{}).Form().Only(bob.ID, k.e); got != k.alone {
			t.Errorf("%s: %v", k.name, got)
		}
		if got := (Protocol{Lobby: "lobby"}).Form().Only(bob.ID, k.e); got != k.inLobby {
			t.Errorf("%s, with a lobby: %v", k.name, got)
		}
	}
}

func TestARefusalHasAToken(t *testing.T) {
	for word, want := range map[channels.Word]struct{ login, send string }{
		channels.BadName:         {badBody, badUser},
		channels.NameTaken:       {inUse, badUser},
		channels.AlreadyLoggedIn: {inUse, badUser},
		channels.Banned:          {inUse, badUser},
		channels.Full:            {busy, badUser}, // of a message: so much waits for another node already
		channels.Unavailable:     {busy, badUser},
		channels.NoSuchUser:      {inUse, badUser},
		channels.PeerUnknown:     {inUse, badUser},
		channels.PeerDown:        {inUse, badUser},
		channels.EmptyMessage:    {inUse, badBody},
		channels.Malformed:       {inUse, badBody},
		channels.TooLong:         {inUse, badBody},
	} {
		if got := atLogin(channels.Refuse(word)); got != want.login {
			t.Errorf("a login refused with %s: %s", word, got)
		}
		if got := atSend(channels.Refuse(word)); got != want.send {
			t.Errorf("a message refused with %s: %s", word, got)
		}
	}
}

func TestALineIsCutAtItsFirstBlank(t *testing.T) {
	for line, want := range map[string]request{
		"":                 {},
		" ":                {hasBody: true},
		"LIST":             {header: "LIST"},
		"LIST ":            {header: "LIST", hasBody: true},
		"LIST x y":         {header: "LIST", body: "x y", hasBody: true},
		"LIST\r":           {header: "LIST\r"},
		"\r":               {header: "\r"},
		" LIST":            {body: "LIST", hasBody: true},
		"SEND\tbob hi":     {header: "SEND\tbob", body: "hi", hasBody: true},
		"SEND  bob":        {header: "SEND", body: " bob", hasBody: true},
		"SEND bob  hi \r":  {header: "SEND", body: "bob  hi \r", hasBody: true},
		"HELLO-FROM \xff":  {header: "HELLO-FROM", body: "\xff", hasBody: true},
		"\x00HELLO-FROM a": {header: "\x00HELLO-FROM", body: "a", hasBody: true},
	} {
		if got := parse([]byte(line)); got != want {
			t.Errorf("%q: %+v, want %+v", line, got, want)
		}
	}
}

func TestANameThatTheProtocolCanCarry(t *testing.T) {
	for _, name := range []string{"a", "bob", "Bob", "a-b_c.d(e)", "42", "Jérôme", "世界", "🎉", strings.Repeat("x", 300), "a\r", "a\tb"} { // the last three the node refuses
		if !carried(name) {
			t.Errorf("%q is not carried", name)
		}
	}
	for _, name := range []string{"", " ", "a b", " a", "a ", "a,b", ",", "\xff", "a\xc3"} {
		if carried(name) {
			t.Errorf("%q is carried", name)
		}
	}
	for _, c := range "!@#$%^&*" {
		for _, name := range []string{string(c), "a" + string(c), string(c) + "a", "a" + string(c) + "b"} {
			if carried(name) {
				t.Errorf("%q is carried", name)
			}
		}
	}
}

func TestAMessageHasATargetAndAText(t *testing.T) {
	for body, want := range map[string]struct{ to, text string }{
		"bob hi":             {"bob", "hi"},
		"bob  two  blanks ":  {"bob", " two  blanks "},
		"bob hi\r":           {"bob", "hi\r"},
		"bob \x00!@#,":       {"bob", "\x00!@#,"},
		"bob SEND eve hi":    {"bob", "SEND eve hi"},
		"bob@there hi":       {"bob@there", "hi"},
		"a,b hi":             {"a,b", "hi"},
		"\t hi":              {"\t", "hi"},
		"bob \u00a0":         {"bob", "\u00a0"},
		"bob \r":             {"bob", "\r"},
		"Jérôme Grüße, 世界 🎉": {"Jérôme", "Grüße, 世界 🎉"},
	} {
		if to, text, ok := message(body); !ok || to != want.to || text != want.text {
			t.Errorf("%q: %q, %q, %v", body, to, text, ok)
		}
	}
	for _, body := range []string{"", " ", "  ", "\t", "bob", "bob ", "bob    ", "bob \t", "bob\t", "bob\thi", "bob \t \t", " bob", " bob hi", "bob \xff", "\xff hi", "bob hi\xc3"} {
		if to, text, ok := message(body); ok {
			t.Errorf("%q is sent to %q: %q", body, to, text)
		}
	}
}

func TestEveryCommandHasAHandlerAndAHeaderThatCanBeSent(t *testing.T) {
	for header, c := range commands {
		if c.run == nil || parse([]byte(header)) != (request{header: header}) {
			t.Errorf("%q: %+v", header, c)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"", " ", "HELLO-FROM bob", "HELLO-FROM  bob", "LIST", "LIST ", "SEND bob hi", "SEND  bob", "SEND bob  two  blanks ",
		"SEND bob \t", "SEND\tbob hi", "SEND bob \xff", "SEND bob hi\r", "\r", "DELIVERY bob hi", "SEND bob \x00!@#,", "HELLO-FROM a,b"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		r := parse(line)
		whole := r.header
		if r.hasBody {
			whole += " " + r.body
		}
		if whole != string(line) || strings.Contains(r.header, " ") || !r.hasBody && r.body != "" {
			t.Errorf("%q is cut into %+v", line, r)
		}
		to, text, ok := message(r.body)
		if ok && (to+" "+text != r.body || to == "" || strings.Trim(text, " \t") == "" || !utf8.ValidString(text)) {
			t.Errorf("%q is sent to %q: %q", r.body, to, text)
		}
		if carried(r.body) && bytes.ContainsAny([]byte(r.body), " ,!@#$%^&*") {
			t.Errorf("%q is a name", r.body)
		}
		if ok && !bytes.Contains(line, []byte("\n")) {
			e := &channels.Entry{Channel: inbox, Author: bob, Body: text}
			if got := appendDelivery(nil, e); string(got) != "DELIVERY bob "+text+"\n" || bytes.Count(got, []byte("\n")) != 1 {
				t.Errorf("%q is delivered as %q", text, got)
			}
		}
	})
}
