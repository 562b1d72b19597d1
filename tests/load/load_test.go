package main

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

func TestTextsSayWhichMessageTheyAre(t *testing.T) {
	for _, want := range []struct{ stream, n int }{{0, 0}, {7, 1234567}, {100_000, 99}} {
		text := appendText(nil, want.stream, want.n)
		if len(text) != textBytes {
			t.Errorf("the text of %v has %d bytes", want, len(text))
		}
		for _, d := range []protocol{native{}, raw{}, irc{}, nats{}} {
			said := d.say(nil, "go", text)
			last := said[bytes.LastIndexByte(bytes.TrimSpace(said), '\n')+1:] // NATS has the text in a line of its own
			stream, n, ok := parseText(last)
			if !ok || stream != want.stream || n != want.n {
				t.Errorf("%q: %d, %d, %v, want %v", said, stream, n, ok, want)
			}
		}
	}
	for _, line := range []string{"", "\n", "PONG x\n", strings.Repeat("x", 100) + "\n", "=" + strings.Repeat("9", 63), "=1." + strings.Repeat("9", 61)} {
		if _, _, ok := parseText([]byte(line)); ok {
			t.Errorf("%q was taken for a message", line)
		}
	}
}

func TestMembersNoticeWhatIsWrong(t *testing.T) {
	talk := &talk{inFlight: 1}
	for name, heard := range map[string][][2]int{
		"a gap":                          {{0, 0}, {0, 2}},
		"a duplicate":                    {{0, 0}, {1, 0}, {0, 0}},
		"another order within a stream":  {{1, 1}, {1, 0}},
		"a message of another channel":   {{2, 0}},
		"a message of a channel before":  {{-1, 0}},
		"a first message that is missed": {{1, 1}},
	} {
		m := &member{next: make([]int, 2)}
		var err error
		for _, h := range heard {
			err = errors.Join(err, m.heard(talk, h[0], h[1]))
		}
		if err == nil {
			t.Errorf("%s was not noticed", name)
		}
	}
}

func TestOrderIsComparedWithinACrowd(t *testing.T) {
	a, b := &member{next: make([]int, 2)}, &member{next: make([]int, 2)}
	talk := &talk{inFlight: 1}
	if err := errors.Join(a.heard(talk, 0, 0), a.heard(talk, 1, 0), b.heard(talk, 1, 0), b.heard(talk, 0, 0)); err != nil {
		t.Fatal(err)
	}
	if a.order == b.order {
		t.Error("two orders look the same")
	}
}

func TestTalkThroughTheBaseline(t *testing.T) {
	folder := t.TempDir()
	binary, err := compileBaseline(folder)
	if err != nil {
		t.Fatal(err)
	}
	o := options{folder: folder}
	d := driver{baseline, raw{}, startRaw(binary)}
	for name, try := range map[string]func() ([]float64, error){
		"one channel":        func() ([]float64, error) { return fanout(t.Context(), o, d, 20, 8, 16, 50) },
		"two members":        func() ([]float64, error) { return fanout(t.Context(), o, d, 2, 1, 1, 50) },
		"many channels":      func() ([]float64, error) { return manyChannels(t.Context(), o, d, 3, 20) },
		"said by a clock":    func() ([]float64, error) { return fixedRate(t.Context(), o, d, 10, time.Millisecond, 10) },
		"people who log in":  func() ([]float64, error) { return logins(t.Context(), o, d, 50) },
		"others who stay on": func() ([]float64, error) { return crowded(t.Context(), o, d, 120, 5) },
	} {
		if _, err := try(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestComparisonTakesTurns(t *testing.T) {
	var turns []string
	o := options{rounds: 3, drivers: []driver{{name: baseline}, {name: "a"}}}
	value := 0.0
	all, err := o.compare(t.Context(), "s", "w", []string{"x", "y"}, func(_ context.Context, _ options, d driver) ([]float64, error) {
		turns = append(turns, d.name)
		value++
		return []float64{value, 10 * value}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(turns, ","); got != strings.Repeat(","+baseline+",a", 3)[1:] {
		t.Errorf("the turns were %s", got)
	}
	if len(all) != 4 || all[1].Value != 4 || all[1].Ratio != 4./3 || all[1].Of != baseline || all[2].Value != 30 {
		t.Errorf("the figures are %+v", all)
	}
}

func TestChartsAndTablesShowAllFigures(t *testing.T) {
	all := []figure{
		measured("bars", "a <b>", 2, "ms").by("x"), measured("bars", "a <b>", 1, "ms").by("y").of("x", 2),
		measured("grow", "w", 5, "ms").by("x").at("people", 10), measured("grow", "w", 50, "ms").by("x").at("people", 1000),
		measured("none", "nothing", 0, "ms"),
	}
	var out strings.Builder
	if err := show(&out, machine{}, all); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"a <b>   2   1 (0.5)", "1000 people   50", "ratio to x"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in\n%s", want, out.String())
		}
	}
	for _, table := range tables(all) {
		for _, chart := range [][]byte{table.bars(), table.lines()} {
			if err := wellFormed(chart); err != nil {
				t.Errorf("%s: %v\n%s", table.title, err, chart)
			}
		}
	}
}

func wellFormed(text []byte) error {
	if bytes.Contains(text, []byte("NaN")) || bytes.Contains(text, []byte("Inf")) {
		return errors.New("a number is none")
	}
	for d := xml.NewDecoder(bytes.NewReader(text)); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}
