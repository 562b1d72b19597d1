// Package config is a node's configuration: its keys and their defaults, the file they are read from, what may stand in
// them, and which of them can change while the node runs.
//
// Everything that treats keys alike (reading, writing, reloading, refusing what is not built) goes through Keys, which
// walks Config by reflection. To add a key: a field with its tags in Config, a default in Default, a line in
// default.toml, a rule in validate.go. The tests fail for a key without its line and for a number without its bounds.
package config

// Config is everything that a node can be told. Its zero value is of no use: begin with Default or Load. A Config is not
// changed once a node has it, so copies may share its lists.
//
// The tag toml names a key. The tag reload:"yes" marks a key that a running node takes over on SIGHUP (see Reload); the
// keys of Limits apply to connections made after the reload, never to those that are open. The tag path:"yes" marks a
// path, which a file may give relative to its own folder.
type Config struct {
	Host string `toml:"host"`            // the node's name: users are user@host. Never empty, none of "@:,", white space, control
	Data string `toml:"data" path:"yes"` // folder for the database, keys and certificate, or Memory

	Listen     Listen     `toml:"listen"`
	TLS        TLS        `toml:"tls"`
	Gateways   Gateways   `toml:"gateways"`
	Accounts   Accounts   `toml:"accounts"`
	Federation Federation `toml:"federation"`
	Store      Store      `toml:"store"`
	Limits     Limits     `toml:"limits"`
	Compat     Compat     `toml:"compat"`
	Log        Log        `toml:"log"`
}

// Memory is the value of Config.Data for a private temporary folder that is removed at exit.
const Memory = ":memory:"

// Listen holds the addresses, host:port, on which the node is heard. Port 0 takes a free one.
type Listen struct {
	Chat Addresses `toml:"chat"` // native protocol and plain links
	TLS  string    `toml:"tls"`  // the same over TLS; "" = off
	HTTP string    `toml:"http"` // operators' pages; "" = off
}

// TLS names the node's certificate. Both keys are set or none; with none the node makes a certificate itself.
type TLS struct {
	Cert string `toml:"cert" path:"yes"` // PEM file
	Key  string `toml:"key" path:"yes"`  // PEM file
}

// Gateways holds the other protocols: an address each, host:port or "" for off, and how they behave.
type Gateways struct {
	Lobby                  string `toml:"lobby"` // the name of a channel
	CSP                    string `toml:"csp"`
	A3                     string `toml:"a3"`
	BCP                    string `toml:"bcp"`
	Proofchat              string `toml:"proofchat"`
	A3MaxUsers             int    `toml:"a3_max_users"` // at once; at least 1
	A3Lobby                bool   `toml:"a3_lobby"`
	ProofchatAnnounceJoins bool   `toml:"proofchat_announce_joins"`
}

// Accounts says who gets an account and how it is kept.
type Accounts struct {
	Registration Registration `toml:"registration" reload:"yes"`
	BcryptCost   int          `toml:"bcrypt_cost" reload:"yes"`  // 4 to 16; each step doubles the work
	MaxSessions  int          `toml:"max_sessions" reload:"yes"` // of one account at once, with the capability multi; at least 1
}

// Federation says with whom the node links and what it does while a peer is away.
type Federation struct {
	Peers        string   `toml:"peers" path:"yes" reload:"yes"` // peers file; "" = none
	Accept       Accept   `toml:"accept" reload:"yes"`
	StrictNames  bool     `toml:"strict_names" reload:"yes"`
	Blocked      []string `toml:"blocked" reload:"yes"`       // hosts, as peers are called here
	ReplyTimeout Duration `toml:"reply_timeout" reload:"yes"` // more than 0
	QueueTTL     Duration `toml:"queue_ttl" reload:"yes"`     // more than 0
	QueueBytes   int64    `toml:"queue_bytes" reload:"yes"`   // a peer; at least 1 MiB
	MaxChannels  int      `toml:"max_channels" reload:"yes"`  // a peer; at least 1
	NoticeAfter  Duration `toml:"notice_after" reload:"yes"`
	RecoverWait  Duration `toml:"recover_wait" reload:"yes"`
	PingEvery    Duration `toml:"ping_every" reload:"yes"`  // more than 0
	DeadAfter    Duration `toml:"dead_after" reload:"yes"`  // more than PingEvery
	RetryMax     Duration `toml:"retry_max" reload:"yes"`   // more than 0
	LinesPerS    int      `toml:"lines_per_s" reload:"yes"` // a peer; at least 1
}

// Store says how messages are kept.
type Store struct {
	Durability     Durability `toml:"durability"`
	Retention      Duration   `toml:"retention" reload:"yes"`       // age of the oldest message kept; 0 = no limit
	RetentionBytes int64      `toml:"retention_bytes" reload:"yes"` // a channel; 0 = no limit
	TailBytes      int64      `toml:"tail_bytes" reload:"yes"`      // all channels together; at least 1 MiB
}

// Limits bounds what one connection can ask of the node. A reload applies to connections made after it.
type Limits struct {
	LineBytes        int      `toml:"line_bytes" reload:"yes"`         // 512 to 16 MiB
	ReplyBytes       int      `toml:"reply_bytes" reload:"yes"`        // a session; at least 4096
	CommandsPerS     int      `toml:"commands_per_s" reload:"yes"`     // a connection; 0 = no limit
	CommandBurst     int      `toml:"command_burst" reload:"yes"`      // at least 1 where CommandsPerS is a limit
	Connections      int      `toml:"connections" reload:"yes"`        // 0 = no limit
	ConnectionsPerIP int      `toml:"connections_per_ip" reload:"yes"` // 0 = no limit
	HandshakeTimeout Duration `toml:"handshake_timeout" reload:"yes"`  // more than 0
	LoginTimeout     Duration `toml:"login_timeout" reload:"yes"`      // 0 = no limit
	IdleTimeout      Duration `toml:"idle_timeout" reload:"yes"`       // 0 = no limit
	StallTimeout     Duration `toml:"stall_timeout" reload:"yes"`      // more than 0
	Replay           int      `toml:"replay" reload:"yes"`             // messages a channel; 0 = none
	Grace            Duration `toml:"grace" reload:"yes"`              // 0 = close at once
}

// Compat holds what helps clients that do not keep to the protocol.
type Compat struct {
	Unterminated Duration `toml:"unterminated" reload:"yes"` // quiet time that ends a message without a newline; 0 = off
}

// Log says what is logged, how and where.
type Log struct {
	Level  Level  `toml:"level" reload:"yes"`
	Format Format `toml:"format"`
	File   string `toml:"file" path:"yes"` // "" = standard error
}
