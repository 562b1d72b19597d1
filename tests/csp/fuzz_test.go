package csp_test

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"chatnode/node/config"
	"chatnode/tests/harness"
)

// situations are what a session may be in when the bytes come. NAME is new each time, as is the group of that name.
var situations = map[string][]string{
	"logged out":  nil,
	"in no group": {harness.CSPRequest("NAME", "NWUA", "", "password", "pw")},
	"in a group":  {harness.CSPRequest("NAME", "NWUA", "", "password", "pw"), harness.CSPRequest("NAME", "CHAT", "NAME")},
}

var names atomic.Int64

// FuzzServer sends bytes to a whole node on a connection in each situation. In the bytes NAME is the name of the user and
// of their group. What a server covers differs from run to run, so that minimizing never ends: fuzz with
// -fuzzminimizetime 1x.
func FuzzServer(f *testing.F) {
	n := harness.Start(f, harness.Gateways, func(c *config.Config) { c.Limits.LineBytes = 512 })
	address := n.Address("csp")
	for _, seed := range seeds() {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, bytes []byte) {
		if len(bytes) > 8<<10 {
			t.Skip("more than a socket takes without being read")
		}
		for situation, lines := range situations {
			name := fmt.Sprintf("n%d-%d", os.Getpid(), names.Add(1))
			c := &harness.CSP{Client: harness.Dial(t, address)}
			c.Name = situation
			c.SendRaw(strings.ReplaceAll(strings.Join(append(lines, ""), "\n"), "NAME", name))
			c.Drain()
			answersStill(t, c, strings.ReplaceAll(string(bytes), "NAME", name)+"\n", address)
		}
		if n.Log.Contains("panic") {
			t.Error("something panicked")
		}
	})
}

// answersStill sends bytes and nothing more, and fails unless all answers are responses and the connection ends then; the
// node answers others meanwhile.
func answersStill(t *testing.T, c *harness.CSP, bytes, address string) {
	t.Helper()
	if _, err := c.Conn.Write([]byte(bytes)); err == nil {
		closeWrite(t, c)
	}
	for {
		line, err := c.Read()
		if os.IsTimeout(err) {
			t.Fatalf("%s: no answer any more", c.Name)
		}
		if err != nil {
			break
		}
		wellFormed(t, line)
	}
	c.Close()
	other := &harness.CSP{Client: harness.Dial(t, address)}
	other.Silent()
	other.Close()
}

// wellFormed fails unless a line is a response with all five keys.
func wellFormed(t *testing.T, line string) {
	t.Helper()
	var r map[string]any
	err := json.Unmarshal([]byte(line), &r)
	_, code := r["response_code"].(string)
	_, parameters := r["parameters"].(map[string]any)
	_, channel := r["channel"].(string)
	_, text := r["payload"].(string)
	_, list := r["payload"].([]any)
	if err != nil || r["version"] != 1.0 || !code || !parameters || !channel || !text && !list || len(r) != 5 {
		t.Errorf("no response: %q, %v", line, err)
	}
	if strings.ContainsFunc(line, func(c rune) bool { return c < ' ' || c > '~' }) {
		t.Errorf("not in ASCII: %q", line)
	}
}

// seeds are a line for each row of the table of states, and what is nasty.
func seeds() (all []string) {
	for _, row := range table {
		all = append(all, strings.NewReplacer(`"me"`, `"NAME"`, `"go"`, `"NAME"`, `"eve"`, `"NAME"`).Replace(row.line))
	}
	whole := strings.Join(all, "\n")
	return append(all, whole, strings.ReplaceAll(whole, "\n", "\r\n"),
		"\x00", "\xff\xfe\n", strings.Repeat("x", 600), strings.Repeat("[", 511), strings.Repeat("\n", 500), "{}\n{}\n{}",
		harness.CSPRequest("NAME", "MSSG", "NAME", "payload", strings.Repeat("\n.", 100)),
		`{"version":1,"command":"MSSG","parameters":{"username":"NAME","chat_name":"NAME"},"payload":"\ud800\udc00\u0000\ud800`+"\x7f"+`"}`,
		`{"version":1,"version":2,"command":"AUTH"}`, "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n", "\x16\x03\x01\x02\x00\x01\x00",
		harness.CSPRequest("NAME", "LEVE", "NAME")+"\n"+harness.CSPRequest("NAME", "JOIN", "NAME:a.test")+"\n"+harness.CSPRequest("NAME", "JOIN", "lobby"))
}
