// Package node is one running node: its data folder, its store, its listeners and their connections, from start to stop.
package node

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
	"golang.org/x/sync/errgroup"

	"chatnode/auth"
	"chatnode/channels"
	"chatnode/federation"
	"chatnode/node/admin"
	"chatnode/node/config"
	"chatnode/node/session"
	"chatnode/protocols/native"
	"chatnode/store"
)

// Options is what a node is told beside its configuration.
type Options struct {
	Log hclog.Logger
	// Unthrottled switches off what slows down those who guess passwords: for the original command line, which test
	// programs use with many wrong passwords from one address.
	Unthrottled bool
	// NamedByPeers: the node is known by the address that each peer dials, as in the original command line.
	NamedByPeers bool
	// Now is the node's clock; nil: time.Now. Messages, incarnations and what waits have their times from it.
	Now func() time.Time
}

// Node is a node that has its folder, its database and its addresses, and serves while Run runs.
type Node struct {
	// static
	log       hclog.Logger
	folder    *folder
	store     *store.Store
	hub       *channels.Hub
	auth      *auth.Service
	sessions  *session.Server
	links     *federation.Service
	listeners []*listener
	admin     net.Listener
	abort     chan struct{}
	abortOnce sync.Once

	connections connections
	serving     sync.WaitGroup // one for each connection

	config   atomic.Pointer[config.Config]
	settings atomic.Pointer[session.Settings] // what config means to sessions
}

// New opens all that a node needs, or nothing: the data folder and its lock, the database, and every listener, so that
// whoever connects from now on is served once Run runs. Its errors are for the operator. It starts no goroutine.
func New(ctx context.Context, cfg config.Config, o Options) (n *Node, err error) {
	n = &Node{log: o.Log, abort: make(chan struct{})}
	n.configure(&cfg)
	defer func() {
		if err != nil {
			err = errors.Join(err, n.close())
		}
	}()
	if n.folder, err = openFolder(cfg.Data); err != nil {
		return n, err
	}
	if n.store, err = openStore(ctx, n.folder, cfg, o); err != nil {
		return n, err
	}
	names, err := n.store.ChannelNames(ctx)
	if err != nil {
		return n, err
	}
	n.hub = channels.NewHub(names, int(cfg.Store.TailBytes))
	n.auth = auth.New(n.store, auth.Options{Cost: cfg.Accounts.BcryptCost, Throttle: !o.Unthrottled})
	n.sessions = &session.Server{
		Host:     cfg.Host,
		Hub:      n.hub,
		Submit:   n.store.Submit,
		Log:      n.store,
		Auth:     n.auth,
		Settings: n.settings.Load,
		Logger:   o.Log,
	}
	n.sessions.Init()
	if err := n.listen(); err != nil {
		return n, err
	}
	n.links = n.federation(cfg, o)
	n.sessions.Remote = n.links
	list, err := readPeers(cfg)
	if err != nil {
		return n, err
	}
	return n, n.links.Init(ctx, list)
}

func openStore(ctx context.Context, f *folder, cfg config.Config, o Options) (*store.Store, error) {
	durability := store.Durability(cfg.Store.Durability)
	if f.temporary {
		durability = store.Process // nothing in it outlives the process
	}
	return store.Open(ctx, store.Options{Folder: f.path, Durability: durability, Log: o.Log.Named("store"), Now: o.Now})
}

// listen opens the listeners. What a tongue needs is its addresses and itself.
func (n *Node) listen() (err error) {
	c := n.config.Load()
	open := func(name, address string, t session.Tongue) error {
		l, err := newListener(name, address, t)
		if err == nil {
			n.listeners = append(n.listeners, l)
		}
		return err
	}
	for _, address := range c.Listen.Chat {
		err := open("chat", address, native.Protocol{LineBytes: c.Limits.LineBytes, IsLink: federation.IsFederateOut, Link: func(s *session.Session) string { return n.links.Accept(s) }})
		if err != nil {
			return err
		}
	}
	for _, g := range gateways(c.Gateways) {
		if g.address == "" {
			continue
		}
		if err := open(g.name, g.address, g.tongue); err != nil {
			return err
		}
	}
	n.admin, err = admin.Listen(n.folder.path)
	return err
}

// Addresses returns where the node listens, by tongue, with the ports that were free: "chat" is the native one, the others
// are called as their keys in the configuration.
func (n *Node) Addresses() map[string][]string {
	all := map[string][]string{}
	for _, l := range n.listeners {
		all[l.name] = append(all[l.name], l.Addr().String())
	}
	return all
}

