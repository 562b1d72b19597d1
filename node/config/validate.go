package config

import (
	"math"
	"net"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"chatnode/channels"
)

// Validate returns everything that is wrong with c, or nil: values out of bounds, values that do not go together, and
// values that ask for a part this build does not have. The error's text has one line a problem, in the order of the file,
// each beginning with the full name of its key: "accounts.bcrypt_cost: 3 is not between 4 and 16". It looks at c alone,
// never at files or the network.
func (c *Config) Validate() error {
	p := c.problems()
	return p.join(func(one problem) error { return one })
}

func (c *Config) problems() problems {
	var p problems
	p.breakRules(c)
	p.askUnbuilt(c)
	p.sort()
	return p
}

func (p *problems) breakRules(c *Config) {
	p.names(c)
	p.files(c)
	p.listeners(c)
	p.words(c)
	p.numbers(c)
	p.durations(c)
}

func (p *problems) names(c *Config) {
	if !clean(c.Host, "@:,") {
		p.add("host", `%q is not a name without "@", ":", ",", white space and control characters`, c.Host)
	}
	if c.Federation.Peers != "" && c.Host == Default().Host {
		p.add("host", "must be set when federation.peers is: two nodes called %q refuse each other", c.Host)
	}
	if _, err := channels.ParseName(c.Gateways.Lobby); err != nil {
		p.add("gateways.lobby", "%q is not the name of a channel", c.Gateways.Lobby)
	}
	for _, host := range c.Federation.Blocked {
		if !clean(host, "@,") { // a peer may be known by ip:port
			p.add("federation.blocked", "%q is not a host", host)
		}
	}
}

// clean reports whether s has characters, and none that is in without, white space or control.
func clean(s, without string) bool {
	return s != "" && utf8.ValidString(s) && !strings.ContainsAny(s, without) &&
		!strings.ContainsFunc(s, unicode.IsSpace) && !strings.ContainsFunc(s, unicode.IsControl)
}

func (p *problems) files(c *Config) {
	if c.Data == "" {
		p.add("data", "must be a folder or %q", Memory)
	}
	if (c.TLS.Cert == "") != (c.TLS.Key == "") {
		p.add("tls.key", "must be set when tls.cert is, and only then")
	}
	for _, k := range c.Keys() {
		if path, _ := k.Value.(string); k.isPath() && !isText(path) {
			p.add(k.Name, "%q is not a path in UTF-8 without control characters", path)
		}
	}
}

func isText(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

// listeners checks every address that the node would listen on, and that no two keys have the same.
func (p *problems) listeners(c *Config) {
	owner := map[string]string{}
	for _, l := range []struct {
		key string
		on  Addresses
	}{
		{"listen.chat", c.Listen.Chat},
		{"listen.tls", single(c.Listen.TLS)},
		{"listen.http", single(c.Listen.HTTP)},
		{"gateways.csp", single(c.Gateways.CSP)},
		{"gateways.a3", single(c.Gateways.A3)},
		{"gateways.bcp", single(c.Gateways.BCP)},
		{"gateways.proofchat", single(c.Gateways.Proofchat)},
	} {
		for _, a := range l.on {
			p.address(l.key, a)
			if by, taken := owner[a]; taken && !strings.HasSuffix(a, ":0") {
				p.add(l.key, "%q is taken by %s", a, by)
			}
			owner[a] = l.key
		}
	}
}

func single(address string) Addresses {
	if address == "" {
		return nil
	}
	return Addresses{address}
}

func (p *problems) address(key, address string) {
	host, port, err := net.SplitHostPort(address)
	if err != nil || host != "" && !clean(host, "") {
		p.add(key, "%q is not host:port", address)
		return
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		p.add(key, "%q does not end in a port from 0 to 65535", address)
	}
}

func (p *problems) words(c *Config) {
	oneOf(p, "accounts.registration", c.Accounts.Registration, Open, Token, Closed)
	oneOf(p, "federation.accept", c.Federation.Accept, AcceptAny, AcceptListed, AcceptPinned)
	oneOf(p, "store.durability", c.Store.Durability, Power, Process)
	oneOf(p, "log.level", c.Log.Level, LevelTrace, LevelDebug, LevelInfo, LevelWarn, LevelError)
	oneOf(p, "log.format", c.Log.Format, FormatText, FormatJSON)
}

func oneOf[T ~string](p *problems, key string, value T, words ...T) {
	var all []string
	for _, w := range words {
		if value == w {
			return
		}
		all = append(all, string(w))
	}
	p.add(key, "%q is not one of %s", value, strings.Join(all, ", "))
}

// A bound says between which values, both allowed, a number may be.
type bound struct {
	key             string
	value, min, max int64
}

const noMax = math.MaxInt64

func (p *problems) numbers(c *Config) {
	for _, b := range bounds(c) {
		switch {
		case b.max != noMax && (b.value < b.min || b.value > b.max):
			p.add(b.key, "%d is not between %d and %d", b.value, b.min, b.max)
		case b.value < b.min:
			p.add(b.key, "%d is less than %d", b.value, b.min)
		}
	}
}

func bounds(c *Config) []bound {
	l, f, burst := c.Limits, c.Federation, int64(0)
	if l.CommandsPerS > 0 {
		burst = 1 // a bucket that holds nothing lets nothing through
	}
	return []bound{
		{"gateways.a3_max_users", int64(c.Gateways.A3MaxUsers), 1, noMax},
		{"accounts.bcrypt_cost", int64(c.Accounts.BcryptCost), 4, 16}, // bcrypt's least; 16 takes seconds a login
		{"accounts.max_sessions", int64(c.Accounts.MaxSessions), 1, noMax},
		{"federation.queue_bytes", f.QueueBytes, 1 << 20, noMax}, // a few of the longest lines
		{"federation.max_channels", int64(f.MaxChannels), 1, noMax},
		{"federation.lines_per_s", int64(f.LinesPerS), 1, noMax},
		{"store.retention_bytes", c.Store.RetentionBytes, 0, noMax},
		{"store.tail_bytes", c.Store.TailBytes, 1 << 20, noMax},  // less would send everybody to the disk
		{"limits.line_bytes", int64(l.LineBytes), 512, 16 << 20}, // two names, a password, a command; one line is held in memory whole
		{"limits.reply_bytes", int64(l.ReplyBytes), 4096, noMax}, // a page of memory
		{"limits.commands_per_s", int64(l.CommandsPerS), 0, noMax},
		{"limits.command_burst", int64(l.CommandBurst), burst, noMax},
		{"limits.connections", int64(l.Connections), 0, noMax},
		{"limits.connections_per_ip", int64(l.ConnectionsPerIP), 0, noMax},
		{"limits.replay", int64(l.Replay), 0, noMax},
	}
}

// aboveZero lists the durations for which zero makes no sense and does not mean "no limit".
var aboveZero = []string{
	"federation.reply_timeout", "federation.queue_ttl", "federation.ping_every", "federation.dead_after",
	"federation.retry_max", "limits.handshake_timeout", "limits.stall_timeout",
}

func (p *problems) durations(c *Config) {
	for _, k := range c.Keys() {
		switch d, ok := k.Value.(Duration); {
		case !ok:
		case d < 0:
			p.add(k.Name, "%s is negative", d)
		case d == 0 && slices.Contains(aboveZero, k.Name):
			p.add(k.Name, "must be more than 0s")
		}
	}
	if f := c.Federation; f.DeadAfter > 0 && f.DeadAfter <= f.PingEvery {
		p.add("federation.dead_after", "%s is not longer than federation.ping_every, %s", f.DeadAfter, f.PingEvery)
	}
}
