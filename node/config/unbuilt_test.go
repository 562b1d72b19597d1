package config

import (
	"slices"
	"strings"
	"testing"
)

func TestAnUnbuiltPartIsRefusedUnlessDefault(t *testing.T) {
	for _, name := range names() {
		refused := slices.ContainsFunc(unbuilt, func(u struct{ prefix, value string }) bool {
			return u.value == "" && strings.HasPrefix(name, u.prefix)
		})
		c := Default()
		change(t, &c, name)
		if got := slices.Contains(lines(c.Validate()), name+": not in this build"); got != refused {
			t.Errorf("%s refused: %v, want %v", name, got, refused)
		}
	}
}

func TestAnUnbuiltPartMaySayItsDefault(t *testing.T) {
	text := "[listen]\ntls = ''\nhttp = ''\n[gateways]\nlobby = 'lobby'\na3_max_users = 16\n[federation]\nblocked = []\nqueue_ttl = '7h161h'"
	wantLines(t, complaints(t, text))
}

func TestAnUnbuiltValueIsRefusedByItself(t *testing.T) {
	for _, u := range unbuilt {
		if u.value == "" {
			continue
		}
		c := Default()
		for _, k := range c.Keys() {
			if k.Name == u.prefix {
				k.field.SetString(u.value)
			}
		}
		wantLines(t, lines(c.Validate()), u.prefix+`: "`+u.value+`" is not in this build`)
	}
}

func TestEveryLineOfUnbuiltIsAboutAKey(t *testing.T) {
	for _, u := range unbuilt {
		if !slices.ContainsFunc(names(), func(name string) bool { return strings.HasPrefix(name, u.prefix) }) {
			t.Errorf("%q is the beginning of no key", u.prefix)
		}
	}
}
