package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// goodCases are those that the runner brings along; none of them needs what a build may not have.
func goodCases(t *testing.T) []string {
	t.Helper()
	var files []string
	for _, name := range []string{"basics.json", "config.json"} {
		path, err := filepath.Abs(filepath.Join("..", "..", "tests", "runner", "testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, path)
	}
	return files
}

const (
	waits = `{"name": "it waits", "steps": [{"client": "bob", "connect": true}, {"sleep": "10m"}]}`
	fails = `{"name": "it fails", "steps": [{"client": "bob", "connect": true},
		{"client": "bob", "send": "PING x"}, {"client": "bob", "expect": "PONG y"}]}`
)

func TestCasesRunAgainstThisProgramUnlessTheCommandLineSaysMore(t *testing.T) {
	folder := t.TempDir()
	report := filepath.Join(folder, "report.json")
	p := start(t, folder, nil, append([]string{"test", "--report", report, "--details", "d.json", "--junit", "j.xml"}, goodCases(t)...)...)
	p.wantExit(t, done)
	want(t, p.stderr.String(), "")
	wantPart(t, p.stdout.String(), "\n4 passed, 0 failed, 0 skipped\n")
	text, err := os.ReadFile(report)
	if err != nil {
		t.Fatal(err)
	}
	wantPart(t, string(text), `"an account survives a kill": "Passed"`)
	for _, name := range []string{"d.json", "j.xml"} {
		if about, err := os.Stat(filepath.Join(folder, name)); err != nil || about.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCasesThatFailEndTheProgramWithOne(t *testing.T) {
	file := write(t, t.TempDir(), "c.json", fails)
	out, errs := wantRun(t, failed, "", "test", "--server", binary+" serve {config}", file)
	wantPart(t, out, "FAIL  it fails (")
	wantPart(t, out, "        expected  PONG y\n        got       PONG x\n")
	wantPart(t, out, "\n0 passed, 1 failed, 0 skipped\n")
	want(t, errs, "chatnode: 1 of 1 cases failed\n") // and no bar: this is no terminal
	_, errs = wantRun(t, failed, "", "test", "--server", binary+" serve {config}", file, "--report", filepath.Join(file, "no"))
	wantPart(t, errs, "write the results: ")
}

func TestAServerInTheOriginalFormIsStarted(t *testing.T) {
	files := goodCases(t)
	out, _ := wantRun(t, done, "", "test", files[0], files[1], "--server", binary+" {port} --data '{dir}'", "--eol", "crlf", "--jobs=2", "-v")
	wantPart(t, out, "skip  a line past the limit is dropped, and the connection stays (it sets configuration keys, and --server has no {config})\n")
	wantPart(t, out, "\n3 passed, 0 failed, 1 skipped\n")
}

func TestAServerThatRunsIsUsed(t *testing.T) {
	p := startServing(t, t.TempDir(), talkative)
	out, _ := wantRun(t, done, "", "test", goodCases(t)[0], "--address", p.address(t), "--run", "survives|registers")
	wantPart(t, out, "ok    a person registers")
	wantPart(t, out, "skip  an account survives a kill (it stops or starts a node")
	wantPart(t, out, "\n1 passed, 0 failed, 1 skipped\n")
}

func TestWrongCasesAndCommandLinesEndTheProgramWithTwo(t *testing.T) {
	folder := t.TempDir()
	good := write(t, folder, "good.json", waits)
	bad := write(t, folder, "bad.json", "{\"name\": \"x\",\n\"stpes\": [],\n\"steps\": [{\"sleep\": \"soon\"}]}")
	for args, says := range map[string]string{
		"":                          `expected "<file|dir> ..."`,
		bad:                         bad + ":2: stpes: unknown field\nchatnode: " + bad + `:3: steps[0].sleep: must be a time such as "300ms"`,
		folder:                      bad + ":2: stpes: unknown field\n",
		"none.json":                 "find the cases: stat none.json: no such file or directory",
		t.TempDir():                 "find the cases: there is no case file in ",
		good + " --run (":           "--run: error parsing regexp: missing closing )",
		good + " --run nothing":     "none of the 1 cases has such a name and tag",
		good + " --tags a,b":        "none of the 1 cases has such a name and tag",
		good + " --eol cr":          `--eol must be one of "lf","crlf","none"`,
		good + " --timeout 0s":      "--timeout: a line needs some time to come",
		good + " --jobs=-1":         "--jobs: fewer than none cannot be done",
		good + " --server server":   "the server is not told where to listen: put {port} into its command, or give its address",
		good + " --server 'a{port}": "--server: a ' is not closed in 'a{port}",
		good + " --frob":            "unknown flag --frob",
	} {
		out, errs := wantRun(t, misunderstood, "", append([]string{"test"}, strings.Fields(args)...)...)
		want(t, out, "")
		if !strings.HasPrefix(errs, "chatnode: "+says) {
			t.Errorf("chatnode test %s: %s", args, errs)
		}
	}
}

func TestTheTestCommandHelpsWithExamples(t *testing.T) {
	out, errs := wantRun(t, done, "", "test", "--help")
	want(t, errs, "")
	for _, part := range []string{
		"Usage: chatnode test <file|dir> ... [flags]", "    chatnode test tests/cases\n", "--server=CMD", "--address=HOST:PORT", `--eol="lf"`,
		"--timeout=2s", "--jobs=N", "--run=REGEXP", "--tags=", "--fail-fast", "-v, --verbose", "--report=FILE", "--details=FILE", "--junit=FILE",
	} {
		wantPart(t, out, part)
	}
}

func TestAnInterruptEndsEveryServerAndRemovesItsFiles(t *testing.T) {
	for _, s := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		temporary, folder := t.TempDir(), t.TempDir()
		t.Setenv("TMPDIR", temporary)
		file := write(t, folder, "c.json", waits)
		// the server tells its id, and has a child that would outlive it
		server := "sh -c 'sleep 1000 & echo $$ $! >id; mv id ids; exec " + binary + " serve {config}'"
		p := start(t, folder, nil, "test", file, "--server", server)
		var ids []string
		eventually(t, "the server starts", func() bool {
			text, err := os.ReadFile(filepath.Join(folder, "ids"))
			ids = strings.Fields(string(text))
			return err == nil
		})
		p.signal(t, s)
		p.wantExit(t, failed)
		wantPart(t, p.stdout.String(), "skip  it waits (interrupted)\n0 passed, 0 failed, 1 skipped\n")
		want(t, p.stderr.String(), "chatnode: interrupted\n")
		for _, id := range ids {
			pid, err := strconv.Atoi(id)
			if err != nil {
				t.Fatal(err)
			}
			eventually(t, "process "+id+" ends", func() bool { return ended(pid) })
		}
		left, err := filepath.Glob(filepath.Join(temporary, "*"))
		if err != nil || len(left) > 0 {
			t.Errorf("%v is left, %v", left, err)
		}
	}
}

var zombie = regexp.MustCompile(`\) Z `)

// ended reports whether there is no process with an id any more, or one that nobody has looked after.
func ended(pid int) bool {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err != nil || zombie.Match(text)
}
