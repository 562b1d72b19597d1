package node

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"chatnode/node/config"
)

// lockFile stands in the data folder and is locked by the process that writes there.
const lockFile = "lock"

// ErrInUse says that another process has the data folder.
var ErrInUse = errors.New("in use by another chatnode")

// folder is the data folder, and the lock on it.
type folder struct {
	path      string
	temporary bool // removed at the end
	lock      *os.File
}

// openFolder makes the folder, if need be, and locks it. The lock ends with the process, however that ends.
func openFolder(data string) (*folder, error) {
	f := &folder{path: data, temporary: data == config.Memory}
	var err error
	if f.temporary {
		f.path, err = os.MkdirTemp("", "chatnode-")
	} else {
		err = os.MkdirAll(f.path, 0o700)
	}
	if err != nil {
		return nil, fmt.Errorf("make the data folder: %w", err)
	}
	path := filepath.Join(f.path, lockFile)
	if f.lock, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600); err != nil {
		return nil, fmt.Errorf("lock the data folder: %w", err)
	}
	err = syscall.Flock(int(f.lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		owner := holder(f.lock)
		return nil, errors.Join(fmt.Errorf("data folder %s: %w%s", f.path, ErrInUse, owner), f.lock.Close())
	}
	if err == nil {
		err = f.sign()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), f.lock.Close())
	}
	return f, nil
}

// sign writes who holds the lock into it, for the next one's error.
func (f *folder) sign() error {
	if err := f.lock.Truncate(0); err != nil {
		return err
	}
	_, err := f.lock.WriteAt(fmt.Appendln(nil, os.Getpid()), 0)
	return err
}

func holder(lock *os.File) string {
	text := make([]byte, 32)
	n, err := lock.ReadAt(text, 0)
	if n == 0 {
		_ = err // who holds it is only a help
		return ""
	}
	return " (process " + strings.TrimSpace(string(text[:n])) + ")"
}

// close unlocks the folder, and removes a temporary one.
func (f *folder) close() error {
	err := f.lock.Close()
	if f.temporary {
		err = errors.Join(err, os.RemoveAll(f.path))
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("leave the data folder: %w", err)
	}
	return nil
}
