package main

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// meaning says what a command line is understood to mean.
func meaning(t *testing.T, args []string) string {
	t.Helper()
	var out, errs strings.Builder
	p, err := parse(args, streams{strings.NewReader(""), &out, &errs})
	switch {
	case err != nil:
		return "error: " + err.Error()
	case p == nil:
		return "help: " + strings.SplitN(out.String(), "\n", 2)[0]
	}
	switch words := strings.Fields(p.kong.Command()); words[0] {
	case "serve":
		return fmt.Sprintf("serve %q", p.Serve.File)
	case "check":
		return fmt.Sprintf("check %q", p.Check.File)
	case "user":
		return fmt.Sprintf("user %s %q %v %v", words[1], p.User.Config, p.User.JSON, p.User.Add)
	case portCommand:
		cfg, err := p.Port.configuration()
		if err != nil {
			return "error: " + err.Error()
		}
		return fmt.Sprintf("%s data %s", strings.Join(cfg.Listen.Chat, " "), cfg.Data)
	}
	return p.kong.Command()
}

func TestWhatCommandLinesMean(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, ".", "peers.txt", "# nobody yet\n\n   \n")
	write(t, ".", "conf", "")
	const usage = " (chatnode --help shows what there is)"
	for args, want := range map[string]string{
		"serve":                              `serve ""`,
		"serve a.toml":                       `serve "a.toml"`,
		"serve 5050":                         `serve "5050"`,
		"a.toml":                             `serve "a.toml"`,
		"./a":                                `serve "./a"`,
		"conf":                               `serve "conf"`,
		"serve -- -a":                        `serve "-a"`,
		"check a.toml":                       `check "a.toml"`,
		"5050":                               "127.0.0.1:5050 data :memory:",
		"0":                                  "127.0.0.1:0 data :memory:",
		"5050 --data d":                      "127.0.0.1:5050 data d",
		"--data d 5050":                      "127.0.0.1:5050 data d",
		"--data=d 5050":                      "127.0.0.1:5050 data d",
		"--data 6060 5050":                   "127.0.0.1:5050 data 6060",
		"5050 --data=":                       `error: data: must be a folder or ":memory:"`,
		"5050 peers.txt":                     "0.0.0.0:5050 data :memory:",
		"--data d 5050 conf":                 "0.0.0.0:5050 data d",
		"5050 peers.txt --bind ::1":          "[::1]:5050 data :memory:",
		"5050 --bind [::1] peers.txt":        "[::1]:5050 data :memory:",
		"--bind 10.0.0.1 5050 --data d conf": "10.0.0.1:5050 data d",
		"5050 none.txt":                      "error: the peers file cannot be read (open none.txt: no such file or directory): give the path of one, or none",
		"5050 a b":                           "error: unexpected argument b" + usage,
		"65536":                              "error: 65536 is not a port: those go from 0 to 65535" + usage,
		"5050 --frob":                        "error: unknown flag --frob" + usage,
		"port 5050":                          `error: "port" is neither a command nor a file` + usage,
		"frob":                               `error: "frob" is neither a command nor a file` + usage,
		"check":                              `error: expected "<file>"` + usage,
		"user":                               `error: expected one of "add", "list", "passwd", "admin", "disable", ...` + usage,
		"user frob":                          "error: unexpected argument frob" + usage,
		"":                                   `error: expected one of "serve", "check", "health", "user", "test", ...` + usage,
		"user add bob":                       `user add "" false {bob false false}`,
		"user add --admin bob":               `user add "" false {bob true false}`,
		"--config a.toml user --json add bob --password-stdin": `user add "a.toml" true {bob false true}`,
		"user add -- -bob":      `user add "" false {-bob false false}`,
		"version":               "version",
		"--version":             "version",
		"--help":                "help: Usage: chatnode <command>",
		"help":                  "help: Usage: chatnode <command>",
		"help user add":         "help: Usage: chatnode user add <name> [flags]",
		"user -h":               "help: Usage: chatnode user <command> [flags]",
		"5050 --help":           "help: ",
		"--data":                "error: unknown flag --data" + usage,
		"check a b":             "error: unexpected argument b" + usage,
		"serve a.toml --data d": "error: unknown flag --data" + usage,
	} {
		if got := meaning(t, strings.Fields(args)); got != want {
			t.Errorf("chatnode %s: %s, want %s", args, got, want)
		}
	}
}

func TestTheOriginalCommandLineHasNoLimitsAndTakesUnterminatedLines(t *testing.T) {
	got, err := (&portCmd{Port: "5050"}).configuration()
	if err != nil {
		t.Fatal(err)
	}
	changed := map[string]string{}
	for _, k := range got.Keys() {
		if !k.IsDefault() {
			changed[k.Name] = fmt.Sprint(k.Value)
		}
	}
	want(t, fmt.Sprint(changed), "map[compat.unterminated:200ms data::memory: limits.commands_per_s:0]")
}

