package runner

import (
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// A process is a server's, with all the processes that it starts: they are one group. Its methods are for every
// goroutine.
type process struct {
	cmd    *exec.Cmd
	stdout tail
	stderr tail
	ended  chan struct{} // closed when the first process of the group has ended
}

// startProcess runs a command until end is called.
func startProcess(command []string) (*process, error) {
	p := &process{cmd: exec.Command(command[0], command[1:]...), ended: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = &p.stdout, &p.stderr
	p.cmd.WaitDelay = time.Second / 2 // for the output; processes that it started may hold it for ever
	p.cmd.SysProcAttr = ownGroup()
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = p.cmd.Wait() // status tells how it ended
		close(p.ended)
	}()
	return p, nil
}

// over reports whether the process ends within a time.
func (p *process) over(limit time.Duration) bool {
	select {
	case <-p.ended: // the timer may have run out as well
		return true
	default:
	}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-p.ended:
		return true
	case <-timer.C:
		return false
	}
}

// status says how a process that is over ended.
func (p *process) status() string {
	if p.cmd.ProcessState == nil {
		return "nobody knows how"
	}
	return p.cmd.ProcessState.String()
}

// kill ends the whole group at once, and waits for that.
func (p *process) kill() {
	p.signal(syscall.SIGKILL)
	<-p.ended
	p.signal(syscall.SIGKILL) // what was started meanwhile
}

// end tells the group to stop, and kills what has not in some time. It reports whether the server did as it was told.
func (p *process) end(patience time.Duration) bool {
	p.signal(syscall.SIGTERM)
	obeyed := p.over(patience)
	p.kill()
	return obeyed
}

// signal sends the group a signal. That there is nobody left in it is no error.
func (p *process) signal(s syscall.Signal) {
	if err := syscall.Kill(-p.cmd.Process.Pid, s); err != nil && !errors.Is(err, syscall.ESRCH) {
		fmt.Fprintf(&p.stderr, "\n[it cannot be sent %v: %v]\n", s, err)
	}
}

// said returns the last lines that the process wrote.
func (p *process) said() []string {
	var all []string
	for _, stream := range []struct {
		name string
		*tail
	}{{"stderr", &p.stderr}, {"stdout", &p.stdout}} {
		for _, line := range stream.lines() {
			all = append(all, stream.name+": "+line)
		}
	}
	return all
}

// The bounds of a tail.
const (
	tailBytes = 16 << 10
	tailLines = 10
)

// A tail keeps the end of what is written to it.
type tail struct {
	mu   sync.Mutex
	text []byte // guarded by mu
}

// Write implements io.Writer.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p[max(0, len(p)-tailBytes):]...)
	t.text = t.text[max(0, len(t.text)-tailBytes):]
	return len(p), nil
}

// lines returns the last lines, shown so that a terminal takes no harm.
func (t *tail) lines() []string {
	t.mu.Lock()
	text := strings.Trim(string(t.text), "\n")
	t.mu.Unlock()
	if text == "" {
		return nil
	}
	all := strings.Split(text, "\n")
	all = all[max(0, len(all)-tailLines):]
	for i, line := range all {
		all[i] = shorten(visible(line), 200)
	}
	return all
}
