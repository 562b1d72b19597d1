package config

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

func TestTheDefaultIsValid(t *testing.T) {
	c := Default()
	if err := c.Validate(); err != nil {
		t.Error(err)
	}
}

func TestAProblemNamesItsKeyAndWhatIsWrong(t *testing.T) {
	long := strings.Repeat("x", 65)
	for _, test := range []struct {
		spoil func(*Config)
		want  string
	}{
		{func(c *Config) { c.Host = "" }, `host: "" is not a name without "@", ":", ",", white space and control characters`},
		{func(c *Config) { c.Host = "a@b" }, `host: "a@b" is not a name without "@", ":", ",", white space and control characters`},
		{func(c *Config) { c.Host = "a:1" }, `host: "a:1" is not a name without "@", ":", ",", white space and control characters`},
		{func(c *Config) { c.Host = "a,b" }, `host: "a,b" is not a name without "@", ":", ",", white space and control characters`},
		{func(c *Config) { c.Host = "a\u2003b" }, `host: "a\u2003b" is not a name without "@", ":", ",", white space and control characters`},
		{func(c *Config) { c.Host = "a\x7f" }, `host: "a\x7f" is not a name without "@", ":", ",", white space and control characters`},
		{func(c *Config) { c.Host = "a\xff" }, `host: "a\xff" is not a name without "@", ":", ",", white space and control characters`},
		{func(c *Config) { c.Federation.Peers = "p" }, `host: must be set when federation.peers is: two nodes called "localhost" refuse each other`},
		{func(c *Config) { c.Data = "" }, `data: must be a folder or ":memory:"`},
		{func(c *Config) { c.Data = "a\x00" }, `data: "a\x00" is not a path in UTF-8 without control characters`},
		{func(c *Config) { c.Log.File = "a\xff" }, `log.file: "a\xff" is not a path in UTF-8 without control characters`},
		{func(c *Config) { c.TLS.Key = "k" }, `tls.key: must be set when tls.cert is, and only then`},
		{func(c *Config) { c.TLS.Cert = "k" }, `tls.key: must be set when tls.cert is, and only then`},

		{func(c *Config) { c.Listen.Chat = Addresses{""} }, `listen.chat: "" is not host:port`},
		{func(c *Config) { c.Listen.Chat = Addresses{"5050"} }, `listen.chat: "5050" is not host:port`},
		{func(c *Config) { c.Listen.Chat = Addresses{":1", "a b:1"} }, `listen.chat: "a b:1" is not host:port`},
		{func(c *Config) { c.Listen.Chat = Addresses{"::1:1"} }, `listen.chat: "::1:1" is not host:port`},
		{func(c *Config) { c.Listen.Chat = Addresses{"a:65536"} }, `listen.chat: "a:65536" does not end in a port from 0 to 65535`},
		{func(c *Config) { c.Listen.Chat = Addresses{"a:-1"} }, `listen.chat: "a:-1" does not end in a port from 0 to 65535`},
		{func(c *Config) { c.Listen.Chat = Addresses{"a:http"} }, `listen.chat: "a:http" does not end in a port from 0 to 65535`},
		{func(c *Config) { c.Listen.Chat = Addresses{"a:1", "a:1"} }, `listen.chat: "a:1" is taken by listen.chat`},
		{func(c *Config) { c.Listen.TLS = "a" }, `listen.tls: "a" is not host:port`},
		{func(c *Config) { c.Listen.HTTP = c.Listen.Chat[0] }, `listen.http: "127.0.0.1:5050" is taken by listen.chat`},
		{func(c *Config) { c.Gateways.CSP = "a" }, `gateways.csp: "a" is not host:port`},
		{func(c *Config) { c.Gateways.A3 = "a" }, `gateways.a3: "a" is not host:port`},
		{func(c *Config) { c.Gateways.BCP = "a" }, `gateways.bcp: "a" is not host:port`},
		{func(c *Config) { c.Gateways.Proofchat = "a" }, `gateways.proofchat: "a" is not host:port`},
		{func(c *Config) { c.Gateways.Lobby = long }, `gateways.lobby: "` + long + `" is not the name of a channel`},
		{func(c *Config) { c.Federation.Blocked = []string{"a:1", ""} }, `federation.blocked: "" is not a host`},

		{func(c *Config) { c.Accounts.Registration = "x" }, `accounts.registration: "x" is not one of open, token, closed`},
		{func(c *Config) { c.Federation.Accept = "x" }, `federation.accept: "x" is not one of any, listed, pinned`},
		{func(c *Config) { c.Store.Durability = "" }, `store.durability: "" is not one of power, process`},
		{func(c *Config) { c.Log.Level = "INFO" }, `log.level: "INFO" is not one of trace, debug, info, warn, error`},
		{func(c *Config) { c.Log.Format = "x" }, `log.format: "x" is not one of text, json`},

		{func(c *Config) { c.Limits.LineBytes = 16<<20 + 1 }, `limits.line_bytes: 16777217 is not between 512 and 16777216`},
		{func(c *Config) { c.Limits.CommandBurst = 0 }, `limits.command_burst: 0 is less than 1`},
		{func(c *Config) { c.Limits.Grace = -1 }, `limits.grace: -1ns is negative`},
		{func(c *Config) { c.Limits.StallTimeout = 0 }, `limits.stall_timeout: must be more than 0s`},
		{func(c *Config) { c.Federation.PingEvery = seconds(60) }, `federation.dead_after: 1m is not longer than federation.ping_every, 1m`},
	} {
		c := Default()
		test.spoil(&c)
		wantLines(t, without(lines(c.Validate())), test.want)
		if key, _, _ := strings.Cut(test.want, ": "); !slices.Contains(names(), key) {
			t.Errorf("%q begins with no key", test.want)
		}
	}
}

