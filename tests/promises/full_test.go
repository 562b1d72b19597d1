//go:build linux

package promises_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"chatnode/tests/harness"
)

// TestNothingIsHeardThatIsNotStored lets writing fail at a random moment of a stream, by a limit to the size of files.
// Of an error like that nobody can tell whether the messages are stored, so that the node ends in disorder and under the
// word for it. Once it can write again, all is there that anybody heard or was told is stored.
func TestNothingIsHeardThatIsNotStored(t *testing.T) {
	dice := dice(t)
	c := configure(t)
	book := newLedger(t)
	speakers := []*speaker{newSpeaker("ann", dice), newSpeaker("bob", dice)}
	for round := range 3 {
		n := start(t, c)
		if round == 0 {
			create(n)
		}
		from := book.heads()
		people := gather(n, speakers)
		people.talk()
		people.inFullSwing(t, dice)
		limitFiles(t, n, c.Data)
		if code := n.Wait(); code != 1 {
			t.Errorf("exit code %d", code)
		}
		people.wait(t)
		n.Logged(regexp.MustCompile(`stopped.*store-failed`))
		n = start(t, c)
		audit(n, book)
		people.check(t, book, from)
		stop(t, n)
	}
}

// limitFiles lets a node write little more than it has.
func limitFiles(t *testing.T, n *harness.Process, folder string) {
	t.Helper()
	size := int64(64 << 10)
	for _, name := range []string{"chatnode.db", "chatnode.db-wal"} {
		info, err := os.Stat(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		size = max(size, info.Size()+64<<10)
	}
	limit := unix.Rlimit{Cur: uint64(size), Max: unix.RLIM_INFINITY}
	if err := unix.Prlimit(n.PID(), unix.RLIMIT_FSIZE, &limit, nil); err != nil {
		t.Fatal(err)
	}
}

// TestAFullDiskRefusesAndTheNodeGoesOn fills the disk in the middle of a stream, and makes room again. Everybody is
// answered: a message is stored, or unavailable and then nobody hears it. The node goes on with those that come after, and
// what lies on its disk has all of it.
func TestAFullDiskRefusesAndTheNodeGoesOn(t *testing.T) {
	dice := dice(t)
	c := configure(t)
	n := start(t, c, smallDisk(t, c.Data)...)
	create(n)
	ballast := filepath.Join(n.Root(), c.Data, "ballast")
	if err := os.WriteFile(ballast, make([]byte, diskSize/2), 0o600); err != nil {
		t.Fatal(err)
	}
	book := newLedger(t)
	people := gather(n, []*speaker{newSpeaker("ann", dice), newSpeaker("bob", dice)})
	people.talk()
	people.refused.await(t)
	<-time.After(time.Duration(dice.IntN(100)) * time.Millisecond)
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	people.leave(t)
	enter(n, "late", places[:1]).Ask("SAY go there is room again", "RECV late go there is room again")
	audit(n, book)
	refused := 0
	for _, e := range people.ears {
		refused += book.check(e, map[string]int{})
	}
	for _, s := range people.speakers {
		if n := len(s.unanswered); n > 0 {
			t.Errorf("%d messages of %s were not answered", n, s.name)
		}
	}
	if t.Logf("%d messages were stored, %d refused", len(book.at), refused); refused == 0 {
		t.Error("nothing was refused")
	}

	n.Signal(syscall.SIGSTOP) // what is on the disk now is what a kill would leave
	c.Data = rescue(t, filepath.Join(n.Root(), c.Data))
	n.Kill()
	again := newLedger(t)
	audit(start(t, c), again)
	for _, e := range people.ears {
		again.check(e, map[string]int{})
	}
}

// rescue copies a data folder to one that is not full.
func rescue(t *testing.T, folder string) (rescued string) {
	t.Helper()
	rescued = t.TempDir()
	for _, name := range []string{"chatnode.db", "chatnode.db-wal", "incarnation"} {
		content, err := os.ReadFile(filepath.Join(folder, name))
		if err == nil {
			err = os.WriteFile(filepath.Join(rescued, name), content, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return rescued
}

// diskSize is the size of a small disk, in bytes.
const diskSize = 16 << 20

// smallDisk is a wrapper that gives a process a small disk of its own at a folder. It needs no rights where everybody may
// have a name space of their own; elsewhere the test is skipped.
func smallDisk(t *testing.T, folder string) []string {
	t.Helper()
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	wrapper := []string{"unshare", "--user", "--map-root-user", "--mount", "sh", "-c",
		fmt.Sprintf(`mount -t tmpfs -o size=%d none "$0" && exec "$@"`, diskSize), folder}
	if out, err := exec.Command(wrapper[0], append(wrapper[1:], "true")...).CombinedOutput(); err != nil {
		t.Skipf("no small disk can be had here: %v: %s", err, out)
	}
	return wrapper
}
