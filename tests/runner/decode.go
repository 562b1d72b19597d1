package runner

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// read makes cases of a file, or says what is wrong with it.
func read(file string, text []byte) ([]*Case, Problems) {
	if !utf8.Valid(text) {
		return nil, Problems{{file, 0, "", "not UTF-8"}}
	}
	if bad := notJSON(file, text); bad != nil {
		return nil, Problems{*bad}
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, Problems{{file, 0, "", err.Error()}}
	}
	at, err := locate(text)
	if err != nil {
		return nil, Problems{{file, 0, "", err.Error()}}
	}
	wrong, err := violations(file, document, at)
	if err != nil {
		return nil, Problems{{file, 0, "", err.Error()}}
	}
	for _, field := range at.again {
		wrong = append(wrong, Problem{file, at.lines[field], field, "is given twice"})
	}
	if len(wrong) > 0 {
		return nil, wrong
	}
	d := decoder{file: file, at: at}
	return d.cases(text), d.wrong
}

// A decoder makes cases of JSON that the schema has nothing against.
type decoder struct {
	file  string
	at    positions
	wrong Problems
}

func (d *decoder) problem(field, format string, args ...any) {
	d.wrong = append(d.wrong, Problem{d.file, d.at.lines[field], field, fmt.Sprintf(format, args...)})
}

type rawCase struct {
	Name   string
	Source string
	Tags   []string
	Nodes  []struct {
		ID     string
		Host   string
		Peers  []string
		Config map[string]json.RawMessage
	}
	Steps []json.RawMessage
}

func (d *decoder) cases(text []byte) []*Case {
	var several []json.RawMessage
	if err := json.Unmarshal(text, &several); err != nil { // the schema saw to it that it is one case then
		return []*Case{d.one(text, "")}
	}
	all := make([]*Case, len(several))
	for i, one := range several {
		all[i] = d.one(one, join("", strconv.Itoa(i)))
	}
	return all
}

// one makes the case at a path. The path of a case that is alone in its file is empty.
func (d *decoder) one(text json.RawMessage, path string) *Case {
	var raw rawCase
	d.into(path, text, &raw)
	c := &Case{Name: raw.Name, Source: raw.Source, Tags: raw.Tags, File: d.file, Line: d.at.lines[path]}
	for i, n := range raw.Nodes {
		node := Node{ID: n.ID, Host: n.Host, Peers: n.Peers, Config: map[string]any{}}
		if node.Host == "" {
			node.Host = node.ID + hostSuffix
		}
		for key, value := range n.Config {
			field := fmt.Sprintf("%s[%d].config", join(path, "nodes"), i)
			var v any
			decode := json.NewDecoder(bytes.NewReader(value))
			decode.UseNumber()
			if err := decode.Decode(&v); err != nil {
				d.problem(join(field, key), "%v", err)
			}
			node.Config[key] = v
		}
		c.Nodes = append(c.Nodes, node)
	}
	c.Steps = d.steps(path, "steps", raw.Steps)
	if len(raw.Nodes) == 0 {
		id := called(c.Steps)
		c.Nodes = []Node{{ID: id, Host: id + hostSuffix}}
	}
	d.check(c, path)
	return c
}

// into decodes what the schema has accepted.
func (d *decoder) into(path string, text json.RawMessage, v any) {
	if err := json.Unmarshal(text, v); err != nil {
		d.problem(path, "%v", err)
	}
}

// called returns what the steps call the only node.
func called(steps []Step) string {
	for i := range steps {
		s := &steps[i]
		switch {
		case s.verb == "connect" && s.text != "":
			return s.text
		case s.verb == "stop" || s.verb == "start":
			return s.who
		case s.verb == "repeat":
			if id := called(s.steps); id != unnamed {
				return id
			}
		}
	}
	return unnamed
}

// unnamed is the id of a node that no step names.
const unnamed = "node"

// steps makes the steps of a case, or of a repeat. Their paths begin with within in the case, which has a path in the
// file.
func (d *decoder) steps(path, within string, texts []json.RawMessage) []Step {
	all := make([]Step, len(texts))
	for i, text := range texts {
		place := join(within, strconv.Itoa(i))
		all[i] = d.step(path, place, text)
		all[i].repeats = strings.Contains(place, ".")
	}
	return all
}

func (d *decoder) step(path, place string, text json.RawMessage) Step {
	field := inFile(path, place)
	var members map[string]json.RawMessage
	d.into(field, text, &members)
	var short bytes.Buffer
	if err := json.Compact(&short, text); err != nil {
		d.problem(field, "%v", err)
	}
	s := Step{Path: place, JSON: short.String(), Line: d.at.lines[field]}
	for key, value := range members {
		member := join(field, key)
		switch key {
		case "client", "node":
			d.into(member, value, &s.who)
		case "peer":
			s.peer = true
			d.into(member, value, &s.who)
		case "link":
			d.into(member, value, &s.link)
		case "steps":
			var texts []json.RawMessage
			d.into(member, value, &texts)
			s.steps = d.steps(path, join(place, "steps"), texts)
		default:
			s.verb = key
			d.operand(&s, member, value)
		}
	}
	return s
}

// inFile makes the path in the file of what has a path in a case.
func inFile(path, place string) string {
	if path == "" {
		return place
	}
	return path + "." + place
}

// operand reads what belongs to the verb of a step. Where that is true, there is nothing to read.
func (d *decoder) operand(s *Step, field string, value json.RawMessage) {
	switch s.verb {
	case "connect":
		if string(value) != "true" {
			d.into(field, value, &s.text)
		}
	case "send", "send_raw", "stop":
		d.into(field, value, &s.text)
	case "silent", "sleep":
		s.wait = d.duration(field, value)
	case "expect":
		s.expect = d.pattern(field, value)
	case "expect_all":
		s.all = d.wanted(field, value)
	case "repeat":
		var n json.Number // 1e2 and 100.0 are integers to the schema
		d.into(field, value, &n)
		f, err := n.Float64()
		if err != nil {
			d.problem(field, "%v", err)
		}
		s.count = int(f)
	}
}

func (d *decoder) duration(field string, value json.RawMessage) time.Duration {
	var text string
	d.into(field, value, &text)
	wait, err := time.ParseDuration(text)
	if err != nil {
		d.problem(field, "%v", err)
	}
	return wait
}

func (d *decoder) pattern(field string, value json.RawMessage) pattern {
	if len(value) > 0 && value[0] == '"' {
		var p pattern
		d.into(field, value, &p.text)
		return p
	}
	var members map[string]json.RawMessage
	d.into(field, value, &members)
	if line, ok := members["eventually"]; ok {
		p := d.pattern(join(field, "eventually"), line)
		p.eventually = true
		return p
	}
	p := pattern{regex: true}
	field = join(field, "regex")
	d.into(field, members["regex"], &p.text)
	tried, err := compileWhole(variable.ReplaceAllLiteralString(p.text, "x"))
	if err != nil {
		d.problem(field, "%v", err)
	}
	if !slices.ContainsFunc([]byte(p.text), func(b byte) bool { return b == '$' }) {
		p.compiled = tried
	}
	return p
}

func (d *decoder) wanted(field string, value json.RawMessage) []wanted {
	var texts []struct {
		Client, Peer string
		Line         json.RawMessage
	}
	d.into(field, value, &texts)
	all := make([]wanted, len(texts))
	for i, t := range texts {
		all[i] = wanted{who: t.Client + t.Peer, expect: d.pattern(join(join(field, strconv.Itoa(i)), "line"), t.Line)}
	}
	return all
}
