package harness

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// The codes of an ERR of Proofchat.
const (
	ProofchatTaken uint64 = iota
	ProofchatTooLong
	ProofchatHasBlanks
	ProofchatNoTarget
	ProofchatUnknown
	ProofchatOther
)

// ProofchatMessage is a message of a node to a client of Proofchat. One of its fields is set, or From and Text.
type ProofchatMessage struct {
	Ack        []string // the names
	From, Text string   // of a MSG
	Err        string   // such as "ERR 4"
}

// String shows the message in one line.
func (m ProofchatMessage) String() string {
	switch {
	case m.Ack != nil:
		return "ACK " + strings.Join(m.Ack, " ")
	case m.Err != "":
		return m.Err
	}
	return m.From + ": " + m.Text
}

// ProofchatName is a NAME: 32 bytes, padded with NUL. What is longer is cut.
func ProofchatName(name string) string {
	return (name + strings.Repeat("\x00", 32))[:32]
}

// ProofchatInt is an INT.
func ProofchatInt(n uint64) string { return string(binary.LittleEndian.AppendUint64(nil, n)) }

// ProofchatText is a STR.
func ProofchatText(text string) string { return ProofchatInt(uint64(len(text))) + text }

// ProofchatReg, ProofchatMesg, ProofchatPmsg and ProofchatExit are the messages of a client.

// ProofchatReg is REG.
func ProofchatReg(name string) string { return "\x00" + ProofchatName(name) }

// ProofchatMesg is MESG.
func ProofchatMesg(text string) string { return "\x01" + ProofchatText(text) }

// ProofchatPmsg is PMSG.
func ProofchatPmsg(to, text string) string { return "\x02" + ProofchatName(to) + ProofchatText(text) }

// ProofchatExit is EXIT.
func ProofchatExit(name string) string { return "\x03" + ProofchatName(name) }

// ErrProofchat marks bytes of a node that are no message of Proofchat, or none that the stock client reads.
var ErrProofchat = errors.New("not Proofchat")

// Proofchat is a client of Proofchat. A failure ends its test.
type Proofchat struct {
	Name string
	Conn net.Conn
	t    testing.TB
	in   *bufio.Reader
}

// DialProofchat connects to an address.
func DialProofchat(t testing.TB, address string) *Proofchat {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	return WrapProofchat(t, conn)
}

// WrapProofchat makes a client of a connection. It is closed at the end of the test.
func WrapProofchat(t testing.TB, conn net.Conn) *Proofchat {
	t.Cleanup(func() { _ = conn.Close() }) // the test may have closed it
	return &Proofchat{t: t, Conn: conn, in: bufio.NewReader(conn)}
}

// Proofchat connects to the node's gateway and registers; with "" it only connects.
func (n *Node) Proofchat(name string) *Proofchat {
	n.t.Helper()
	c := DialProofchat(n.t, n.Address("proofchat"))
	if name != "" {
		c.Register(name)
	}
	return c
}

// Send writes bytes as they are, in one go.
func (c *Proofchat) Send(messages ...string) {
	c.t.Helper()
	if _, err := io.WriteString(c.Conn, strings.Join(messages, "")); err != nil {
		c.t.Fatalf("%s sends: %v", c.Name, err)
	}
}

// Register sends REG and returns the names of the ACK.
func (c *Proofchat) Register(name string) []string {
	c.t.Helper()
	c.Name = name
	c.Send(ProofchatReg(name))
	m := c.Message()
	if m.Ack == nil || m.Ack[0] != name {
		c.t.Fatalf("%s registers: got %v", name, m)
	}
	return m.Ack
}

// Say, Whisper and Exit send MESG, PMSG and EXIT.

// Say sends MESG.
func (c *Proofchat) Say(text string) {
	c.t.Helper()
	c.Send(ProofchatMesg(text))
}

// Whisper sends PMSG.
func (c *Proofchat) Whisper(to, text string) {
	c.t.Helper()
	c.Send(ProofchatPmsg(to, text))
}

// Exit sends EXIT.
func (c *Proofchat) Exit() {
	c.t.Helper()
	c.Send(ProofchatExit(c.Name))
}

// Read returns the next message.
func (c *Proofchat) Read() (m ProofchatMessage, err error) {
	if err := c.Conn.SetReadDeadline(time.Now().Add(Patience)); err != nil {
		return m, err
	}
	op, err := c.in.ReadByte()
	if err != nil {
		return m, err
	}
	switch op {
	case 0:
		m.Ack, err = c.readNames()
	case 1:
		if m.From, err = c.readName(); err == nil {
			m.Text, err = c.readText()
		}
	case 2:
		var n uint64
		n, err = c.readInt()
		m.Err = fmt.Sprint("ERR ", n)
	default:
		err = fmt.Errorf("%w: a message begins with %d", ErrProofchat, op)
	}
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return m, err
}

