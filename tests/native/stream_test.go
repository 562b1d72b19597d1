package native_test

import (
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"chatnode/node/config"
	"chatnode/tests/harness"
)

func TestNothingIsSaidBeforeTheClientSpeaks(t *testing.T) {
	n := harness.Start(t)
	c := n.Connect()
	keepAsking(n.Login("bob"), 50*time.Millisecond)
	c.Silent()
}

func TestALineMayBeCutAnywhere(t *testing.T) {
	n := harness.Start(t)
	bob, pace := owner(n, "bob"), n.Login("pace")
	line := "SAY go h\u00e9llo \U0001F44B\U0001F3FD e\u0301\r\n"
	for i := 1; i < len(line); i++ { // inside characters too
		bob.SendRaw(line[:i])
		pace.Silent() // the node has most likely read it by now
		bob.SendRaw(line[i:])
		bob.Expect("RECV bob go h\u00e9llo \U0001F44B\U0001F3FD e\u0301")
	}
	for i := range len(line) {
		bob.SendRaw(line[i : i+1])
	}
	bob.Expect("RECV bob go h\u00e9llo \U0001F44B\U0001F3FD e\u0301")
	bob.Silent()
}

// closeWrite says that a client sends no more.
func closeWrite(t *testing.T, c *harness.Client) {
	t.Helper()
	if err := c.Conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
}

func TestAHalfClosedClientStillHearsAllAnswers(t *testing.T) {
	n := harness.Start(t)
	c := n.Connect()
	lines := []string{"REGISTER bob pw", "LOGIN bob pw", "CREATE go", "JOIN go"}
	want := []string{"RESULT REGISTER 1", "RESULT LOGIN 1", "RESULT CREATE go 1", "RESULT JOIN go 1"}
	for i := range 500 {
		lines = append(lines, fmt.Sprint("SAY go ", i), fmt.Sprint("PING ", i))
		want = append(want, fmt.Sprint("RECV bob go ", i), fmt.Sprint("PONG ", i))
	}
	c.Send(lines...)
	c.SendRaw("PING without an end")
	closeWrite(t, c)
	same(t, "bob", rest(c), want)
}

func TestQuitClosesAfterWhatIsOwedHoweverSlowTheClient(t *testing.T) {
	for _, more := range []string{"", "PING late\n", strings.Repeat("PING late\n", 100_000)} {
		n := harness.Start(t)
		bob := n.Login("bob")
		want := slices.Repeat([]string{"RESULT CHANNELS " + strings.Join(manyChannels(bob), ", ")}, 1000)
		slow := n.Connect()
		slow.Send(slices.Repeat([]string{"CHANNELS"}, 1000)...)
		var sending sync.WaitGroup
		sending.Go(func() {
			_, _ = io.WriteString(slow.Conn, "QUIT\n"+more) // the node may close before it has it all
		})
		bob.Silent()
		same(t, "slow", rest(slow), want)
		slow.Close()
		sending.Wait()
	}
}

// manyChannels makes channels whose list is long, and returns their names in order.
func manyChannels(c *harness.Client) (names []string) {
	var lines []string
	for i := range 100 {
		names = append(names, fmt.Sprintf("%064d", i))
		lines = append(lines, "CREATE "+names[i])
	}
	c.Send(lines...)
	c.Drain()
	return names
}

func TestClientsThatNeverSendALineFeedAreUnderstoodIfConfigured(t *testing.T) {
	t.Parallel()
	n := harness.Start(t, func(c *config.Config) { c.Compat.Unterminated = milliseconds(50) })
	c := n.Connect()
	for _, talk := range [][2]string{
		{"CHANNELS", "RESULT CHANNELS "},
		{"REGISTER bob pw", "RESULT REGISTER 1"},
		{"LOGIN bob pw\r", "RESULT LOGIN 1"},
		{"CREATE g\u00f6", "RESULT CREATE g\u00f6 1"},
	} {
		c.SendRaw(talk[0])
		c.Expect(talk[1])
	}
	c.SendRaw("JOIN g")
	c.SendRaw("\u00f6")
	c.Expect("RESULT JOIN g\u00f6 1")
	c.SendRaw("PING at the end")
	closeWrite(t, c)
	c.Expect("RESULT PING at the end 0")
	c.ExpectClosed()
}

func TestAClientThatSentALineFeedOnceIsTakenAtItsWord(t *testing.T) {
	t.Parallel()
	n := harness.Start(t, func(c *config.Config) { c.Compat.Unterminated = milliseconds(50) })
	c, never := n.Connect(), n.Connect()
	c.Ask("PING a", "PONG a")
	c.SendRaw("PING b")
	for range 3 { // so that the quiet time has passed
		never.SendRaw("PING c")
		never.Expect("PONG c")
	}
	c.Ask("b", "PONG bb")
	c.SendRaw("PING d")
	closeWrite(t, c)
	c.Expect("PONG d") // what is left at the end is a line of any client
	c.ExpectClosed()
}

func TestWithoutTheConfigurationALineNeedsItsLineFeed(t *testing.T) {
	t.Parallel()
	n := harness.Start(t)
	c := n.Connect()
	c.SendRaw("PING a")
	keepAsking(n.Connect(), 300*time.Millisecond)
	c.Ask("b", "PONG ab")
	c.SendRaw("PING c")
	closeWrite(t, c)
	c.ExpectClosed()
}
