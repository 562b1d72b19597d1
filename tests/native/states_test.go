package native_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"chatnode/tests/harness"
)

// states are what somebody may be to the channel and to the node, in the order of the columns below.
var states = []string{"stranger", "outsider", "member", "operator", "owner", "absent owner", "banned", "logged out", "unregistered"}

// A cell says how a command is answered in a state: with ok, or with fails for the reason that the cell is. Who asks is
// me; boss owns the channel go where I do not, and eve is a member.
var table = []struct{ line, ok, fails, cells string }{
	//	 stranger          outsider          member            operator          owner             absent owner      banned            logged out        unregistered
	{"REGISTER new pw", "RESULT REGISTER 1", "",
		"ok                ok                ok                ok                ok                ok                ok                ok                ok"},
	{"REGISTER eve pw", "", "RESULT REGISTER 0",
		"name-taken        name-taken        name-taken        name-taken        name-taken        name-taken        name-taken        name-taken        name-taken"},
	{"LOGIN me pw", "RESULT LOGIN 1", "RESULT LOGIN 0",
		"ok                already-logged-in already-logged-in already-logged-in already-logged-in already-logged-in already-logged-in ok                bad-credentials"},
	{"LOGOUT", "RESULT LOGOUT 1", "RESULT LOGOUT 0",
		"not-logged-in     ok                ok                ok                ok                ok                ok                not-logged-in     not-logged-in"},
	{"PASSWD pw new", "RESULT PASSWD 1", "RESULT PASSWD 0",
		"not-logged-in     ok                ok                ok                ok                ok                ok                not-logged-in     not-logged-in"},
	{"PASSWD no new", "", "RESULT PASSWD 0",
		"not-logged-in     bad-credentials   bad-credentials   bad-credentials   bad-credentials   bad-credentials   bad-credentials   not-logged-in     not-logged-in"},
	{"UNREGISTER pw", "RESULT UNREGISTER 1", "RESULT UNREGISTER 0",
		"not-logged-in     ok                ok                ok                ok                ok                ok                not-logged-in     not-logged-in"},
	{"CREATE new", "RESULT CREATE new 1", "RESULT CREATE new 0",
		"not-logged-in     ok                ok                ok                ok                ok                ok                not-logged-in     not-logged-in"},
	{"CREATE go", "", "RESULT CREATE go 0",
		"not-logged-in     channel-exists    channel-exists    channel-exists    channel-exists    channel-exists    channel-exists    not-logged-in     not-logged-in"},
	{"JOIN go", "RESULT JOIN go 1", "RESULT JOIN go 0",
		"not-logged-in     ok                already-member    already-member    already-member    ok                banned            not-logged-in     not-logged-in"},
	{"LEAVE go", "RESULT LEAVE go 1", "RESULT LEAVE go 0",
		"not-logged-in     not-member        ok                ok                ok                not-member        not-member        not-logged-in     not-logged-in"},
	{"DELETE go", "RESULT DELETE go 1", "RESULT DELETE go 0",
		"not-logged-in     forbidden         forbidden         forbidden         ok                ok                forbidden         not-logged-in     not-logged-in"},
	{"SAY go hi", "@seq=2;id={id};time={time} RECV me go hi", "RESULT SAY go 0",
		"not-logged-in     not-member        ok                ok                ok                not-member        not-member        not-logged-in     not-logged-in"},
	{"WHISPER eve hi", "RESULT WHISPER eve 1", "RESULT WHISPER eve 0",
		"not-logged-in     ok                ok                ok                ok                ok                ok                not-logged-in     not-logged-in"},
	{"TOPIC go", "RESULT TOPIC go 1 old", "RESULT TOPIC go 0",
		"not-logged-in     not-member        ok                ok                ok                not-member        not-member        not-logged-in     not-logged-in"},
	{"TOPIC go new", "RESULT TOPIC go 1 new", "RESULT TOPIC go 0",
		"not-logged-in     forbidden         forbidden         ok                ok                ok                forbidden         not-logged-in     not-logged-in"},
	{"KICK go eve", "RESULT KICK go eve 1", "RESULT KICK go eve 0",
		"not-logged-in     forbidden         forbidden         ok                ok                ok                forbidden         not-logged-in     not-logged-in"},
	{"BAN go eve", "RESULT BAN go eve 1", "RESULT BAN go eve 0",
		"not-logged-in     forbidden         forbidden         ok                ok                ok                forbidden         not-logged-in     not-logged-in"},
	{"UNBAN go eve", "RESULT UNBAN go eve 1", "RESULT UNBAN go eve 0",
		"not-logged-in     forbidden         forbidden         ok                ok                ok                forbidden         not-logged-in     not-logged-in"},
	{"OP go eve", "RESULT OP go eve 1", "RESULT OP go eve 0",
		"not-logged-in     forbidden         forbidden         forbidden         ok                ok                forbidden         not-logged-in     not-logged-in"},
	{"DEOP go eve", "RESULT DEOP go eve 1", "RESULT DEOP go eve 0",
		"not-logged-in     forbidden         forbidden         forbidden         ok                ok                forbidden         not-logged-in     not-logged-in"},
	{"CHANNELS", "RESULT CHANNELS go", "",
		"ok                ok                ok                ok                ok                ok                ok                ok                ok"},
	{"WHO", "RESULT WHO boss, eve, me", "RESULT WHO 0",
		"not-logged-in     ok                ok                ok                ok                ok                ok                not-logged-in     not-logged-in"},
	{"WHO go", "RESULT WHO go boss, eve, me", "RESULT WHO go 0",
		"not-logged-in     not-member        ok                ok                ok                not-member        not-member        not-logged-in     not-logged-in"},
	{"HISTORY go", "RESULT HISTORY go 1", "RESULT HISTORY go 0",
		"not-logged-in     not-member        ok                ok                ok                not-member        not-member        not-logged-in     not-logged-in"},
	{"HISTORY @", "RESULT HISTORY @ 0", "RESULT HISTORY @ 0",
		"not-logged-in     ok                ok                ok                ok                ok                ok                not-logged-in     not-logged-in"},
	{"CAPS", "RESULT CAPS multi, presence, replay, tags", "",
		"ok                ok                ok                ok                ok                ok                ok                ok                ok"},
	{"PEERS", "", "RESULT PEERS 0",
		"not-logged-in     forbidden         forbidden         forbidden         forbidden         forbidden         forbidden         not-logged-in     not-logged-in"},
	{"PING x", "PONG x", "",
		"ok                ok                ok                ok                ok                ok                ok                ok                ok"},
	{"QUIT", "", "",
		"ok                ok                ok                ok                ok                ok                ok                ok                ok"},
	{"HELLO", "", "RESULT UNKNOWN 0",
		"unknown-command   unknown-command   unknown-command   unknown-command   unknown-command   unknown-command   unknown-command   unknown-command   unknown-command"},
}

