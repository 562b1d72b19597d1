package harness

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"testing"
	"time"
)

// BCP is a client of the Basic Chat Protocol. A failure ends its test.
type BCP struct {
	Name string
	Conn net.Conn
	t    testing.TB
	in   *bufio.Reader
}

// DialBCP connects to an address.
func DialBCP(t testing.TB, address string) *BCP {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	return WrapBCP(t, conn)
}

// WrapBCP makes a client of a connection. It is closed at the end of the test.
func WrapBCP(t testing.TB, conn net.Conn) *BCP {
	t.Cleanup(func() { _ = conn.Close() }) // the test may have closed it
	return &BCP{t: t, Conn: conn, in: bufio.NewReader(conn)}
}

// BCP connects to the node in the Basic Chat Protocol.
func (n *Node) BCP() *BCP {
	n.t.Helper()
	return DialBCP(n.t, n.Address("bcp"))
}

// EnterBCP connects, registers, and acknowledges the welcome. here is all the others in the lobby, in order.
func (n *Node) EnterBCP(name string, here ...string) *BCP {
	n.t.Helper()
	return n.BCP().Enter(name, here...)
}

// Enter registers and acknowledges the welcome. here is all the others in the lobby, in order.
func (c *BCP) Enter(name string, here ...string) *BCP {
	c.t.Helper()
	c.Name = name
	c.SendRaw(BCPRegister(name))
	c.Expect(BCPStatus(0, ""), BCPWelcome(name, append(here, name)...))
	c.Acknowledge()
	return c
}

// BCPRegister is a REGISTER.
func BCPRegister(name string) string { return "\x01" + bcpString(name) }

// BCPSend is a SEND.
func BCPSend(text string) string { return "\x02" + bcpString(text) }

// BCPDeliver is a DELIVER.
func BCPDeliver(from, text string) string { return "\x03" + bcpString(from) + bcpString(text) }

// BCPStatus is a STATUS of the server's.
func BCPStatus(code byte, text string) string { return "\x04" + string([]byte{code}) + bcpString(text) }

// BCPAck is a STATUS of a client's that has taken a message.
const BCPAck = "\x04\x00"

// BCPWelcome is what the server says to a newcomer.
func BCPWelcome(name string, here ...string) string {
	text := "Logged in as " + name + ".\nCurrent Clients: "
	for i, other := range here {
		if i > 0 {
			text += ", "
		}
		text += other
	}
	return BCPDeliver("[Server]", text)
}

// BCPNotice is a DELIVER of what the server itself says.
func BCPNotice(text string) string { return BCPDeliver("[Server]", text) }

func bcpString(s string) string {
	return string(binary.BigEndian.AppendUint16(nil, uint16(len(s)))) + s
}

// SendRaw writes bytes as they are.
func (c *BCP) SendRaw(p string) {
	c.t.Helper()
	if _, err := io.WriteString(c.Conn, p); err != nil {
		c.t.Fatalf("%s sends %.60q: %v", c.Name, p, err)
	}
}

// Say sends a text and expects that it is stored.
func (c *BCP) Say(text string) {
	c.t.Helper()
	c.SendRaw(BCPSend(text))
	c.Expect(BCPStatus(0, ""))
}

// Acknowledge answers a message.
func (c *BCP) Acknowledge() {
	c.t.Helper()
	c.SendRaw(BCPAck)
}

// Hear expects a message from somebody and acknowledges it.
func (c *BCP) Hear(from, text string) {
	c.t.Helper()
	c.Expect(BCPDeliver(from, text))
	c.Acknowledge()
}

// Read returns the next message, whole.
func (c *BCP) Read() (string, error) {
	_ = c.Conn.SetReadDeadline(time.Now().Add(Patience)) // of a connection that is closed what came before is read still
	op, err := c.in.ReadByte()
	if err != nil {
		return "", err
	}
	p, strings := []byte{op}, 1
	switch op {
	case 3:
		strings = 2
	case 4:
		code, err := c.in.ReadByte()
		if err != nil {
			return string(p), err
		}
		p = append(p, code)
	default:
		return string(p), fmt.Errorf("a server sends no message %d", op)
	}
	for range strings {
		if p, err = c.appendString(p); err != nil {
			return string(p), err
		}
	}
	return string(p), nil
}

func (c *BCP) appendString(p []byte) ([]byte, error) {
	var length [2]byte
	if _, err := io.ReadFull(c.in, length[:]); err != nil {
		return p, err
	}
	text := make([]byte, binary.BigEndian.Uint16(length[:]))
	_, err := io.ReadFull(c.in, text)
	return append(append(p, length[:]...), text...), err
}

// Expect reads one message for each argument and compares, byte for byte.
func (c *BCP) Expect(messages ...string) {
	c.t.Helper()
	for _, want := range messages {
		got, err := c.Read()
		if err != nil {
			c.t.Fatalf("%s waits for %.80q: %v (has %.80q)", c.Name, want, err, got)
		}
		if got != want {
			c.t.Fatalf("%s: got %.200q, want %.200q", c.Name, got, want)
		}
	}
}

// ExpectClosed fails unless the other side closes the connection, with nothing said before.
func (c *BCP) ExpectClosed() {
	c.t.Helper()
	got, err := c.Read()
	if err == nil || got != "" {
		c.t.Fatalf("%s: got %.80q, %v; want the end of the connection", c.Name, got, err)
	}
	if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
		c.t.Fatalf("%s: the connection is not closed", c.Name)
	}
}

// Refused expects that the server says why it ends the connection, and ends it; then the client does.
func (c *BCP) Refused(text string) {
	c.t.Helper()
	c.Expect(BCPStatus(1, text))
	c.ExpectClosed()
	c.Close()
}

// Close closes the connection.
func (c *BCP) Close() {
	c.t.Helper()
	if err := c.Conn.Close(); err != nil {
		c.t.Fatal(err)
	}
}
