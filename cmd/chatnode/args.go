package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/alecthomas/kong"
)

// grammar is all that a command line can say.
type grammar struct {
	Serve   serveCmd   `cmd:"" help:"Run a node."`
	Port    portCmd    `cmd:"" hidden:"" help:"Usage: chatnode PORT [PEERS] [--data DIR] [--bind ADDR]"`
	Check   checkCmd   `cmd:"" help:"Say whether a configuration is good, and show all of it."`
	Health  healthCmd  `cmd:"" help:"Ask a running node whether it is well."`
	User    userCmd    `cmd:"" help:"Look after accounts, whether the node runs or not."`
	Test    testCmd    `cmd:"" help:"Run test cases against this server or any other."`
	Version versionCmd `cmd:"" help:"Show the version."`
}

// portCommand is the original command line. It has no name that could be typed: a number begins it.
const portCommand = "port"

// typed are the commands that are called by their names.
var typed = []string{"serve", "check", "health", "user", "test", "version"}

const description = `A chat node for yourself and your friends.

  chatnode serve chatnode.toml     run the node that a file describes
  chatnode chatnode.toml           the same
  chatnode serve                   run one with the defaults and its data in ./data
  chatnode 5050                    run one on port 5050 of this machine that forgets everything when it ends
  chatnode check chatnode.toml     is the file good, and what does it come to?
  chatnode user add bob --admin    make an account

The original command line is chatnode PORT [PEERS] [--data DIR] [--bind ADDR]; chatnode 5050 --help tells more.`

// parsed is a command line that was understood, ready to be carried out.
type parsed struct {
	grammar
	kong *kong.Context
}

// Run carries the command out.
func (p *parsed) Run(s streams) error { return p.kong.Run(s) }

// parse understands a command line. It returns nil where that asked for help, which it then has had.
func parse(args []string, s streams) (*parsed, error) {
	p, helped := &parsed{}, false
	parser, err := kong.New(&p.grammar,
		kong.Name("chatnode"),
		kong.Description(description),
		kong.Writers(s.stdout, s.stderr),
		kong.Exit(func(int) { helped = true }), // nothing but help exits
		kong.Help(printHelp),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoAppDescFormat: true, WrapUpperBound: 100}),
	)
	if err != nil {
		return nil, fmt.Errorf("the grammar of command lines is wrong: %w", err)
	}
	args, err = arrange(args, valued(parser.Model.Node))
	if err != nil {
		return nil, err
	}
	p.kong, err = parser.Parse(args)
	switch {
	case helped:
		return nil, nil
	case err != nil:
		return nil, usageError(err.Error())
	}
	return p, nil
}

func printHelp(o kong.HelpOptions, c *kong.Context) error {
	if n := c.Selected(); n != nil && n.Name == portCommand {
		o.NoAppSummary = true // it would show the name that cannot be typed
	}
	return kong.DefaultHelpPrinter(o, c)
}

// valued returns the flags that take a value, as they are typed.
func valued(n *kong.Node) []string {
	var all []string
	for _, f := range n.Flags {
		if !f.IsBool() {
			all = append(all, "--"+f.Name)
		}
	}
	for _, child := range n.Children {
		all = append(all, valued(child)...)
	}
	return all
}

// arrange turns a command line as people type it, with flags anywhere and perhaps without a command, into one with the
// command first, then the flags, then the arguments.
func arrange(args, valued []string) ([]string, error) {
	for _, a := range args {
		if !utf8.ValidString(a) { // kong would quietly make another argument of it
			return nil, usageError(fmt.Sprintf("%q is not UTF-8", a))
		}
	}
	flags, words := split(args, valued)
	if len(words) > 0 && words[0] == "help" {
		flags, words = append(flags, "--help"), words[1:]
	}
	if len(words) == 0 {
		if slices.Contains(flags, "--version") {
			return []string{"version"}, nil
		}
		return flags, nil
	}
	command, err := commandOf(words)
	if err != nil {
		return nil, err
	}
	if command[0] == words[0] {
		words = words[len(command):]
	}
	return slices.Concat(command, flags, []string{"--"}, words), nil
}

// split separates flags, with their values, from words. All that comes after "--" is words.
func split(args, valued []string) (flags, words []string) {
	for i := 0; i < len(args); i++ {
		switch a := args[i]; {
		case a == "--":
			return flags, append(words, args[i+1:]...)
		case a == "-" || !strings.HasPrefix(a, "-"):
			words = append(words, a)
		default:
			flags = append(flags, a)
			if slices.Contains(valued, a) && i+1 < len(args) {
				i++
				flags = append(flags, args[i])
			}
		}
	}
	return flags, words
}

// commandOf returns the command that words begin with, or that they mean without saying so.
func commandOf(words []string) ([]string, error) {
	first := words[0]
	switch {
	case first == "user":
		return words[:min(2, len(words))], nil
	case slices.Contains(typed, first):
		return words[:1], nil
	case isNumber(first):
		return []string{portCommand}, nil
	case looksLikeFile(first):
		return []string{"serve"}, nil
	}
	return nil, usageError(fmt.Sprintf("%q is neither a command nor a file", first))
}

func isNumber(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

func looksLikeFile(s string) bool {
	_, err := os.Stat(s)
	return err == nil || strings.ContainsAny(s, "./")
}
