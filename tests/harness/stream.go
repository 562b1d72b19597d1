package harness

import (
	"bufio"
	"net"
	"syscall"
	"testing"
	"time"
)

// Enter registers if need be, switches capabilities on, and logs in. The password is pw.
func (c *Client) Enter(name string, caps ...string) *Client {
	c.t.Helper()
	c.Name = name
	c.Send("REGISTER " + name + " pw")
	c.Match(`RESULT REGISTER [01]`)
	for _, capability := range caps {
		c.Send("CAPS " + capability)
		c.Match(`RESULT CAPS .*`)
	}
	c.Ask("LOGIN "+name+" pw", "RESULT LOGIN 1")
	return c
}

// Deadline bounds all that is read from now on with Stream; the zero time takes the bound away.
func (c *Client) Deadline(at time.Time) {
	c.t.Helper()
	if err := c.Conn.SetReadDeadline(at); err != nil {
		c.t.Fatal(err)
	}
}

// Stream calls hear with every line, without its end, until hear returns false or the connection ends or its deadline
// passes: then it returns that error. What stands after the last line feed is no line. Unlike most other methods it may
// be called from any goroutine. A line is valid during the call only.
func (c *Client) Stream(hear func(line []byte) bool) error {
	var long []byte
	for {
		part, err := c.in.ReadSlice('\n')
		switch {
		case err == bufio.ErrBufferFull:
			long = append(long, part...)
			continue
		case err != nil:
			return err
		case long != nil:
			part, long = append(long, part...), nil
		}
		if !hear(part[:len(part)-1]) {
			return nil
		}
	}
}

// DialSmall connects with so small a receive buffer, in bytes, as the system allows: what its client does not read stays
// with the node.
func DialSmall(t testing.TB, address string, buffer int) *Client {
	t.Helper()
	d := net.Dialer{Control: func(_, _ string, c syscall.RawConn) error {
		var failed error
		err := c.Control(func(fd uintptr) {
			failed = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, buffer)
		})
		if err != nil {
			return err
		}
		return failed
	}}
	conn, err := d.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	return Wrap(t, conn)
}
