package csp_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"chatnode/tests/harness"
)

// states are what a session may be, in the order of the columns below.
var states = []string{"logged out", "in no group", "in a group", "its founder", "banned"}

// A row says how a command is answered in each state: by a code, and where the session is then. Who asks is me; boss owns
// the group go where I do not, and eve is a member. There is another group, which is boss's.
var table = []struct{ line, cells string }{
	//                                                         logged out  in no group  in a group  its founder  banned
	{harness.CSPRequest("new", "NWUA", "", "password", "pw"), "110 none    200 none     200 go      200 go       200 none"},
	{harness.CSPRequest("eve", "NWUA", "", "password", "pw"), "200 out     200 none     200 go      200 go       200 none"},
	{harness.CSPRequest("me", "AUTH", "", "password", "pw"), " 110 none    200 none     200 go      200 go       200 none"},
	{harness.CSPRequest("me", "AUTH", "", "password", "no"), " 200 out     200 none     200 go      200 go       200 none"},
	{harness.CSPRequest("no", "AUTH", "", "password", "pw"), " 200 out     200 none     200 go      200 go       200 none"},
	{harness.CSPRequest("me", "REDY", ""), "                   200 out     100 none     100 go      100 go       100 none"},
	{harness.CSPRequest("me", "LIST", ""), "                   200 out     130 none     130 go      130 go       130 none"},
	{harness.CSPRequest("me", "CHAT", "new"), "                200 out     170 new      170 new     170 new      170 new"},
	{harness.CSPRequest("me", "CHAT", "go"), "                 200 out     230 none     230 go      230 go       230 none"},
	{harness.CSPRequest("me", "CHAT", " "), "                  200 out     230 none     230 go      230 go       230 none"},
	{harness.CSPRequest("me", "JOIN", "go"), "                 200 out     180 go       180 go      180 go       240 none"},
	{harness.CSPRequest("me", "JOIN", "go:a.test"), "          200 out     180 go       180 go      180 go       240 none"},
	{harness.CSPRequest("me", "JOIN", "other"), "              200 out     180 other    180 other   180 other    180 other"},
	{harness.CSPRequest("me", "JOIN", "nowhere"), "            200 out     240 none     240 go      240 go       240 none"},
	{harness.CSPRequest("me", "JOIN", "go:b.test"), "          200 out     240 none     240 go      240 go       240 none"},
	{harness.CSPRequest("me", "JOIN", ""), "                   200 out     240 none     240 go      240 go       240 none"},
	{harness.CSPRequest("me", "LEVE", ""), "                   200 out     190 none     190 none    190 none     190 none"},
	{harness.CSPRequest("me", "LEVE", "other"), "              200 out     190 none     190 none    190 none     190 none"},
	{harness.CSPRequest("me", "MSSG", "go", "payload", "hi"), "200 out     260 none     140 go      140 go       260 none"},
	{harness.CSPRequest("me", "MSSG", "other", "payload", "hi"), "200 out  260 none     260 go      260 go       260 none"},
	{harness.CSPRequest("me", "MSSG", "", "payload", "hi"), "  200 out     260 none     260 go      260 go       260 none"},
	{harness.CSPRequest("me", "KICK", "go", "kicked_user", "eve"), "200 out 260 none    260 go      192 go       260 none"},
	{harness.CSPRequest("me", "KICK", "go", "kicked_user", "me"), "200 out 260 none     260 go      260 go       260 none"},
	{harness.CSPRequest("me", "BANN", "go", "banned_user", "eve"), "200 out 250 none    250 go      191 go       250 none"},
	{harness.CSPRequest("me", "BANN", "go", "banned_user", "me"), "200 out 250 none     250 go      250 go       250 none"},
	{harness.CSPRequest("eve", "REDY", ""), "                  200 out     300 none     300 go      300 go       300 none"},
	{harness.CSPRequest("eve", "LIST", ""), "                  200 out     300 none     300 go      300 go       300 none"},
	{harness.CSPRequest("eve", "CHAT", "new"), "               200 out     300 none     300 go      300 go       300 none"},
	{harness.CSPRequest("eve", "JOIN", "go"), "                200 out     300 none     300 go      300 go       300 none"},
	{harness.CSPRequest("eve", "LEVE", "go"), "                200 out     300 none     300 go      300 go       300 none"},
	{harness.CSPRequest("eve", "MSSG", "go", "payload", "hi"), "200 out    300 none     300 go      300 go       300 none"},
	{harness.CSPRequest("eve", "KICK", "go", "kicked_user", "me"), "200 out 300 none    300 go      300 go       300 none"},
	{harness.CSPRequest("eve", "BANN", "go", "banned_user", "me"), "200 out 300 none    300 go      300 go       300 none"},
	{harness.CSPRequest("me", "VRSN", ""), "                   310 out     310 none     310 go      310 go       310 none"},
	{harness.CSPRequest("me", "join", "go"), "                 310 out     310 none     310 go      310 go       310 none"},
	{`{"version":1.0,"command":"JOIN"}`, "                     320 out     320 none     320 go      320 go       320 none"},
	{`{"version":1.0,"command":"MSSG","parameters":{"username":"me","chat_name":"go"},"payload":5}`,
		"                                                      320 out     320 none     320 go      320 go       320 none"},
	{`not JSON`, "                                             320 out     320 none     320 go      320 go       320 none"},
	{`{"version":1.1,"command":"LEVE"}`, "                     330 out     330 none     330 go      330 go       330 none"},
	{`{"version":1.1,"command":"AUTH"}`, "                     330 closed  330 closed   330 closed  330 closed   330 closed"},
	{`{"version":"1.0","command":"NWUA"}`, "                   330 closed  330 closed   330 closed  330 closed   330 closed"},
	{"", "                                                     -   out     -   none     -   go      -   go       -   none"},
	{" \t\r", "                                                -   out     -   none     -   go      -   go       -   none"},
}