// Run serves until ctx ends, or the store fails. Then it stops in order: no new connections; the commands in hand; what
// is owed is written, for the configured grace at the most or until Abort; the last commit; the database is closed. It
// returns nil only when every goroutine that it started has ended and the end was in order.
func (n *Node) Run(ctx context.Context) error {
	serving, stopServing := context.WithCancel(ctx)
	defer stopServing()
	background, stopBackground := context.WithCancel(context.Background())
	defer stopBackground()

	var running errgroup.Group
	running.Go(func() error {
		defer stopServing() // with a store that failed nothing can go on
		return n.store.Run(background, n.hub.Deliver)
	})
	running.Go(func() error { return n.sessions.Run(background) })
	running.Go(func() error { return n.links.Run(serving) })
	n.openLobby()
	var accepting errgroup.Group
	for _, l := range n.listeners {
		accepting.Go(func() error { return n.accept(serving, l) })
	}
	accepting.Go(func() error { return n.serveAdmin(serving) })
	accepting.Go(func() error { return n.housekeeping(serving) })
	accepting.Go(func() error { n.links.Recover(serving); return nil })

	<-serving.Done()
	n.log.Info("stopping", "sessions", n.sessions.Sessions())
	err := errors.Join(n.closeListeners(), accepting.Wait())
	n.stopSessions()
	n.serving.Wait()
	stopBackground()
	err = errors.Join(err, running.Wait(), n.close())
	n.log.Info("stopped", "ended", n.sessions.Ended())
	return err
}

// stopSessions ends all sessions, patiently while the store works.
func (n *Node) stopSessions() {
	patience, impatient := context.WithTimeout(context.Background(), time.Duration(n.config.Load().Limits.Grace))
	defer impatient()
	done := make(chan struct{})
	go func() {
		defer impatient()
		select {
		case <-n.abort:
		case <-n.store.Stopped():
			n.sessions.EndAll(session.WordFailed)
		case <-done:
		}
	}()
	n.sessions.Stop(patience)
	close(done)
	<-patience.Done()
}

// Abort makes a stop in hand impatient: what is owed to clients is not waited for any more. The database is closed in
// order all the same.
func (n *Node) Abort() { n.abortOnce.Do(func() { close(n.abort) }) }

// closeListeners closes what is not closed yet.
func (n *Node) closeListeners() error {
	all := make([]net.Listener, 0, len(n.listeners)+1)
	for _, l := range n.listeners {
		all = append(all, l)
	}
	if n.admin != nil {
		all = append(all, n.admin)
	}
	var errs []error
	for _, l := range all {
		if err := l.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			errs = append(errs, fmt.Errorf("stop listening: %w", err))
		}
	}
	return errors.Join(errs...)
}

// close gives back all that New opened.
func (n *Node) close() error {
	err := n.closeListeners()
	if n.store != nil {
		err = errors.Join(err, n.store.Close())
	}
	if n.folder != nil {
		err = errors.Join(err, n.folder.close())
	}
	return err
}

// Ended returns how many connections have ended under each word.
func (n *Node) Ended() map[string]uint64 { return n.sessions.Ended() }

// Sessions returns how many connections are open.
func (n *Node) Sessions() int { return n.sessions.Sessions() }

// configure makes a configuration the node's: new sessions are bound to it.
func (n *Node) configure(c *config.Config) {
	n.config.Store(c)
	n.settings.Store(&session.Settings{
		LineBytes:    c.Limits.LineBytes,
		ReplyBytes:   c.Limits.ReplyBytes,
		CommandsPerS: float64(c.Limits.CommandsPerS),
		CommandBurst: c.Limits.CommandBurst,
		LoginTimeout: time.Duration(c.Limits.LoginTimeout),
		IdleTimeout:  time.Duration(c.Limits.IdleTimeout),
		StallTimeout: time.Duration(c.Limits.StallTimeout),
		Replay:       c.Limits.Replay,
		Unterminated: time.Duration(c.Compat.Unterminated),
		MaxSessions:  c.Accounts.MaxSessions,
		Registration: c.Accounts.Registration == config.Open,
	})
}

// Reload takes over what can change while the node runs, and returns the keys that cannot and differ.
func (n *Node) Reload(loaded config.Config) (refused []string) {
	next, refused := config.Reload(*n.config.Load(), loaded)
	n.configure(&next)
	n.hub.SetTailBytes(int(next.Store.TailBytes))
	if list, err := readPeers(next); err != nil {
		n.log.Error("the peers file cannot be read, the one before is kept", "error", err)
	} else {
		n.links.Reload(list)
	}
	n.auth.SetCost(next.Accounts.BcryptCost)
	n.log.SetLevel(hclog.LevelFromString(string(next.Log.Level)))
	return refused
}

// How often the node looks after itself.
const (
	heardEvery = 10 * time.Second
	pruneEvery = time.Minute
)

// housekeeping tells the store what was heard and who has gone, and removes what retention lets go.
func (n *Node) housekeeping(ctx context.Context) error {
	heard, prune := time.NewTicker(heardEvery), time.NewTicker(pruneEvery)
	defer heard.Stop()
	defer prune.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-heard.C:
			n.sessions.SaveHeard()
			n.sessions.FinishDepartures()
		case <-prune.C:
			n.prune(ctx)
		}
	}
}

func (n *Node) prune(ctx context.Context) {
	c := n.config.Load()
	removed, err := n.store.Prune(ctx, store.Retention{Age: time.Duration(c.Store.Retention), Bytes: c.Store.RetentionBytes})
	if removed > 0 {
		n.log.Info("messages removed from the disk", "messages", removed)
	}
	if err == nil {
		err = n.store.Forget(ctx, time.Duration(c.Federation.QueueTTL))
	}
	if err != nil && ctx.Err() == nil {
		n.log.Error("what is kept no more cannot be removed from the disk", "error", err)
	}
}
