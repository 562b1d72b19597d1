package csp

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"chatnode/channels"
)

var (
	bob = channels.Person{ID: 1, Name: "bob"}
	eve = channels.Person{ID: 2, Name: "eve", Host: "there:5050"}

	group  = &channels.Channel{Name: "go"}
	remote = &channels.Channel{Name: "go", Host: "there:5050", Home: 1}
	inbox  = &channels.Channel{Kind: channels.Inbox, Name: "bob"}
)

// said is how a message looks.
func said(payload string) string {
	return `{"version":1.0,"response_code":"140","parameters":{},"channel":"DC","payload":"` + payload + `"}` + "\n"
}

func TestAMessageLooksAsTheProtocolHasIt(t *testing.T) {
	for _, k := range []struct {
		name    string
		e       *channels.Entry
		payload string
	}{
		{"local", &channels.Entry{Channel: group, Author: bob, Body: "hi"}, "(bob) hi"},
		{"a person of another node", &channels.Entry{Channel: group, Author: eve, Body: "hi"}, "(eve@there:5050) hi"},
		{"a group of another node", &channels.Entry{Channel: remote, Author: bob, Body: "hi"}, "(bob) hi"},
		{"a group without a log", &channels.Entry{Channel: inbox, Label: remote, Author: eve, Body: "hi"}, "(eve@there:5050) hi"},
		{"a whisper", &channels.Entry{Channel: inbox, Author: bob, Body: "psst"}, "(bob) [PM] psst"},
		{"a whisper of another node", &channels.Entry{Channel: inbox, Author: eve, Body: "psst"}, "(eve@there:5050) [PM] psst"},
		{"blanks and a tab", &channels.Entry{Channel: group, Author: bob, Body: " two  blanks\t "}, `(bob)  two  blanks\u0009 `},
		{"quotes", &channels.Entry{Channel: group, Author: bob, Body: `"a" \ </b>`}, `(bob) \"a\" \\ </b>`},
		{"controls", &channels.Entry{Channel: group, Author: bob, Body: "a\x00b\nc\x7f"}, `(bob) a\u0000b\u000ac\u007f`},
		{"other scripts", &channels.Entry{Channel: group, Author: bob, Body: "ü世🎉"}, `(bob) \u00fc\u4e16\ud83c\udf89`},
		{"no text", &channels.Entry{Channel: group, Author: bob, Body: "a\xffb"}, `(bob) a\ufffdb`},
		{"nothing", &channels.Entry{Channel: group, Author: bob}, "(bob) "},
	} {
		for _, before := range []string{"", "before\n"} {
			if got, want := string(appendMessage([]byte(before), k.e, 65536)), before+said(k.payload); got != want {
				t.Errorf("%s: %q, want %q", k.name, got, want)
			}
		}
		if got, want := string(appendMessage(nil, k.e, 65536)), said(k.payload); got != want {
			t.Errorf("%s, alone: %q, want %q", k.name, got, want)
		}
	}
}

