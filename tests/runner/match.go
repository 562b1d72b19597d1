package runner

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// A pattern is what a line has to be.
type pattern struct {
	text       string         // the line itself, or a regular expression
	regex      bool           // text is a regular expression
	eventually bool           // lines that do not match are passed over
	compiled   *regexp.Regexp // of a regular expression without variables
}

// variables are what ${…} stands for: "i", and "bob.seq" for the group seq of a line to bob.
type variables map[string]string

// variable finds ${name}, and $${, which stands for ${ itself.
var variable = regexp.MustCompile(`\$\$\{|\$\{[^}]*\}?`)

// expand fills variables in. Their values go through quote.
func (v variables) expand(text string, quote func(string) string) (string, error) {
	var unknown error
	filled := variable.ReplaceAllStringFunc(text, func(found string) string {
		if found == "$${" {
			return "${"
		}
		value, ok := v[name(found)]
		if !ok {
			unknown = fmt.Errorf("nothing is known as %s", found)
		}
		return quote(value)
	})
	return filled, unknown
}

// name returns the name in ${name}.
func name(found string) string { return strings.TrimSuffix(found[2:], "}") }

func literally(s string) string { return s }

// names returns the variables that a text uses, as they stand there.
func names(text string) []string {
	var all []string
	for _, found := range variable.FindAllString(text, -1) {
		if found != "$${" {
			all = append(all, found)
		}
	}
	return all
}

// compileWhole compiles a regular expression that has to match a line whole.
func compileWhole(text string) (*regexp.Regexp, error) {
	if _, err := regexp.Compile(text); err != nil { // so that the error shows the text as it was written
		return nil, err
	}
	return regexp.Compile(`\A(?:` + text + `)\z`)
}

// A matcher is a pattern with its variables filled in.
type matcher struct {
	text string
	re   *regexp.Regexp // nil for a line itself
}

// with fills the variables of a pattern in.
func (p pattern) with(v variables) (matcher, error) {
	quote := literally
	if p.regex {
		quote = regexp.QuoteMeta
	}
	text, err := v.expand(p.text, quote)
	if err != nil || !p.regex {
		return matcher{text: text}, err
	}
	if p.compiled != nil {
		return matcher{text, p.compiled}, nil
	}
	re, err := compileWhole(text)
	return matcher{text, re}, err
}

// match compares a line, and returns what the named groups of a regular expression found. A regular expression never
// matches bytes that are not UTF-8, and a carriage return or a NUL only where it names them itself: "." would hide them.
func (m matcher) match(line string) (found variables, ok bool) {
	if m.re == nil {
		return nil, line == m.text
	}
	if m.hides(line) {
		return nil, false
	}
	groups := m.re.FindStringSubmatch(line)
	if groups == nil {
		return nil, false
	}
	found = variables{}
	for i, group := range m.re.SubexpNames() {
		if group != "" {
			found[group] = groups[i]
		}
	}
	return found, true
}

func (m matcher) hides(line string) bool {
	cr := strings.HasSuffix(line, "\r") && !strings.HasSuffix(m.text, `\r`) && !strings.HasSuffix(m.text, "\r")
	nul := strings.Contains(line, "\x00") && !strings.Contains(m.text, `\x00`)
	return cr || nul || !utf8.ValidString(line)
}

// String shows what is expected.
func (m matcher) String() string {
	if m.re != nil {
		return "/" + m.text + "/"
	}
	return visible(m.text)
}

// assign gives each line to another one of the matchers that match it. It returns the index of each line's matcher, or
// false if there is no such way.
func assign(lines []string, all []matcher) ([]int, bool) {
	takenBy := make([]int, len(all)) // index of the line, from 1; 0 for none
	var place func(line int, tried []bool) bool
	place = func(line int, tried []bool) bool {
		for i, m := range all {
			if _, ok := m.match(lines[line]); !ok || tried[i] {
				continue
			}
			tried[i] = true
			if takenBy[i] == 0 || place(takenBy[i]-1, tried) {
				takenBy[i] = line + 1
				return true
			}
		}
		return false
	}
	for i := range lines {
		if !place(i, make([]bool, len(all))) {
			return nil, false
		}
	}
	of := make([]int, len(lines))
	for i, line := range takenBy {
		if line > 0 {
			of[line-1] = i
		}
	}
	return of, true
}
