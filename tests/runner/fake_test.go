package runner

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"go.uber.org/goleak"
)

// The test binary is the servers under test as well: binary fake MODE PORT DIR PEERS.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "fake" {
		fake(os.Args[2], os.Args[3], os.Args[4], os.Args[5])
		return
	}
	goleak.VerifyTestMain(m)
}

// fakeServer is the command of a server in a mode.
func fakeServer(t *testing.T, mode string) []string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return []string{self, "fake", mode, "{port}", "{dir}", "{peers}"}
}

func fake(mode, port, dir, peers string) {
	switch mode {
	case "deaf":
		fmt.Fprintln(os.Stderr, "nobody told me to listen")
		select {}
	case "brief":
		fmt.Fprintln(os.Stderr, "no such\x1b[31m thing")
		fmt.Println("bye")
		os.Exit(3)
	case "fork":
		child := exec.Command(os.Args[0], "fake", "stubborn", "", "", "")
		child.Stdout, child.Stderr = os.Stdout, os.Stderr // it keeps them open
		must(child.Start())
		must(os.WriteFile(os.Getenv("FAKE_PID"), fmt.Append(nil, child.Process.Pid), 0o600))
	case "stubborn":
		signal.Ignore(syscall.SIGTERM)
		if port == "" {
			select {}
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:"+port)
	must(err)
	s := &fakeChat{dir: dir, peers: peers, raw: mode == "raw"}
	for {
		conn, err := l.Accept()
		must(err)
		go s.talk(conn)
	}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// A fakeChat does what lines tell it.
type fakeChat struct {
	dir, peers string
	raw        bool
	mu         sync.Mutex
	all        []net.Conn
}

func (s *fakeChat) talk(conn net.Conn) {
	s.mu.Lock()
	s.all = append(s.all, conn)
	s.mu.Unlock()
	if s.raw { // what is read at a time is a message
		buffer := make([]byte, 1000)
		for {
			n, err := conn.Read(buffer)
			if err != nil {
				return
			}
			fmt.Fprintf(conn, "%q\n", buffer[:n])
		}
	}
	in := bufio.NewReader(conn)
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		command, rest, _ := strings.Cut(strings.TrimRight(line, "\r\n"), " ")
		s.obey(conn, command, rest, line)
	}
}

func (s *fakeChat) obey(conn net.Conn, command, rest, line string) {
	switch command {
	case "ECHO":
		fmt.Fprintln(conn, rest)
	case "SHOW":
		fmt.Fprintf(conn, "%q\n", line)
	case "ALL":
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, c := range s.all {
			fmt.Fprintln(c, rest)
		}
	case "CRLF":
		fmt.Fprint(conn, rest+"\r\n")
	case "HALF":
		fmt.Fprint(conn, rest)
	case "INVALID":
		fmt.Fprint(conn, "a\xff\xfeb\n")
	case "NUL":
		fmt.Fprint(conn, "a\x00b\n")
	case "ENDLESS":
		for {
			if _, err := io.WriteString(conn, strings.Repeat("x", 1000)); err != nil {
				return
			}
		}
	case "LONG":
		fmt.Fprintln(conn, strings.Repeat("x", longestLine))
	case "CLOSE":
		_ = conn.Close()
	case "DIE":
		fmt.Fprintln(os.Stderr, "I cannot go on")
		os.Exit(4)
	case "STORE":
		must(os.WriteFile(filepath.Join(s.dir, "stored"), []byte(rest), 0o600))
		fmt.Fprintln(conn, "STORED")
	case "STORED":
		text, err := os.ReadFile(filepath.Join(s.dir, "stored"))
		fmt.Fprintln(conn, string(text), errors.Is(err, os.ErrNotExist))
	case "DIAL":
		s.dial(conn)
	}
}

// dial calls the first peer, and tells what becomes of that.
func (s *fakeChat) dial(conn net.Conn) {
	text, err := os.ReadFile(s.peers)
	must(err)
	peer, err := net.Dial("tcp", strings.Fields(string(text))[0])
	if err == nil {
		fmt.Fprintln(peer, "ECHO you")
	}
	if err != nil {
		fmt.Fprintln(conn, "REFUSED")
		return
	}
	in := bufio.NewReader(peer)
	line, err := in.ReadString('\n')
	if err != nil {
		fmt.Fprintln(conn, "REFUSED")
		return
	}
	fmt.Fprint(conn, "HEARD "+line)
	go func() {
		for {
			line, err := in.ReadString('\n')
			if err != nil {
				fmt.Fprintln(conn, "LOST")
				return
			}
			fmt.Fprint(conn, "HEARD "+line)
		}
	}()
}
