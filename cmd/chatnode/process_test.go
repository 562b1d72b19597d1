package main

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// binary is the program, built once.
var binary string

func TestMain(m *testing.M) {
	folder, err := os.MkdirTemp("", "chatnode-test-")
	if err == nil {
		binary = filepath.Join(folder, "chatnode")
		var said []byte
		if said, err = exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
			err = fmt.Errorf("build the program: %w: %s", err, said)
		}
	}
	code := 1
	if err == nil {
		code = m.Run()
	}
	if err = errors.Join(err, os.RemoveAll(folder)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// process is the program, running.
type process struct {
	command        *exec.Cmd
	stdout, stderr screen
	ended          chan struct{} // closed at its end
}

// start runs the program in a folder until it ends, or the test does.
func start(t *testing.T, folder string, stdin *os.File, args ...string) *process {
	t.Helper()
	return startCommand(t, folder, stdin, exec.Command(binary, args...))
}

func startCommand(t *testing.T, folder string, stdin *os.File, command *exec.Cmd) *process {
	t.Helper()
	p := &process{command: command, ended: make(chan struct{})}
	command.Dir, command.Stderr = folder, &p.stderr
	if command.Stdout == nil {
		command.Stdout = &p.stdout
	}
	if stdin != nil {
		command.Stdin = stdin
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.ended)
		_ = command.Wait() // wantExit looks at how it ended
	}()
	t.Cleanup(func() {
		if err := command.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
			t.Error(err)
		}
		<-p.ended
	})
	return p
}

// startServing runs a node with a configuration in a folder, and waits until it is on.
func startServing(t *testing.T, folder, text string) *process {
	t.Helper()
	write(t, folder, "c.toml", text)
	p := start(t, folder, nil, "serve", "c.toml")
	p.stdout.wait(t, "Server is on\n")
	return p
}

func (p *process) signal(t *testing.T, s os.Signal) {
	t.Helper()
	if err := p.command.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

func (p *process) wantExit(t *testing.T, code int) {
	t.Helper()
	select {
	case <-p.ended:
	case <-time.After(patience):
		t.Fatalf("it goes on:\n%s", &p.stderr)
	}
	if got := p.command.ProcessState.ExitCode(); got != code {
		t.Errorf("exit code %d, want %d (%s):\n%s", got, code, p.command.ProcessState, &p.stderr)
	}
}

func (p *process) running() bool {
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

// talkative is basics for a node that says where it listens.
var talkative = strings.Replace(basics, "level = \"warn\"\n", "level = \"info\"\n", 1)

var listening = regexp.MustCompile(`listening: addresses=\["([^"]+)"\]`)

// address returns where a talkative node listens.
func (p *process) address(t *testing.T) string {
	t.Helper()
	found := listening.FindStringSubmatch(p.stderr.wait(t, "listening: addresses="))
	if found == nil {
		t.Fatalf("no address in:\n%s", &p.stderr)
	}
	return found[1]
}

// A talker is a client of the native protocol.
type talker struct {
	t     *testing.T
	conn  *net.TCPConn
	lines *bufio.Reader
}

func talk(t *testing.T, address string) *talker {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := conn.SetDeadline(time.Now().Add(2 * patience)); err != nil {
		t.Fatal(err)
	}
	return &talker{t, conn.(*net.TCPConn), bufio.NewReader(conn)}
}

func (k *talker) say(line string) {
	k.t.Helper()
	if _, err := k.conn.Write([]byte(line + "\n")); err != nil {
		k.t.Fatal(err)
	}
}

func (k *talker) hear(want string) {
	k.t.Helper()
	got, err := k.lines.ReadString('\n')
	if err != nil || got != want+"\n" {
		k.t.Fatalf("heard %.80q, %v; want %.80q", got, err, want)
	}
}

func (k *talker) ask(line, answer string) {
	k.t.Helper()
	k.say(line)
	k.hear(answer)
}

// person returns a client that is logged in.
func person(t *testing.T, address, name string) *talker {
	t.Helper()
	k := talk(t, address)
	k.ask("REGISTER "+name+" x", "RESULT REGISTER 1")
	k.ask("LOGIN "+name+" x", "RESULT LOGIN 1")
	return k
}
