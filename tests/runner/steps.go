package runner

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"
)

// An action carries out the steps of one verb. Its error is a Difference where the server is to blame.
type action func(*play, *Step) error

// actions are all that a step can do.
var actions = map[string]action{
	"connect":       (*play).connect,
	"listen":        (*play).listen,
	"send":          (*play).send,
	"send_raw":      (*play).sendRaw,
	"expect":        (*play).expect,
	"expect_all":    (*play).expectAll,
	"silent":        (*play).silent,
	"close":         (*play).close,
	"expect_closed": (*play).expectClosed,
	"stop":          (*play).stop,
	"start":         (*play).start,
	"cut":           (*play).cut,
	"heal":          (*play).heal,
	"repeat":        (*play).repeat,
	"sleep":         (*play).sleep,
}

// steps carries steps out, up to the first difference.
func (p *play) steps(steps []Step) error {
	for i := range steps {
		s := &steps[i]
		if err := p.ctx.Err(); err != nil {
			return err
		}
		if err := p.actions[s.verb](p, s); err != nil {
			return p.in(s, err)
		}
	}
	return nil
}

// in says at which step an error came, unless a step within that has.
func (p *play) in(s *Step, err error) error {
	d, ok := errors.AsType[*Difference](err)
	if !ok || d.Step != "" {
		return err
	}
	d.Step, d.Line, d.JSON = s.Path, s.Line, s.JSON
	if s.repeats {
		d.Step += " (pass " + p.known["i"] + ")"
	}
	if d.Who == "" {
		d.Who = s.who
	}
	return d
}

// open makes a connection the one of a name.
func (p *play) open(c *client) {
	p.opened = append(p.opened, c)
	p.clients[c.name] = c
}

func (p *play) connect(s *Step) error {
	if before := p.clients[s.who]; before != nil {
		before.close()
	}
	to := p.server(s.text)
	dialer := net.Dialer{Timeout: p.o.Timeout}
	conn, err := dialer.DialContext(p.ctx, "tcp", to.address)
	if err != nil {
		return &Difference{
			Expected: []string{"a connection to " + to.address},
			Note:     fmt.Sprintf("the server of node %s takes no connection: %v", to.node.ID, err),
			Fault:    true, closed: true,
		}
	}
	socket, ok := conn.(*net.TCPConn)
	if !ok {
		return errors.Join(errors.New("no TCP connection"), conn.Close())
	}
	p.log.add(s.who, Note, "connects to "+to.node.ID)
	p.open(newClient(p.ctx, s.who, s.peer, socket, p.log, p.wake))
	return nil
}

func (p *play) listen(s *Step) error {
	if before := p.clients[s.who]; before != nil {
		before.close()
	}
	limit := max(p.o.Start, p.o.Timeout)
	late := time.NewTimer(limit)
	defer late.Stop()
	for {
		if c := p.stations[s.who].take(); c != nil {
			p.open(c)
			return nil
		}
		select {
		case <-p.wake:
		case <-p.ctx.Done():
			return p.ctx.Err()
		case <-late.C:
			return &Difference{
				Expected: []string{"a connection of a node to the peer " + s.who},
				Got:      []string{fmt.Sprintf("none within %v", limit)},
				Fault:    true,
			}
		}
	}
}

func (p *play) send(s *Step) error {
	c := p.clients[s.who]
	text, err := p.known.expand(s.text, literally)
	if err != nil {
		return err
	}
	if c.peer || p.o.EOL != None {
		eol := p.o.EOL
		if c.peer {
			eol = LF
		}
		return p.write(c, text+eol.of())
	}
	if err := p.awaitReply(c); err != nil {
		return err
	}
	came, _, _ := c.state()
	c.waits = came + 1
	return p.write(c, text)
}

func (p *play) sendRaw(s *Step) error {
	c := p.clients[s.who]
	text, err := p.known.expand(s.text, literally)
	if err != nil {
		return err
	}
	if err := p.awaitReply(c); err != nil {
		return err
	}
	return p.write(c, text)
}

// awaitReply waits until something has come since a client sent a line without an end, or nothing has for too long.
func (p *play) awaitReply(c *client) error {
	if c.waits == 0 {
		return nil
	}
	late := time.NewTimer(p.o.Timeout)
	defer late.Stop()
	for {
		if came, _, _ := c.state(); came >= c.waits {
			c.waits = 0
			return nil
		}
		select {
		case <-p.wake:
		case <-late.C:
			c.waits = 0
		case <-p.ctx.Done():
			return p.ctx.Err()
		}
		if c.waits == 0 {
			return nil
		}
	}
}

func (p *play) write(c *client, text string) error {
	if c.gone {
		return &Difference{Note: c.name + " has closed its connection"}
	}
	err := c.send(text, p.o.Timeout)
	switch {
	case err == nil:
		return nil
	case p.ctx.Err() != nil:
		return p.ctx.Err()
	case errors.Is(err, errNothing):
		return &Difference{Note: fmt.Sprintf("the server does not read: no more could be sent within %v", p.o.Timeout), Fault: true}
	}
	return &Difference{Note: fmt.Sprintf("nothing can be sent, the connection is closed (%v)", err), closed: true}
}

func (p *play) close(s *Step) error {
	c := p.clients[s.who]
	c.gone = true
	c.close()
	p.log.add(s.who, Note, "closes")
	return nil
}

func (p *play) stop(s *Step) error {
	p.log.add(s.who, Note, "is stopped with "+s.text)
	return p.server(s.who).stop(s.text)
}

func (p *play) start(s *Step) error {
	n := p.server(s.who)
	if n.running() {
		return &Difference{Note: "the node was not stopped before"}
	}
	p.log.add(s.who, Note, "is started again")
	return n.start(p.ctx)
}

func (p *play) cut(s *Step) error  { return p.sever(s, true) }
func (p *play) heal(s *Step) error { return p.sever(s, false) }

// sever does what a step says to both directions of a link.
func (p *play) sever(s *Step, cut bool) error {
	p.log.add(s.link[0]+" - "+s.link[1], Note, s.verb)
	for _, pair := range [][2]string{s.link, {s.link[1], s.link[0]}} {
		if way := p.proxies[pair]; way != nil {
			way.sever(cut)
		}
	}
	return nil
}

func (p *play) repeat(s *Step) error {
	outer := p.known["i"]
	for i := range s.count {
		p.known["i"] = strconv.Itoa(i + 1)
		if err := p.steps(s.steps); err != nil {
			return err
		}
	}
	p.known["i"] = outer
	return nil
}

func (p *play) sleep(s *Step) error {
	over := time.NewTimer(s.wait)
	defer over.Stop()
	select {
	case <-over.C:
		return nil
	case <-p.ctx.Done():
		return p.ctx.Err()
	}
}
