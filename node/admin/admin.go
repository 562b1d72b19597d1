// Package admin is the operators' way into a running node: HTTP over a Unix socket in the data folder, open to nobody but
// the user that the node runs as. A client of it and the node itself offer the same methods, so that a command need not
// know which of the two it talks to.
package admin

import "context"

// Socket is the name of the socket in the data folder.
const Socket = "admin.sock"

// Account is what an operator sees of an account.
type Account struct {
	Name     string `json:"name"`
	Admin    bool   `json:"admin"`    // may ask the node for what concerns all: PEERS
	Disabled bool   `json:"disabled"` // may not log in
	Created  int64  `json:"created"`  // milliseconds since 1970
	Channels int    `json:"channels"` // that it is a member of
}

// Accounts is what an operator may do to accounts. A refusal is a channels.Refusal: name-taken, bad-name, no-such-user,
// too-long and malformed (of a password), rate-limited.
type Accounts interface {
	// Add makes an account.
	Add(ctx context.Context, name, password string, admin bool) error
	// List returns the accounts in use, by name.
	List(ctx context.Context) ([]Account, error)
	// SetPassword replaces a password, and ends the account's sessions.
	SetPassword(ctx context.Context, name, password string) error
	SetAdmin(ctx context.Context, name string, admin bool) error
	// SetDisabled ends the account's sessions and lets it log in no more, or lets it again.
	SetDisabled(ctx context.Context, name string, disabled bool) error
	// Delete closes an account. Its name stays reserved.
	Delete(ctx context.Context, name string) error
}
