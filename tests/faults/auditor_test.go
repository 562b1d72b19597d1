//go:build linux

package faults_test

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// An auditor is a member of all places, at one node, who reads what it shows of them.
type auditor struct {
	name   string
	home   *station
	places []place
	conn   *conn // nil: none
}

// connect logs in, and joins everything.
func (a *auditor) connect(ctx context.Context) error {
	where, _ := a.home.address()
	c, err := dial(ctx, where)
	if err != nil {
		return err
	}
	a.conn = c
	go a.listen(c)
	for _, line := range []string{"CAPS tags multi", "REGISTER " + a.name + " pw", "LOGIN " + a.name + " pw"} {
		if _, err := c.ask(ctx, line); err != nil {
			return err
		}
	}
	for _, p := range a.places {
		s, err := c.ask(ctx, "JOIN "+p.seen(a.home.host))
		if err != nil {
			return err
		}
		if !strings.HasSuffix(s.rest, " 1") && s.tags["err"] != "already-member" {
			return fmt.Errorf("%s may not join %v: %v", a.home.host, p, s)
		}
	}
	return nil
}

// listen hands on all lines.
func (a *auditor) listen(c *conn) {
	defer close(c.ended)
	for {
		line, err := c.in.ReadString('\n')
		if err != nil {
			return
		}
		select {
		case c.answers <- line[:len(line)-1]:
		case <-time.After(patience): // nobody asks any more
			return
		}
	}
}

// close ends the auditor's connection.
func (a *auditor) close() {
	if a.conn == nil {
		return
	}
	_ = a.conn.Close() // it may have ended itself
	for {
		select {
		case <-a.conn.answers:
		case <-a.conn.ended:
			a.conn = nil
			return
		}
	}
}

// read returns all that the node shows.
func (a *auditor) read(ctx context.Context) (map[place][]entry, error) {
	logs := map[place][]entry{}
	for _, p := range a.places {
		for more := true; more; {
			page, err := a.page(ctx, p, logs[p])
			if err != nil {
				return nil, fmt.Errorf("%s, HISTORY of %v: %w", a.home.host, p, err)
			}
			logs[p], more = append(logs[p], page...), len(page) > 0
		}
	}
	return logs, nil
}

// page reads what comes after the last entry of a log.
func (a *auditor) page(ctx context.Context, p place, log []entry) (page []entry, err error) {
	var last position
	if len(log) > 0 {
		last = log[len(log)-1].position
	}
	name := p.seen(a.home.host)
	s, err := a.conn.ask(ctx, fmt.Sprintf("HISTORY %s after=%v limit=1000", name, last))
	for err == nil && s.verb == "RECV" { // what somebody has just said
		s, err = a.next(ctx)
	}
	if err != nil {
		return nil, err
	}
	count, found := strings.CutPrefix(s.rest, "HISTORY "+name+" ")
	n, err := strconv.Atoi(count)
	if !found || err != nil || s.tags["err"] != "" {
		return nil, fmt.Errorf("it is answered with %v", s)
	}
	for range n {
		s, err := a.next(ctx)
		if err != nil {
			return nil, err
		}
		q, e, err := s.message(a.home.host)
		if err != nil || q != p {
			return nil, fmt.Errorf("it shows %v: %w", s, err)
		}
		page = append(page, e)
	}
	return page, nil
}

func (a *auditor) next(ctx context.Context) (said, error) {
	select {
	case line := <-a.conn.answers:
		return parse(line), nil
	case <-ctx.Done():
		return said{}, ctx.Err()
	}
}

// alike reports whether all nodes show the same of every place, and with that every one of certain messages.
func alike(logs map[string]map[place][]entry, must []*message) bool {
	there := map[string]bool{}
	var first map[place][]entry
	for _, log := range logs {
		if first == nil {
			first = log
		}
		for p, all := range log {
			if !slices.EqualFunc(all, first[p], entry.same) {
				return false
			}
			for _, e := range all {
				there[e.ref()] = true
			}
		}
	}
	return !slices.ContainsFunc(must, func(m *message) bool { return !there[m.ref] })
}
