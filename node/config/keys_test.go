package config

import (
	"reflect"
	"strings"
	"testing"
)

func TestAKeyKnowsItsNameValueDefaultAndTags(t *testing.T) {
	c := Default()
	c.Limits.Replay = 5
	for _, k := range c.Keys() {
		if k.Name != "limits.replay" {
			if !k.IsDefault() {
				t.Errorf("%s is not its default", k.Name)
			}
			continue
		}
		if k.Value != 5 || k.Default != 1000 || k.IsDefault() || !k.Live() || k.Section() != "limits" || k.Tag.Get("toml") != "replay" {
			t.Errorf("got %+v", k)
		}
	}
}

func TestAKeyWithoutSectionHasNone(t *testing.T) {
	var c Config
	if k := c.Keys()[0]; k.Name != "host" || k.Section() != "" {
		t.Errorf("got %+v", k)
	}
}

func TestEveryTagIsOneThatWeRead(t *testing.T) {
	var c Config
	for _, k := range c.Keys() {
		left := k.Tag
		for _, name := range []string{"toml", "reload", "path"} {
			v, there := k.Tag.Lookup(name)
			if there && name != "toml" && v != "yes" {
				t.Errorf(`%s: %s:%q, want "yes"`, k.Name, name, v)
			}
			left = reflect.StructTag(strings.Replace(string(left), name+`:"`+v+`"`, "", 1))
		}
		if strings.TrimSpace(string(left)) != "" {
			t.Errorf("%s: nothing reads %s", k.Name, left)
		}
	}
}
