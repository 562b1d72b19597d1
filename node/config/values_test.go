package config

import (
	"math"
	"testing"
	"time"
)

func TestADurationReadsAndWritesTheSame(t *testing.T) {
	for _, test := range []struct{ in, out string }{
		{"0s", "0s"}, {"0", "0s"}, {"200ms", "200ms"}, {"5s", "5s"}, {"60s", "1m"}, {"2m", "2m"}, {"10m", "10m"},
		{"168h", "168h"}, {"1h10m", "1h10m"}, {"1h0m5s", "1h0m5s"}, {"1.5h", "1h30m"}, {"1us", "1µs"}, {"20h", "20h"},
		{time.Duration(math.MaxInt64).String(), time.Duration(math.MaxInt64).String()},
	} {
		var d, again Duration
		if err := d.UnmarshalText([]byte(test.in)); err != nil {
			t.Error(err)
		}
		out, err := d.MarshalText()
		if err != nil || string(out) != test.out {
			t.Errorf("%s became %s, %v, want %s", test.in, out, err, test.out)
		}
		if err := again.UnmarshalText(out); err != nil || again != d {
			t.Errorf("%s was read back as %s, %v", out, again, err)
		}
	}
}

func TestADurationThatIsNoneIsRefusedAndChangesNothing(t *testing.T) {
	for _, test := range []struct{ in, want string }{
		{"", `"" is not a duration such as "200ms" or "168h"`},
		{"5", `"5" is not a duration such as "200ms" or "168h"`},
		{"7d", `"7d" is not a duration such as "200ms" or "168h"`},
		{"3000000h", `"3000000h" is not a duration such as "200ms" or "168h"`},
		{"-1ns", `"-1ns" is negative`},
	} {
		d := seconds(1)
		wantLines(t, lines(d.UnmarshalText([]byte(test.in))), test.want)
		if d != seconds(1) {
			t.Errorf("%q changed it to %s", test.in, d)
		}
	}
}

func TestAddressesAreAStringOrAList(t *testing.T) {
	for _, test := range []struct {
		text string
		want Addresses
	}{
		{`chat = ""`, nil},
		{`chat = []`, nil},
		{`chat = "a:1"`, Addresses{"a:1"}},
		{`chat = ["a:1"]`, Addresses{"a:1"}},
		{`chat = ["a:1", "b:2"]`, Addresses{"a:1", "b:2"}},
	} {
		c, err := Load(write(t, "[listen]\n"+test.text))
		if err != nil {
			t.Error(err)
		}
		want := c
		want.Listen.Chat = test.want
		wantSame(t, c, want)
	}
}

func TestAddressesThatAreNoneAreRefusedAndChangeNothing(t *testing.T) {
	for _, found := range []any{5, []any{"a:1", true}, map[string]any{}, nil} {
		a := Addresses{"b:2"}
		if err := a.UnmarshalTOML(found); err == nil || len(a) != 1 || a[0] != "b:2" {
			t.Errorf("%v: %v, now %v", found, err, a)
		}
	}
}

func TestSlipsAreCounted(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want int
	}{
		{"host", "host", 0}, {"hots", "host", 2}, {"hst", "host", 1}, {"hoost", "host", 1}, {"most", "host", 1},
		{"", "host", 4}, {"höst", "host", 1}, {"host1234", "host", 3},
	} {
		if got := slips(test.a, test.b); got != test.want {
			t.Errorf("%s to %s: %d, want %d", test.a, test.b, got, test.want)
		}
	}
}
