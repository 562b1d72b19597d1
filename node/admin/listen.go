package admin

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"sync"
)

// maxAddress is how many bytes of a path the address of a Unix socket holds.
const maxAddress = 107

// nursery is the folder, in the data folder, in which a socket is born.
const nursery = "admin.new"

// Listen opens the operators' socket in the data folder, in place of one that a killed node left there. The caller holds
// the folder's lock. Nobody but its user can ever connect: the socket is made in a folder that is closed to others, and
// moved to its place once it is closed to them itself (the umask would do too, but is the whole process's). The listener
// removes the socket when it is closed, which may be more than once.
func Listen(folder string) (net.Listener, error) {
	l, err := listen(folder)
	if err != nil {
		return nil, fmt.Errorf("open the operators' socket: %w", err)
	}
	return l, nil
}

func listen(folder string) (l *listener, err error) {
	born := filepath.Join(folder, nursery)
	if err := os.RemoveAll(born); err != nil {
		return nil, err
	}
	if err := os.Mkdir(born, 0o700); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(born)) }()
	l = &listener{path: filepath.Join(folder, Socket)}
	err = withAddress(born, func(address string) error {
		l.UnixListener, err = net.ListenUnix("unix", &net.UnixAddr{Name: address, Net: "unix"})
		return err
	})
	if err != nil {
		return nil, err
	}
	l.SetUnlinkOnClose(false) // its name is about to change
	path := filepath.Join(born, Socket)
	if err = os.Chmod(path, 0o600); err == nil {
		err = os.Rename(path, l.path)
	}
	if err != nil {
		return nil, errors.Join(err, l.UnixListener.Close())
	}
	return l, nil
}

// withAddress calls use with an address of the socket in a folder. Where its path is too long for one, the address goes
// through the opened folder, and is good only until use returns. That needs Linux.
func withAddress(folder string, use func(address string) error) error {
	path := filepath.Join(folder, Socket)
	if len(path) <= maxAddress {
		return use(path)
	}
	f, err := os.Open(folder)
	if err != nil {
		return err
	}
	err = use(fmt.Sprintf("/proc/self/fd/%d/%s", f.Fd(), Socket))
	return errors.Join(err, f.Close())
}

// listener is a Unix socket's that removes the socket when it is closed. Both the server and its owner close it.
type listener struct {
	*net.UnixListener
	path string

	once   sync.Once
	closed error // what the first Close returned
}

// Close stops listening and removes the socket, once; later calls return what the first did.
func (l *listener) Close() error {
	l.once.Do(func() {
		l.closed = l.UnixListener.Close()
		if err := os.Remove(l.path); !errors.Is(err, fs.ErrNotExist) {
			l.closed = errors.Join(l.closed, err)
		}
	})
	return l.closed
}
