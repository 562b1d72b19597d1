package node_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"go.uber.org/goleak"

	"chatnode/channels"
	"chatnode/node"
	"chatnode/node/config"
	"chatnode/store"
	"chatnode/tests/harness"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestAFullDiskRefusesEverySayAndTheNodeRecovers(t *testing.T) {
	n := harness.Start(t, func(c *config.Config) { c.Store.Durability = config.Power })
	bob, eve := n.Login("bob", "tags"), n.Login("eve")
	bob.Ask("CREATE go", "RESULT CREATE go 1")
	bob.Ask("JOIN go", "RESULT JOIN go 1")
	eve.Ask("JOIN go", "RESULT JOIN go 1")
	if err := n.Store().SetMaxPages(1); err != nil { // SQLite takes what the database has already
		t.Fatal(err)
	}
	text := strings.Repeat("x", 60000)
	heard, refused := 0, 0
	for refused < 20 {
		bob.Send("SAY go " + text)
		switch line := bob.Line(); {
		case strings.HasSuffix(line, " RECV bob go "+text):
			heard++
		case line == "@err=unavailable RESULT SAY go 0":
			refused++
		default:
			t.Fatalf("got %.80q", line)
		}
	}
	bob.Ask("WHISPER eve "+text, "@err=unavailable RESULT WHISPER eve 0")
	if got := len(eve.Drain()); got != heard {
		t.Errorf("eve heard %d messages, %d were stored", got, heard)
	}
	if !n.Store().Degraded() {
		t.Error("the store does not say that it refuses")
	}
	if err := n.Store().SetMaxPages(1 << 30); err != nil {
		t.Fatal(err)
	}
	bob.Send("SAY go room again")
	bob.Match(fmt.Sprintf(`@seq=%d;\S+ RECV bob go room again`, heard+1))
	eve.Expect("RECV bob go room again")
}

func TestWhatRetentionRemovedIsSaid(t *testing.T) {
	n := harness.Start(t, func(c *config.Config) { c.Store.TailBytes = 1 << 20 })
	bob, eve := n.Login("bob"), n.Login("eve")
	bob.Ask("CREATE go", "RESULT CREATE go 1")
	bob.Ask("JOIN go", "RESULT JOIN go 1")
	eve.Ask("JOIN go", "RESULT JOIN go 1")
	eve.Close()
	for i := range 20 {
		bob.Ask(fmt.Sprint("SAY go ", i), fmt.Sprint("RECV bob go ", i))
	}
	if _, err := n.Store().Prune(context.Background(), store.Retention{Bytes: 5 * (64 + 2)}); err != nil {
		t.Fatal(err)
	}
	n = n.Again() // what is still in memory is not gone
	bob, eve = n.Login("bob"), n.Login("eve", "replay")
	eve.Match(`@seq=16;id=\S+;time=[^;]+;gap=1 RECV bob go 15`)
	eve.Match(`@seq=17;id=\S+;time=[^; ]+ RECV bob go 16`)
	bob.Send("HISTORY go limit=10")
	bob.Expect("RESULT HISTORY go 5")
	bob.Match(`@seq=16;id=\S+;time=[^;]+;gap=1 RECV bob go 15`)
	bob.Match(`@seq=17;id=\S+;time=[^; ]+ RECV bob go 16`)
	bob.Drain()
	bob.Send("HISTORY go after=17 limit=1")
	bob.Expect("RESULT HISTORY go 1")
	bob.Match(`@seq=18;id=\S+;time=[^; ]+ RECV bob go 17`)
	bob.Send("HISTORY go before=5 limit=1")
	bob.Expect("RESULT HISTORY go 0")
}

func TestReloadAppliesWhatItCanAndNamesTheRest(t *testing.T) {
	n := harness.Start(t)
	next := n.Config
	next.Accounts.Registration = config.Closed
	next.Limits.LineBytes = 1000
	next.Host = "b.test"
	if refused := n.Reload(next); len(refused) != 1 || refused[0] != "host" {
		t.Errorf("refused %v, want host alone", refused)
	}
	c := n.Connect()
	c.Ask("CAPS tags", "RESULT CAPS tags")
	c.Ask("REGISTER bob pw", "@err=registration-closed RESULT REGISTER 0")
	c.Ask("SAY go "+strings.Repeat("x", 1000), "@err=too-long RESULT UNKNOWN 0")
}

