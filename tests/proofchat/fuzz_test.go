package proofchat_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"chatnode/tests/harness"
)

var names atomic.Int64

// FuzzServer sends bytes to a whole node on a connection that has registered, and on one that has not. In the bytes NAME
// is the name of the client, as a NAME. What a server covers differs from run to run, so that minimizing never ends: fuzz
// with -fuzzminimizetime 1x.
func FuzzServer(f *testing.F) {
	n := start(f)
	for _, row := range table {
		f.Add([]byte(row.message))
		f.Add([]byte(row.message + row.message + harness.ProofchatReg("x") + row.message))
	}
	for _, nasty := range []string{
		"", "\x00NAME", "\x02NAME" + harness.ProofchatText("hi"), "\x01", "\x01\x01", talk, strings.Repeat(harness.ProofchatMesg("x"), 100),
		harness.ProofchatMesg("\u2028\u0085\ufeff\u202e\n\x00\x1b\r"), "\x03NAME\x03NAME", "\x00NAME\x03NAME\x00NAME", harness.ProofchatReg("\u212bngstr\u00f6m"),
	} {
		f.Add([]byte(nasty))
	}
	f.Fuzz(func(t *testing.T, bytes []byte) {
		if len(bytes) > 8<<10 {
			t.Skip("more than a socket takes without being read")
		}
		for _, registered := range []bool{false, true} {
			name := fmt.Sprintf("n%d-%d", os.Getpid(), names.Add(1))
			c := harness.DialProofchat(t, n.Addresses()["proofchat"][0])
			c.Name = name
			if registered {
				c.Register(name)
			}
			c.Send(strings.ReplaceAll(string(bytes), "NAME", harness.ProofchatName(name)))
			endsWell(t, c)
			c.Close()
		}
		if n.Log.Contains("panic") {
			t.Error("something panicked")
		}
	})
}

// endsWell reads what a client is told until the end, which comes when it sends no more, and fails at what is no message.
func endsWell(t *testing.T, c *harness.Proofchat) {
	t.Helper()
	_ = c.Conn.(interface{ CloseWrite() error }).CloseWrite() // the node may have closed it
	for {
		_, err := c.Read()
		switch {
		case err == nil:
			continue
		case os.IsTimeout(err):
			t.Fatalf("%s: the connection does not end", c.Name)
		case errors.Is(err, harness.ErrProofchat), err == io.ErrUnexpectedEOF:
			t.Errorf("%s: %v", c.Name, err)
		}
		return
	}
}
