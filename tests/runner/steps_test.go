package runner

import (
	"strings"
	"testing"
	"time"
)

func TestStepsThatPass(t *testing.T) {
	for name, text := range map[string]string{
		"a line": steps(bob("send", "ECHO hello"), bob("expect", "hello")),
		"bytes":  steps(bob("send_raw", "ECHO he"), bob("send_raw", "llo\nECHO x\n"), bob("expect", "hello"), bob("expect", "x")),
		"a pattern with a capture, in a pattern and a line": steps(
			bob("send", "ECHO seq 4.1"), bob("expect", map[string]string{"regex": `seq (?P<seq>\S+)`}),
			bob("send", "ECHO ${bob.seq} $${x}"), bob("expect", "${bob.seq} $${x}"),
			bob("send", "ECHO 4.1"), bob("expect", map[string]string{"regex": "${bob.seq}"})),
		"a later capture replaces one": steps(`{"repeat": 2, "steps": [`+
			bob("send", "ECHO ${i}")+","+bob("expect", map[string]string{"regex": "(?P<n>.)"})+`]}`,
			bob("send", "ECHO ${bob.n}"), bob("expect", "2")),
		"in the end": steps(bob("send", "ECHO a"), bob("send", "ECHO b"), bob("send", "ECHO c"),
			bob("expect", map[string]any{"eventually": map[string]string{"regex": "[bx]"}}),
			bob("expect", map[string]any{"eventually": "c"})),
		"any order": steps(`{"client": "carol", "connect": true}`, `{"client": "carol", "send": "ECHO 1"}`, `{"client": "carol", "expect": "1"}`,
			bob("send", "ALL x"), bob("send", "ALL y"),
			`{"expect_all": [{"client": "carol", "line": "y"}, {"client": "bob", "line": {"regex": "(?P<any>.)"}},
			{"client": "carol", "line": "x"}, {"client": "bob", "line": "x"}]}`, bob("send", "ECHO ${bob.any}"), bob("expect", "y")),
		"repeats within repeats": steps(`{"repeat": 2, "steps": [{"repeat": 3, "steps": [` + bob("send", "ECHO ${i}") + "," + bob("expect", "${i}") + `]},
			` + bob("send", "ECHO outer ${i}") + "," + bob("expect", "outer ${i}") + `]}`),
		"silence":             steps(bob("silent", "20ms")),
		"a pause":             steps(`{"sleep": "1ms"}`),
		"its own close":       steps(bob("close", true), bob("expect_closed", true)),
		"the server's":        steps(bob("send", "CLOSE"), bob("expect_closed", true)),
		"a second connection": steps(bob("close", true), bob("connect", true), bob("send", "ECHO x"), bob("expect", "x")),
		"a very long line":    steps(bob("send", "LONG"), bob("expect", map[string]string{"regex": "x{1000}.*"})),
		"what was not read":   steps(bob("send", "LONG"), bob("send", "LONG"), bob("send", "ECHO x"), bob("expect", map[string]any{"eventually": "x"})),
		"a server that is killed": steps(bob("send", "STORE it"), bob("expect", "STORED"), `{"node": "a", "stop": "kill"}`, bob("expect_closed", true),
			`{"node": "a", "start": true}`, `{"client": "bob", "connect": "a"}`, bob("send", "STORED"), bob("expect", "it false")),
		"one that is told to stop": steps(`{"node": "a", "stop": "term"}`, bob("expect_closed", true)),
	} {
		t.Run(name, func(t *testing.T) { wantPass(t, quick(t, "chat"), text) })
	}
}

