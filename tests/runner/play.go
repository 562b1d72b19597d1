package runner

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"
)

// A play is a case that is carried out. It belongs to one goroutine.
type play struct {
	ctx      context.Context // ends when the case is over
	end      context.CancelFunc
	o        *Options
	ports    *ports
	c        *Case
	actions  map[string]action
	log      *transcript
	wake     chan struct{} // of size 1: gets a token when something has come for anybody
	folder   string
	servers  []*server // in the order of the nodes
	proxies  map[[2]string]*proxy
	stations map[string]*station
	clients  map[string]*client // the latest of each name
	opened   []*client
	known    variables
}

func newPlay(ctx context.Context, r *session, c *Case) *play {
	ctx, end := context.WithCancel(ctx)
	return &play{
		ctx: ctx, end: end, o: r.o, ports: r.ports, c: c, actions: actions,
		log:      &transcript{began: time.Now()},
		wake:     make(chan struct{}, 1),
		proxies:  map[[2]string]*proxy{},
		stations: map[string]*station{},
		clients:  map[string]*client{},
		known:    variables{},
	}
}

// perform carries the case out and leaves nothing of it behind.
func (p *play) perform() Result {
	err := p.setUp()
	if err == nil {
		err = p.steps(p.c.Steps)
	}
	if err == nil {
		err = p.died()
	}
	interruptedBy := p.ctx.Err()
	d := p.blame(err)
	if left := p.tearDown(); d == nil && left != nil {
		d = &Difference{Note: fmt.Sprintf("the files of the case cannot be removed: %v", left)}
	}
	result := Result{Case: p.c, Status: Passed, Took: time.Since(p.log.began), Difference: d}
	result.Transcript, result.Dropped = p.log.all()
	switch {
	case interruptedBy != nil:
		result.Status, result.Reason, result.Difference = Skipped, interrupted, nil
	case d != nil:
		result.Status = Failed
	}
	return result
}

// setUp starts the nodes, with the ways between them.
func (p *play) setUp() error {
	var err error
	if p.folder, err = os.MkdirTemp("", "chatnode-case-"); err != nil {
		return err
	}
	for i := range p.c.Nodes {
		s := &server{node: &p.c.Nodes[i], o: p.o, address: p.o.Address}
		s.folder = filepath.Join(p.folder, s.node.ID)
		p.servers = append(p.servers, s)
		if p.o.fixed() {
			_, port, _ := net.SplitHostPort(p.o.Address)
			s.port, _ = strconv.Atoi(port) // not given back: it was not taken
			continue
		}
		if s.port, err = p.ports.take(); err != nil {
			return err
		}
		s.address = loopback(s.port)
	}
	for _, id := range p.c.dialled {
		if p.stations[id], err = newStation(p.ctx, id, p.log, p.wake); err != nil {
			delete(p.stations, id)
			return err
		}
	}
	for _, s := range p.servers {
		if err := p.link(s); err != nil {
			return err
		}
	}
	for _, s := range p.servers {
		if err := s.start(p.ctx); err != nil {
			return err
		}
	}
	return nil
}

// link makes the ways from a node to its peers, and tells it of them.
func (p *play) link(s *server) error {
	var peers []peerLine
	for _, id := range s.node.Peers {
		way, err := newProxy(p.address(id))
		if err != nil {
			return err
		}
		p.proxies[[2]string{s.node.ID, id}] = way
		peers = append(peers, peerLine{way.address(), p.c.host(id)})
	}
	return s.prepare(peers)
}

// address is where a node or a peer listens.
func (p *play) address(id string) string {
	if s := p.server(id); s != nil {
		return s.address
	}
	return p.stations[id].address()
}

// server returns the server of a node; the first one for "".
func (p *play) server(id string) *server {
	for _, s := range p.servers {
		if id == "" || s.node.ID == id {
			return s
		}
	}
	return nil
}

// died finds servers that ended though nobody had told them to.
func (p *play) died() error {
	for _, s := range p.servers {
		if s.running() && s.process.over(0) {
			return &Difference{Who: s.node.ID, Expected: []string{"a server that goes on"}}
		}
	}
	return nil
}

// closing is how long a server that has closed a connection has to be found dead.
const closing = 300 * time.Millisecond

// blame makes a difference of what ended the case, and adds what there is to know of the servers.
func (p *play) blame(err error) *Difference {
	if err == nil {
		return nil
	}
	d, ok := errors.AsType[*Difference](err)
	if !ok {
		return &Difference{Note: "the case could not be carried out: " + err.Error(), Fault: true}
	}
	patience := time.Duration(0)
	if d.closed {
		patience = closing
	}
	for _, s := range p.servers {
		if s.running() && s.process.over(patience) {
			d.Fault = true
			d.Note = sentence(d.Note, fmt.Sprintf("the server of node %s ended in the middle (%s)", s.node.ID, s.process.status()))
		}
		d.Server = append(d.Server, s.said()...)
	}
	return d
}

func sentence(parts ...string) string {
	text := ""
	for _, part := range parts {
		if text != "" && part != "" {
			text += "; "
		}
		text += part
	}
	return text
}

// tearDown ends everything that the case started. It returns what keeps its files from being removed.
func (p *play) tearDown() error {
	p.end()
	for _, c := range p.opened {
		c.close()
	}
	var ending sync.WaitGroup
	for _, s := range p.servers {
		ending.Go(s.end)
	}
	ending.Wait()
	for _, s := range p.servers {
		if s.port != 0 && !p.o.fixed() {
			p.ports.free(s.port)
		}
	}
	for _, way := range p.proxies {
		way.close()
	}
	for _, s := range p.stations {
		s.close()
	}
	return os.RemoveAll(p.folder)
}