// unchanged are the codes of answers that say that nothing was done, or that ask only.
var unchanged = []string{"-", "100", "130", "200", "230", "240", "250", "260", "300", "310", "320"}

func TestEveryCommandInEveryState(t *testing.T) {
	for i, state := range states {
		t.Run(state, func(t *testing.T) {
			t.Parallel()
			var s *scene // nil: something was changed, so make everything anew
			for _, row := range table {
				cells := strings.Fields(row.cells)
				if len(cells) != 2*len(states) {
					t.Fatalf("%s: %d cells", row.line, len(cells))
				}
				if s == nil {
					s = newScene(t, state)
				}
				code := cells[2*i]
				s.check(t, row.line, code, cells[2*i+1])
				if !slices.Contains(unchanged, code) {
					s.n.Stop()
					s = nil
				}
			}
		})
	}
}

// check sends a line, and wants an answer and a place.
func (s *scene) check(t *testing.T, line, code, where string) {
	t.Helper()
	s.me.Send(line)
	if code != "-" {
		if got := codeOf(s.me.Line()); got != code {
			t.Errorf("%s: got %s, want %s", line, got, code)
		}
	}
	if code == "110" && strings.Contains(line, `"new"`) {
		s.me.Name = "new"
	}
	s.isThen(t, line, where)
}

// codeOf is the code of a response.
func codeOf(line string) string {
	_, after, _ := strings.Cut(line, `"response_code":"`)
	code, _, _ := strings.Cut(after, `"`)
	return code
}

// scene is everybody of the table.
type scene struct {
	n             *harness.Node
	boss, eve, me *harness.CSP
}

func newScene(t *testing.T, state string) *scene {
	t.Helper()
	n := harness.Start(t, only)
	s := &scene{n: n, boss: n.LoginCSP("boss"), eve: n.LoginCSP("eve"), me: n.LoginCSP("me")}
	if state == "its founder" {
		s.me.Found("go")
	} else {
		s.boss.Found("go")
	}
	s.boss.Found("other")
	s.eve.Join("go")
	s.me.Drain()
	switch state {
	case "logged out":
		s.me.Close()
		s.me = n.ConnectCSP()
		s.me.Name = "me"
	case "in a group":
		s.me.Join("go")
		s.eve.Drain()
	case "banned":
		s.boss.Request("BANN", "go", "banned_user", "me")
		s.boss.Drain()
		s.eve.Drain()
	}
	return s
}

// isThen fails unless the session is where the table says: logged out, closed, in a group or in none.
func (s *scene) isThen(t *testing.T, line, where string) {
	t.Helper()
	if where == "closed" {
		s.me.ExpectClosed()
		return
	}
	if more := s.me.Drain(); len(more) > 0 {
		t.Errorf("%s: then %q", line, more)
	}
	s.me.Request("REDY", "")
	if out := codeOf(s.me.Line()) == "200"; out != (where == "out") {
		t.Errorf("%s: logged out: %v, want %s", line, out, where)
	}
	if where == "out" {
		return
	}
	for _, group := range []string{"go", "other", "new"} {
		s.me.Say(group, "here")
		want := "260"
		if group == where {
			want = "140"
		}
		if got := codeOf(s.me.Line()); got != want {
			t.Errorf("%s: what is said in %s is answered by %s, and I am in %s", line, group, got, where)
		}
	}
}

func TestEveryCommandHasARow(t *testing.T) {
	for _, command := range []string{"AUTH", "NWUA", "LIST", "CHAT", "JOIN", "LEVE", "MSSG", "KICK", "BANN", "REDY", "VRSN"} {
		if !slices.ContainsFunc(table, func(row struct{ line, cells string }) bool {
			return strings.Contains(row.line, fmt.Sprintf("%q", command))
		}) {
			t.Errorf("%s has no row in the table of states", command)
		}
	}
}