func TestALongMessageIsCutBetweenCharacters(t *testing.T) {
	for _, c := range []string{"x", "ü", "🎉", `\`, "e\u0301"} {
		text := strings.Repeat(c, 300)
		for most := 512; most < 540; most++ {
			for _, k := range []struct {
				e      *channels.Entry
				prefix string
			}{
				{&channels.Entry{Channel: group, Author: eve, Body: text}, "(eve@there:5050) "},
				{&channels.Entry{Channel: inbox, Author: bob, Body: text}, "(bob) [PM] "},
			} {
				var whole strings.Builder
				lines := strings.SplitAfter(string(appendMessage(nil, k.e, most)), "\n")
				for i, line := range lines[:len(lines)-1] {
					piece, ok := strings.CutPrefix(payloadOf(t, line), k.prefix)
					switch {
					case !ok:
						t.Fatalf("%q lacks %q", line, k.prefix)
					case len(line)-1 > most:
						t.Fatalf("a line of %d bytes where %d are the most", len(line)-1, most)
					case i < len(lines)-2 && len(line)-1+12 < most:
						t.Fatalf("a line of %d bytes is cut although %d are the most", len(line)-1, most)
					}
					whole.WriteString(piece)
				}
				if whole.String() != text {
					t.Fatalf("%d bytes of %q came over as %q", most, text, whole.String())
				}
			}
		}
	}
}

func payloadOf(t *testing.T, line string) string {
	t.Helper()
	var r struct{ Payload string }
	if err := json.Unmarshal([]byte(line), &r); err != nil || strings.Contains(r.Payload, "\ufffd") {
		t.Fatalf("%q: %v", line, err)
	}
	return r.Payload
}

func TestANameThatFillsALineStillLeavesRoomForOneCharacter(t *testing.T) {
	long := channels.Person{Name: "bob", Host: strings.Repeat("h", 600)}
	got := string(appendMessage(nil, &channels.Entry{Channel: group, Author: long, Body: "ab"}, 512))
	if want := said("("+long.Address()+") a") + said("("+long.Address()+") b"); got != want {
		t.Errorf("%q", got)
	}
}

func TestAnEncodingIsMadeOnceForEachLength(t *testing.T) {
	if one, again := looks(512), looks(512); one != again || one == looks(513) {
		t.Error("an encoding has more than one address, or serves two lengths")
	}
}

func TestResponsesHaveAllFiveKeys(t *testing.T) {
	for _, k := range []struct {
		got  []byte
		want string
	}{
		{appendAnswer(nil, loggedIn, control, ""), `{"version":1.0,"response_code":"110","parameters":{},"channel":"CC","payload":""}` + "\n"},
		{appendAnswer(nil, joined, control, "hi", userKey, `a"b`, groupKey, "gö"),
			`{"version":1.0,"response_code":"180","parameters":{"username":"a\"b","chat_name":"g\u00f6"},"channel":"CC","payload":"hi"}` + "\n"},
		{appendList(nil, "bob", []string{"a", "b:there"}),
			`{"version":1.0,"response_code":"130","parameters":{"username":"bob"},"channel":"","payload":["a","b:there"]}` + "\n"},
	} {
		if string(k.got) != k.want {
			t.Errorf("%s, want %s", k.got, k.want)
		}
	}
}

func TestNoticesAreTheCodesOfTheCommandThatCausedThem(t *testing.T) {
	for _, k := range []struct {
		n    channels.Notice
		want string
	}{
		{channels.Notice{Event: channels.EnteredChannel, Person: bob, Channel: group}, `180 {"username":"bob","chat_name":"go"} CC bob has joined go.`},
		{channels.Notice{Event: channels.EnteredChannel, Person: eve, Channel: remote},
			`180 {"username":"eve@there:5050","chat_name":"go:there:5050"} CC eve@there:5050 has joined go:there:5050.`},
		{channels.Notice{Event: channels.LeftChannel, Person: bob, Channel: group}, `190 {"username":"bob"}  bob has left go.`},
		{channels.Notice{Event: channels.LeftChannel, Person: bob, Channel: group, Reason: channels.AccountDeleted}, `190 {"username":"bob"}  bob has left go.`},
		{channels.Notice{Event: channels.LeftChannel, Person: bob, Channel: group, Reason: channels.WasBanned}, `191 {"banned_user":"bob"} CC bob has been banned from go.`},
		{channels.Notice{Event: channels.BannedOutside, Person: eve, Channel: group, Reason: channels.WasBanned}, `191 {"banned_user":"eve@there:5050"} CC eve@there:5050 has been banned from go.`},
		{channels.Notice{Event: channels.LeftChannel, Person: bob, Channel: group, Reason: channels.Kicked}, `192 {"kicked_user":"bob"} CC bob has been kicked out of go.`},
		{channels.Notice{Event: channels.CameOnLine, Person: bob}, ""},
		{channels.Notice{Event: channels.WentOffLine, Person: bob}, ""},
		{channels.Notice{Event: channels.HomeAway, Channel: remote, Text: "away"}, ""},
		{channels.Notice{Event: channels.HomeBack, Channel: remote, Text: "back"}, ""},
		{channels.Notice{Event: channels.TopicChanged, Channel: group, Text: "topic"}, ""},
	} {
		got := string(appendNotice(nil, k.n, k.n.Person.Address()))
		if k.want == "" && got != "" || k.want != "" && got != written(k.want) {
			t.Errorf("%+v: %s, want %s", k.n, got, written(k.want))
		}
	}
}