// asks are the commands that change nothing when they succeed. One that fails changes nothing in any case.
var asks = []string{"CHANNELS", "WHO", "WHO go", "HISTORY go", "HISTORY @", "TOPIC go", "CAPS", "PING x"}

func TestEveryCommandInEveryState(t *testing.T) {
	for i, state := range states {
		t.Run(state, func(t *testing.T) {
			t.Parallel()
			var n *harness.Node
			var me *harness.Client // nil: something was changed, so make everything anew
			for _, command := range table {
				cell, want := strings.Fields(command.cells)[i], command.ok
				if cell != "ok" {
					want = "@err=" + cell + " " + command.fails
				}
				if me == nil {
					n = harness.Start(t)
					me = enter(n, state)
				}
				check(t, me, command.line, want)
				if cell == "ok" && !slices.Contains(asks, command.line) {
					n.Stop()
					me = nil
				}
			}
		})
	}
}

// enter makes the channel and everybody in it, and somebody in a state towards it.
func enter(n *harness.Node, state string) *harness.Client {
	boss, eve, me := n.Login("boss"), n.Login("eve"), n.Login("me", "tags")
	creator := boss
	if strings.HasSuffix(state, "owner") {
		creator = me
	}
	creator.Ask("CREATE go", "RESULT CREATE go 1")
	boss.Ask("JOIN go", "RESULT JOIN go 1")
	eve.Ask("JOIN go", "RESULT JOIN go 1")
	boss.Ask("SAY go first", "RECV boss go first")
	creator.Ask("TOPIC go old", "RESULT TOPIC go 1 old")
	switch state {
	case "stranger":
		quit(me)
		me = n.Connect()
		me.Ask("CAPS tags", "RESULT CAPS tags")
	case "member", "owner":
		me.Ask("JOIN go", "RESULT JOIN go 1")
	case "operator":
		me.Ask("JOIN go", "RESULT JOIN go 1")
		boss.Ask("OP go me", "RESULT OP go me 1")
	case "banned":
		boss.Ask("BAN go me", "RESULT BAN go me 1")
	case "logged out":
		me.Ask("LOGOUT", "RESULT LOGOUT 1")
	case "unregistered":
		me.Ask("UNREGISTER pw", "RESULT UNREGISTER 1")
	}
	return me
}

func check(t *testing.T, c *harness.Client, line, want string) {
	t.Helper()
	c.Send(line)
	if line == "QUIT" {
		c.ExpectClosed()
		return
	}
	if got := c.Line(); !matches(want, got) {
		t.Errorf("%s: got %q, want %q", line, got, want)
	}
	if more := c.Drain(); len(more) > 0 && line != "HISTORY go" {
		t.Errorf("%s: then %q", line, more)
	}
}

func TestEveryCommandOfTheProtocolHasARow(t *testing.T) {
	var verbs []string
	for _, command := range table {
		verb, _, _ := strings.Cut(command.line, " ")
		verbs = append(verbs, verb)
	}
	for _, verb := range verbsOfTheSource(t) {
		if !slices.Contains(verbs, verb) {
			t.Errorf("%s has no row in the table of states", verb)
		}
	}
}

// verbsOfTheSource reads the table of commands where it is written, so that nothing need be exported for it.
func verbsOfTheSource(t *testing.T) (verbs []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join("..", "..", "protocols", "native", "commands.go"), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(node ast.Node) bool {
		pair, ok := node.(*ast.KeyValueExpr)
		if !ok {
			return true
		}
		key, isKey := pair.Key.(*ast.BasicLit)
		if _, isCommand := pair.Value.(*ast.CompositeLit); isKey && isCommand {
			verb, err := strconv.Unquote(key.Value)
			if err != nil {
				t.Error(err)
			}
			verbs = append(verbs, verb)
		}
		return true
	})
	if len(verbs) < 20 {
		t.Fatalf("found only the commands %v", verbs)
	}
	return verbs
}
