package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"

	"chatnode/node"
	"chatnode/node/config"
)

type serveCmd struct {
	File string `arg:"" optional:"" help:"The configuration; without one, the defaults, with the data in ./data."`
}

// Help is shown by --help.
func (serveCmd) Help() string {
	return `It says "Server is on" on standard output when it listens. SIGINT or SIGTERM stop it in order, a second one without waiting for slow clients.
SIGHUP makes it open its log file anew and read its configuration again; chatnode check shows which keys that can change.

Examples:

  chatnode serve chatnode.toml
  chatnode chatnode.toml
  chatnode serve`
}

// Run runs the node until it is told to stop.
func (c *serveCmd) Run(s streams) error {
	v, err := c.service()
	if err != nil {
		return err
	}
	return serve(s, v)
}

func (c *serveCmd) service() (service, error) {
	if c.File == "" {
		return service{cfg: config.Default()}, nil
	}
	cfg, err := load(c.File)
	if err != nil {
		return service{}, err
	}
	path, err := filepath.Abs(c.File)
	if err != nil {
		return service{}, fmt.Errorf("find the configuration: %w", err)
	}
	return service{cfg: cfg, file: path}, nil
}

// service is what serve runs.
type service struct {
	cfg  config.Config
	file string // where cfg came from and SIGHUP reads it again; "" for nowhere

	unthrottled, namedByPeers bool // see node.Options
}

// serve runs a node until a signal ends it, or the node fails. Until it listens it logs nothing, so that an error at the
// start is all there is to read.
func serve(s streams, v service) (err error) {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer signal.Stop(signals)
	signal.Ignore(syscall.SIGPIPE) // whoever read standard output may go

	log, reopenLog, closeLog, err := openLog(v.cfg.Log, s.stderr)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeLog()) }()
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	now, err := clock(os.Getenv(clockVariable))
	if err != nil {
		return err
	}
	n, err := node.New(ctx, v.cfg, node.Options{Log: log, Unthrottled: v.unthrottled, NamedByPeers: v.namedByPeers, Now: now})
	if err != nil {
		return advise(err)
	}
	if err := s.print("Server is on\n"); err != nil {
		log.Warn("standard output takes nothing", "error", err)
	}
	all := n.Addresses()
	log.Info("listening", "addresses", all["chat"], "data", v.cfg.Data, "version", version)
	for _, tongue := range slices.Sorted(maps.Keys(all)) {
		if tongue != "chat" {
			log.Info("listening", "tongue", tongue, "addresses", all[tongue])
		}
	}

	c := control{v, log, reopenLog, n, stop}
	ended, handled := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(handled)
		c.obey(signals, ended)
	}()
	err = n.Run(ctx)
	close(ended)
	<-handled
	return err
}

// advise adds to an error of the start what to do, where it does not say so itself.
func advise(err error) error {
	if errors.Is(err, node.ErrInUse) {
		return fmt.Errorf("%w: stop that one first, or give this one a folder of its own", err)
	}
	return err
}

// control does to a node what signals say.
type control struct {
	service
	log       hclog.Logger
	reopenLog func() error
	node      *node.Node
	stop      func()
}

// obey does what signals say until the node has ended.
func (c *control) obey(signals <-chan os.Signal, ended <-chan struct{}) {
	told := 0
	for {
		select {
		case <-ended:
			return
		case s := <-signals:
			if s == syscall.SIGHUP {
				c.reload()
				continue
			}
			told++
			c.end(s, told)
		}
	}
}

// end stops the node in order the first time, at once the second time, and leaves the third to the system.
func (c *control) end(s os.Signal, told int) {
	if told == 1 {
		c.log.Info("told to stop: a second signal will not wait for clients", "signal", s)
		c.stop()
		return
	}
	c.log.Warn("told to stop at once: a third signal kills", "signal", s)
	signal.Reset(os.Interrupt, syscall.SIGTERM)
	c.node.Abort()
}

// reload opens the log file anew, and reads the configuration again; it goes on with the old one if the new one is bad.
func (c *control) reload() {
	if err := c.reopenLog(); err != nil {
		c.log.Error("going on in the old log file", "error", err)
	}
	if c.file == "" {
		c.log.Warn("nothing to reload: the node was started without a configuration file")
		return
	}
	cfg, err := load(c.file)
	if err != nil {
		for problem := range strings.Lines(err.Error()) {
			c.log.Error("the configuration is bad, going on with the old one", "problem", strings.TrimSpace(problem))
		}
		return
	}
	for _, key := range c.node.Reload(cfg) {
		c.log.Warn("a changed key needs a restart", "key", key)
	}
	c.log.Info("configuration reloaded", "file", c.file)
}

// clockVariable moves the node's clock, as in "1h" or "-1h": for tests of what a wrong clock does.
const clockVariable = "CHATNODE_CLOCK_OFFSET"

// clock is the clock that the variable asks for; nil: the machine's.
func clock(offset string) (func() time.Time, error) {
	if offset == "" {
		return nil, nil
	}
	d, err := time.ParseDuration(offset)
	if err != nil {
		return nil, usageError(clockVariable + " is no duration: " + offset)
	}
	return func() time.Time { return time.Now().Add(d) }, nil
}
