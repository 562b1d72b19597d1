package config

import (
	"errors"
	"fmt"
	"slices"
)

// A problem is one thing that is wrong with one key.
type problem struct {
	key  string // in full
	says string
}

func (p problem) Error() string { return p.key + ": " + p.says }

type problems []problem

func (p *problems) add(key, format string, args ...any) {
	*p = append(*p, problem{key, fmt.Sprintf(format, args...)})
}

// sort brings the problems into the order of the file. Keys that no file may have come first.
func (p problems) sort() {
	place := map[string]int{}
	var c Config
	for i, k := range c.Keys() {
		place[k.Name] = i + 1
	}
	slices.SortStableFunc(p, func(a, b problem) int { return place[a.key] - place[b.key] })
}

// join makes one error of all problems, each on a line of its own as show has it. Without problems it is nil.
func (p problems) join(show func(problem) error) error {
	var all []error
	for _, one := range p {
		all = append(all, show(one))
	}
	return errors.Join(all...)
}
