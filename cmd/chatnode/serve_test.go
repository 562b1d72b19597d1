package main

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestASignalStopsTheNodeInOrder(t *testing.T) {
	for _, s := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		p := startServing(t, t.TempDir(), basics)
		p.signal(t, s)
		p.wantExit(t, done)
		want(t, p.stdout.String(), "Server is on\n")
		want(t, p.stderr.String(), "")
	}
}

func TestTheOriginalCommandLineLeavesNothingBehind(t *testing.T) {
	temporary, folder := t.TempDir(), t.TempDir()
	command := exec.Command(binary, "0")
	command.Env = append(os.Environ(), "TMPDIR="+temporary)
	p := startCommand(t, folder, nil, command)
	p.stdout.wait(t, "Server is on\n")
	talk(t, p.address(t)).ask("CHANNELS", "RESULT CHANNELS ")
	p.signal(t, syscall.SIGTERM)
	p.wantExit(t, done)
	for _, f := range []string{temporary, folder} {
		if left, err := os.ReadDir(f); err != nil || len(left) != 0 {
			t.Errorf("%v, %v in %s", left, err, f)
		}
	}
}

func TestASecondSignalDoesNotWaitForClients(t *testing.T) {
	p := startServing(t, t.TempDir(), strings.Replace(talkative, "[log]", "limits = {grace = '1h', stall_timeout = '1h', commands_per_s = 0}\n[log]", 1))
	speaker, deaf := person(t, p.address(t), "speaker"), person(t, p.address(t), "deaf")
	speaker.ask("CREATE go", "RESULT CREATE go 1")
	for _, k := range []*talker{speaker, deaf} {
		k.ask("JOIN go", "RESULT JOIN go 1")
	}
	text := strings.Repeat("x", 60<<10)
	for range 400 { // 24 MB, far more than sockets hold
		speaker.ask("SAY go "+text, "RECV speaker go "+text)
	}
	p.signal(t, syscall.SIGTERM)
	p.stderr.wait(t, "stopping: sessions=")
	if _, err := speaker.lines.ReadByte(); err == nil {
		t.Error("who is owed nothing was not let go")
	}
	if !p.running() {
		t.Fatalf("it did not wait for the client that is owed something:\n%s", &p.stderr)
	}
	p.signal(t, syscall.SIGTERM)
	p.wantExit(t, done)
	wantPart(t, p.stderr.String(), "told to stop at once")
}

// taken is an address that somebody listens on.
func taken(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String()
}

func TestAnErrorAtTheStartIsOneLine(t *testing.T) {
	for name, test := range map[string]struct {
		prepare func(t *testing.T, folder string)
		says    string
	}{
		"a busy port": {func(t *testing.T, folder string) {
			write(t, folder, "c.toml", strings.Replace(basics, "127.0.0.1:0", taken(t), 1))
		}, "is in use by another program"},
		"no configuration": {func(*testing.T, string) {}, "there is no file c.toml"},
		"a configuration that cannot be read": {func(t *testing.T, folder string) {
			if err := os.Mkdir(filepath.Join(folder, "c.toml"), 0o700); err != nil {
				t.Fatal(err)
			}
		}, "c.toml cannot be read"},
		"a configuration that is none": {func(t *testing.T, folder string) {
			write(t, folder, "c.toml", "host = ")
		}, "c.toml:1: "},
		"a folder in use": {func(t *testing.T, folder string) {
			startServing(t, folder, basics)
		}, "stop that one first"},
		"a folder that cannot be made": {func(t *testing.T, folder string) {
			write(t, folder, "data", "")
			write(t, folder, "c.toml", basics)
		}, "data folder"},
		"a corrupt database": {func(t *testing.T, folder string) {
			write(t, folder, "c.toml", basics)
			garbage(t, folder)
		}, "is damaged or not a database"},
		"no log file": {func(t *testing.T, folder string) {
			write(t, folder, "c.toml", basics+"file = 'none/chatnode.log'\n")
		}, "check log.file"},
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			test.prepare(t, folder)
			p := start(t, folder, nil, "c.toml")
			p.wantExit(t, failed)
			want(t, p.stdout.String(), "")
			says := p.stderr.String()
			wantPart(t, says, test.says)
			if !strings.HasPrefix(says, "chatnode: ") || strings.Count(says, "\n") != 1 {
				t.Errorf("standard error is not one line:\n%s", says)
			}
		})
	}
}

