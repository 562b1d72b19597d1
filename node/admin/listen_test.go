package admin

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func open(t *testing.T, folder string) net.Listener {
	t.Helper()
	l, err := Listen(folder)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

func names(t *testing.T, folder string) string {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return strings.Join(all, " ")
}

func TestTheSocketIsClosedToOthers(t *testing.T) {
	folder := t.TempDir()
	open(t, folder)
	info, err := os.Stat(filepath.Join(folder, Socket))
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode() != fs.ModeSocket|0o600 {
		t.Errorf("its mode is %s", info.Mode())
	}
	if got := names(t, folder); got != Socket {
		t.Errorf("the folder holds %s", got)
	}
}

func TestAClosedListenerLeavesNothingBehindAndMayBeClosedAgain(t *testing.T) {
	folder := t.TempDir()
	l := open(t, folder)
	for range 2 {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
	if got := names(t, folder); got != "" {
		t.Errorf("the folder holds %s", got)
	}
}

func TestAFolderMayBeGoneWhenTheListenerIsClosed(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "data")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	l := open(t, folder)
	if err := os.RemoveAll(folder); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}

// dead leaves what a node leaves that was killed at its worst moments.
func dead(t *testing.T, folder string) {
	t.Helper()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(folder, Socket), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(folder, nursery), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, nursery, Socket), nil, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestWhatAKilledNodeLeftIsReplaced(t *testing.T) {
	folder := t.TempDir()
	dead(t, folder)
	n := running(t, &book{}, folder)
	if _, err := Dial(folder).List(t.Context()); err != nil {
		t.Error(err)
	}
	n.wantAsked(t, "[list]")
	if got := names(t, folder); got != Socket {
		t.Errorf("the folder holds %s", got)
	}
}

func TestAPathThatIsTooLongForAnAddressWorks(t *testing.T) {
	folder := filepath.Join(t.TempDir(), strings.Repeat("long/", 30))
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	n := running(t, &book{}, folder)
	if _, err := Dial(folder).List(t.Context()); err != nil {
		t.Error(err)
	}
	if err := n.stop(); err != nil {
		t.Error(err)
	}
	if got := names(t, folder); got != "" {
		t.Errorf("the folder holds %s", got)
	}
}

// The last path that fits, and the first that does not.
func TestAPathAtTheBoundWorks(t *testing.T) {
	base := t.TempDir()
	for _, length := range []int{maxAddress, maxAddress + 1} {
		pad := length - len(filepath.Join(base, "x", Socket)) + 1
		if pad < 1 {
			t.Skip("the temporary folder's path is too long itself")
		}
		folder := filepath.Join(base, strings.Repeat("x", pad))
		if err := os.Mkdir(folder, 0o700); err != nil {
			t.Fatal(err)
		}
		running(t, &book{}, folder)
		if _, err := Dial(folder).List(t.Context()); err != nil {
			t.Errorf("%d bytes: %v", length, err)
		}
	}
}

func TestAFolderThatIsNotThereIsAnError(t *testing.T) {
	_, err := Listen(filepath.Join(t.TempDir(), "none"))
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

func TestWhatStandsInTheSocketsPlaceIsLeftThere(t *testing.T) {
	folder := t.TempDir()
	if err := os.Mkdir(filepath.Join(folder, Socket), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(folder); err == nil {
		t.Error("a folder was replaced by the socket")
	}
	if got := names(t, folder); got != Socket {
		t.Errorf("the folder holds %s", got)
	}
}
