package runner

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestServersThatAreNoneAreToldInPlainWords(t *testing.T) {
	any := steps(bob("silent", "1ms"))
	for name, test := range map[string]struct {
		server []string
		text   string
		parts  []string
	}{
		"never listens": {fakeServer(t, "deaf"), any, []string{
			"expected  a server that listens on 127.0.0.1:", "did not listen on 127.0.0.1:", "within 300ms: ", " fake deaf ", "stderr: nobody told me to listen"}},
		"ends at once": {fakeServer(t, "brief"), any, []string{
			"ended before it listened (exit status 3)", `stderr: no such\x1b[31m thing`, "stdout: bye"}},
		"does not exist": {[]string{"/nowhere/server", "{port}"}, any, []string{
			"cannot be started: ", "/nowhere/server"}},
		"dies in the middle": {fakeServer(t, "chat"), steps(bob("send", "DIE"), bob("expect", "x")), []string{
			"steps[2] ", "expected  x\n  got       the end of the connection\n", "the server of node node ended in the middle (exit status 4)", "stderr: I cannot go on"}},
		"dies in the end": {fakeServer(t, "chat"), steps(bob("send", "DIE"), bob("expect_closed", true), `{"sleep": "300ms"}`), []string{
			"expected  a server that goes on", "ended in the middle (exit status 4)", "stderr: I cannot go on"}},
		"hangs": {fakeServer(t, "chat"), steps(bob("send", "NOTHING"), bob("expect", "x")), []string{
			"got       no line within 300ms"}},
		"will not stop": {fakeServer(t, "stubborn"), steps(`{"node": "node", "stop": "term"}`), []string{
			"did not end within 4s of SIGTERM, and was killed"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := Options{Server: test.server, Timeout: 300 * time.Millisecond, Start: 20 * time.Second}
			switch name {
			case "never listens":
				o.Start = 300 * time.Millisecond
			case "will not stop":
				o.Start = 4 * time.Second // it has to start first
			}
			if strings.HasPrefix(name, "dies") {
				o.Timeout = 20 * time.Second
			}
			r := wantDifference(t, o, test.text, test.parts...)
			if _, ok := errors.AsType[*Difference](error(r.Difference)); !ok {
				t.Error("no difference")
			}
		})
	}
}

// gone reports whether there is no process with an id any more, or only its remains.
func gone(t *testing.T, pid int) bool {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err == nil {
		_, state, _ := strings.Cut(string(text), ") ")
		return strings.HasPrefix(state, "Z")
	}
	return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH)
}

func TestWhatAServerStartedEndsWithIt(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pid")
	t.Setenv("FAKE_PID", file)
	wantPass(t, quick(t, "fork"), steps(bob("send", "ECHO x"), bob("expect", "x")))
	endsChild(t, file)
}

// endsChild waits for the end of the process whose id a server wrote to a file.
func endsChild(t *testing.T, file string) {
	t.Helper()
	text, err := os.ReadFile(file)
	must(err)
	pid, err := strconv.Atoi(string(text))
	must(err)
	eventually(t, "the child lives on", func() bool { return gone(t, pid) })
}

func TestARunThatIsInterruptedLeavesNothingBehind(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	file := filepath.Join(t.TempDir(), "pid")
	t.Setenv("FAKE_PID", file)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		defer cancel()
		eventually(t, "the server does not start", func() bool {
			about, err := os.Stat(file)
			return err == nil && about.Size() > 0
		})
	}()
	text := `[{"name": "a", "steps": [{"sleep": "60m"}]}, {"name": "b", "steps": [{"sleep": "60m"}]}]`
	results, err := Run(ctx, load(t, text), quick(t, "fork"), nil)
	must(err)
	for _, r := range results {
		want(t, string(r.Status)+r.Reason, "Skippedinterrupted")
	}
	endsChild(t, file)
	left, err := filepath.Glob(os.TempDir() + "/*")
	must(err)
	want(t, fmt.Sprint(left), "[]")
}

func TestJobsAreIsolated(t *testing.T) {
	var cases []string
	for i := range 8 {
		cases = append(cases, fmt.Sprintf(`{"name": "case %d", "steps": [{"client": "bob", "connect": true},
			{"client": "bob", "send": "STORED"}, {"client": "bob", "expect": " true"},
			{"client": "bob", "send": "STORE %d"}, {"client": "bob", "expect": "STORED"},
			{"client": "bob", "send": "ALL %d"}, {"client": "bob", "expect": "%d"}, {"client": "bob", "silent": "20ms"},
			{"client": "bob", "send": "STORED"}, {"client": "bob", "expect": "%d false"}]}`, i, i, i, i, i))
	}
	o := quick(t, "chat")
	o.Jobs = 8
	wantPass(t, o, "["+strings.Join(cases, ",")+"]")
}

func TestResultsComeInTheOrderOfTheCasesAndFailFastEndsTheRun(t *testing.T) {
	text := `[{"name": "a", "steps": [{"sleep": "1ms"}]}, {"name": "b", "steps": [{"client": "bob", "connect": true}, {"client": "bob", "silent": "1ms"},
		{"client": "bob", "send": "ECHO x"}, {"client": "bob", "expect": "y"}]}, {"name": "c", "steps": [{"sleep": "1ms"}]}]`
	told := map[int]Status{}
	o := quick(t, "chat")
	o.FailFast = true
	results, err := Run(t.Context(), load(t, text), o, func(i int, r Result) { told[i] = r.Status })
	must(err)
	want(t, fmt.Sprint(told), "map[0:Passed 1:Failed 2:Skipped]")
	want(t, Summary(results), "1 passed, 1 failed, 1 skipped")
	want(t, results[2].Reason, "a case has failed, and --fail-fast ends the run")
}

