package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// baseline is the name of the server that ratios are to.
const baseline = "C baseline"

// A protocol is how a kind of line server is spoken to. What it is told about a channel is a bare name.
type protocol interface {
	// facts are what the talk has to know.
	facts() facts
	// open makes channels, where joining does not make them.
	open(s *server, channels []string) error
	// register makes an account, where there are accounts.
	register(c *client, name string) error
	// login says who the client is, and returns when that is taken.
	login(c *client, name string) error
	// join makes the client a member of channels, and returns when it is.
	join(c *client, channels []string) error
	// say appends the line that says a text to a line, with its end.
	say(line []byte, channel string, text []byte) []byte
}

// facts are what differs between protocols in what is heard.
type facts struct {
	ping    string // a line that is answered PONG when all before it is done
	crowd   int    // how many people may log in at a time
	echo    bool   // who says something hears it, too
	ordered bool   // all members hear the same order
}

// A driver is a server that can be measured.
type driver struct {
	name string
	protocol
	start func(context.Context, options) (*server, error)
}

// noAccounts is part of protocols without accounts and without channels that have to be made.
type noAccounts struct{}

func (noAccounts) open(*server, []string) error    { return nil }
func (noAccounts) register(*client, string) error  { return nil }
func (noAccounts) login(c *client, _ string) error { return nil }

// chatnode is the node that is measured.
func chatnode(durability string) driver {
	name := "chatnode"
	if durability != "power" {
		name += ", " + durability
	}
	return driver{name, native{}, func(ctx context.Context, o options) (*server, error) { return start(ctx, o, durability) }}
}

// foreign are the servers that are measured if they are installed.
func foreign() []driver {
	return []driver{
		{"ngircd", irc{crowd: 8}, startNgircd},        // no more fit into the queue that it accepts from
		{"inspircd", irc{crowd: 1000}, startInspircd}, // once a second it lets in all that wait
		{"nats-server", nats{}, startNATS},
	}
}

// installed are those of the foreign servers that are.
func installed() []driver {
	return slices.DeleteFunc(foreign(), func(d driver) bool {
		_, err := programPath(d.name)
		return err != nil
	})
}

// programPath finds a server where Debian puts servers, too.
func programPath(name string) (string, error) {
	path, err := exec.LookPath(name)
	if err == nil {
		return path, nil
	}
	if path, err := exec.LookPath("/usr/sbin/" + name); err == nil {
		return path, nil
	}
	return "", fmt.Errorf("%s is not installed: %w", name, err)
}

// launchForeign writes a server's configuration into a folder of its own, with the host, the port and the folder filled in,
// runs what it needs before its first start, if there is such, with the file as the last argument, and starts it.
func (o options) launchForeign(ctx context.Context, program, config string, args func(file string) []string, prepare ...string) (*server, error) {
	path, err := programPath(program)
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp(o.folder, filepath.Base(program)+"-")
	if err != nil {
		return nil, err
	}
	address, port, err := freePort()
	if err != nil {
		return nil, err
	}
	file := filepath.Join(folder, "config")
	filled := strings.NewReplacer("{host}", "127.0.0.1", "{port}", port, "{folder}", folder).Replace(config)
	if err := os.WriteFile(file, []byte(filled), 0o600); err != nil {
		return nil, err
	}
	if len(prepare) > 0 {
		if out, err := exec.CommandContext(ctx, path, append(prepare, file)...).CombinedOutput(); err != nil {
			return nil, errors.Join(fmt.Errorf("%s %s: %w", path, prepare[0], err), errors.New(string(out)))
		}
	}
	return launch(ctx, o, address, folder, exec.CommandContext(ctx, path, args(file)...))
}