func TestStartUpErrorsAreOneClearLineAndLeaveNothingOpen(t *testing.T) {
	n := harness.Start(t)
	peers := filepath.Join(t.TempDir(), "peers.txt")
	if err := os.WriteFile(peers, []byte("nobody\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(*config.Config)
		says   string
	}{
		"busy port": {func(c *config.Config) { c.Listen.Chat = config.Addresses{"127.0.0.1:0", n.Addresses()["chat"][0]} }, "in use by another program"},
		"in use":    {func(c *config.Config) { c.Data = n.Config.Data }, "in use by another chatnode (process "},
		"bad path":  {func(c *config.Config) { c.Data = "/dev/null/data" }, "make the data folder"},
		"bad peers": {func(c *config.Config) { c.Federation.Peers = peers }, peers + `:1: "nobody" is not host:port`},
		"no peers":  {func(c *config.Config) { c.Federation.Peers = peers + "x" }, "read the peers file (make it, or set federation.peers"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := harness.Config(t)
			c.change(&cfg)
			for range 2 { // the second time shows that the first left nothing open
				_, err := node.New(context.Background(), cfg, node.Options{Log: hclog.NewNullLogger()})
				if err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "\n") {
					t.Errorf("got %v, want one line with %q", err, c.says)
				}
			}
		})
	}
}

func TestOperatorsEndTheSessionsOfAnAccount(t *testing.T) {
	n := harness.Start(t)
	ctx := context.Background()
	accounts, done, err := node.OpenAccounts(ctx, n.Config, hclog.NewNullLogger())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := done(); err != nil {
			t.Error(err)
		}
	}()
	for name, end := range map[string]func(name string) error{
		"delete":  func(name string) error { return accounts.Delete(ctx, name) },
		"disable": func(name string) error { return accounts.SetDisabled(ctx, name, true) },
		"passwd":  func(name string) error { return accounts.SetPassword(ctx, name, "new") },
	} {
		c := n.Login(name)
		if err := end(name); err != nil {
			t.Fatal(err)
		}
		c.ExpectClosed()
		n.Connect().Ask("LOGIN "+name+" pw", "RESULT LOGIN 0")
	}
	if err := accounts.Add(ctx, "disable", "pw", false); channels.WordOf(err) != channels.NameTaken {
		t.Errorf("got %v, want name-taken", err)
	}
	if err := accounts.SetDisabled(ctx, "disable", false); err != nil {
		t.Fatal(err)
	}
	n.Connect().Ask("LOGIN disable pw", "RESULT LOGIN 1")
}

func TestATemporaryFolderIsRemoved(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	n := harness.Start(t, func(c *config.Config) { c.Data = config.Memory })
	n.Login("bob")
	n.Stop()
	left, err := filesIn(t)
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestAnAbortedStopDoesNotWaitForTheSlow(t *testing.T) {
	n := harness.Start(t, func(c *config.Config) { c.Limits.Grace = config.Duration(time.Hour) })
	bob, frozen := n.Login("bob"), n.Login("frozen")
	bob.Ask("CREATE go", "RESULT CREATE go 1")
	bob.Ask("JOIN go", "RESULT JOIN go 1")
	frozen.Ask("JOIN go", "RESULT JOIN go 1")
	text := strings.Repeat("x", 60000)
	for range 200 { // more than any socket buffers
		bob.Ask("SAY go "+text, "RECV bob go "+text)
	}
	n.Abort()
	n.Stop()
}

func TestASessionThatWasEndedDoesNothingMore(t *testing.T) {
	n := harness.Start(t, func(c *config.Config) { c.Limits.CommandsPerS, c.Limits.CommandBurst = 20, 20 })
	bob, eve := n.Login("bob"), n.Login("eve")
	bob.Ask("CREATE go", "RESULT CREATE go 1")
	bob.Ask("JOIN go", "RESULT JOIN go 1")
	eve.Ask("JOIN go", "RESULT JOIN go 1")
	eve.SendRaw(strings.Repeat("SAY go on and on\n", 1000))
	bob.Expect("RECV eve go on and on")
	ctx := context.Background()
	accounts, done, err := node.OpenAccounts(ctx, n.Config, hclog.NewNullLogger())
	if err != nil {
		t.Fatal(err)
	}
	if err := accounts.SetPassword(ctx, "eve", "new"); err != nil {
		t.Fatal(err)
	}
	for n.Sessions() > 1 { // it ends by itself
		bob.Drain()
	}
	n.Connect().Ask("LOGIN eve new", "RESULT LOGIN 1")
	if err := done(); err != nil {
		t.Error(err)
	}
}
