// Package native_test holds a node to the native protocol, over real connections.
package native_test

import (
	"testing"

	"go.uber.org/goleak"

	"chatnode/node/config"
	"chatnode/tests/harness"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// talk plays a transcript, after which nothing is owed.
func talk(t *testing.T, c *harness.Client, transcript ...string) {
	t.Helper()
	c.Talk(transcript...)
	c.Silent()
}

func TestASessionFromRegisterToRecv(t *testing.T) {
	n := harness.Start(t)
	talk(t, n.Connect(),
		"> CHANNELS", "< RESULT CHANNELS ",
		"> REGISTER bob secret", "< RESULT REGISTER 1",
		"> REGISTER bob other", "< RESULT REGISTER 0",
		"> LOGIN bob wrong", "< RESULT LOGIN 0",
		"> LOGIN eve secret", "< RESULT LOGIN 0",
		"> CREATE go", "< RESULT CREATE go 0",
		"> JOIN go", "< RESULT JOIN go 0",
		"> SAY go hi", "< RESULT SAY go 0",
		"> LOGIN bob secret", "< RESULT LOGIN 1",
		"> LOGIN bob secret", "< RESULT LOGIN 0",
		"> CREATE go", "< RESULT CREATE go 1",
		"> CREATE go", "< RESULT CREATE go 0",
		"> SAY go hi", "< RESULT SAY go 0",
		"> JOIN go", "< RESULT JOIN go 1",
		"> JOIN go", "< RESULT JOIN go 0",
		"> JOIN nowhere", "< RESULT JOIN nowhere 0",
		"> SAY go hello  world ", "< RECV bob go hello  world ",
		"> CREATE alpha", "< RESULT CREATE alpha 1",
		"> CHANNELS", "< RESULT CHANNELS alpha, go",
	)
}

func TestLinesSentInOneGoAreCarriedOutAndAnsweredInOrder(t *testing.T) {
	n := harness.Start(t)
	c := n.Login("bob")
	c.Send("CREATE go", "JOIN go", "PING a", "SAY go one", "PING b", "SAY go two", "CHANNELS", "LEAVE go", "SAY go three",
		"JOIN go", "SAY go four", "HISTORY go limit=2", "PING c")
	c.Expect("RESULT CREATE go 1", "RESULT JOIN go 1", "PONG a", "RECV bob go one", "PONG b", "RECV bob go two",
		"RESULT CHANNELS go", "RESULT LEAVE go 1", "RESULT SAY go 0", "RESULT JOIN go 1", "RECV bob go four",
		"RESULT HISTORY go 2")
	c.Match(`@seq=2;id=\d+\.\d+;time=\S+ RECV bob go two`)
	c.Match(`@seq=3;id=\d+\.\d+;time=\S+ RECV bob go four`)
	c.Expect("PONG c")
}

func TestAClosedConnectionFreesItsLogin(t *testing.T) {
	n := harness.Start(t)
	for range 50 {
		c := n.Login("bob")
		c.Close()
	}
}

func TestAMemberHearsTheChannelAgainAfterLoginAndRestart(t *testing.T) {
	n := harness.Start(t, func(c *config.Config) { c.Store.Durability = config.Power })
	bob, eve := n.Login("bob"), n.Login("eve")
	bob.Ask("CREATE go", "RESULT CREATE go 1")
	for _, c := range []*harness.Client{bob, eve} {
		c.Ask("JOIN go", "RESULT JOIN go 1")
	}
	eve.Close()
	bob.Ask("SAY go missed", "RECV bob go missed")
	eve = n.Login("eve")
	bob.Ask("SAY go heard", "RECV bob go heard")
	eve.Expect("RECV bob go heard")
	n = n.Again()
	bob, eve = n.Login("bob"), n.Login("eve")
	eve.Ask("JOIN go", "RESULT JOIN go 0")
	bob.Ask("SAY go after", "RECV bob go after")
	eve.Expect("RECV bob go after")
}