func TestWhatIsAllowedIsNoProblem(t *testing.T) {
	for name, set := range map[string]func(*Config){
		"no chat":               func(c *Config) { c.Listen.Chat = nil },
		"all interfaces":        func(c *Config) { c.Listen.Chat = Addresses{":5050"} },
		"IPv6":                  func(c *Config) { c.Listen.Chat = Addresses{"[::1]:5050", "[fe80::1%eth0]:5050"} },
		"free ports":            func(c *Config) { c.Listen.Chat = Addresses{"127.0.0.1:0", "127.0.0.1:0"} },
		"a host in any script":  func(c *Config) { c.Host = "チャット.例" },
		"no limit, no burst":    func(c *Config) { c.Limits.CommandsPerS, c.Limits.CommandBurst = 0, 0 },
		"everything in memory":  func(c *Config) { c.Data = Memory },
		"a federation by name":  func(c *Config) { c.Host, c.Federation.Peers = "a.example", "peers.txt" },
		"a certificate":         func(c *Config) { c.TLS = TLS{"c.pem", "k.pem"} },
		"blocked hosts":         func(c *Config) { c.Federation.Blocked = []string{"a.example", "192.0.2.1:5050"} },
		"no blocked hosts, nil": func(c *Config) { c.Federation.Blocked = nil },
	} {
		t.Run(name, func(t *testing.T) {
			c := Default()
			set(&c)
			wantLines(t, without(lines(c.Validate())))
		})
	}
}

func TestEveryNumberHasABoundThatHolds(t *testing.T) {
	c := Default()
	limits := map[string]bound{}
	for _, b := range bounds(&c) {
		limits[b.key] = b
	}
	for _, k := range c.Keys() {
		if _, duration := k.Value.(Duration); duration || !k.field.CanInt() {
			continue
		}
		b, there := limits[k.Name]
		if !there {
			t.Errorf("%s has no bound", k.Name)
		}
		delete(limits, k.Name)
		for _, v := range []struct {
			value int64
			good  bool
		}{{b.min - 1, false}, {b.min, true}, {b.max, true}} {
			c := Default()
			setInt(&c, k.Name, v.value)
			if got := without(lines(c.Validate())); (len(got) == 0) != v.good {
				t.Errorf("%s = %d: %q", k.Name, v.value, got)
			}
		}
	}
	for key := range maps.Keys(limits) {
		t.Errorf("a bound for %s, which is no number", key)
	}
}

func setInt(c *Config, name string, value int64) {
	for _, k := range c.Keys() {
		if k.Name == name {
			k.field.SetInt(value)
		}
	}
}

func TestZeroIsRefusedOnlyWhereItMakesNoSense(t *testing.T) {
	c := Default()
	var got []string
	for _, k := range c.Keys() {
		if _, duration := k.Value.(Duration); duration {
			k.field.SetInt(0)
		}
	}
	for _, line := range without(lines(c.Validate())) {
		key, _, _ := strings.Cut(line, ": must be more than 0s")
		got = append(got, key)
	}
	wantLines(t, got, aboveZero...)
}

func TestValidateReturnsEveryProblemInTheOrderOfTheFile(t *testing.T) {
	c := Default()
	c.Log.Level = "loud"
	c.Compat.Unterminated = -1
	c.Limits.Replay = -1
	c.Listen.Chat = Addresses{"a", "b"}
	c.Accounts.BcryptCost = 3
	c.Host = "b c"
	wantLines(t, lines(c.Validate()),
		`host: "b c" is not a name without "@", ":", ",", white space and control characters`,
		`listen.chat: "a" is not host:port`,
		`listen.chat: "b" is not host:port`,
		`accounts.bcrypt_cost: 3 is not between 4 and 16`,
		`limits.replay: -1 is less than 0`,
		`compat.unterminated: -1ns is negative`,
		`log.level: "loud" is not one of trace, debug, info, warn, error`)
}