// written is a response from its code, parameters, channel and payload.
func written(short string) string {
	p := strings.SplitN(short, " ", 4)
	return `{"version":1.0,"response_code":"` + p[0] + `","parameters":` + p[1] + `,"channel":"` + p[2] + `","payload":"` + p[3] + `"}` + "\n"
}

func TestOfTheOwnAccountOnlyThatItWasPutOutIsTold(t *testing.T) {
	for _, k := range []struct {
		n    channels.Notice
		told string
		out  bool
	}{
		{channels.Notice{Event: channels.EnteredChannel}, "", false},
		{channels.Notice{Event: channels.LeftChannel}, "", true},
		{channels.Notice{Event: channels.LeftChannel, Reason: channels.ChannelDeleted}, "", true},
		{channels.Notice{Event: channels.LeftChannel, Reason: channels.Kicked}, `192 {"kicked_user":"Bob"} CC Bob has been kicked out of go.`, true},
		{channels.Notice{Event: channels.LeftChannel, Reason: channels.WasBanned}, `191 {"banned_user":"Bob"} CC Bob has been banned from go.`, true},
	} {
		c, name := &client{name: "Bob"}, "go" // as the client spells it
		c.group.Store(&name)
		k.n.Self, k.n.Person, k.n.Channel = true, bob, group
		got := string(c.notice(k.n))
		if k.told == "" && got != "" || k.told != "" && got != written(k.told) || (c.in() == "") != k.out {
			t.Errorf("%+v: %q, and the session is in %q", k.n, got, c.in())
		}
	}
}

func TestWhatIsSaidInAGroupWithoutALogIsHeardOnlyThere(t *testing.T) {
	c, name := &client{}, remote.Address()
	labelled, whisper := &channels.Entry{Channel: inbox, Label: remote}, &channels.Entry{Channel: inbox}
	if c.hears(1, labelled) || !c.hears(1, whisper) {
		t.Error("in no group")
	}
	c.group.Store(&name)
	if !c.hears(1, labelled) || !c.hears(1, whisper) {
		t.Error("in the group")
	}
}

func TestEveryCommandHasAHandlerInEveryState(t *testing.T) {
	for name, c := range commands {
		for at, run := range c.run {
			if run == nil {
				t.Errorf("%s does nothing in state %d", name, at)
			}
		}
		if len(name) != 4 || strings.ToUpper(name) != name {
			t.Errorf("%q is no name of a command", name)
		}
	}
}

func TestEveryFaultHasAText(t *testing.T) {
	for _, c := range []code{syntaxError, unknownCommand, otherVersion} {
		if faults[c] == "" {
			t.Errorf("%s says nothing", c)
		}
	}
}

// full is a request with all that any command needs.
const full = `{"version":1.0,"command":"COMMAND","channel":"CC","parameters":{"username":"bob","chat_name":"go","password":"pw","kicked_user":"eve","banned_user":"eve"},"payload":"hi"}`

// needed says which keys a command cannot do without, besides version, command and username.
var needed = map[string][]string{
	"AUTH": {"password"}, "NWUA": {"password"}, "REDY": nil, "LIST": nil, "LEVE": nil, "CHAT": {"chat_name"}, "JOIN": {"chat_name"},
	"MSSG": {"chat_name", "payload"}, "KICK": {"chat_name", "kicked_user"}, "BANN": {"chat_name", "banned_user"},
}

