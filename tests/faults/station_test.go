//go:build linux

package faults_test

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"chatnode/node/config"
	"chatnode/tests/harness"
)

// The files of a node that is not running.
const (
	database    = "chatnode.db"
	databaseLog = "chatnode.db-wal"
	sharedIndex = "chatnode.db-shm"
)

// A station is one of the nodes, through all its lives. Its methods are for the walk's goroutine, but for address.
type station struct {
	t       *testing.T
	name    string // "a"
	host    string // "a.test"
	folder  string
	config  config.Config
	disk    *disk // nil: the machine's
	wrapper []string
	clock   string // CHATNODE_CLOCK_OFFSET; empty: none

	process *harness.Process // the last one
	stopped bool             // it has SIGSTOP
	limited bool             // it cannot write, and ends when it finds out
	backups []string         // databases, oldest first
	lives   int

	mu      sync.Mutex
	where   string        // guarded by mu: the address; empty: it is down
	changed chan struct{} // guarded by mu: closed, and made anew, as where changes
}

// quiet is a test that never seems to have failed, to those who would show a log for it: the walk does that itself.
type quiet struct{ testing.TB }

// Failed is always false.
func (quiet) Failed() bool { return false }

func newStation(t *testing.T, name, folder string) *station {
	s := &station{t: t, name: name, host: name + ".test", folder: folder, changed: make(chan struct{})}
	s.config = harness.Config(t)
	s.config.Host = s.host
	s.config.Data = filepath.Join(folder, "data")
	s.config.Limits.Replay = 1 << 30
	s.config.Limits.Grace = config.Duration(2 * time.Second)
	s.config.Log.Level = config.LevelDebug
	if err := os.MkdirAll(s.config.Data, 0o700); err != nil {
		t.Fatal(err)
	}
	return s
}

// start starts the node, with all its faults gone.
func (s *station) start() {
	s.t.Helper()
	wrapper := slices.Clone(s.wrapper)
	if s.disk != nil {
		wrapper = append(s.disk.enter(), wrapper...)
	}
	if s.clock != "" {
		wrapper = append(wrapper, "env", clockVariable+"="+s.clock)
	}
	s.lives++
	s.stopped, s.limited = false, false
	s.process = harness.StartProcess(quiet{s.t}, *binary, s.config, wrapper...)
	s.move(s.process.Address)
}

func (s *station) move(where string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.where = where
	close(s.changed)
	s.changed = make(chan struct{})
}

// address is where the node listens, empty while it is down. The channel is closed when that changes.
func (s *station) address() (string, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.where, s.changed
}

// up reports whether the node runs, as far as it was told to.
func (s *station) up() bool { return s.where != "" }

// halt ends the node, in order or not.
func (s *station) halt(how string) {
	s.t.Helper()
	if !s.up() {
		return
	}
	s.move("")
	if how == "term" && !s.stopped {
		if code := s.process.Terminate(); code != 0 {
			s.t.Errorf("%s stops with exit code %d", s.host, code)
		}
	} else {
		s.process.Kill()
	}
	s.keepLog()
}

// keepLog files what the process that has ended said.
func (s *station) keepLog() {
	file := filepath.Join(s.folder, fmt.Sprintf("log-%02d", s.lives))
	if err := os.WriteFile(file, []byte(s.process.Stderr.String()), 0o600); err != nil {
		s.t.Error(err)
	}
}

// alive fails if the node has ended by itself.
func (s *station) alive() {
	s.t.Helper()
	if s.up() && s.process.Ended() {
		s.move("")
		s.keepLog()
		text := s.process.Stderr.String()
		s.t.Fatalf("%s has ended with exit code %d:\n%s", s.host, s.process.Wait(), text[max(0, len(text)-4096):])
	}
}

// pause stops the node where it stands, until resume.
func (s *station) pause() {
	s.t.Helper()
	if s.up() {
		s.signal(syscall.SIGSTOP)
		s.stopped = true
		s.await(func() bool { return s.process.Ended() || s.stands() })
	}
}

func (s *station) resume() {
	s.t.Helper()
	if s.up() && s.stopped {
		s.signal(syscall.SIGCONT)
		s.stopped = false
	}
}

// signal sends a signal to the node, which may have ended by itself.
func (s *station) signal(what syscall.Signal) {
	s.t.Helper()
	if err := syscall.Kill(s.process.PID(), what); err != nil && !errors.Is(err, syscall.ESRCH) {
		s.t.Fatal(err)
	}
}

// stands reports whether no thread of the process runs.
func (s *station) stands() bool {
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", s.process.PID()))
	for _, file := range files {
		stat, err := os.ReadFile(file)
		if err != nil {
			return false
		}
		state := string(stat[strings.LastIndexByte(string(stat), ')')+1:])
		if !strings.HasPrefix(state, " T") {
			return false
		}
	}
	return err == nil && len(files) > 0
}

// await waits for a condition, looking often.
func (s *station) await(met func() bool) {
	s.t.Helper()
	patience := time.After(harness.Patience)
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	for !met() {
		select {
		case <-look.C:
		case <-patience:
			s.t.Fatalf("%s: what has to happen does not", s.host)
		}
	}
}

