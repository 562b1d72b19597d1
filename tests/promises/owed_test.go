//go:build linux

package promises_test

import (
	"fmt"
	"io"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"chatnode/node/config"
	"chatnode/tests/harness"
)

// What a client of the tests below says in one go, without reading what comes of it.
const (
	oweLines = 300
	oweSize  = 1000
	tooMany  = 2000 // lines that follow, more than the node reads ahead
)

// TestAStopSendsWhatIsOwed stops a node while a client has sent more than it may at a time, and reads late. Closing a
// connection with something unread would take back what has not arrived.
func TestAStopSendsWhatIsOwed(t *testing.T) {
	c := configure(t, func(c *config.Config) {
		c.Limits.CommandsPerS = 1
		c.Limits.CommandBurst = oweLines
	})
	n := start(t, c)
	client := oweALot(t, n, "")
	n.Signal(syscall.SIGTERM)
	n.Logged(regexp.MustCompile(`stopping`))
	heard := readLate(client)
	if code := n.Wait(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	book := newLedger(t)
	audit(start(t, c), book)
	if stored := len(book.logs["go"]); heard != stored {
		t.Errorf("%d messages are stored, %d came to who said them", stored, heard)
	}
}

// TestQuitSendsWhatIsOwed lets a client go that has sent more after its QUIT, and reads late.
func TestQuitSendsWhatIsOwed(t *testing.T) {
	n := start(t, configure(t))
	if heard := readLate(oweALot(t, n, "QUIT\n")); heard != oweLines {
		t.Errorf("%d messages came to who said %d", heard, oweLines)
	}
}

// oweALot makes a client that has said much, then something else, and then more than it will be heard with. It returns
// when others have heard nearly all of what was said first.
func oweALot(t *testing.T, n *harness.Process, then string) *harness.Client {
	create(n)
	witness := enter(n, "witness", places[:1])
	client := harness.DialSmall(t, n.Address, 4096).Enter("client")
	client.Ask("JOIN go", "RESULT JOIN go 1")
	var text strings.Builder
	for i := range oweLines + tooMany {
		if i == oweLines {
			text.WriteString(then)
		}
		fmt.Fprintf(&text, "SAY go %d%s\n", i, strings.Repeat("~", oweSize))
	}
	go func() { _, _ = io.WriteString(client.Conn, text.String()) }() // it ends with the connection, when not all is taken
	for range oweLines - 10 {
		witness.Line()
	}
	return client
}

// readLate counts what comes to a client that reads only after a while, and then closes.
func readLate(c *harness.Client) (lines int) {
	<-time.After(200 * time.Millisecond)
	_ = c.Stream(func([]byte) bool { lines++; return true }) // it ends however it ends
	_ = c.Conn.Close()
	return lines
}
