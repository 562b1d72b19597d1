package csp

import (
	"bytes"
	"encoding/json"
	"strconv"
	"unicode/utf8"
)

// A request is one line of a client.
type request struct {
	command string
	user    string // who the client says it is
	group   string
	secret  string // a password
	target  string // whom something is done to
	payload string
}

// faults are why a line is not carried out, with a text for people.
var faults = map[code]string{
	syntaxError:    "That is no request of this protocol.",
	unknownCommand: "There is no such command.",
	otherVersion:   "This server speaks version 1.0.",
}

// parse reads a line. The fault is "" or one of faults; with otherVersion the command is known if the line has one. Keys
// that a command does not need may be missing, or be anything.
func parse(line []byte) (r request, fault code) {
	top, ok := object(line)
	if !ok || !utf8.Valid(line) || top["version"] == nil {
		return r, syntaxError
	}
	hasCommand := text(top["command"], &r.command)
	cmd, known := commands[r.command]
	switch {
	case !isOne(top["version"]):
		return r, otherVersion
	case !hasCommand:
		return r, syntaxError
	case !known:
		return r, unknownCommand
	}
	parameters, _ := object(top["parameters"]) // without them the first that is needed is missing
	if !text(parameters["username"], &r.user) || cmd.payload && !text(top["payload"], &r.payload) {
		return r, syntaxError
	}
	for _, key := range cmd.needs {
		if !text(parameters[key], r.parameter(key)) {
			return r, syntaxError
		}
	}
	return r, ""
}

// The keys among the parameters that some commands need.
const (
	groupKey  = "chat_name"
	secretKey = "password"
	kickedKey = "kicked_user"
	bannedKey = "banned_user"
)

func (r *request) parameter(key string) *string {
	switch key {
	case groupKey:
		return &r.group
	case secretKey:
		return &r.secret
	}
	return &r.target
}

// object reads an object. Keys are told apart by case, as a decoder into a struct would not.
func object(value []byte) (o map[string]json.RawMessage, ok bool) {
	err := json.Unmarshal(value, &o)
	return o, err == nil && o != nil
}

// text reads a string, and nothing else.
func text(value json.RawMessage, into *string) bool {
	return len(value) > 0 && value[0] == '"' && json.Unmarshal(value, into) == nil
}

// isOne reports whether a version is 1.0. The original compares it as Python does, to which true is a one.
func isOne(version json.RawMessage) bool {
	n, err := strconv.ParseFloat(string(version), 64)
	return err == nil && n == 1 || string(version) == "true"
}

// blank reports a line that says nothing.
func blank(line []byte) bool { return len(bytes.Trim(line, " \t\r")) == 0 }
