package config

import (
	"fmt"
	"strings"
)

// unbuilt lists what this build cannot do yet. A line with a prefix alone asks every key that begins with it to have its
// default; a line with a value refuses that value. Whoever builds a part removes its line, and nothing else.
var unbuilt = []struct{ prefix, value string }{
	{prefix: "listen.tls"},
	{prefix: "listen.http"},
	{prefix: "tls."},
	{prefix: "federation.accept", value: string(AcceptPinned)},
	{prefix: "accounts.registration", value: string(Token)},
}

// askUnbuilt finds the keys that ask for something that this build does not have.
func (p *problems) askUnbuilt(c *Config) {
	for _, k := range c.Keys() {
		for _, u := range unbuilt {
			switch {
			case !strings.HasPrefix(k.Name, u.prefix):
			case u.value == "" && !k.IsDefault():
				p.add(k.Name, "not in this build")
			case u.value != "" && fmt.Sprint(k.Value) == u.value:
				p.add(k.Name, "%q is not in this build", u.value)
			}
		}
	}
}
