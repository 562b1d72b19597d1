package native_test

import (
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"unicode/utf8"

	"chatnode/node/config"
	"chatnode/tests/harness"
)

// situations are what a connection may be in when the bytes come. NAME is new each time, as is the channel of that name.
var situations = map[string][]string{
	"not logged in": nil,
	"logged in":     {"REGISTER NAME pw", "LOGIN NAME pw"},
	"member":        {"REGISTER NAME pw", "LOGIN NAME pw", "CREATE NAME", "JOIN NAME", "SAY NAME hi", "WHISPER NAME hi"},
	"owner with all": {"CAPS tags presence multi replay", "REGISTER NAME pw", "LOGIN NAME pw", "CREATE NAME", "JOIN NAME",
		"@ref=1 SAY NAME hi", "TOPIC NAME old"},
}

var names atomic.Int64

// FuzzServer sends bytes to a whole node on a connection in each situation. In the bytes NAME is the name of the user and
// of their channel. What a server covers differs from run to run, so that minimizing never ends: fuzz with
// -fuzzminimizetime 1x.
func FuzzServer(f *testing.F) {
	n := harness.Start(f, func(c *config.Config) { c.Limits.LineBytes = 512 })
	address := n.Addresses()["chat"][0]
	for _, seed := range seeds(f) {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, bytes []byte) {
		if len(bytes) > 8<<10 {
			t.Skip("more than a socket takes without being read")
		}
		for situation, lines := range situations {
			name := fmt.Sprintf("n%d-%d", os.Getpid(), names.Add(1))
			c := harness.Dial(t, address)
			c.Name = situation
			c.SendRaw(strings.ReplaceAll(strings.Join(append(lines, ""), "\n"), "NAME", name))
			c.Drain()
			c.SendRaw(strings.ReplaceAll(string(bytes), "NAME", name) + "\n")
			answersStill(t, c, address, "PING "+name+"-end")
		}
		if n.Log.Contains("panic") {
			t.Error("something panicked")
		}
	})
}

// answersStill fails unless a ping is answered, on this connection or, if it asked for its end, on another.
func answersStill(t *testing.T, c *harness.Client, address, ping string) {
	t.Helper()
	_, err := c.Conn.Write([]byte(ping + "\n"))
	for err == nil {
		var line string
		if line, err = c.Read(); err != nil {
			break
		}
		if line == "PONG "+strings.TrimPrefix(ping, "PING ") {
			c.Close()
			return
		}
		wellFormed(t, line)
	}
	if os.IsTimeout(err) {
		t.Fatalf("%s: no answer any more", c.Name)
	}
	other := harness.Dial(t, address)
	other.Ask("PING other", "PONG other")
	other.Close()
}

func wellFormed(t *testing.T, line string) {
	t.Helper()
	control := func(r rune) bool { return r < 0x20 && r != '\t' || r == 0x7f }
	if !utf8.ValidString(line) || strings.ContainsFunc(line, control) {
		t.Errorf("not a line of the protocol: %q", line)
	}
}

// seeds are all that each transcript sends, a line for each row of the table of states, and what is nasty.
func seeds(t testing.TB) (all []string) {
	for _, path := range transcripts(t) {
		all = append(all, sentIn(read(t, path)))
	}
	for _, command := range table {
		all = append(all, strings.NewReplacer("go", "NAME", "eve", "NAME", " me ", " NAME ").Replace(command.line))
	}
	return append(all, nasty...)
}

// sentIn is all that a transcript sends and that stands in it as it is sent.
func sentIn(transcript []string) string {
	var b strings.Builder
	for _, line := range transcript {
		_, text, sent := strings.Cut(line, "> ")
		if sent && !strings.ContainsAny(text, `{\`) {
			b.WriteString(strings.ReplaceAll(text, "go", "NAME") + "\n")
		}
	}
	return b.String()
}

var nasty = []string{
	"", "\n", "\r\n", "\n\n\n", "\r\r\n", " \n", "\x00", "\xff\xfe\n", "@", "@ ", "@=", "@;;; SAY NAME hi", "@ref= SAY NAME hi",
	"@ref=1 SAY NAME hi\n@ref=1 SAY NAME hi", "@ref=\\", "@ref=\\n SAY NAME hi", "@ref=\\:\\s\\\\\\r SAY NAME hi",
	"@ref=\xff CHANNELS", "@ref=1 QUIT", "@seq=1;id=1.1;time=x RECV NAME NAME hi",
	"@ref=" + strings.Repeat("r", 129) + " SAY NAME hi",
	"SAY NAME " + strings.Repeat("x", 600) + "\nPING a", strings.Repeat("x", 512), strings.Repeat("SAY NAME hi\n", 50),
	"SAY NAME \u2028\u0085\ufeff\u202e\U000e0001\n", "SAY NAME \xc3\x28", "SAY NAME \xed\xa0\x80", "SAY NAME a\rb",
	"REGISTER e\u0301 pw\nLOGIN \u00e9 pw", "REGISTER " + strings.Repeat("\u0344", 16) + " pw",
	"JOIN NAME:\nJOIN NAME:a.test\nJOIN :a.test\nJOIN NAME:b.test:c", "WHISPER NAME@ hi\nWHISPER @a.test hi\nWHISPER NAME@a.test hi",
	"HISTORY NAME after=9223372036854775807 before=-1", "HISTORY NAME after=1.1 before=9.9 limit=0",
	"HISTORY NAME before=9223372036854775807.9223372036854775807", "HISTORY @ limit=1000", "HISTORY NAME after=0 before=0",
	"LEAVE NAME\nJOIN NAME\nDELETE NAME\nCREATE NAME\nJOIN NAME\nSAY NAME hi", "LOGOUT\nLOGIN NAME pw\nLOGOUT\nLOGOUT",
	"KICK NAME NAME\nBAN NAME NAME\nOP NAME NAME\nDEOP NAME NAME\nUNBAN NAME NAME", "PASSWD pw new\nLOGOUT\nLOGIN NAME new",
	"UNREGISTER pw\nLOGIN NAME pw\nREGISTER NAME pw", "CAPS tags\nSAY NAME hi\nHELLO", "CAPS multi\nLOGOUT\nLOGIN NAME pw",
	"PING", "PING ", "PING  ", "PING a b", "QUIT\nPING late", "TOPIC NAME \t", "TOPIC NAME  \n", "WHO @\nWHO \nWHO NAME NAME",
	"FEDERATE-OUT\nFEDHELLO b.test 1\nFEDSAY 1 NAME@b.test NAME hi", "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n", "\x16\x03\x01\x02\x00\x01\x00",
}