// data is where the node's files are found.
func (s *station) data() string {
	if s.disk != nil {
		return filepath.Join(s.disk.root(), s.config.Data)
	}
	return s.config.Data
}

// snapshot copies the database as a kill would leave it now, to a file that belongs to nobody, and returns that.
func (s *station) snapshot(name string) string {
	s.t.Helper()
	if s.up() && !s.stopped {
		s.pause()
		defer s.resume()
	}
	to := filepath.Join(s.folder, name)
	for _, suffix := range []string{"", "-wal"} {
		err := copyFile(to+suffix, filepath.Join(s.data(), database+suffix))
		if err != nil && (suffix == "" || !errors.Is(err, fs.ErrNotExist)) {
			s.t.Fatal(err)
		}
	}
	if err := fold(to); err != nil {
		s.t.Fatalf("%s: the database as it is on the disk: %v", s.host, err)
	}
	return to
}

func copyFile(to, from string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close() //nolint:errcheck // it was only read
	out, err := os.OpenFile(to, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

// putBack replaces the database of the node, which is down, by a backup. The incarnation file stays.
func (s *station) putBack(backup string) {
	s.t.Helper()
	err := copyFile(filepath.Join(s.data(), database), backup)
	for _, gone := range []string{databaseLog, sharedIndex} {
		if failed := os.Remove(filepath.Join(s.data(), gone)); !errors.Is(failed, fs.ErrNotExist) {
			err = errors.Join(err, failed)
		}
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

// limitFiles lets the node write little more than it has.
func (s *station) limitFiles() {
	s.t.Helper()
	size := int64(0)
	for _, name := range []string{database, databaseLog} {
		info, err := os.Stat(filepath.Join(s.data(), name))
		if err != nil {
			s.t.Fatal(err)
		}
		size = max(size, info.Size())
	}
	s.limited = true
	limit := unix.Rlimit{Cur: uint64(size) + 16<<10, Max: unix.RLIM_INFINITY}
	if err := unix.Prlimit(s.process.PID(), unix.RLIMIT_FSIZE, &limit, nil); err != nil {
		s.t.Fatal(err)
	}
}

// endLimit ends what limitFiles began: a node that could not write has ended, and another life begins.
func (s *station) endLimit() {
	s.t.Helper()
	if !s.process.Ended() {
		s.halt("kill")
		return
	}
	s.move("")
	if code := s.process.Wait(); code != 1 {
		s.t.Errorf("%s could not write, and ended with exit code %d", s.host, code)
	}
	s.keepLog()
}

// fill leaves no room on the node's disk, if it is a small one; free makes room again.
func (s *station) fill() error {
	if s.disk == nil {
		return nil
	}
	return s.disk.fill()
}

func (s *station) free() error {
	if s.disk == nil {
		return nil
	}
	return s.disk.free()
}

// diskSize is the size of a small disk, in bytes.
const diskSize = 24 << 20

// A disk is a small one, mounted where only some processes see it. It lives for as long as the process that holds it.
type disk struct {
	holder *exec.Cmd
	end    io.Closer
	folder string
}

// newDisk makes a disk at a folder. It needs no rights where everybody may have a name space of their own; elsewhere it
// returns why there is none.
func newDisk(t *testing.T, folder string) (*disk, error) {
	d := &disk{folder: folder}
	d.holder = exec.Command("unshare", "--user", "--map-root-user", "--mount", "sh", "-c",
		fmt.Sprintf(`mount -t tmpfs -o size=%d none "$0" && echo on && exec cat`, diskSize), folder)
	d.holder.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	said, err := d.holder.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if d.end, err = d.holder.StdinPipe(); err != nil {
		return nil, err
	}
	if err := d.holder.Start(); err != nil {
		return nil, err
	}
	t.Cleanup(func() {
		_ = d.end.Close() // cat ends with its input, and the disk with cat
		_ = d.holder.Wait()
	})
	on := make([]byte, 3)
	if _, err := io.ReadFull(said, on); err != nil {
		return nil, fmt.Errorf("no small disk can be had here: %w", err)
	}
	return d, nil
}

// enter is a wrapper for a process that is to see the disk.
func (d *disk) enter() []string {
	return []string{"nsenter", "--user", "--mount", "--preserve-credentials", "--target", fmt.Sprint(d.holder.Process.Pid),
		"setpriv", "--pdeathsig", "KILL"} // entering has taken away what the harness has set
}

func (d *disk) root() string    { return fmt.Sprintf("/proc/%d/root", d.holder.Process.Pid) }
func (d *disk) ballast() string { return filepath.Join(d.root(), d.folder, "ballast") }

// fill leaves no room.
func (d *disk) fill() error {
	f, err := os.OpenFile(d.ballast(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	block := make([]byte, 64<<10)
	for err == nil {
		_, err = f.Write(block)
	}
	if errors.Is(err, syscall.ENOSPC) {
		err = nil
	}
	return errors.Join(err, f.Close())
}

// free makes room again.
func (d *disk) free() error {
	if err := os.Remove(d.ballast()); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
