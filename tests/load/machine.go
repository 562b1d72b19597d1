package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// machine is what the figures were taken on.
type machine struct {
	CPU    string  `json:"cpu"`
	Cores  int     `json:"cores"`
	Kernel string  `json:"kernel"`
	Go     string  `json:"go"`
	Load   float64 `json:"load"` // at the start, of the last minute
}

// thisMachine leaves out what the system does not tell.
func thisMachine() machine {
	m := machine{Cores: runtime.NumCPU(), Go: runtime.Version()}
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		_, after, _ := strings.Cut(string(text), "model name")
		line, _, _ := strings.Cut(after, "\n")
		m.CPU = strings.TrimLeft(line, "\t :")
	}
	if text, err := os.ReadFile("/proc/loadavg"); err == nil {
		first, _, _ := strings.Cut(string(text), " ")
		m.Load, _ = strconv.ParseFloat(first, 64) // 0 tells nothing
	}
	var name unix.Utsname
	if unix.Uname(&name) == nil {
		m.Kernel = string(name.Release[:bytes.IndexByte(name.Release[:], 0)])
	}
	return m
}

func (m machine) String() string {
	return fmt.Sprintf("%d cores (%s), Linux %s, %s, load %.1f", m.Cores, m.CPU, m.Kernel, m.Go, m.Load)
}

// cores is where the server runs and where the load does.
type cores struct{ server, load unix.CPUSet }

// splitCores gives the server the last core that is allowed, and the load the others. It returns nil where there is one.
func splitCores() (*cores, error) {
	var allowed unix.CPUSet
	if err := unix.SchedGetaffinity(0, &allowed); err != nil {
		return nil, err
	}
	if allowed.Count() < 2 {
		return nil, nil
	}
	c := &cores{load: allowed}
	last := 0
	for i := range len(allowed) * strconv.IntSize {
		if allowed.IsSet(i) {
			last = i
		}
	}
	c.server.Set(last)
	c.load.Clear(last)
	return c, nil
}

// keepTo has all threads of this process run on a set of cores.
func keepTo(set *unix.CPUSet) error {
	done := map[string]bool{}
	for before := -1; before != len(done); { // a thread that was made meanwhile has its maker's set
		before = len(done)
		threads, err := filepath.Glob("/proc/self/task/*")
		if err != nil {
			return err
		}
		for _, t := range threads {
			id, err := strconv.Atoi(filepath.Base(t))
			if err == nil {
				err = unix.SchedSetaffinity(id, set)
			}
			if err != nil && !errors.Is(err, unix.ESRCH) {
				return fmt.Errorf("choose a core: %w", err)
			}
			done[t] = true
		}
	}
	runtime.GOMAXPROCS(set.Count())
	return nil
}

// apart runs f with this process on the load's cores.
func (c *cores) apart(f func() error) error {
	if c == nil {
		return f()
	}
	all := c.load
	for i := range len(all) * strconv.IntSize {
		if c.server.IsSet(i) {
			all.Set(i)
		}
	}
	if err := keepTo(&c.load); err != nil {
		return err
	}
	return errors.Join(f(), keepTo(&all))
}

// start starts a program on the server's core.
func (c *cores) start(cmd *exec.Cmd) error {
	if c == nil {
		return cmd.Start()
	}
	runtime.LockOSThread() // a child has the cores of the thread that makes it
	defer runtime.UnlockOSThread()
	if err := unix.SchedSetaffinity(0, &c.server); err != nil {
		return fmt.Errorf("choose a core: %w", err)
	}
	return errors.Join(cmd.Start(), unix.SchedSetaffinity(0, &c.load))
}

// spareFiles are those that a process has open besides its connections.
const spareFiles = 200

// openFiles raises the limit of open files for this process and the servers that it starts, as far as it may and at most
// to what is asked for. It returns the number of connections that this allows.
func openFiles(connections int) (int, error) {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return 0, err
	}
	want := unix.Rlimit{Cur: uint64(connections + spareFiles), Max: max(limit.Max, uint64(connections+spareFiles))}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &want); err != nil {
		want = unix.Rlimit{Cur: min(limit.Max, want.Cur), Max: limit.Max}
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &want); err != nil {
			return 0, err
		}
	}
	return int(want.Cur) - spareFiles, nil
}

// fsyncs measures how long the disk takes to store 4 KiB: the sorted times.
func fsyncs(folder string, times int) (took []time.Duration, err error) {
	f, err := os.CreateTemp(folder, "fsync-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	page := bytes.Repeat([]byte("x"), 4096)
	for range times {
		began := time.Now()
		if _, err := f.Write(page); err != nil {
			return nil, err
		}
		if err := f.Sync(); err != nil {
			return nil, err
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	return took, nil
}

// percentile is of sorted times.
func percentile(sorted []time.Duration, percent float64) time.Duration {
	return sorted[min(len(sorted)-1, int(float64(len(sorted))*percent/100))]
}
