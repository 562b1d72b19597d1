package config

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// write makes a file with the text in a folder of its own and returns its path.
func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "chatnode.toml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// complaints returns the lines of Load's error, without the path in front.
func complaints(t *testing.T, text string) []string {
	t.Helper()
	path := write(t, text)
	_, err := Load(path)
	var all []string
	for _, line := range lines(err) {
		all = append(all, strings.TrimPrefix(line, path))
	}
	return all
}

func lines(err error) []string {
	if err == nil {
		return nil
	}
	return strings.Split(err.Error(), "\n")
}

// wantLines fails unless got is want.
func wantLines(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got:\n\t%s\nwant:\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

// wantSame fails unless both are the same to the last list.
func wantSame(t *testing.T, got, want Config) {
	t.Helper()
	for i, w := range want.Keys() {
		if g := got.Keys()[i]; !reflect.DeepEqual(g.Value, w.Value) {
			t.Errorf("%s is %#v, want %#v", w.Name, g.Value, w.Value)
		}
	}
}

// without returns the problems that are not about a part that is not built.
func without(found []string) []string {
	return slices.DeleteFunc(found, func(s string) bool { return strings.HasSuffix(s, "not in this build") })
}

// change gives the key of c with that name another value, which need not be a good one.
func change(t *testing.T, c *Config, name string) {
	t.Helper()
	for _, k := range c.Keys() {
		if k.Name != name {
			continue
		}
		switch k.field.Kind() {
		case reflect.String:
			k.field.SetString(k.field.String() + "x")
		case reflect.Bool:
			k.field.SetBool(!k.field.Bool())
		case reflect.Slice:
			k.field.Set(reflect.ValueOf([]string{"a", "b"}).Convert(k.field.Type()))
		default:
			k.field.SetInt(k.field.Int() + 1)
		}
		return
	}
	t.Fatalf("no key %s", name)
}
