package bcp_test

import (
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"unicode/utf8"

	"chatnode/tests/harness"
)

var names atomic.Int64

// FuzzServer sends bytes to a whole node on a connection that is new, and on one that has registered. What a server covers
// differs from run to run, so that minimizing never ends: fuzz with -fuzzminimizetime 1x.
func FuzzServer(f *testing.F) {
	n := harness.Start(f, harness.Gateways)
	address := n.Address("bcp")
	for _, seed := range []string{
		"", "\x00", "\x01", "\x01\x00\x03bob\x04\x00\x02\x00\x02hi", "\x02\x00\x02hi\x02\x00\x03a\nb\x04\x00", "\x02\x00\x00", "\x02\x0f\xff" + strings.Repeat("x\n", 2047) + "x",
		"\x02\x10\x00", "\x04\x00", "\x04\x00\x00\x00", "\x04\x01\x00\x02no", "\x03\x00\x01a\x00\x01b", "\x05\x00\x01x", "\xff", "\x02\x00\x01\xff\x02\x00\x01\n",
		"\x01\x00\x08[Server]", "\x01\x00\x00", "\x01\xff\xff", "GET / HTTP/1.1\r\n\r\n", "\x16\x03\x01\x02\x00\x01", "\x00\x00\x02\x00\x01x", "\x00\x02ok\x02\x00\x01x",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		if len(in) > 8<<10 {
			t.Skip("more than a socket takes without being read")
		}
		for _, registered := range []bool{false, true} {
			c := harness.DialBCP(t, address)
			if registered {
				c.SendRaw(harness.BCPRegister(fmt.Sprintf("n%d-%d", os.Getpid(), names.Add(1))))
				c.Expect(ok)
			}
			c.SendRaw(string(in))
			c.SendRaw("\x09") // which ends it at the latest, or is a part of what came before
			endsWell(t, c)
		}
		other := harness.DialBCP(t, address)
		other.SendRaw(harness.BCPRegister(fmt.Sprintf("n%d-%d", os.Getpid(), names.Add(1))))
		other.Expect(ok)
		other.Close()
		if n.Log.Contains("panic") {
			t.Error("something panicked")
		}
	})
}

// endsWell reads to the end of a connection whose client sends no more, and holds what it hears to the protocol.
func endsWell(t *testing.T, c *harness.BCP) {
	t.Helper()
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite() // it may have ended already
	}
	for {
		m, err := c.Read()
		if os.IsTimeout(err) {
			t.Fatal("neither answered nor closed")
		}
		if err != nil {
			break
		}
		if !utf8.ValidString(m[4:]) && m[0] == 4 || len(m) > 2*4095 {
			t.Errorf("not a message of the protocol: %.80q", m)
		}
	}
	_ = c.Conn.Close() // a failure of it says nothing
}
