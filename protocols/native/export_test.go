package native

import "chatnode/node/session"

// Add lets a test add a verb that answers through a session. Before any node runs.
func Add(verb string, run func(*session.Session)) {
	commands[verb] = command{run: func(c *client, _ request) { run(c.Session) }}
}
