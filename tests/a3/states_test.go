package a3_test

import (
	"strings"
	"testing"

	"chatnode/node/config"
	"chatnode/tests/harness"
)

// states are what a connection may be in, in the order of the columns below: nobody yet; nobody yet, when all places are
// taken; and the guest me.
var states = []string{"stranger", "too many", "guest"}

// table says how each message is answered in each state. eve is on line too, as is off an account that is not.
var table = []struct{ line, stranger, tooMany, guest string }{
	{"HELLO-FROM new", "HELLO new", "BUSY", header},
	{"HELLO-FROM me", "HELLO me", "BUSY", header},
	{"HELLO-FROM eve", "IN-USE", "IN-USE", header},
	{"HELLO-FROM off", "IN-USE", "IN-USE", header},
	{"HELLO-FROM a b", body, body, header},
	{"HELLO-FROM", body, body, header},
	{"HELLO-FROM ", body, body, header},
	{"LIST", header, header, "LIST-OK eve,me"},
	{"LIST ", header, header, body},
	{"LIST x", header, header, body},
	{"SEND eve hi", header, header, "SEND-OK"},
	{"SEND me hi", header, header, "DELIVERY me hi\nSEND-OK"},
	{"SEND off hi", header, header, nobody},
	{"SEND nobody hi", header, header, nobody},
	{"SEND nobody ", header, header, body},
	{"SEND eve ", header, header, body},
	{"SEND eve", header, header, body},
	{"SEND ", header, header, body},
	{"SEND", header, header, body},
	{"DELIVERY eve hi", header, header, header},
	{"QUIT", header, header, header},
	{"", header, header, header},
	{"HELLO-FROM \xff", body, body, header},
	{"SEND eve \xff", header, header, body},
	{"\xff", header, header, header},
	{strings.Repeat("x", 1<<20+1), body, body, body}, // whose header is not known
}

func TestEveryMessageInEveryState(t *testing.T) {
	for i, state := range states {
		t.Run(state, func(t *testing.T) {
			t.Parallel()
			most := 16
			if state == "too many" {
				most = 1
			}
			n := harness.Start(t, harness.Gateways, func(c *config.Config) { c.Gateways.A3MaxUsers = most })
			n.Login("off").Ask("LOGOUT", "RESULT LOGOUT 1")
			n.EnterA3("eve")
			var me *harness.A3
			for _, row := range table {
				if me == nil || me.Name != "" && state != "guest" { // the last one took a name
					if me != nil {
						me.Close()
					}
					me = enter(n, state)
				}
				want := []string{row.stranger, row.tooMany, row.guest}[i]
				me.Send(row.line)
				me.Expect(strings.Split(want, "\n")...)
				if name, ok := strings.CutPrefix(want, "HELLO "); ok {
					me.Name = name
				}
				me.Silent()
			}
		})
	}
}

func enter(n *harness.Node, state string) *harness.A3 {
	if state == "guest" {
		return n.EnterA3("me")
	}
	return n.A3()
}
