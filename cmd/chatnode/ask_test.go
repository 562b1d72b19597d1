package main

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// pseudoTerminal is one that the test types at.
type pseudoTerminal struct {
	keyboard *os.File
	terminal *os.File // what the program has as standard input
	screen   screen   // what the program writes to standard error
	exited   chan int
}

func openTerminal(t *testing.T) *pseudoTerminal {
	t.Helper()
	keyboard, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no pseudo-terminals here: %v", err)
	}
	fd := int(keyboard.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	terminal, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, f := range []*os.File{keyboard, terminal} {
			if err := f.Close(); err != nil {
				t.Error(err)
			}
		}
	})
	return &pseudoTerminal{keyboard: keyboard, terminal: terminal, exited: make(chan int, 1)}
}

// start runs a command line at the terminal, in this process.
func (p *pseudoTerminal) start(args ...string) {
	go func() { p.exited <- run(args, p.terminal, &p.screen, &p.screen) }()
}

// shows reports whether the terminal shows what is typed.
func (p *pseudoTerminal) shows(t *testing.T) bool {
	t.Helper()
	state, err := unix.IoctlGetTermios(int(p.terminal.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return state.Lflag&unix.ECHO != 0
}

// answer waits for a question, and until what is typed is hidden if it should be, and types.
func (p *pseudoTerminal) answer(t *testing.T, question string, hidden bool, text string) {
	t.Helper()
	p.screen.wait(t, question)
	eventually(t, "the terminal hides", func() bool { return p.shows(t) != hidden })
	if _, err := p.keyboard.WriteString(text + "\n"); err != nil {
		t.Fatal(err)
	}
}

func (p *pseudoTerminal) wantExit(t *testing.T, code int, says string) {
	t.Helper()
	if got := <-p.exited; got != code {
		t.Errorf("exit code %d, want %d", got, code)
	}
	want(t, p.screen.String(), says)
	if !p.shows(t) {
		t.Error("the terminal still hides what is typed")
	}
}

func TestThePasswordIsAskedForTwiceAndUnseen(t *testing.T) {
	file := write(t, t.TempDir(), "c.toml", basics)
	for _, command := range []struct{ name, says string }{{"add", "bob: added\n"}, {"passwd", "bob: password changed\n"}} {
		p := openTerminal(t)
		p.start("user", command.name, "bob", "--config", file)
		p.answer(t, "Password: ", true, "secret")
		p.answer(t, "Again: ", true, "secret")
		p.wantExit(t, done, "Password: \nAgain: \n"+command.says)
	}
}

func TestTwoPasswordsThatDifferChangeNothing(t *testing.T) {
	file := write(t, t.TempDir(), "c.toml", basics)
	p := openTerminal(t)
	p.start("user", "add", "bob", "--config", file)
	p.answer(t, "Password: ", true, "secret")
	p.answer(t, "Again: ", true, "Secret")
	p.wantExit(t, failed, "Password: \nAgain: \nchatnode: the two passwords are not the same: nothing was changed\n")
}

func TestAnEmptyPasswordIsRefusedAtATerminal(t *testing.T) {
	p := openTerminal(t)
	p.start("user", "add", "bob", "--config", write(t, t.TempDir(), "c.toml", basics))
	p.answer(t, "Password: ", true, "")
	p.answer(t, "Again: ", true, "")
	p.wantExit(t, failed, "Password: \nAgain: \nchatnode: the password is empty: type one, or give it on standard input\n")
}

func TestDeletingIsConfirmedAtATerminal(t *testing.T) {
	file := write(t, t.TempDir(), "c.toml", basics)
	wantRun(t, done, "secret", "user", "add", "bob", "--config", file)
	const question = "Delete the account bob? Nobody can have the name again. [y/N] "
	for _, test := range []struct {
		answer string
		code   int
		says   string
	}{
		{"", failed, "chatnode: nothing was deleted\n"},
		{"no", failed, "chatnode: nothing was deleted\n"},
		{"Yes", done, "bob: deleted; the name stays reserved\n"},
	} {
		p := openTerminal(t)
		p.start("user", "delete", "bob", "--config", file)
		p.answer(t, question, false, test.answer)
		p.wantExit(t, test.code, question+test.says)
	}
}

func TestDeletingNeedsYesWhereNobodyCanBeAsked(t *testing.T) {
	_, errs := wantRun(t, misunderstood, "y\n", "user", "delete", "bob")
	wantPart(t, errs, "say --yes")
}

func TestAnInterruptedQuestionLeavesTheTerminalAsItWas(t *testing.T) {
	file := write(t, t.TempDir(), "c.toml", basics)
	terminal := openTerminal(t)
	p := start(t, t.TempDir(), terminal.terminal, "user", "add", "bob", "--config", file)
	p.stderr.wait(t, "Password: ")
	eventually(t, "the terminal hides", func() bool { return !terminal.shows(t) })
	p.signal(t, os.Interrupt)
	p.wantExit(t, failed)
	want(t, p.stderr.String(), "Password: \nchatnode: interrupted: nothing was changed\n")
	if !terminal.shows(t) {
		t.Error("the terminal still hides what is typed")
	}
	if strings.Contains(p.stdout.String(), "added") {
		t.Error("the account was made")
	}
}
