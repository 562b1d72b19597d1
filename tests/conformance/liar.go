// Package conformance runs the cases of tests/cases against the real node, and against nodes that do one thing wrong: a
// case that none of those fails would prove nothing.
package conformance

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"syscall"
)

// A liar is a node that does one thing wrong: the real one behind a proxy that changes what it says.
type liar struct {
	lie  lie
	real string // the address of the real node

	telling sync.WaitGroup // one for each connection: what the node says is carried
}

var listenLine = regexp.MustCompile(`(?m)^(\s*(?:listen\.)?chat\s*=\s*)["']([^"']+)["']`)

// runLiar starts the real node with a copy of a configuration, listens where that says, and lies until it is told to stop.
func runLiar(name, binary, configuration string) error {
	at := slices.IndexFunc(lies, func(l namedLie) bool { return l.name == name })
	if at < 0 && name != truthful {
		return fmt.Errorf("there is no lie %q", name)
	}
	var l lie
	if at >= 0 {
		l = lies[at].lie
	}
	text, err := os.ReadFile(configuration)
	if err != nil {
		return err
	}
	said := listenLine.FindSubmatch(text)
	if said == nil {
		return fmt.Errorf("%s does not say where to listen", configuration)
	}
	real, err := freeAddress()
	if err != nil {
		return err
	}
	hidden := filepath.Join(filepath.Dir(configuration), "hidden.toml")
	if err := os.WriteFile(hidden, listenLine.ReplaceAll(text, []byte(`${1}"`+real+`"`)), 0o600); err != nil {
		return err
	}
	if l.before != nil {
		if err := l.before(filepath.Dir(configuration)); err != nil {
			return err
		}
	}
	node := exec.Command(binary, "serve", hidden)
	node.Stderr = os.Stderr
	on, err := node.StdoutPipe()
	if err != nil {
		return err
	}
	if err := node.Start(); err != nil {
		return err
	}
	if _, err := bufio.NewReader(on).ReadString('\n'); err != nil {
		return fmt.Errorf("the real node did not come up: %w", err)
	}
	listener, err := net.Listen("tcp", string(said[2]))
	if err != nil {
		return err
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, os.Interrupt)
	between := &liar{lie: l, real: real}
	go between.accept(listener)
	<-stop
	err = errors.Join(node.Process.Signal(syscall.SIGTERM), node.Wait())
	between.telling.Wait() // what the node has said at the end is told too
	return err
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

func (l *liar) accept(from net.Listener) {
	for {
		client, err := from.Accept()
		if err != nil {
			return
		}
		go l.serve(client.(*net.TCPConn))
	}
}

// serve carries lines both ways, changed.
func (l *liar) serve(client *net.TCPConn) {
	server, err := net.Dial("tcp", l.real)
	if err != nil {
		_ = client.Close() // as a server that is gone would
		return
	}
	node := server.(*net.TCPConn)
	out := &speaker{to: client}
	out.say([]byte(l.lie.greeting))
	var both sync.WaitGroup
	l.telling.Add(1)
	both.Go(func() {
		defer l.telling.Done()
		hear(node, func(line []byte, last bool) bool { return out.say(l.lie.tell(out, line, last)) })
		_ = client.CloseWrite() // the node has said all
	})
	both.Go(func() {
		l.listen(client, node, out)
		_ = node.CloseWrite() // the client has
	})
	both.Wait()
	_, _ = client.Close(), node.Close()
}

// listen carries what the client says to the node as it comes, lines that do not end included.
func (l *liar) listen(client, node net.Conn, out *speaker) {
	buf := make([]byte, 1<<17)
	for {
		n, err := client.Read(buf)
		for line := range bytes.Lines(buf[:n]) {
			if l.lie.deaf(out, line) {
				return
			}
		}
		if _, failed := node.Write(buf[:n]); failed != nil || err != nil {
			return
		}
	}
}

// speaker says lines to the client, whoever makes them.
type speaker struct {
	mu   sync.Mutex
	to   net.Conn
	held []byte // a line that is told later
}

func (s *speaker) say(p []byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, err := s.to.Write(p)
	return err == nil
}

// hear calls f for every line, and for what is left at the end, until f has enough. last: nothing more is waiting.
func hear(from net.Conn, f func(line []byte, last bool) bool) {
	in := bufio.NewReaderSize(from, 1<<20)
	for {
		line, err := in.ReadBytes('\n')
		if len(line) > 0 && !f(line, in.Buffered() == 0) {
			return
		}
		if err != nil {
			return
		}
	}
}

// A lie is one thing that a wrong server does. Its zero value is the truth.
type lie struct {
	greeting string                                          // said to whoever connects
	answer   func(s *speaker, line []byte, last bool) []byte // what is said instead of a line
	ears     func(s *speaker, line []byte) (deaf bool)       // looks at what a client says; deaf closes the connection
	before   func(folder string) error                       // before the real node starts
}

func (l lie) tell(s *speaker, line []byte, last bool) []byte {
	if l.answer == nil {
		return line
	}
	return l.answer(s, line, last)
}

func (l lie) deaf(s *speaker, line []byte) bool { return l.ears != nil && l.ears(s, line) }

// truthful is the name of no lie: a server that the proxy is in front of and that is right.
const truthful = "tells the truth"

// A namedLie is what a server does, in words that follow "a server that".
type namedLie struct {
	name string
	lie
}

// replace lies by a regular expression.
func replace(pattern, by string) lie {
	re := regexp.MustCompile(pattern)
	return lie{answer: func(_ *speaker, line []byte, _ bool) []byte {
		text, found := bytes.CutSuffix(line, []byte("\n"))
		text = re.ReplaceAll(text, []byte(by))
		if found && text != nil {
			text = append(text, '\n')
		}
		return text
	}}
}

// drop says nothing instead of lines that match.
func drop(pattern string) lie {
	re := regexp.MustCompile(pattern)
	return lie{answer: func(_ *speaker, line []byte, _ bool) []byte {
		if re.Match(line) {
			return nil
		}
		return line
	}}
}

// flip says 1 for 0 and 0 for 1 in the results of some verbs.
func flip(verbs string) lie {
	re := regexp.MustCompile(`RESULT (` + verbs + `)( .*)? ([01])\n$`)
	return lie{answer: func(_ *speaker, line []byte, _ bool) []byte {
		if !re.Match(line) {
			return line
		}
		line[len(line)-2] ^= 1
		return line
	}}
}
