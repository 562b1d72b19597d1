package native_test

import (
	"testing"

	"chatnode/node/session"
	"chatnode/protocols/native"
	"chatnode/tests/harness"
)

func init() {
	native.Add("PANIC", func(*session.Session) { panic("in a handler") })
	native.Add("PANIC-ANSWER", func(s *session.Session) {
		s.Create("made", func(error) []byte { panic("in an answer") })
	})
}

func TestAPanicInOneConnectionClosesThatOneOnly(t *testing.T) {
	n := harness.Start(t)
	n.Panics = true
	bob := n.Login("bob")
	bob.Ask("CREATE go", "RESULT CREATE go 1")
	bob.Ask("JOIN go", "RESULT JOIN go 1")
	for _, verb := range []string{"PANIC", "PANIC-ANSWER"} {
		eve := n.Login("eve")
		eve.Send(verb)
		eve.ExpectClosed()
		bob.Ask("SAY go on", "RECV bob go on")
	}
	n.Stop()
	if got := n.Ended()[session.WordPanic]; got != 2 {
		t.Errorf("%d ends are counted under panic, want 2", got)
	}
	if !n.Log.Contains("in a handler") || !n.Log.Contains("panic_test.go") {
		t.Error("the log lacks the panic or its stack")
	}
}