func (c *Proofchat) readNames() (names []string, err error) {
	n, err := c.readInt()
	for i := uint64(0); i < n && err == nil; i++ {
		var name string
		name, err = c.readName()
		names = append(names, name)
	}
	return names, err
}

func (c *Proofchat) readName() (string, error) {
	p := make([]byte, 32)
	if _, err := io.ReadFull(c.in, p); err != nil {
		return "", err
	}
	name := bytes.TrimRight(p, "\x00")
	if len(name) == 0 || bytes.ContainsAny(name, "\x00 ") {
		return "", fmt.Errorf("%w: %q is no NAME", ErrProofchat, p)
	}
	return string(name), nil
}

// readInt reads an INT as the stock client does, which knows none above 255.
func (c *Proofchat) readInt() (uint64, error) {
	p := make([]byte, 8)
	if _, err := io.ReadFull(c.in, p); err != nil {
		return 0, err
	}
	n := binary.LittleEndian.Uint64(p)
	if n > 255 {
		return 0, fmt.Errorf("%w: an INT is %d", ErrProofchat, n)
	}
	return n, nil
}

func (c *Proofchat) readText() (string, error) {
	n, err := c.readInt()
	if err != nil {
		return "", err
	}
	p := make([]byte, n)
	_, err = io.ReadFull(c.in, p)
	return string(p), err
}

// Message returns the next message.
func (c *Proofchat) Message() ProofchatMessage {
	c.t.Helper()
	m, err := c.Read()
	if err != nil {
		c.t.Fatalf("%s waits for a message: %v (has %v)", c.Name, err, m)
	}
	return m
}

// Expect reads a message for each argument and compares it with its String.
func (c *Proofchat) Expect(messages ...string) {
	c.t.Helper()
	for _, want := range messages {
		if got := c.Message().String(); got != want {
			c.t.Fatalf("%s: got %.300q, want %.300q", c.Name, got, want)
		}
	}
}

// ExpectErr reads an ERR.
func (c *Proofchat) ExpectErr(code uint64) {
	c.t.Helper()
	c.Expect(fmt.Sprint("ERR ", code))
}

// ExpectBytes reads as many bytes as are wanted, and compares.
func (c *Proofchat) ExpectBytes(want string) {
	c.t.Helper()
	if err := c.Conn.SetReadDeadline(time.Now().Add(Patience)); err != nil {
		c.t.Fatal(err)
	}
	got := make([]byte, len(want))
	if n, err := io.ReadFull(c.in, got); err != nil || string(got) != want {
		c.t.Fatalf("%s: got %x, %v; want %x", c.Name, got[:n], err, want)
	}
}

// Drain returns every message that is owed now to somebody registered: all that comes before the answer to a whisper to
// nobody.
func (c *Proofchat) Drain() (all []string) {
	c.t.Helper()
	c.Whisper("", "x")
	for {
		m := c.Message()
		if m.Err == "ERR 3" {
			return all
		}
		all = append(all, m.String())
	}
}

// Silent fails if anything is owed to somebody registered.
func (c *Proofchat) Silent() {
	c.t.Helper()
	if got := c.Drain(); len(got) > 0 {
		c.t.Fatalf("%s: got %.300q, want nothing", c.Name, got)
	}
}

// Close closes the connection.
func (c *Proofchat) Close() {
	c.t.Helper()
	if err := c.Conn.Close(); err != nil {
		c.t.Fatal(err)
	}
}

// CloseWrite says that the client sends no more.
func (c *Proofchat) CloseWrite() {
	c.t.Helper()
	if err := c.Conn.(*net.TCPConn).CloseWrite(); err != nil {
		c.t.Fatal(err)
	}
}

// Reset breaks the connection.
func (c *Proofchat) Reset() {
	c.t.Helper()
	if err := c.Conn.(*net.TCPConn).SetLinger(0); err != nil {
		c.t.Fatal(err)
	}
	c.Close()
}

// ExpectClosed fails unless the node closes the connection, with nothing said before.
func (c *Proofchat) ExpectClosed() {
	c.t.Helper()
	m, err := c.Read()
	if err == nil {
		c.t.Fatalf("%s: got %v, want the end of the connection", c.Name, m)
	}
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		c.t.Fatalf("%s: the connection is not closed", c.Name)
	}
}
