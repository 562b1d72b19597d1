package runner

import (
	"bytes"
	"fmt"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"chatnode/tests/cases"
)

// schema is that of case files, compiled when it is first needed.
var schema = sync.OnceValues(func() (*jsonschema.Schema, error) {
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(cases.Schema))
	if err != nil {
		return nil, err
	}
	const name = "https://chatnode.invalid/schema.json" // it is never fetched
	c := jsonschema.NewCompiler()
	if err := c.AddResource(name, document); err != nil {
		return nil, err
	}
	return c.Compile(name)
})

// explanations say, for parts of the schema, what a value there has to be, where the library would only say which rule
// it breaks.
var explanations = map[string]string{
	"/$defs/step":                         "a step does one thing: connect, listen, send, send_raw, expect, expect_all, silent, close, expect_closed, stop, start, cut, heal, repeat or sleep",
	"/$defs/talks":                        "says neither which client nor which peer",
	"/$defs/alone":                        "is for no one: it takes no client, peer, node or link",
	"/$defs/tag":                          "must be 1 to 64 letters, digits, dots, _ and -",
	"/$defs/id":                           "must be 1 to 64 letters, digits, _ and -",
	"/$defs/text":                         "must be a text without control characters, and not blank",
	"/$defs/config":                       "must be a configuration key in full, such as limits.line_bytes",
	"/$defs/duration":                     `must be a time such as "300ms"`,
	"/$defs/yes":                          "must be true",
	"/$defs/step/properties/connect":      "must be the id of a node, or true",
	"/$defs/step/properties/expect":       `must be a line, {"regex": …} or {"eventually": …}`,
	"/$defs/step/dependentSchemas/listen": "is for a peer: it says which with peer",
	"/$defs/step/dependentSchemas/stop":   "says which node with node",
	"/$defs/step/dependentSchemas/start":  "says which node with node",
	"/$defs/step/dependentSchemas/cut":    "says which link with link",
	"/$defs/step/dependentSchemas/heal":   "says which link with link",
	"/$defs/step/dependentSchemas/repeat": "says what to repeat with steps",
	"/$defs/step/dependentSchemas/steps":  "says how often with repeat",
}

// violations returns what the schema has against a document.
func violations(file string, document any, at positions) (Problems, error) {
	s, err := schema()
	if err != nil {
		return nil, fmt.Errorf("the schema of case files is wrong: %w", err)
	}
	err = s.Validate(document)
	if err == nil {
		return nil, nil
	}
	bad, ok := err.(*jsonschema.ValidationError)
	if !ok {
		return nil, err
	}
	v := violation{file: file, at: at, printer: message.NewPrinter(language.English), unknown: map[string]bool{}}
	v.collect(bad, "")
	return v.worth(), nil
}

type violation struct {
	file    string
	at      positions
	printer *message.Printer
	unknown map[string]bool // paths of objects with unknown members: those are what is wrong with them
	found   []found
}

type found struct {
	Problem
	object string // the path of the object that is as a whole not as it should be, or ""
}

// collect goes down to what an error comes from. A dependent says the member that brought a rule with it.
func (v *violation) collect(e *jsonschema.ValidationError, dependent string) {
	path := ""
	for _, token := range e.InstanceLocation {
		path = join(path, token)
	}
	_, rule, _ := strings.Cut(e.SchemaURL, "#")
	if member, ok := strings.CutPrefix(rule, "/$defs/step/dependentSchemas/"); ok {
		dependent = member
	}
	text, explained := explanations[rule]
	field := path
	switch k := e.ErrorKind.(type) {
	case *kind.AdditionalProperties:
		v.unknown[path] = true
		for _, member := range k.Properties {
			v.add(join(path, member), unknownField(rule), "")
		}
		return
	case *kind.OneOf, *kind.MaxProperties, *kind.MinProperties, *kind.Pattern, *kind.Const:
		if explained {
			if dependent != "" && (rule == "/$defs/talks" || rule == "/$defs/alone") {
				field = join(path, dependent)
			}
			v.add(field, text, path)
			return
		}
	case *kind.Required:
		if explained && dependent != "" {
			v.add(join(path, dependent), text, path)
			return
		}
		for _, member := range k.Missing {
			v.add(join(path, member), "is missing", path)
		}
		return
	}
	for _, cause := range e.Causes {
		v.collect(cause, dependent)
	}
	if len(e.Causes) == 0 {
		v.add(field, e.ErrorKind.LocalizedString(v.printer), "")
	}
}

// unknownField says what a member is that the schema does not have.
func unknownField(rule string) string {
	if rule == "/$defs/config" {
		return explanations[rule]
	}
	return "unknown field"
}

func (v *violation) add(field, text, object string) {
	line := v.at.lines[field]
	if line == 0 {
		line = v.at.lines[object]
	}
	v.found = append(v.found, found{Problem{v.file, line, field, text}, object})
}

// worth returns what is worth telling: of an object with unknown members no more than those.
func (v *violation) worth() Problems {
	var all Problems
	for _, f := range v.found {
		if f.object == "" || !v.unknown[f.object] {
			all = append(all, f.Problem)
		}
	}
	return all
}