func TestTheFirstDifferenceIsTold(t *testing.T) {
	for name, test := range map[string]struct {
		text  string
		parts []string
	}{
		"a line": {steps(bob("send", "ECHO RESULT LOGIN 0"), bob("expect", "RESULT LOGIN 1")), []string{
			`cases.json:3: steps[2] {"client":"bob","expect":"RESULT LOGIN 1"}`,
			"\n  expected  RESULT LOGIN 1\n  got       RESULT LOGIN 0\n                         ^"}},
		"CR LF": {steps(bob("send", "CRLF x"), bob("expect", map[string]string{"regex": ".*"})), []string{
			"  expected  /.*/\n  got       x\\r\n  the line ends in CR LF"}},
		"no UTF-8":                {steps(bob("send", "INVALID"), bob("expect", "a")), []string{`got       a\xff\xfeb`, "not valid UTF-8"}},
		"NUL":                     {steps(bob("send", "NUL"), bob("expect", "a")), []string{`got       a\x00b`, "NUL"}},
		"no line":                 {steps(bob("expect", "a")), []string{"expected  a\n", "got       no line within 1s"}},
		"no LF":                   {steps(bob("send", "HALF x"), bob("expect", "x")), []string{"got       x\n", "a line came without its LF"}},
		"endless":                 {steps(bob("send", "ENDLESS"), bob("expect", "x")), []string{"got       xxxx", "a line came that does not end within 1048576 bytes"}},
		"the end":                 {steps(bob("send", "CLOSE"), bob("expect", "x")), []string{"got       the end of the connection"}},
		"half a line and the end": {steps(bob("send", "HALF x"), bob("send", "CLOSE"), bob("expect", "y")), []string{"got       x, and the end of the connection before the LF"}},
		"none in the end": {steps(bob("send", "ECHO a"), bob("send", "ECHO b"), bob("expect", map[string]any{"eventually": "x"})), []string{
			"expected  some line that is x", "got       no line within 1s", "2 lines were passed over, the last of them b"}},
		"another line": {steps(bob("send", "ECHO a"), bob("send", "ECHO c"),
			`{"expect_all": [{"client": "bob", "line": "b"}, {"client": "bob", "line": "a"}]}`), []string{
			"expected  b\n", "got       c\n", "1 of the lines to bob had come before"}},
		"too few lines": {steps(bob("send", "ECHO a"),
			`{"expect_all": [{"client": "bob", "line": "b"}, {"client": "bob", "line": "a"}, {"client": "bob", "line": {"regex": "c"}}]}`), []string{
			"expected  b\n            /c/\n  got       no line within 1s"}},
		"no silence":           {steps(bob("send", "ECHO a"), bob("silent", "1m")), []string{"expected  nothing for 1m0s\n  got       a\n"}},
		"half a silence":       {steps(bob("send", "HALF a"), bob("silent", "50ms")), []string{"got       a\n", "no LF yet"}},
		"silence for ever":     {steps(bob("send", "CLOSE"), bob("silent", "1m")), []string{"got       the end of the connection"}},
		"no end":               {steps(bob("expect_closed", true)), []string{"expected  the end of the connection\n  got       neither that nor a line within 1s"}},
		"words before the end": {steps(bob("send", "ECHO a"), bob("expect_closed", true)), []string{"got       a\n"}},
		"a closed client":      {steps(bob("close", true), bob("send", "a")), []string{"bob has closed its connection"}},
		"a repeat": {steps(`{"repeat": 3, "steps": [` + bob("send", "ECHO ${i}") + "," + bob("expect", map[string]string{"regex": "[12]"}) + `]}`), []string{
			"steps[1].steps[1] (pass 3) ", "expected  /[12]/\n  got       3\n"}},
		"stopped twice": {steps(`{"node": "a", "stop": "kill"}`, `{"node": "a", "stop": "kill"}`), []string{"the node was stopped before"}},
		"no start":      {steps(`{"node": "a", "start": true}`), []string{"the node was not stopped before"}},
		"not listening": {steps(`{"node": "a", "stop": "kill"}`, bob("connect", "a")), []string{"the server of node a takes no connection", "refused"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := quick(t, "chat")
			if strings.Contains(strings.Join(test.parts, ""), "line within 1s") || name == "no LF" {
				o.Timeout = time.Second // it is waited out
			}
			wantDifference(t, o, test.text, test.parts...)
		})
	}
}

func TestClientsEndLinesAsTheyAreTold(t *testing.T) {
	show := steps(bob("send", "SHOW x"), bob("expect", map[string]string{"regex": `"SHOW x(?P<end>.*)"`}),
		`{"peer": "p", "connect": true}`, `{"peer": "p", "send": "SHOW ${bob.end}"}`, `{"peer": "p", "expect": {"regex": ".*"}}`)
	for eol, want := range map[EOL]string{"": `"SHOW x\n" "SHOW \\n\n"`, LF: `"SHOW x\n" "SHOW \\n\n"`, CRLF: `"SHOW x\r\n" "SHOW \\r\\n\n"`} {
		o := quick(t, "chat")
		o.EOL = eol
		var heard []string
		for _, e := range perform(t, o, show)[0].Transcript {
			if e.Direction == Received {
				heard = append(heard, e.Text)
			}
		}
		if got := strings.Join(heard, " "); got != want {
			t.Errorf("%q: %s, want %s", eol, got, want)
		}
	}
}

func TestALineWithoutAnEndWaitsForTheReplyToTheOneBefore(t *testing.T) {
	o := quick(t, "raw")
	o.EOL = None
	wantPass(t, o, steps(bob("send", "a"), bob("send", "b"), bob("send_raw", "c\n"),
		bob("expect", `"a"`), bob("expect", `"b"`), bob("expect", `"c\n"`)))
	o = quick(t, "chat") // which does not answer before the line ends
	o.EOL, o.Timeout = None, hasty
	wantPass(t, o, steps(bob("send", "ECHO "), bob("send", "a"), bob("send_raw", "b\n"), bob("expect", "ab")))
}
