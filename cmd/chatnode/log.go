package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"chatnode/node/config"
)

// openLog returns the log that a configuration asks for, on stderr unless it names a file; what opens that anew, as after
// it was moved away; and what closes it. The file goes on where it ended, and is its owner's to read.
func openLog(c config.Log, stderr io.Writer) (log hclog.Logger, reopen, closeLog func() error, err error) {
	if c.File == "" {
		nothing := func() error { return nil }
		return newLog(stderr, c.Level, c.Format), nothing, nothing, nil
	}
	f := &logFile{path: c.File}
	if err := f.reopen(); err != nil {
		return nil, nil, nil, err
	}
	return newLog(f, c.Level, c.Format), f.reopen, f.close, nil
}

// logFile is a log that can be moved away while it is written.
type logFile struct {
	path string

	mu   sync.Mutex
	file *os.File // guarded by mu
}

// Write implements io.Writer.
func (f *logFile) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.file.Write(p)
}

// reopen goes on in the file that is at the path now. After an error it goes on in the old one.
func (f *logFile) reopen() error {
	next, err := os.OpenFile(f.path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("the log file cannot be opened (%w): check log.file, its folder and the rights there", err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	old := f.file
	if f.file = next; old == nil {
		return nil
	}
	return old.Close()
}

func (f *logFile) close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.file.Close()
}

func newLog(w io.Writer, level config.Level, format config.Format) hclog.Logger {
	return hclog.New(&hclog.LoggerOptions{
		Name:       "chatnode",
		Level:      hclog.LevelFromString(string(level)),
		Output:     w,
		JSONFormat: format == config.FormatJSON,
		TimeFn:     func() time.Time { return time.Now().UTC() },
		TimeFormat: "2006-01-02T15:04:05.000Z07:00",
	})
}