func TestThePeersFileOfTheOriginalCommandLineLetsAnyNodeLink(t *testing.T) {
	for _, text := range []string{"", "# nobody yet\n\n", "127.0.0.1:5051", "\r\na:1\r\n"} {
		file := write(t, t.TempDir(), "peers.txt", text)
		got, err := (&portCmd{Port: "5050", Peers: file}).configuration()
		if err != nil {
			t.Fatal(err)
		}
		changed := map[string]string{}
		for _, k := range got.Keys() {
			if !k.IsDefault() {
				changed[k.Name] = fmt.Sprint(k.Value)
			}
		}
		want(t, fmt.Sprint(changed), "map[compat.unterminated:200ms data::memory: federation.accept:any federation.peers:"+file+
			" host:chatnode limits.commands_per_s:0 listen.chat:[0.0.0.0:5050]]")
	}
}

func TestEveryCommandHelpsWithExamples(t *testing.T) {
	for _, command := range []string{
		"serve", "5050", "check", "health", "user", "user add", "user list", "user passwd", "user admin", "user disable",
		"user enable", "user delete", "version",
	} {
		out, errs := wantRun(t, done, "", append(strings.Fields(command), "--help")...)
		if errs != "" || !strings.Contains(out, "Usage: chatnode ") || !strings.Contains(out, "    chatnode "+command) {
			t.Errorf("%s: %s%s", command, out, errs)
		}
	}
}

func TestExitCodes(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, ".", "good.toml", basics)
	write(t, ".", "bad.toml", "hots = 1")
	write(t, ".", "peers.txt", "127.0.0.1:5051\nnobody\n127.0.0.1:5051\n")
	for args, want := range map[string]int{
		"version":                     done,
		"--help":                      done,
		"check good.toml":             done,
		"check bad.toml":              failed,
		"bad.toml":                    failed,
		"none.toml":                   failed,
		".":                           failed,
		"0 peers.txt":                 failed,
		"0 none.txt":                  failed,
		"user list --config bad.toml": failed,
		"":                            misunderstood,
		"frob":                        misunderstood,
		"99999":                       misunderstood,
		"user delete bob":             misunderstood,
		"check good.toml -x":          misunderstood,
		"user add":                    misunderstood,
	} {
		_, errs := wantRun(t, want, "", strings.Fields(args)...)
		lines := strings.Count(errs, "\n")
		if want != done && (lines != 1 || !strings.HasPrefix(errs, "chatnode: ")) || want == done && lines != 0 {
			t.Errorf("chatnode %s: %q on standard error", args, errs)
		}
	}
}

func TestVersion(t *testing.T) {
	out, _ := wantRun(t, done, "", "version")
	wantPart(t, out, "chatnode dev (go1.")
	out, _ = wantRun(t, done, "", "version", "--json")
	wantPart(t, out, `"version": "dev"`)
}

// fullDisk takes nothing.
type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, os.ErrClosed }

func TestAnAnswerThatCannotBeWrittenIsAFailure(t *testing.T) {
	file := write(t, t.TempDir(), "c.toml", basics)
	for _, args := range [][]string{{"version"}, {"version", "--json"}, {"check", file}} {
		var errs strings.Builder
		if code := run(args, strings.NewReader(""), fullDisk{}, &errs); code != failed || strings.Count(errs.String(), "\n") != 1 {
			t.Errorf("%v: %d, %s", args, code, &errs)
		}
	}
}

func TestCheckShowsAFileThatMeansTheSame(t *testing.T) {
	folder := t.TempDir()
	file := write(t, folder, "a.toml", basics)
	out, _ := wantRun(t, done, "", "check", file)
	wantPart(t, out, "SIGHUP")
	wantPart(t, out, "\nhost = \"test.example\"\n")
	again, _ := wantRun(t, done, "", "check", write(t, t.TempDir(), "b.toml", out))
	_, first, _ := strings.Cut(out, "\n") // the first line names the file
	_, second, _ := strings.Cut(again, "\n")
	want(t, second, first)
}

func TestCheckShowsTheListeners(t *testing.T) {
	file := write(t, t.TempDir(), "chatnode.toml", "[listen]\nchat = ['127.0.0.1:1', '127.0.0.1:2']\n[gateways]\ncsp = '127.0.0.1:3'\na3 = '127.0.0.1:4'\nbcp = '127.0.0.1:5'\nproofchat = '127.0.0.1:6'\n")
	cfg, err := load(file)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, l := range listeners(cfg) {
		got = append(got, l.address+" "+strings.Fields(l.tongue)[0])
	}
	if want := "127.0.0.1:1 the, 127.0.0.1:2 the, 127.0.0.1:3 CSP, 127.0.0.1:4 A3, 127.0.0.1:5 BCP, 127.0.0.1:6 Proofchat"; strings.Join(got, ", ") != want {
		t.Errorf("%q", got)
	}
}

func TestCheckSaysAllThatIsWrongALineEach(t *testing.T) {
	file := write(t, t.TempDir(), "a.toml", "hots = 'a'\n[limits]\nreplay = 'x'\n")
	out, errs := wantRun(t, failed, "", "check", file)
	want(t, out, "")
	want(t, errs, "chatnode: "+file+":1: hots: unknown key; did you mean host?\nchatnode: "+file+":3: limits.replay: must be a whole number\n")
}

func TestAFileWithAStrangeNameIsNamedInOneLine(t *testing.T) {
	file := write(t, t.TempDir(), "a\nb.toml", basics)
	out, _ := wantRun(t, done, "", "check", file)
	wantRun(t, done, "", "check", write(t, t.TempDir(), "b.toml", out))
}
