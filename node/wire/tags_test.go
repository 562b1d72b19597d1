package wire

import (
	"errors"
	"slices"
	"testing"
)

func TestTagsAreCutOffALine(t *testing.T) {
	for _, k := range []struct {
		line string
		tags []Tag
		rest string
	}{
		{"SAY go hi", nil, "SAY go hi"},
		{"", nil, ""},
		{" @a=b x", nil, " @a=b x"},
		{"@ref=x SAY go hi", []Tag{{"ref", "x"}}, "SAY go hi"},
		{"@a=1;b=2;c=3 x y", []Tag{{"a", "1"}, {"b", "2"}, {"c", "3"}}, "x y"},
		{"@a x", []Tag{{"a", ""}}, "x"},
		{"@a= x", []Tag{{"a", ""}}, "x"},
		{"@a=b=c x", []Tag{{"a", "b=c"}}, "x"},
		{"@a=b ", []Tag{{"a", "b"}}, ""},
		{"@a=b  x", []Tag{{"a", "b"}}, " x"},
		{`@a=\:\s\\\r\n x`, []Tag{{"a", "; \\\r\n"}}, "x"},
		{`@a=\b\= x`, []Tag{{"a", "b="}}, "x"},
		{`@a=b\ x`, []Tag{{"a", "b"}}, "x"},
		{`@a=\ x`, []Tag{{"a", ""}}, "x"},
		{"@a=1;a=2 x", []Tag{{"a", "1"}, {"a", "2"}}, "x"},
	} {
		tags, rest, err := SplitTags(k.line)
		if err != nil || rest != k.rest || !slices.Equal(tags, k.tags) {
			t.Errorf("%q: %q, %q, %v; want %q, %q", k.line, tags, rest, err, k.tags, k.rest)
		}
	}
}

func TestALineThatBeginsAsTagsMustHaveThem(t *testing.T) {
	for _, line := range []string{"@", "@ ", "@ SAY go hi", "@a=b", "@=b x", "@; x", "@a=b; x", "@;a=b x", "@a;;b x"} {
		if tags, rest, err := SplitTags(line); !errors.Is(err, ErrTags) {
			t.Errorf("%q: %q, %q, %v", line, tags, rest, err)
		}
	}
}

func TestTagsAreWrittenInOrderAndEscaped(t *testing.T) {
	var list []byte
	for _, k := range []struct{ key, value, want string }{
		{"ref", "a b", `@ref=a\sb`},
		{"err", "", `@ref=a\sb;err=`},
		{"x", "; \\\r\n=", `@ref=a\sb;err=;x=\:\s\\\r\n=`},
		{"y", "世界", `@ref=a\sb;err=;x=\:\s\\\r\n=;y=世界`},
	} {
		if list = AppendTag(list, k.key, k.value); string(list) != k.want {
			t.Fatalf("%s; want %s", list, k.want)
		}
	}
}
