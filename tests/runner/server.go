package runner

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A server is a node of a case. It belongs to the goroutine of its case.
type server struct {
	node    *Node
	o       *Options
	folder  string // of its files; "" for one that runs already
	port    int    // that it was given; 0 where its address is fixed
	address string // where it listens
	process *process
	stopped bool // a step stopped it
}

// A peerLine is where a node finds a peer.
type peerLine struct{ address, host string }

// prepare writes the files of a server.
func (s *server) prepare(peers []peerLine) error {
	if err := os.MkdirAll(s.dir(), 0o700); err != nil {
		return err
	}
	var bare, named strings.Builder
	for _, p := range peers {
		fmt.Fprintf(&bare, "%s\n", p.address)
		fmt.Fprintf(&named, "%s name=%s\n", p.address, p.host)
	}
	for path, text := range map[string]string{
		s.peersFile(false): bare.String(),
		s.peersFile(true):  named.String(),
		s.configFile():     s.config(len(peers) > 0),
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}

func (s *server) dir() string        { return filepath.Join(s.folder, "dir") }
func (s *server) configFile() string { return filepath.Join(s.folder, "chatnode.toml") }

// peersFile is that of a chatnode, whose lines have names, or that of any server.
func (s *server) peersFile(named bool) string {
	if named {
		return filepath.Join(s.folder, "peers-with-names")
	}
	return filepath.Join(s.folder, "peers")
}

// config is a configuration that says all that the case says of the node.
func (s *server) config(peered bool) string {
	keys := map[string]any{
		"host":                  s.node.Host,
		"listen.chat":           s.address,
		"data":                  filepath.Join(s.dir(), "data"),
		"limits.commands_per_s": json.Number("0"),
		"accounts.bcrypt_cost":  json.Number("4"),
		"log.level":             "warn",
	}
	if peered {
		keys["federation.peers"] = s.peersFile(true)
	}
	if s.o.EOL == None {
		keys["compat.unterminated"] = "200ms"
	}
	maps.Copy(keys, s.node.Config)
	var text strings.Builder
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		fmt.Fprintf(&text, "%s = %s\n", key, tomlValue(keys[key]))
	}
	return text.String()
}

// tomlValue writes a value of a case's config. What JSON writes is TOML as well, for the kinds that there are.
func tomlValue(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return strconv.Quote(fmt.Sprint(v))
	}
	return string(text)
}

// command is what starts the server.
func (s *server) command() []string {
	fill := strings.NewReplacer(
		"{port}", strconv.Itoa(s.port),
		"{dir}", s.dir(),
		"{config}", s.configFile(),
		"{peers}", s.peersFile(s.o.Own),
	)
	words := make([]string, len(s.o.Server))
	for i, word := range s.o.Server {
		words[i] = fill.Replace(word)
	}
	return words
}

// start runs the server and returns when it listens, or why it does not.
func (s *server) start(ctx context.Context) error {
	if len(s.o.Server) == 0 {
		return nil
	}
	var err error
	command := s.command()
	if s.process, err = startProcess(command); err != nil {
		s.process = nil
		return &Difference{Who: s.node.ID, Note: fmt.Sprintf("the server of node %s cannot be started: %v", s.node.ID, err), Fault: true}
	}
	s.stopped = false
	if awaitListening(ctx, s.address, s.process, s.o.Start) {
		return nil
	}
	s.stopped = true
	d := &Difference{Who: s.node.ID, Expected: []string{"a server that listens on " + s.address}, Fault: true}
	switch {
	case s.process.over(0):
		d.Note = fmt.Sprintf("the server of node %s ended before it listened (%s): %s", s.node.ID, s.process.status(), strings.Join(command, " "))
	case ctx.Err() != nil:
		return context.Cause(ctx)
	default:
		d.Note = fmt.Sprintf("the server of node %s did not listen on %s within %v: %s", s.node.ID, s.address, s.o.Start, strings.Join(command, " "))
	}
	return d
}

// running reports whether there is a process that has not been stopped.
func (s *server) running() bool { return s.process != nil && !s.stopped }

// stop ends the server as a step asks for. It is a difference if it has ended already, or does not when it is told to.
func (s *server) stop(how string) error {
	if !s.running() {
		return &Difference{Who: s.node.ID, Note: "the node was stopped before"}
	}
	if s.process.over(0) {
		return &Difference{Who: s.node.ID, Expected: []string{"a server that runs"}}
	}
	s.stopped = true
	if how == "kill" {
		s.process.kill()
		return nil
	}
	if s.process.end(s.o.Start) {
		return nil
	}
	return &Difference{
		Who:      s.node.ID,
		Expected: []string{"the end of the server, as it was sent SIGTERM"},
		Note:     fmt.Sprintf("the server of node %s did not end within %v of SIGTERM, and was killed", s.node.ID, s.o.Start),
		Fault:    true,
	}
}

// lingering is how long a server has to end in order when its case is over.
const lingering = 2 * time.Second

// end ends the server at the end of its case, if there is one.
func (s *server) end() {
	if s.process != nil {
		s.process.end(lingering)
	}
}

// said returns the last lines of the server's output, with its node before them.
func (s *server) said() []string {
	if s.process == nil {
		return nil
	}
	lines := s.process.said()
	for i, line := range lines {
		lines[i] = s.node.ID + " " + line
	}
	return lines
}
