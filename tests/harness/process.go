//go:build linux

package harness

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"chatnode/node/config"
)

// Process is a chatnode in a process of its own, run as an operator runs it: it can be killed, told to stop, and measured
// from outside. It ends with its test, or with the test's process, whatever happens. Its methods are for the test's
// goroutine.
type Process struct {
	Address        string // where it listens for clients
	Stdout, Stderr *Watched

	t     testing.TB
	cmd   *exec.Cmd
	ended chan struct{} // closed when it has ended and its output is complete
}

// Watched is a Log whose growth can be waited for.
type Watched struct {
	Log
	grown chan struct{} // of size 1: gets a token at each growth
}

// Write implements io.Writer.
func (w *Watched) Write(p []byte) (int, error) {
	n, err := w.Log.Write(p)
	select {
	case w.grown <- struct{}{}:
	default:
	}
	return n, err
}

func newWatched() *Watched { return &Watched{grown: make(chan struct{}, 1)} }

var listening = regexp.MustCompile(`listening\W.*?(127\.0\.0\.1:[0-9]+)`)

// StartProcess runs a binary with a configuration and returns when it says that it is on. The configuration is written
// beside the data folder; it has one chat address, on 127.0.0.1, and a log level of info or below on standard error. A
// wrapper is a command that runs the command after it in its own process, as env does.
func StartProcess(t testing.TB, binary string, c config.Config, wrapper ...string) *Process {
	t.Helper()
	file := filepath.Join(filepath.Dir(c.Data), "chatnode.toml")
	var text bytes.Buffer
	if err := c.WriteTOML(&text); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, text.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	args := slices.Concat(wrapper, []string{binary, "serve", file})
	p := &Process{
		Stdout: newWatched(),
		Stderr: newWatched(),
		t:      t,
		cmd:    exec.Command(args[0], args[1:]...),
		ended:  make(chan struct{}),
	}
	p.cmd.Stdout, p.cmd.Stderr = p.Stdout, p.Stderr
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = p.cmd.Wait() // ProcessState tells how it ended
		close(p.ended)
	}()
	t.Cleanup(p.cleanUp)
	p.await(p.Stdout, regexp.MustCompile(`Server is on\n`))
	p.Address = p.Logged(listening)[1]
	return p
}

// cleanUp leaves nothing behind. A test's log must be free of panics.
func (p *Process) cleanUp() {
	p.Kill()
	if p.Stderr.Contains("panic") {
		p.t.Errorf("something panicked:\n%s", p.Stderr)
	} else if text := p.Stderr.String(); p.t.Failed() {
		p.t.Logf("the end of the process's log:\n%s", text[max(0, len(text)-4096):])
	}
}

// Logged waits until something has been logged that matches a pattern, and returns the first match with its groups.
func (p *Process) Logged(pattern *regexp.Regexp) []string {
	p.t.Helper()
	return p.await(p.Stderr, pattern)
}

func (p *Process) await(w *Watched, pattern *regexp.Regexp) []string {
	p.t.Helper()
	patience := time.After(Patience)
	for {
		over := p.Ended()
		if m := pattern.FindStringSubmatch(w.String()); m != nil {
			return m
		}
		if over {
			p.t.Fatalf("the process ended (%v) before it said %q:\n%s", p.cmd.ProcessState, pattern, p.Stderr)
		}
		select {
		case <-w.grown:
		case <-p.ended:
		case <-patience:
			p.t.Fatalf("the process does not say %q:\n%s", pattern, p.Stderr)
		}
	}
}

// Ended reports whether the process has ended.
func (p *Process) Ended() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

// Wait waits until the process has ended by itself, and returns its exit code.
func (p *Process) Wait() int {
	p.t.Helper()
	select {
	case <-p.ended:
	case <-time.After(Patience):
		p.t.Fatalf("the process does not end:\n%s", p.Stderr)
	}
	return p.cmd.ProcessState.ExitCode()
}

// Signal sends the process a signal.
func (p *Process) Signal(s os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// Kill kills the process and waits for its end. One that has ended already is left alone.
func (p *Process) Kill() {
	if p.Ended() {
		return
	}
	if err := syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		p.t.Errorf("kill: %v", err)
	}
	<-p.ended
}

// Terminate tells the process to stop in order, waits for its end, and returns its exit code.
func (p *Process) Terminate() int {
	p.t.Helper()
	p.Signal(syscall.SIGTERM)
	return p.Wait()
}

// PID is the process's id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// RSS is the memory that the process holds, in bytes.
func (p *Process) RSS() int64 {
	p.t.Helper()
	_, after, found := strings.Cut(p.proc("status"), "VmRSS:")
	if !found {
		p.t.Fatal("no VmRSS in /proc")
	}
	return p.number(strings.Fields(after)[0]) << 10
}

// CPU is the processor time that the process has used.
func (p *Process) CPU() time.Duration {
	p.t.Helper()
	text := p.proc("stat")
	fields := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
	const tick = time.Second / 100 // USER_HZ, the same on every Linux that Go runs on
	return time.Duration(p.number(fields[11])+p.number(fields[12])) * tick
}

func (p *Process) proc(file string) string {
	p.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", p.PID(), file))
	if err != nil {
		p.t.Fatal(err)
	}
	return string(text)
}

func (p *Process) number(s string) int64 {
	p.t.Helper()
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		p.t.Fatal(err)
	}
	return n
}

// Connect dials the process.
func (p *Process) Connect() *Client {
	p.t.Helper()
	return Dial(p.t, p.Address)
}

// Login connects, registers if need be, switches capabilities on, and logs in. The password is pw.
func (p *Process) Login(name string, caps ...string) *Client {
	p.t.Helper()
	return p.Connect().Enter(name, caps...)
}

// Root is where the process's files are found, if it has some of its own.
func (p *Process) Root() string { return fmt.Sprintf("/proc/%d/root", p.PID()) }
