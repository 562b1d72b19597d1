package config

import (
	"bytes"
	"fmt"
	"io"
	"reflect"
	"strings"

	"github.com/BurntSushi/toml"
)

const appliedLive = " # applied by SIGHUP"

// WriteTOML writes c as a file: every key with its value, in the order of the file, and a comment at those that a running
// node takes over on SIGHUP. Loading the output of a valid configuration gives the same configuration, if its paths are
// absolute, as those of a loaded one are. It writes once; the error is that of w.
func (c Config) WriteTOML(w io.Writer) error {
	var out bytes.Buffer
	section := ""
	for _, k := range c.Keys() {
		if s := k.Section(); s != section {
			section = s
			fmt.Fprintf(&out, "\n[%s]\n", section)
		}
		line, err := k.line()
		if err != nil {
			return err
		}
		out.WriteString(line + "\n")
	}
	_, err := w.Write(out.Bytes())
	return err
}

// line returns the key as it stands in its section, without a newline.
func (k Key) line() (string, error) {
	name := strings.TrimPrefix(k.Name, k.Section()+".")
	text, err := toml.Marshal(map[string]any{name: writable(k.Value)})
	if err != nil {
		return "", fmt.Errorf("%s: %w", k.Name, err)
	}
	line := strings.TrimSuffix(string(text), "\n")
	if k.Live() {
		line += appliedLive
	}
	return line, nil
}

// writable returns v as the encoder should see it. The encoder leaves out a nil list, which would then be read back as
// its default.
func writable(v any) any {
	if a, ok := v.(Addresses); ok {
		return a.simplest()
	}
	if list := reflect.ValueOf(v); list.Kind() == reflect.Slice && list.IsNil() {
		return reflect.MakeSlice(list.Type(), 0, 0).Interface()
	}
	return v
}
