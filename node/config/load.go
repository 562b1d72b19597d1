package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/BurntSushi/toml"
)

// Load reads the file at path over the defaults, makes its relative paths absolute by its folder, and validates the
// result. Its error names everything that is wrong, a line each, beginning with path and, where a key stands in the file,
// the number of its line: "chatnode.toml:12: store.retenton: unknown key; did you mean store.retention?". Where the file
// cannot be read the error is that of os.ReadFile.
func Load(path string) (Config, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return Config{}, err
	}
	folder, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return Config{}, err
	}
	c, err := decode(string(text), path, folder)
	if err != nil {
		return Config{}, err
	}
	return c, nil
}

// decode does what Load does for a text that came from the file called name in folder.
func decode(text, name, folder string) (Config, error) {
	d, err := parse(text)
	if err != nil {
		return Config{}, syntaxError(name, err)
	}
	c := Default()
	p := d.fill(&c)
	if len(p) == 0 {
		c.resolve(folder)
		p = c.problems()
	}
	return c, p.join(func(one problem) error {
		if line := d.line(one.key); line > 0 {
			return fmt.Errorf("%s:%d: %w", name, line, one)
		}
		return fmt.Errorf("%s: %w", name, one)
	})
}

func syntaxError(name string, err error) error {
	if at, ok := errors.AsType[toml.ParseError](err); ok {
		return fmt.Errorf("%s:%d: %s", name, at.Position.Line, at.Message)
	}
	return fmt.Errorf("%s: %w", name, err)
}

// resolve makes relative paths relative to folder.
func (c *Config) resolve(folder string) {
	for _, k := range c.Keys() {
		path, _ := k.Value.(string)
		if !k.isPath() || path == "" || path == Memory || filepath.IsAbs(path) {
			continue
		}
		k.field.SetString(filepath.Join(folder, path))
	}
}