func TestAKeyMayBeMissingOrWrongWhereItIsNotNeeded(t *testing.T) {
	if len(needed) != len(commands) {
		t.Errorf("%d commands, and %d in the table", len(commands), len(needed))
	}
	for command, needs := range needed {
		for _, key := range []string{"version", "command", "channel", "parameters", "payload", "username", "chat_name", "password", "kicked_user", "banned_user"} {
			isNeeded := slices.Contains(append(needs, "version", "command", "parameters", "username"), key)
			for _, value := range []any{nil, 5.0, true, []any{"x"}, map[string]any{}, "absent"} {
				line := changed(t, strings.Replace(full, "COMMAND", command, 1), key, value)
				_, fault := parse(line)
				bad := fault == syntaxError || key == "version" && fault == otherVersion
				if key == "version" && value == true {
					isNeeded := fault != "" // true is a one
					if isNeeded {
						t.Errorf("%s: %s", line, fault)
					}
					continue
				}
				if bad != isNeeded {
					t.Errorf("%s: %q, and %s is needed: %v", line, fault, key, isNeeded)
				}
			}
		}
	}
}

// changed gives a key of a request another value, or with "absent" takes it out.
func changed(t *testing.T, line, key string, value any) []byte {
	t.Helper()
	var r map[string]any
	if err := json.Unmarshal([]byte(line), &r); err != nil {
		t.Fatal(err)
	}
	in := r
	if p := r["parameters"].(map[string]any); p[key] != nil {
		in = p
	}
	if in[key] = value; value == "absent" {
		delete(in, key)
	}
	out, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestALineIsARequestOrHasAFault(t *testing.T) {
	const ok = code("")
	version := func(v string) string {
		return `{"version":` + v + `,"command":"LIST","parameters":{"username":"bob"}}`
	}
	for line, want := range map[string]code{
		version("1.0"): ok, version("1"): ok, version("true"): ok, version("1e0"): ok, version("10e-1"): ok, version(" 1.00 "): ok,
		version("1.0000000000000000000001"): ok, // as it is to Python
		version("2.0"):                      otherVersion, version(`"1.0"`): otherVersion, version("false"): otherVersion, version("null"): otherVersion,
		version("[1.0]"): otherVersion, version("{}"): otherVersion, version("1e400"): otherVersion, version("-1"): otherVersion, version("1.1"): otherVersion,
		version("01"): syntaxError, version("+1"): syntaxError, version("NaN"): syntaxError, version(""): syntaxError,
		`{"version":2}`: otherVersion, `{"version":1}`: syntaxError, `{}`: syntaxError, `{"command":"LIST"}`: syntaxError,
		`{"version":1,"command":"VRSN"}`: unknownCommand, `{"version":1,"command":"list"}`: unknownCommand, `{"version":1,"command":""}`: unknownCommand,
		`{"version":1,"command":"LIST "}`: unknownCommand, `{"version":1,"command":5}`: syntaxError,
		`{"version":1,"command":"LIST"}`:                                              syntaxError,
		`{"version":1,"command":"LIST","parameters":[]}`:                              syntaxError,
		`{"version":1,"command":"LIST","parameters":{"username":""}}`:                 ok,
		`{"version":1,"command":"LIST","parameters":{"username":"bob"},"more":[{}]}`:  ok,
		`{"Version":1,"command":"LIST","parameters":{"username":"bob"}}`:              syntaxError,
		`{"version":1,"Command":"LIST","parameters":{"username":"bob"}}`:              syntaxError,
		`{"version":1,"command":"LIST","parameters":{"UserName":"bob"}}`:              syntaxError,
		` {"version":1,"command":"LIST","parameters":{"username":"bob"}}` + "\t\r":    ok,
		`{"version":1,"command":"LIST","parameters":{"username":"bob"}}}`:             syntaxError,
		`{"version":1,"command":"LIST","parameters":{"username":"bob"}}{}`:            syntaxError,
		`{"version":1,"command":"LIST","parameters":{"username":"bob"`:                syntaxError,
		`{"version":1,"command":"LIST","parameters":{"username":"b` + "\xff" + `b"}}`: syntaxError,
		`{"version":1,"command":"LIST","parameters":{"username":"b` + "\t" + `b"}}`:   syntaxError,
		`null`: syntaxError, `5`: syntaxError, `"x"`: syntaxError, `[]`: syntaxError, `true`: syntaxError, "\ufeff{}": syntaxError, "GET / HTTP/1.1": syntaxError,
		strings.Repeat("[", 65536): syntaxError,
	} {
		if _, fault := parse([]byte(line)); fault != want {
			t.Errorf("%.80q: %q, want %q", line, fault, want)
		}
	}
}

func TestARequestIsReadWhole(t *testing.T) {
	for command, want := range map[string]request{
		"AUTH": {command: "AUTH", user: "bob", secret: "pw"},
		"LIST": {command: "LIST", user: "bob"},
		"JOIN": {command: "JOIN", user: "bob", group: "go"},
		"MSSG": {command: "MSSG", user: "bob", group: "go", payload: "hi"},
		"KICK": {command: "KICK", user: "bob", group: "go", target: "eve"},
		"BANN": {command: "BANN", user: "bob", group: "go", target: "eve"},
	} {
		if r, fault := parse([]byte(strings.Replace(full, "COMMAND", command, 1))); r != want || fault != "" {
			t.Errorf("%s: %+v, %q", command, r, fault)
		}
	}
	r, fault := parse([]byte(`{"version":1,"command":"CHAT","parameters":{"username":"b\u00fc\ud83c\udf89","chat_name":"\n\ud83c"}}`))
	if r.user != "bü🎉" || r.group != "\n\ufffd" || fault != "" {
		t.Errorf("%+v, %q", r, fault)
	}
}

func TestABlankLineSaysNothing(t *testing.T) {
	for line, want := range map[string]bool{"": true, " \t": true, "\r": true, "{}": false, "\x00": false} {
		if blank([]byte(line)) != want {
			t.Errorf("%q: %v", line, !want)
		}
	}
}

func TestPlainNamesAreASCIIWithoutBlanksAndParentheses(t *testing.T) {
	for name, want := range map[string]bool{"bob": true, "b-o_b.1!": true, "": true, "b b": false, "b\tb": false, "(b": false, "b)": false, "bü": false, "b\u00a0": false} {
		if plainName(name) != want {
			t.Errorf("%q: %v", name, !want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for command := range needed {
		f.Add([]byte(strings.Replace(full, "COMMAND", command, 1)))
	}
	for _, line := range []string{"", "{}", "null", `{"version":true}`, `{"version":2,"command":"AUTH"}`, `{"version":1,"command":"VRSN"}`,
		`{"version":1,"command":"MSSG","parameters":{"username":"b","chat_name":"\ud800"},"payload":"\u0000\""}`, "\xff", "[[[["} {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		r, fault := parse(line)
		if _, known := commands[r.command]; fault == "" && !known {
			t.Errorf("%q: %q is no command", line, r.command)
		}
		if fault == "" && !json.Valid(line) || fault != "" && faults[fault] == "" {
			t.Errorf("%q: %q", line, fault)
		}
		for _, s := range []string{r.command, r.user, r.group, r.secret, r.target, r.payload} {
			if !utf8.ValidString(s) {
				t.Errorf("%q is read as %q", line, s)
			}
		}
		shown := appendMessage(nil, &channels.Entry{Channel: group, Author: bob, Body: r.payload}, 64)
		for one := range strings.Lines(string(shown)) {
			if !json.Valid([]byte(one)) || strings.ContainsFunc(one, func(c rune) bool { return c > '~' || c < ' ' && c != '\n' }) {
				t.Errorf("%q is shown as %q", line, one)
			}
		}
	})
}
