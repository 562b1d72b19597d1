package runner

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"
	"unicode"
)

// EOL is how clients end the lines that they send.
type EOL string

// The ways to end a line. After a line without an end, a client sends the next one when something has come back, or
// nothing has for Options.Timeout.
const (
	LF   EOL = "lf"
	CRLF EOL = "crlf"
	None EOL = "none"
)

// of returns the bytes that end a line.
func (e EOL) of() string {
	switch e {
	case CRLF:
		return "\r\n"
	case None:
		return ""
	}
	return "\n"
}

// Options say how cases are run. Either Server or Address is needed, or both.
type Options struct {
	// Server is the command that starts a server, and its arguments. In each of them {port} is replaced by the port of
	// 127.0.0.1 to listen on, {dir} by an empty folder, {peers} by a file with the addresses of the other servers and
	// {config} by a configuration of chatnode that says all this too. Without {port} or {config} the server is expected
	// at Address.
	Server []string

	// Own says that Server runs this chatnode: its {peers} has a name after each address, which others would not read.
	Own bool

	// Address, host:port, is where a server is. Without Server, it runs already, and is neither started nor stopped.
	Address string

	// Without are tags of cases about what the server is known not to have: they are skipped.
	Without []string

	EOL      EOL           // "" is LF
	Timeout  time.Duration // for a line to come, and for one to be sent; 0 is 2 s
	Start    time.Duration // for a server to listen, and to end when it is told to; 0 is 10 s
	Jobs     int           // cases that run at once; 0 is the number of processors. A fixed address has one
	FailFast bool          // no more cases are begun after one has failed
}

// Check returns what is wrong with the options, in one line.
func (o *Options) Check() error {
	switch {
	case len(o.Server) == 0 && o.Address == "":
		return fmt.Errorf("no server: give a command that starts one, or the address of one")
	case o.Address == "" && !o.has("{port}") && !o.has("{config}"):
		return fmt.Errorf("the server is not told where to listen: put {port} into its command, or give its address")
	}
	return nil
}

// filled returns the options with the defaults for what is not said.
func (o Options) filled() *Options {
	if o.EOL == "" {
		o.EOL = LF
	}
	if o.Timeout <= 0 {
		o.Timeout = 2 * time.Second
	}
	if o.Start <= 0 {
		o.Start = 10 * time.Second
	}
	if o.Jobs <= 0 {
		o.Jobs = runtime.NumCPU()
	}
	if o.fixed() {
		o.Jobs = 1
	}
	return &o
}

// fixed reports whether every server has the same address.
func (o *Options) fixed() bool { return o.Address != "" }

func (o *Options) has(placeholder string) bool {
	return slices.ContainsFunc(o.Server, func(word string) bool { return strings.Contains(word, placeholder) })
}

// cannot says why a case cannot be run, or is "".
func (o *Options) cannot(c *Case) string {
	needs := func(what func(*Node) bool) bool {
		return slices.ContainsFunc(c.Nodes, func(n Node) bool { return what(&n) })
	}
	configured := needs(func(n *Node) bool { return len(n.Config) > 0 })
	peered := needs(func(n *Node) bool { return len(n.Peers) > 0 })
	running := len(o.Server) == 0
	for _, tag := range c.Tags {
		if slices.Contains(o.Without, tag) {
			return "this server has no " + tag
		}
	}
	switch {
	case running && c.restarts:
		return "it stops or starts a node, and the server at --address is not ours to stop"
	case running && len(c.Nodes) > 1:
		return fmt.Sprintf("it needs %d nodes, and --address is one", len(c.Nodes))
	case running && peered:
		return "its node needs peers, which the server at --address cannot be given"
	case running && configured:
		return "it sets configuration keys, which the server at --address cannot be given"
	case o.fixed() && len(c.Nodes) > 1:
		return fmt.Sprintf("it needs %d nodes, and --address is one", len(c.Nodes))
	case configured && !o.has("{config}"):
		return "it sets configuration keys, and --server has no {config}"
	case peered && !o.has("{peers}") && !o.has("{config}"):
		return "its nodes have peers, and --server has no {peers}"
	}
	return ""
}

// SplitCommand splits a command line into words as a shell does: at blanks that are neither quoted nor after a
// backslash. Within '…' everything stands for itself, within "…" a backslash makes the next \ or " so. Nothing else of a
// shell is done; `sh -c '…'` is there for that. It is an error to leave a quote open, or to say nothing.
func SplitCommand(line string) ([]string, error) {
	var words []string
	var word strings.Builder
	quote, begun := rune(0), false
	runes := []rune(line)
	for i := 0; i < len(runes); i++ {
		r := runes[i]
		next := i+1 < len(runes)
		switch {
		case r == '\\' && quote == 0 && next, r == '\\' && quote == '"' && next && strings.ContainsRune(`\"`, runes[i+1]):
			i++
			word.WriteRune(runes[i])
			begun = true
		case r == quote:
			quote = 0
		case quote == 0 && (r == '\'' || r == '"'):
			quote, begun = r, true
		case quote == 0 && unicode.IsSpace(r):
			if begun {
				words = append(words, word.String())
			}
			word.Reset()
			begun = false
		default:
			word.WriteRune(r)
			begun = true
		}
	}
	if begun {
		words = append(words, word.String())
	}
	switch {
	case quote != 0:
		return nil, fmt.Errorf("a %c is not closed in %s", quote, line)
	case len(words) == 0:
		return nil, fmt.Errorf("the command is empty")
	}
	return words, nil
}