func TestWhatAServerCannotDoIsSkippedWithTheReason(t *testing.T) {
	const (
		plain      = `{"name": "x", "steps": [{"sleep": "1ms"}]}`
		restarts   = `{"name": "x", "steps": [{"repeat": 1, "steps": [{"node": "a", "stop": "kill"}]}]}`
		configured = `{"name": "x", "nodes": [{"id": "a", "config": {"host2": "y"}}], "steps": [{"sleep": "1ms"}]}`
		peers      = `{"name": "x", "nodes": [{"id": "a", "peers": ["b"]}, {"id": "b"}], "steps": [{"sleep": "1ms"}]}`
		listens    = `{"name": "x", "nodes": [{"id": "a", "peers": ["p"]}], "steps": [{"peer": "p", "listen": true}]}`
		two        = `{"name": "x", "nodes": [{"id": "a"}, {"id": "b"}], "steps": [{"sleep": "1ms"}]}`
	)
	for _, test := range []struct {
		server, address, text, want string
	}{
		{"s {port}", "", `{"name": "x", "tags": ["y", "absent"], "steps": [{"sleep": "1ms"}]}`, "this server has no absent"},
		{"", "h:1", plain, ""},
		{"", "h:1", restarts, "it stops or starts a node, and the server at --address is not ours to stop"},
		{"", "h:1", configured, "it sets configuration keys, which the server at --address cannot be given"},
		{"", "h:1", peers, "it needs 2 nodes, and --address is one"},
		{"", "h:1", listens, "its node needs peers, which the server at --address cannot be given"},
		{"s {port}", "", plain, ""},
		{"s {port}", "", restarts, ""},
		{"s {port}", "", two, ""},
		{"s {port}", "", configured, "it sets configuration keys, and --server has no {config}"},
		{"s {port}", "", peers, "its nodes have peers, and --server has no {peers}"},
		{"s {port} {peers}", "", peers, ""},
		{"s {config}", "", peers, ""},
		{"s {config}", "", configured, ""},
		{"s", "h:1", restarts, ""},
		{"s", "h:1", two, "it needs 2 nodes, and --address is one"},
	} {
		o := Options{Server: strings.Fields(test.server), Address: test.address, Without: []string{"absent"}}
		if err := o.Check(); err != nil {
			t.Error(err)
		}
		if got := o.cannot(load(t, test.text)[0]); got != test.want {
			t.Errorf("%+v: %s", test, got)
		}
	}
	for _, o := range []Options{{}, {Server: []string{"s", "{peers}"}}} {
		if _, err := Run(t.Context(), nil, o, nil); err == nil {
			t.Errorf("%+v is good", o)
		}
	}
}

func TestAServerThatRunsAlreadyIsUsedAndLeftAlone(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	defer l.Close()
	go func() {
		s := &fakeChat{}
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go s.talk(conn)
		}
	}()
	o := Options{Address: l.Addr().String(), Jobs: 8}
	want(t, o.filled().Jobs, 1)
	text := strings.ReplaceAll("["+steps(bob("send", "ALL x"), bob("expect", "x"), bob("silent", "5ms"))+","+steps(bob("silent", "50ms"))+"]", "]},{", "]},\n{")
	text = strings.Replace(text, "a case", "another", 1)
	wantPass(t, o, text)
}

func TestPeersFilesAndConfigurations(t *testing.T) {
	text := `{"name": "x", "nodes": [{"id": "a", "host": "a.example", "peers": ["b", "p"], "config": {"accounts.bcrypt_cost": 5, "log.file": "x\"y", "federation.blocked": ["q", "r"]}},
		{"id": "b"}], "steps": [{"peer": "p", "listen": true}]}`
	c := load(t, text)[0]
	for _, own := range []bool{false, true} {
		s := &server{node: &c.Nodes[0], o: Options{Own: own, EOL: None, Server: []string{"s", "-p={port}", "{peers}", "{config}", "{dir}"}}.filled(), folder: t.TempDir(), port: 1234, address: "127.0.0.1:1234"}
		must(s.prepare([]peerLine{{"127.0.0.1:1", c.host("b")}, {"127.0.0.1:2", c.host("p")}}))
		words := s.command()
		want(t, words[1], "-p=1234")
		peers, err := os.ReadFile(words[2])
		must(err)
		want(t, string(peers), map[bool]string{
			false: "127.0.0.1:1\n127.0.0.1:2\n", true: "127.0.0.1:1 name=b.test\n127.0.0.1:2 name=p.test\n"}[own])
		config, err := os.ReadFile(words[3])
		must(err)
		want(t, strings.ReplaceAll(string(config), s.folder, "F"), `accounts.bcrypt_cost = 5
compat.unterminated = "200ms"
data = "F/dir/data"
federation.blocked = ["q","r"]
federation.peers = "F/peers-with-names"
host = "a.example"
limits.commands_per_s = 0
listen.chat = "127.0.0.1:1234"
log.file = "x\"y"
log.level = "warn"
`)
		inside, err := os.ReadDir(words[4])
		must(err)
		want(t, len(inside), 0)
	}
}
