// Package csp_test holds a node to the Chat Service Protocol, over real connections.
package csp_test

import (
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"chatnode/node/config"
	"chatnode/tests/harness"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// only switches this tongue on and no other: there is no lobby.
func only(c *config.Config) { c.Gateways.CSP = "127.0.0.1:0" }

// The answers that have no room for more than their code.
var (
	yes     = harness.CSPAnswer("110", "CC", "")
	no      = harness.CSPAnswer("200", "CC", "")
	noNew   = harness.CSPAnswer("200", "", "")
	ready   = harness.CSPAnswer("100", "CC", "Ready")
	founded = harness.CSPAnswer("170", "", "")
	unknown = harness.CSPAnswer("310", "CC", "There is no such command.")
	faulty  = harness.CSPAnswer("320", "CC", "That is no request of this protocol.")
	tooLong = harness.CSPAnswer("320", "CC", "That line is too long.")
	version = harness.CSPAnswer("330", "CC", "This server speaks version 1.0.")
)

// joinedBy, leftBy, kickedOf and bannedOf are what a group go is told.
func joinedBy(who string) string {
	return harness.CSPAnswer("180", "CC", who+" has joined go.", "username", who, "chat_name", "go")
}

func leftBy(who string) string {
	return harness.CSPAnswer("190", "", who+" has left go.", "username", who)
}

func kickedOf(who string) string {
	return harness.CSPAnswer("192", "CC", who+" has been kicked out of go.", "kicked_user", who)
}

func bannedOf(who string) string {
	return harness.CSPAnswer("191", "CC", who+" has been banned from go.", "banned_user", who)
}

// goneOut is what somebody is told who leaves.
func goneOut(who string) string {
	return harness.CSPAnswer("190", "", who+" has left the group.", "username", who)
}

// talk plays a transcript, after which nothing is owed.
func talk(t *testing.T, c *harness.CSP, transcript ...string) {
	t.Helper()
	c.Talk(transcript...)
	c.Silent()
}

func TestASessionFromSignUpToKick(t *testing.T) {
	n := harness.Start(t, only)
	alice, bob := n.ConnectCSP(), n.ConnectCSP()
	talk(t, alice,
		`> {"version": 1.0, "command": "AUTH", "channel": "CC", "parameters": {"username": "alice", "chat_name": "", "password": "pw"}, "payload": ""}`,
		`< {"version":1.0,"response_code":"200","parameters":{},"channel":"CC","payload":""}`,
		`> {"version": 1.0, "command": "NWUA", "channel": "CC", "parameters": {"username": "alice", "chat_name": "", "password": "pw"}, "payload": ""}`,
		`< {"version":1.0,"response_code":"110","parameters":{},"channel":"CC","payload":""}`,
		`> {"version": 1.0, "command": "LIST", "channel": "CC", "parameters": {"username": "alice", "chat_name": ""}, "payload": ""}`,
		`< {"version":1.0,"response_code":"240","parameters":{"username":"alice"},"channel":"","payload":"There are no groups yet."}`,
		`> {"version": 1.0, "command": "CHAT", "channel": "CC", "parameters": {"username": "alice", "chat_name": "G"}, "payload": ""}`,
		`< {"version":1.0,"response_code":"170","parameters":{},"channel":"","payload":""}`,
		`> {"version": 1.0, "command": "MSSG", "channel": "DC", "parameters": {"username": "alice", "chat_name": "G"}, "payload": "(alice) h\u00e9llo \ud83d\udc4b"}`,
		`< {"version":1.0,"response_code":"140","parameters":{},"channel":"DC","payload":"(alice) h\u00e9llo \ud83d\udc4b"}`,
		`> {"version": 1.0, "command": "REDY", "channel": "CC", "parameters": {"username": "alice", "chat_name": "G"}, "payload": ""}`,
		`< {"version":1.0,"response_code":"100","parameters":{},"channel":"CC","payload":"Ready"}`,
	)
	talk(t, bob,
		`> {"version": 1, "command": "NWUA", "parameters": {"username": "alice", "password": "pw"}}`,
		`< {"version":1.0,"response_code":"200","parameters":{},"channel":"","payload":""}`,
		`> {"version": 1, "command": "NWUA", "parameters": {"username": "bob", "password": "pw"}}`,
		`< {"version":1.0,"response_code":"110","parameters":{},"channel":"CC","payload":""}`,
		`> {"version": true, "command": "LIST", "parameters": {"username": "bob"}}`,
		`< {"version":1.0,"response_code":"130","parameters":{"username":"bob"},"channel":"","payload":["G"]}`,
		`> {"version": 1, "command": "CHAT", "parameters": {"username": "bob", "chat_name": "G"}}`,
		`< {"version":1.0,"response_code":"230","parameters":{},"channel":"","payload":"There is a group of that name already."}`,
		`> {"version": 1, "command": "JOIN", "parameters": {"username": "bob", "chat_name": "nowhere"}}`,
		`< {"version":1.0,"response_code":"240","parameters":{"username":"bob","chat_name":"nowhere"},"channel":"CC","payload":"There is no such group."}`,
		`> {"version": 1, "command": "JOIN", "parameters": {"username": "bob", "chat_name": "G"}}`,
		`< {"version":1.0,"response_code":"180","parameters":{"username":"bob","chat_name":"G"},"channel":"CC","payload":"bob has joined G."}`,
		`> {"version": 1, "command": "BANN", "parameters": {"username": "bob", "chat_name": "G", "banned_user": "alice"}}`,
		`< {"version":1.0,"response_code":"250","parameters":{"username":"bob"},"channel":"CC","payload":"You may not do that."}`,
		`> {"version": 1, "command": "KICK", "parameters": {"username": "bob", "chat_name": "G", "kicked_user": "alice"}}`,
		`< {"version":1.0,"response_code":"260","parameters":{"username":"bob"},"channel":"CC","payload":"You may not do that."}`,
	)
	talk(t, alice,
		`< {"version":1.0,"response_code":"180","parameters":{"username":"bob","chat_name":"G"},"channel":"CC","payload":"bob has joined G."}`,
		`> {"version": 1.0, "command": "KICK", "channel": "AC", "parameters": {"username": "alice", "chat_name": "G", "kicked_user": "bob"}, "payload": ""}`,
		`< {"version":1.0,"response_code":"192","parameters":{"kicked_user":"bob"},"channel":"CC","payload":"bob has been kicked out of G."}`,
		`> {"version": 1.0, "command": "BANN", "channel": "AC", "parameters": {"username": "alice", "chat_name": "G", "banned_user": "bob"}, "payload": ""}`,
		`< {"version":1.0,"response_code":"191","parameters":{"banned_user":"bob"},"channel":"CC","payload":"bob has been banned from G."}`,
	)
	talk(t, bob,
		`< {"version":1.0,"response_code":"192","parameters":{"kicked_user":"bob"},"channel":"CC","payload":"bob has been kicked out of G."}`,
		`> {"version": 1, "command": "JOIN", "parameters": {"username": "bob", "chat_name": "G"}}`,
		`< {"version":1.0,"response_code":"240","parameters":{"username":"bob","chat_name":"G"},"channel":"CC","payload":"You are banned from that group."}`,
		`> {"version": 1, "command": "LEVE", "parameters": {"username": "bob", "chat_name": "G"}}`,
		`< {"version":1.0,"response_code":"190","parameters":{"username":"bob"},"channel":"","payload":"bob has left the group."}`,
	)
}

func TestAResponseGoesToThoseWhoNeedIt(t *testing.T) {
	n := harness.Start(t, only)
	stranger, idle := n.ConnectCSP(), n.LoginCSP("idle")
	alice, bob, eve := n.LoginCSP("alice"), n.LoginCSP("bob"), n.LoginCSP("eve")
	alice.Found("go")
	bob.Join("go")
	alice.Expect(joinedBy("bob"))
	eve.Found("other")
	all := []*harness.CSP{stranger, idle, alice, bob, eve}
	for _, k := range []struct {
		by    *harness.CSP
		asks  string
		hears map[*harness.CSP]string
	}{
		{stranger, harness.CSPRequest("idle", "AUTH", "", "password", "bad"), map[*harness.CSP]string{stranger: no}},
		{stranger, harness.CSPRequest("idle", "NWUA", "", "password", "pw"), map[*harness.CSP]string{stranger: noNew}},
		{alice, harness.CSPRequest("alice", "LIST", ""), map[*harness.CSP]string{alice: `{"version":1.0,"response_code":"130","parameters":{"username":"alice"},"channel":"","payload":["go","other"]}`}},
		{bob, harness.CSPRequest("bob", "REDY", "go"), map[*harness.CSP]string{bob: ready}},
		{idle, harness.CSPRequest("idle", "CHAT", "go"), map[*harness.CSP]string{idle: harness.CSPAnswer("230", "", "There is a group of that name already.")}},
		{bob, harness.CSPRequest("bob", "KICK", "go", "kicked_user", "alice"), map[*harness.CSP]string{bob: refused("260", "bob", notYours)}},
		{bob, harness.CSPRequest("bob", "BANN", "go", "banned_user", "eve"), map[*harness.CSP]string{bob: refused("250", "bob", notYours)}},
		{bob, harness.CSPRequest("bob", "MSSG", "go", "payload", "(bob) hi"), map[*harness.CSP]string{alice: message("(bob) hi"), bob: message("(bob) hi")}},
		{alice, harness.CSPRequest("alice", "BANN", "go", "banned_user", "eve"), map[*harness.CSP]string{alice: bannedOf("eve"), bob: bannedOf("eve")}},
		{eve, harness.CSPRequest("eve", "JOIN", "go"), map[*harness.CSP]string{eve: harness.CSPAnswer("240", "CC", "You are banned from that group.", "username", "eve", "chat_name", "go")}},
		{idle, harness.CSPRequest("idle", "JOIN", "go"), map[*harness.CSP]string{idle: joinedBy("idle"), alice: joinedBy("idle"), bob: joinedBy("idle")}},
		{idle, harness.CSPRequest("idle", "LEVE", "nowhere"), map[*harness.CSP]string{idle: goneOut("idle"), alice: leftBy("idle"), bob: leftBy("idle")}},
		{alice, harness.CSPRequest("alice", "LEVE", ""), map[*harness.CSP]string{alice: goneOut("alice"), bob: leftBy("alice")}},
		{alice, harness.CSPRequest("alice", "KICK", "go", "kicked_user", "bob"), map[*harness.CSP]string{alice: kickedOf("bob"), bob: kickedOf("bob")}},
		{bob, `{"version": 2.0, "command": "LEVE"}`, map[*harness.CSP]string{bob: version}},
	} {
		k.by.Send(k.asks)
		for _, c := range append([]*harness.CSP{k.by}, all...) { // who asked first: then it has been done
			got := c.Drain()
			if want := k.hears[c]; want != "" && !slices.Equal(got, []string{want}) || want == "" && len(got) > 0 {
				t.Errorf("%s: %s hears %q, want %q", k.asks, c.Name, got, want)
			}
			delete(k.hears, c)
		}
	}
}

const (
	notYours = "You may not do that."
	notIn    = "Not a member of that group."
)

func refused(code, who, why string) string {
	return harness.CSPAnswer(code, "CC", why, "username", who)
}

func message(payload string) string { return harness.CSPAnswer("140", "DC", payload) }

func TestNativesAndThisTongueHearEachOther(t *testing.T) {
	n := harness.Start(t, only)
	alice, nat := n.LoginCSP("alice"), n.Login("nat")
	alice.Found("go")
	nat.Ask("JOIN go", "RESULT JOIN go 1")
	alice.Expect(joinedBy("nat"))
	alice.Say("go", "hello")
	nat.Expect("RECV alice go hello")
	alice.Hears("(alice) hello")
	nat.Ask("SAY go  two  blanks ", "RECV nat go  two  blanks ")
	alice.Hears("(nat)  two  blanks ")
	nat.Ask("SAY go (alice) said that", "RECV nat go (alice) said that")
	alice.Hears("(nat) (alice) said that")
	nat.Ask("WHISPER alice psst", "RESULT WHISPER alice 1")
	alice.Hears("(nat) [PM] psst")
	nat.Ask("LEAVE go", "RESULT LEAVE go 1")
	alice.Expect(leftBy("nat"))
	nat.Ask("JOIN go", "RESULT JOIN go 1")
	alice.Expect(joinedBy("nat"))
	nat.Ask("UNREGISTER pw", "RESULT UNREGISTER 1")
	alice.Expect(leftBy("nat"))
	alice.Silent()
}

func TestWhoIsPutOutNativelyIsTold(t *testing.T) {
	for _, k := range []struct{ command, told string }{
		{"KICK go alice", kickedOf("alice")},
		{"BAN go alice", bannedOf("alice")},
		{"DELETE go", ""},
	} {
		n := harness.Start(t, only)
		boss := n.Login("boss")
		boss.Ask("CREATE go", "RESULT CREATE go 1")
		alice, bob, away := n.LoginCSP("alice"), n.LoginCSP("bob"), n.LoginCSP("alice")
		alice.Join("go")
		bob.Join("go")
		alice.Expect(joinedBy("bob"))
		away.Found("other")
		boss.Send(k.command)
		boss.Match(`RESULT .* 1`)
		for _, c := range []*harness.CSP{alice, bob} {
			if k.told != "" {
				c.Expect(k.told)
			}
		}
		away.Silent() // it was not there
		alice.Say("go", "still there?")
		alice.Expect(refused("260", "alice", notIn))
		away.Say("other", "I am")
		away.Hears("(alice) I am")
		alice.Request("LEVE", "go")
		alice.Expect(goneOut("alice"))
		alice.Silent()
		bob.Silent()
	}
}

func TestThePrefixOfTheAuthorIsTheSessionsOwn(t *testing.T) {
	n := harness.Start(t, only)
	alice, bob := n.LoginCSP("alice"), n.Login("bob")
	alice.Found("go")
	bob.Ask("JOIN go", "RESULT JOIN go 1")
	alice.Expect(joinedBy("bob"))
	for payload, text := range map[string]string{
		"(alice) hi":         "hi",
		"hi":                 "hi",
		" hi ":               " hi ",
		"(alice) (alice) hi": "(alice) hi",
		"(bob) hi":           "(bob) hi",
		"(Alice) hi":         "(Alice) hi",
		"(alice)hi":          "(alice)hi",
		"(alice)  hi":        " hi",
		`"quoted" \ </b>`:    `"quoted" \ </b>`,
	} {
		alice.Request("MSSG", "go", "payload", payload)
		alice.Hears("(alice) " + text)
		bob.Expect("RECV alice go " + text)
	}
	for _, payload := range []string{"", "(alice) ", "\n", "(alice) \r\n\n"} {
		alice.Request("MSSG", "go", "payload", payload)
		alice.Expect(refused("260", "alice", "There is nothing to say."))
	}
	alice.Request("MSSG", "go", "payload", "(alice) one\ntwo\r\n\n three")
	alice.Hears("(alice) one", "(alice) two", "(alice)  three")
	bob.Expect("RECV alice go one", "RECV alice go two", "RECV alice go  three")
	alice.Request("MSSG", "go", "payload", "(alice) "+strings.Repeat("x\n", 1000))
	alice.Hears(slices.Repeat([]string{"(alice) x"}, 1000)...)
	alice.Silent()
}

func TestMovingLeavesTheOldGroup(t *testing.T) {
	n := harness.Start(t, only)
	alice, bob, nat := n.LoginCSP("alice"), n.LoginCSP("bob"), n.Login("nat")
	alice.Found("go")
	bob.Join("go")
	alice.Expect(joinedBy("bob"))
	nat.Ask("JOIN go", "RESULT JOIN go 1")
	alice.Expect(joinedBy("nat"))
	bob.Expect(joinedBy("nat"))
	bob.Found("two") // CHAT moves
	alice.Expect(leftBy("bob"))
	alice.Join("two") // JOIN too
	bob.Expect(harness.CSPAnswer("180", "CC", "alice has joined two.", "username", "alice", "chat_name", "two"))
	nat.Ask("WHO go", "RESULT WHO go nat")
	nat.Ask("SAY go alone", "RECV nat go alone")
	alice.Join("two") // again: only who asks is told
	alice.Say("two", "hi")
	alice.Hears("(alice) hi")
	bob.Hears("(alice) hi")
	alice.Request("JOIN", "nowhere") // a refusal moves nobody
	alice.ExpectAnswer("240", "CC", "There is no such group.", "username", "alice", "chat_name", "nowhere")
	alice.Request("CHAT", "go")
	alice.ExpectAnswer("230", "", "There is a group of that name already.")
	alice.Say("go", "not here")
	alice.Expect(refused("260", "alice", notIn))
	alice.Say("two", "still here")
	alice.Hears("(alice) still here")
	bob.Hears("(alice) still here")
	alice.Silent()
	bob.Silent()
}

func TestALostConnectionLeavesTheMembershipAndJoinEntersAgain(t *testing.T) {
	n := harness.Start(t, only)
	alice, bob := n.LoginCSP("alice"), n.LoginCSP("bob")
	alice.Found("go")
	bob.Join("go")
	alice.Expect(joinedBy("bob"))
	bob.Close()
	nat := n.Login("bob")
	nat.Ask("SAY go native", "RECV bob go native") // a member still
	alice.Hears("(bob) native")
	bob = n.LoginCSP("bob")
	alice.Say("go", "to nobody")
	alice.Hears("(alice) to nobody")
	bob.Silent() // in no group
	bob.Say("go", "hi")
	bob.Expect(refused("260", "bob", notIn))
	bob.Join("go")
	alice.Say("go", "to bob")
	alice.Hears("(alice) to bob")
	bob.Hears("(alice) to bob")
	again := n.Again()
	bob = again.LoginCSP("bob")
	bob.Join("go")
	bob.Silent()
}

func TestTwoSessionsOfOneAccountAreInTheirOwnGroups(t *testing.T) {
	n := harness.Start(t, only)
	one, two, eve := n.LoginCSP("bob"), n.LoginCSP("bob"), n.LoginCSP("eve")
	one.Found("go")
	eve.Join("go")
	one.Expect(joinedBy("eve"))
	two.Silent()
	two.Join("go")
	one.Silent() // of itself it is not told
	eve.Silent() // nor anybody, as nobody came
	eve.Say("go", "hi")
	eve.Hears("(eve) hi")
	one.Hears("(eve) hi")
	two.Hears("(eve) hi")
	two.Request("LEVE", "go")
	two.Expect(goneOut("bob"))
	eve.Expect(leftBy("bob"))
	one.Silent() // a 190 of its own name would look like an answer
	one.Say("go", "hi")
	one.Expect(refused("260", "bob", notIn))
	one.Join("go")
	two.Silent()
	eve.Expect(joinedBy("bob"))
	one.Request("LIST", "")
	one.Match(`.*"130".*\["go"\]}`)
	two.Silent()
}

func TestOnlyOthersCanBePutOut(t *testing.T) {
	n := harness.Start(t, only)
	boss, op := n.LoginCSP("boss"), n.LoginCSP("op")
	boss.Found("go")
	op.Join("go")
	boss.Expect(joinedBy("op"))
	n.Login("boss").Ask("OP go op", "RESULT OP go op 1")
	for _, k := range []struct {
		by       *harness.CSP
		who, why string
	}{
		{boss, "boss", "You cannot do that to yourself."},
		{boss, "boss@a.test", "You cannot do that to yourself."},
		{op, "op", "You cannot do that to yourself."},
		{op, "boss", notYours},
		{boss, "nobody", "There is no such user."},
		{boss, "-ban", "There is no such user."},
		{boss, "", "There is no such user."},
		{boss, "eve@nowhere.test", "That server is not known."},
	} {
		k.by.Request("KICK", "go", "kicked_user", k.who)
		k.by.Expect(refused("260", k.by.Name, k.why))
		k.by.Request("BANN", "go", "banned_user", k.who)
		k.by.Expect(refused("250", k.by.Name, k.why))
	}
	n.LoginCSP("eve")
	boss.Request("KICK", "go", "kicked_user", "eve")
	boss.Expect(refused("260", "boss", notIn))
	boss.Request("KICK", "nowhere", "kicked_user", "op")
	boss.Expect(refused("260", "boss", "There is no such group."))
	for range 2 { // a ban may be repeated
		boss.Request("BANN", "go", "banned_user", "op")
		boss.Expect(bannedOf("op"))
	}
	op.Expect(bannedOf("op"))
	op.Silent()
	boss.Silent()
}

func TestNamesOfAccountsAndGroups(t *testing.T) {
	n := harness.Start(t, only)
	c := n.ConnectCSP()
	for _, name := range []string{"", "b b", "b\tb", "(b", "b)", "bü", "世界", "b@c", "b:c", "b,c", "#b", "*", "server", "[Server]", strings.Repeat("b", 65)} {
		c.Ask(harness.CSPRequest(name, "NWUA", "", "password", "pw"), noNew)
	}
	for _, password := range []string{"", strings.Repeat("p", 73)} {
		c.Ask(harness.CSPRequest("bob", "NWUA", "", "password", password), noNew)
	}
	nat := n.Connect()
	nat.Ask("REGISTER e\u0301ve pw", "RESULT REGISTER 1")
	c.Ask(harness.CSPRequest("e\u0301ve", "AUTH", "", "password", "wrong"), no)
	c.Ask(harness.CSPRequest("e\u0301ve", "AUTH", "", "password", "pw"), yes) // AUTH takes any name
	for _, name := range []string{"", " ", "  ", "\t", "a b", "a:b", "a:a.test", "a@b", "#a", strings.Repeat("g", 65), "\ufffd\n"} {
		c.Ask(harness.CSPRequest("e\u0301ve", "CHAT", name), harness.CSPAnswer("230", "", "That is no name for a group."))
	}
	for _, name := range []string{"\u00e9ve", "e\u0301ve"} { // one name, however it is spelled
		c.Ask(harness.CSPRequest(name, "REDY", ""), ready)
	}
	for _, name := range []string{"eve", "Éve", "\u00e9ve ", "\u00e9ve@a.test.", ""} {
		c.Ask(harness.CSPRequest(name, "REDY", ""), strings.ReplaceAll(harness.CSPAnswer("300", "CC", "You are logged in as Eve."), "Eve", `\u00e9ve`))
	}
	c.Silent()
}
