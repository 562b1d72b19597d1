package config

import (
	"cmp"
	"errors"
	"reflect"
	"slices"

	"github.com/BurntSushi/toml"
)

// A document is a file's text, parsed, its values not yet looked at. Decoding key by key, and not the whole into Config,
// finds every mistake instead of the first, tells where it stands, and keeps the library from taking a key in the wrong
// case for ours.
type document struct {
	md     toml.MetaData
	values map[string]toml.Primitive // the top, and what is in our sections, by full name as toml.Key writes it
	opened map[string]bool           // which of our sections are there as sections
}

// parse returns a toml.ParseError where text is not TOML.
func parse(text string) (*document, error) {
	var top map[string]toml.Primitive
	md, err := toml.Decode(text, &top)
	if err != nil {
		return nil, err
	}
	d := &document{md, map[string]toml.Primitive{}, map[string]bool{}}
	for name, v := range top {
		d.values[toml.Key{name}.String()] = v
	}
	for _, s := range sections() {
		if table, there := top[s]; there {
			d.open(s, table)
		}
	}
	return d, nil
}

// open adds what is in one of our sections. The library decodes what is no table as a nil map, without an error.
func (d *document) open(section string, table toml.Primitive) {
	var inner map[string]toml.Primitive
	if err := d.md.PrimitiveDecode(table, &inner); err != nil || inner == nil {
		return
	}
	d.opened[section] = true
	for name, v := range inner {
		d.values[toml.Key{section, name}.String()] = v
	}
}

// fill sets the keys of c that the document has and returns what is wrong with it.
func (d *document) fill(c *Config) problems {
	p := d.unknown()
	for _, s := range sections() {
		if _, there := d.values[s]; there && !d.opened[s] {
			p.add(s, "must be a section: [%s]", s)
		}
	}
	for _, k := range c.Keys() {
		if v, there := d.values[k.Name]; there {
			d.set(&p, k, v)
		}
	}
	return p
}

func (d *document) set(p *problems, k Key, v toml.Primitive) {
	err := d.md.PrimitiveDecode(v, k.field.Addr().Interface())
	if own, ok := errors.AsType[toml.ParseError](err); ok {
		p.add(k.Name, "%s", own.Message)
	} else if err != nil {
		p.add(k.Name, "must be %s", wanted(k.field))
	}
}

// wanted says what a file must have for a field.
func wanted(field reflect.Value) string {
	switch field.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Slice:
		return "a list of strings"
	case reflect.Int, reflect.Int64:
		if _, ok := field.Interface().(Duration); !ok {
			return "a whole number"
		}
	}
	return "a string"
}

// unknown finds the keys and sections that are not ours, in the order of the text. What is under one is not named as well.
func (d *document) unknown() problems {
	var p problems
	ours := append(sections(), names()...)
	for name := range d.values {
		if !slices.Contains(ours, name) {
			p.add(name, "unknown key%s", suggestion(name, ours))
		}
	}
	slices.SortFunc(p, func(a, b problem) int {
		return cmp.Or(cmp.Compare(d.line(a.key), d.line(b.key)), cmp.Compare(a.key, b.key))
	})
	return p
}

// names returns the full name of every key.
func names() []string {
	var c Config
	var all []string
	for _, k := range c.Keys() {
		all = append(all, k.Name)
	}
	return all
}

// sections returns the name of every section.
func sections() []string {
	var c Config
	var all []string
	for _, k := range c.Keys() {
		if s := k.Section(); s != "" && !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	return all
}

// line returns the line on which a key stands, or 0 where that is not known. The library tells it only with the error of
// a value that refuses to be decoded.
func (d *document) line(name string) int {
	v, there := d.values[name]
	if !there {
		return 0
	}
	at, _ := errors.AsType[toml.ParseError](d.md.PrimitiveDecode(v, new(refusing)))
	return at.Position.Line
}

type refusing struct{}

func (*refusing) UnmarshalTOML(any) error { return errors.New("only its place is wanted") }
