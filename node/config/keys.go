package config

import (
	"reflect"
	"strings"
)

// A Key is one key of a Config, as it was when Keys walked it.
type Key struct {
	Name    string            // in full, with its section: "limits.line_bytes"
	Value   any               // of the type of the key's field
	Default any               // what Default has, of the same type
	Tag     reflect.StructTag // of the key's field; what its parts mean stands at Config

	field reflect.Value // the key's field in the Config that was walked; settable
}

// Keys returns every key of c, in the order of the file: those without a section first.
func (c *Config) Keys() []Key {
	def := Default()
	return walk(reflect.ValueOf(c).Elem(), reflect.ValueOf(&def).Elem(), "")
}

func walk(section, def reflect.Value, prefix string) []Key {
	var keys []Key
	for i := range section.NumField() {
		tag := section.Type().Field(i).Tag
		name := prefix + tag.Get("toml")
		field := section.Field(i)
		if field.Kind() == reflect.Struct {
			keys = append(keys, walk(field, def.Field(i), name+".")...)
			continue
		}
		keys = append(keys, Key{name, field.Interface(), def.Field(i).Interface(), tag, field})
	}
	return keys
}

// Section returns the part of the name before the dot: "limits". It is empty for a key without a section.
func (k Key) Section() string {
	section, _, found := strings.Cut(k.Name, ".")
	if !found {
		return ""
	}
	return section
}

// Live reports whether a running node takes over a changed value of the key on SIGHUP. A live key of the section limits
// applies to connections made after that.
func (k Key) Live() bool { return k.Tag.Get("reload") == "yes" }

// IsDefault reports whether the key has its default value.
func (k Key) IsDefault() bool { return same(k.Value, k.Default) }

// isPath reports whether a file may give the key relative to its own folder.
func (k Key) isPath() bool { return k.Tag.Get("path") == "yes" }

// same reports whether two values of one key mean the same. An empty list is one, whether nil or not.
func same(a, b any) bool {
	return reflect.DeepEqual(a, b) || emptyList(a) && emptyList(b)
}

func emptyList(v any) bool {
	list := reflect.ValueOf(v)
	return list.Kind() == reflect.Slice && list.Len() == 0
}
