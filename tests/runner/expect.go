package runner

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// next returns the next line of a client, or why there is none before it is too late.
func (p *play) next(c *client, late <-chan time.Time) (string, error) {
	for {
		line, ok, end := c.take()
		if ok {
			return line, nil
		}
		if end != nil {
			return "", end
		}
		select {
		case <-p.wake:
		case <-late:
			return "", errNothing
		case <-p.ctx.Done():
			return "", p.ctx.Err()
		}
	}
}

// without makes a difference of why there is no line. It returns other errors as they are.
func (p *play) without(c *client, why error, expected ...string) error {
	_, rest, _ := c.state()
	d := &Difference{Who: c.name, Expected: expected}
	rest = visible(rest)
	switch {
	case c.gone:
		d.Got = []string{"nothing: " + c.name + " has closed its connection"}
	case errors.Is(why, errNothing) && rest != "":
		d.Got = []string{rest}
		d.Note = fmt.Sprintf("a line came without its LF within %v", p.o.Timeout)
		d.Fault = true
	case errors.Is(why, errNothing):
		d.Got = []string{fmt.Sprintf("no line within %v", p.o.Timeout)}
		d.Fault = true
	case errors.Is(why, errEndless):
		d.Got = []string{shorten(rest, 100)}
		d.Note = fmt.Sprintf("a line came that does not end within %d bytes", longestLine)
		d.Fault = true
	case errors.Is(why, errClosed):
		d.Got = []string{"the end of the connection"}
		if rest != "" {
			d.Got = []string{rest + ", and the end of the connection before the LF"}
		}
		d.closed = true
	default:
		return why
	}
	return d
}

func (p *play) expect(s *Step) error {
	m, err := s.expect.with(p.known)
	if err != nil {
		return err
	}
	c := p.clients[s.who]
	late := time.NewTimer(p.o.Timeout)
	defer late.Stop()
	expected, passed, last := m.String(), 0, ""
	if s.expect.eventually {
		expected = "some line that is " + expected
	}
	for {
		line, err := p.next(c, late.C)
		if err != nil {
			return overlooked(p.without(c, err, expected), passed, last)
		}
		if found, ok := m.match(line); ok {
			p.bind(s.who, found)
			return nil
		}
		if !s.expect.eventually {
			return &Difference{Expected: []string{expected}, Got: []string{visible(line)}, Note: unseen(line), exact: m.re == nil}
		}
		passed, last = passed+1, line
	}
}

// overlooked adds to a difference that lines were passed over.
func overlooked(err error, passed int, last string) error {
	d, ok := errors.AsType[*Difference](err)
	if ok && passed > 0 {
		d.Note = sentence(d.Note, fmt.Sprintf("%d lines were passed over, the last of them %s", passed, shorten(visible(last), 200)), unseen(last))
	}
	return err
}

// bind keeps what the groups of a regular expression found.
func (p *play) bind(who string, found variables) {
	for group, value := range found {
		p.known[who+"."+group] = value
	}
}

// A share is what expect_all wants of one client.
type share struct {
	who string
	all []matcher
	got []string
}

func (p *play) expectAll(s *Step) error {
	shares, err := p.shares(s.all)
	if err != nil {
		return err
	}
	late := time.NewTimer(p.o.Timeout)
	defer late.Stop()
	for _, one := range shares {
		if err := p.collect(one, late.C); err != nil {
			return err
		}
	}
	return nil
}

// shares sorts what is wanted by client.
func (p *play) shares(all []wanted) ([]*share, error) {
	var shares []*share
	for _, w := range all {
		m, err := w.expect.with(p.known)
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(shares, func(s *share) bool { return s.who == w.who })
		if i < 0 {
			i = len(shares)
			shares = append(shares, &share{who: w.who})
		}
		shares[i].all = append(shares[i].all, m)
	}
	return shares, nil
}

// collect reads as many lines of a client as are wanted of it, and gives each to another of the patterns.
func (p *play) collect(s *share, late <-chan time.Time) error {
	c := p.clients[s.who]
	var of []int
	for range s.all {
		line, err := p.next(c, late)
		if err != nil {
			open, _ := s.open()
			return p.without(c, err, open...)
		}
		open, before := s.open()
		s.got = append(s.got, line)
		var ok bool
		if of, ok = assign(s.got, s.all); !ok {
			d := &Difference{Who: s.who, Expected: open, Got: []string{visible(line)}, Note: unseen(line)}
			d.Note = sentence(d.Note, before)
			return d
		}
	}
	for i, line := range s.got {
		found, _ := s.all[of[i]].match(line)
		p.bind(s.who, found)
	}
	return nil
}

// open returns what has not come yet, and a remark on what has.
func (s *share) open() (expected []string, remark string) {
	of, _ := assign(s.got, s.all)
	for i, m := range s.all {
		if !slices.Contains(of, i) {
			expected = append(expected, m.String())
		}
	}
	if n := len(s.got); n > 0 {
		remark = fmt.Sprintf("%d of the lines to %s had come before", n, s.who)
	}
	return expected, remark
}

func (p *play) silent(s *Step) error {
	c := p.clients[s.who]
	over := time.NewTimer(s.wait)
	defer over.Stop()
	line, err := p.next(c, over.C)
	expected := []string{fmt.Sprintf("nothing for %v", s.wait)}
	switch {
	case err == nil:
		return &Difference{Expected: expected, Got: []string{visible(line)}, Note: unseen(line)}
	case !errors.Is(err, errNothing):
		return p.without(c, err, expected...)
	}
	if _, rest, _ := c.state(); rest != "" {
		return &Difference{Expected: expected, Got: []string{visible(rest)}, Note: "the line has no LF yet"}
	}
	return nil
}

func (p *play) expectClosed(s *Step) error {
	c := p.clients[s.who]
	if c.gone {
		return nil
	}
	expected := []string{"the end of the connection"}
	late := time.NewTimer(p.o.Timeout)
	defer late.Stop()
	line, err := p.next(c, late.C)
	_, rest, _ := c.state()
	switch {
	case err == nil:
		return &Difference{Expected: expected, Got: []string{visible(line)}, Note: unseen(line)}
	case errors.Is(err, errClosed) && rest == "":
		return nil
	case errors.Is(err, errNothing) && rest == "":
		return &Difference{Expected: expected, Got: []string{fmt.Sprintf("neither that nor a line within %v", p.o.Timeout)}, Fault: true}
	}
	return p.without(c, err, expected...)
}
