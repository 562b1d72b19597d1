package config

import (
	"strings"
	"testing"
)

func TestTheExampleIsTheDefault(t *testing.T) {
	d, err := parse(Example)
	if err != nil {
		t.Fatal(err)
	}
	var got Config
	if p := d.fill(&got); len(p) > 0 {
		t.Fatal(p)
	}
	wantSame(t, got, Default())
}

func TestTheExampleLoads(t *testing.T) {
	if _, err := Load(write(t, Example)); err != nil {
		t.Error(err)
	}
}

func TestTheExampleNamesEveryKeyOnceInOrderAndExplainsIt(t *testing.T) {
	var got []string
	section := ""
	for line := range strings.Lines(Example) {
		switch before, comment, _ := strings.Cut(line, "# "); {
		case strings.HasPrefix(before, "["):
			section = before[1:strings.Index(before, "]")] + "."
		case strings.Contains(before, " = "):
			name := section + before[:strings.Index(before, " = ")]
			got = append(got, name)
			if strings.TrimSpace(comment) == "" {
				t.Errorf("%s is not explained", name)
			}
			if marked := strings.HasPrefix(comment, "live; "); marked != live[name] {
				t.Errorf("%s: marked as live: %v", name, marked)
			}
		}
	}
	wantLines(t, got, names()...)
}