func TestSIGHUPReloads(t *testing.T) {
	folder := t.TempDir()
	p := startServing(t, folder, talkative)
	write(t, folder, "c.toml", "limits.connections = 1\n"+talkative)
	p.signal(t, syscall.SIGHUP)
	says := p.stderr.wait(t, "configuration reloaded")
	if strings.Contains(says, "restart") {
		t.Errorf("a limit needs a restart:\n%s", says)
	}
	talk(t, p.address(t)).ask("CHANNELS", "RESULT CHANNELS ")
	if _, err := talk(t, p.address(t)).lines.ReadByte(); err == nil {
		t.Error("the new limit does not hold")
	}

	write(t, folder, "c.toml", strings.Replace(talkative, "test.example", "other.example", 1))
	p.signal(t, syscall.SIGHUP)
	p.stderr.wait(t, "a changed key needs a restart: key=host")

	write(t, folder, "c.toml", "hots = 'a'\nlimit.replay = 5\n")
	p.signal(t, syscall.SIGHUP)
	says = p.stderr.wait(t, "limit")
	wantPart(t, says, "the configuration is bad, going on with the old one")
	p.signal(t, syscall.SIGTERM)
	p.wantExit(t, done)
}

func TestSIGHUPWithoutAFileHasNothingToReload(t *testing.T) {
	p := start(t, t.TempDir(), nil, "0")
	p.stdout.wait(t, "Server is on\n")
	p.signal(t, syscall.SIGHUP)
	p.stderr.wait(t, "nothing to reload")
	p.signal(t, syscall.SIGTERM)
	p.wantExit(t, done)
}

func TestTheLogGoesToItsFileInItsForm(t *testing.T) {
	folder := t.TempDir()
	write(t, folder, "chatnode.log", "before\n")
	p := startServing(t, folder, talkative+"file = 'chatnode.log'\nformat = 'json'\n")
	p.signal(t, syscall.SIGTERM)
	p.wantExit(t, done)
	want(t, p.stderr.String(), "")
	text, err := os.ReadFile(filepath.Join(folder, "chatnode.log"))
	if err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile(`(?m)\Abefore\n\{"@level":"info","@message":"listening","@module":"chatnode","@timestamp":"[^"]+Z","addresses":`)
	if !line.Match(text) {
		t.Errorf("got:\n%s", text)
	}
}

func TestANodeNeedsNobodyToReadItsStandardOutput(t *testing.T) {
	read, written, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := read.Close(); err != nil {
		t.Fatal(err)
	}
	command := exec.Command(binary, "0")
	command.Stdout = written
	p := startCommand(t, t.TempDir(), nil, command)
	if err := written.Close(); err != nil {
		t.Error(err)
	}
	talk(t, p.address(t)).ask("CHANNELS", "RESULT CHANNELS ")
	wantPart(t, p.stderr.String(), "standard output takes nothing")
	p.signal(t, syscall.SIGTERM)
	p.wantExit(t, done)
}

// shim runs server.py, with the binary beside it if there should be one.
func shim(t *testing.T, withBinary bool, args ...string) *process {
	t.Helper()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3")
	}
	folder := t.TempDir()
	script, err := os.ReadFile(filepath.Join("..", "..", "server.py"))
	if err != nil {
		t.Fatal(err)
	}
	path := write(t, folder, "server.py", string(script))
	if withBinary {
		program, err := os.ReadFile(binary)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, "chatnode"), program, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	return startCommand(t, t.TempDir(), nil, exec.Command(python, append([]string{path}, args...)...))
}

func TestServerPyStartsTheBinaryBesideIt(t *testing.T) {
	p := shim(t, true, "--data", "d", "0")
	p.stdout.wait(t, "Server is on\n")
	talk(t, p.address(t)).ask("CHANNELS", "RESULT CHANNELS ")
	p.signal(t, syscall.SIGTERM)
	p.wantExit(t, done)
	if _, err := os.Stat(filepath.Join(p.command.Dir, "d")); err != nil {
		t.Error(err)
	}
}

func TestServerPyWithoutABinarySaysWhatToDo(t *testing.T) {
	p := shim(t, false, "0")
	p.wantExit(t, failed)
	wantPart(t, p.stderr.String(), "run make build")
	want(t, p.stdout.String(), "")
}

func TestALogThatWasMovedAwayIsGoneOnInAnewOne(t *testing.T) {
	folder := t.TempDir()
	p := startServing(t, folder, talkative+"file = 'chatnode.log'\n")
	moved, path := filepath.Join(folder, "moved.log"), filepath.Join(folder, "chatnode.log")
	if err := os.Rename(path, moved); err != nil {
		t.Fatal(err)
	}
	p.signal(t, syscall.SIGHUP)
	for deadline := time.After(patience); ; {
		if _, err := os.Stat(path); err == nil {
			break
		}
		select {
		case <-time.After(time.Millisecond):
		case <-deadline:
			t.Fatal("there is no new log file")
		}
	}
	p.signal(t, syscall.SIGTERM)
	p.wantExit(t, done)
	for file, part := range map[string]string{moved: "listening", path: "stopped"} {
		text, err := os.ReadFile(file)
		if err != nil || !strings.Contains(string(text), part) {
			t.Errorf("%s lacks %q (%v):\n%s", file, part, err, text)
		}
	}
}
