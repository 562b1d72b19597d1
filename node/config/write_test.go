package config

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

func TestWhatIsWrittenLoadsAsTheSame(t *testing.T) {
	for name, set := range map[string]func(*Config){
		"default":        func(*Config) {},
		"no listener":    func(c *Config) { c.Listen.Chat = nil },
		"two listeners":  func(c *Config) { c.Listen.Chat = Addresses{"a:1", "[::1]:2"} },
		"in memory":      func(c *Config) { c.Data = Memory },
		"odd characters": func(c *Config) { c.Host, c.Data = `a"\#=['é\u2028]`, `/a "b\' # c` },
		"durations":      func(c *Config) { c.Limits.Grace, c.Limits.IdleTimeout = 1_500_001, seconds(3661) },
		"numbers":        func(c *Config) { c.Store.TailBytes, c.Limits.Replay = noMax, 0 },
		"words":          func(c *Config) { c.Log.Level, c.Store.Durability = LevelTrace, Process },
	} {
		t.Run(name, func(t *testing.T) {
			want := Default()
			set(&want)
			want.resolve("/srv")
			got, err := Load(write(t, written(t, want)))
			if err != nil {
				t.Fatal(err)
			}
			wantSame(t, got, want)
		})
	}
}

// written returns what WriteTOML writes.
func written(t *testing.T, c Config) string {
	t.Helper()
	var out bytes.Buffer
	if err := c.WriteTOML(&out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestAnEmptyListIsWrittenAsOne(t *testing.T) {
	c := Default()
	c.Federation.Blocked = nil
	if text := written(t, c); !strings.Contains(text, "\nblocked = [] # applied by SIGHUP\n") {
		t.Error(text)
	}
}

func TestEveryKeyIsWrittenInItsSectionWithAMarkWhereItIsLive(t *testing.T) {
	c := Default()
	section, keys := "", c.Keys()
	for _, line := range strings.Split(strings.TrimSpace(written(t, c)), "\n") {
		if line == "" {
			continue
		}
		if strings.HasPrefix(line, "[") {
			section = strings.Trim(line, "[]") + "."
			continue
		}
		name, _, _ := strings.Cut(line, " = ")
		if section+name != keys[0].Name {
			t.Fatalf("%s where %s should be", section+name, keys[0].Name)
		}
		if marked := strings.HasSuffix(line, " # applied by SIGHUP"); marked != live[keys[0].Name] {
			t.Errorf("%s: marked %v", keys[0].Name, marked)
		}
		keys = keys[1:]
	}
	if len(keys) > 0 {
		t.Errorf("%s is not written", keys[0].Name)
	}
}

func TestAWriterThatFailsIsReported(t *testing.T) {
	full := errors.New("full")
	if err := Default().WriteTOML(failing{full}); !errors.Is(err, full) {
		t.Errorf("got %v", err)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }
