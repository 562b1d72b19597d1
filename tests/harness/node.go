package harness

import (
	"context"
	"path/filepath"
	"sync"
	"testing"

	"github.com/hashicorp/go-hclog"

	"chatnode/node"
	"chatnode/node/config"
)

// Node is a node in the test's own process.
type Node struct {
	*node.Node
	t      testing.TB
	Config config.Config
	Log    *Log
	Panics bool // the test provokes them
	stop   context.CancelFunc
	ended  chan error
	once   sync.Once
}

// Config is the configuration of a test's node: quick hashes, no limit of commands, and a data folder of its own.
func Config(t testing.TB) config.Config {
	c := config.Default()
	c.Host = "a.test"
	c.Data = filepath.Join(t.TempDir(), "data")
	c.Listen.Chat = config.Addresses{"127.0.0.1:0"}
	c.Accounts.BcryptCost = 4
	c.Limits.CommandsPerS = 0
	c.Store.Durability = config.Process
	return c
}

// Start runs a node until the end of the test, with a configuration that the changes have gone over. Its log must be
// free of panics.
func Start(t testing.TB, changes ...func(*config.Config)) *Node {
	t.Helper()
	c := Config(t)
	for _, change := range changes {
		change(&c)
	}
	return StartWith(t, c)
}

// StartWith runs a node with a configuration.
func StartWith(t testing.TB, c config.Config) *Node {
	t.Helper()
	return start(t, c, node.Options{Unthrottled: true})
}

// StartThrottled is Start with a node that slows down those who guess passwords.
func StartThrottled(t testing.TB) *Node {
	t.Helper()
	return start(t, Config(t), node.Options{})
}

func start(t testing.TB, c config.Config, o node.Options) *Node {
	t.Helper()
	n := &Node{t: t, Config: c, Log: &Log{}, ended: make(chan error, 1)}
	o.Log = hclog.New(&hclog.LoggerOptions{Name: "node", Level: hclog.Trace, Output: n.Log})
	var err error
	if n.Node, err = node.New(context.Background(), c, o); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	n.stop = cancel
	go func() { n.ended <- n.Run(ctx) }()
	t.Cleanup(n.Stop)
	return n
}

// Stop ends the node in order.
func (n *Node) Stop() {
	n.once.Do(func() {
		n.stop()
		if err := <-n.ended; err != nil {
			n.t.Errorf("the node ended with: %v", err)
		}
		if !n.Panics && n.Log.Contains("panic") {
			n.t.Errorf("something panicked:\n%s", n.Log)
		}
	})
}

// Again stops the node and starts it anew on the same data.
func (n *Node) Again() *Node {
	n.t.Helper()
	n.Stop()
	return StartWith(n.t, n.Config)
}

// Connect dials the node.
func (n *Node) Connect() *Client {
	n.t.Helper()
	return Dial(n.t, n.Address("chat"))
}

// Login connects, registers if need be, switches capabilities on, and logs in.
func (n *Node) Login(name string, caps ...string) *Client {
	n.t.Helper()
	return n.Connect().Enter(name, caps...)
}

// AddAdmin makes an account of an operator of the node, who may be running.
func (n *Node) AddAdmin(name, password string) {
	n.t.Helper()
	ctx := context.Background()
	accounts, done, err := node.OpenAccounts(ctx, n.Config, hclog.NewNullLogger())
	if err != nil {
		n.t.Fatal(err)
	}
	if err := accounts.Add(ctx, name, password, true); err != nil {
		n.t.Error(err)
	}
	if err := done(); err != nil {
		n.t.Error(err)
	}
}

// Address is where a tongue is spoken: "chat", or the key of a gateway.
func (n *Node) Address(tongue string) string {
	n.t.Helper()
	all := n.Addresses()[tongue]
	if len(all) == 0 {
		n.t.Fatalf("nobody speaks %s", tongue)
	}
	return all[0]
}

// Gateways switches every tongue on, on free ports.
func Gateways(c *config.Config) {
	for _, address := range []*string{&c.Gateways.CSP, &c.Gateways.A3, &c.Gateways.BCP, &c.Gateways.Proofchat} {
		*address = "127.0.0.1:0"
	}
}
