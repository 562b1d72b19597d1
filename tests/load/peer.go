package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
)

// peer is a node that this tool plays: the measured one dials it, some of its people join a channel, and it reads.
type peer struct {
	// static
	host     string
	extended bool // it speaks the extension
	listener net.Listener

	conn  net.Conn
	in    *bufio.Reader
	bytes int64 // read since it was linked
}

// newPeer is one that waits for its node.
func newPeer(host string, extended bool) (*peer, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	return &peer{host: host, extended: extended, listener: l}, err
}

// newPeers are as many, and the lines of the peers file that name them.
func newPeers(n int, extended bool) (all []*peer, lines []string, err error) {
	for i := range n {
		p, err := newPeer(fmt.Sprintf("peer%d.test", i), extended)
		if err != nil {
			return all, lines, err
		}
		all, lines = append(all, p), append(lines, p.listener.Addr().String()+" name="+p.host)
	}
	return all, lines, nil
}

func closePeers(all []*peer) error {
	var errs []error
	for _, p := range all {
		errs = append(errs, p.listener.Close())
		if p.conn != nil {
			errs = append(errs, p.conn.Close())
		}
	}
	return errors.Join(errs...)
}

// link lets the node in, and says who this is.
func (p *peer) link(ctx context.Context) (err error) {
	defer context.AfterFunc(ctx, func() { _ = p.listener.Close() })() // so that nobody waits for a node that is gone
	if p.conn, err = p.listener.Accept(); err != nil {
		return err
	}
	p.in = bufio.NewReaderSize(p.conn, 64<<10)
	if err := p.say("FEDERATECONFIRM"); err != nil {
		return err
	}
	if p.extended {
		err = p.say("FEDHELLO v=1 host="+p.host+" inc=1 saw=0 line=69632 caps=log", "FEDHAVE 0 0")
	}
	if err == nil {
		err = p.say("FEDCHANNELS ")
	}
	if err == nil {
		_, err = p.until("FEDCHANNELS ")
	}
	return err
}

// join has people of the peer join a channel, and begins to hear it.
func (p *peer) join(channel string, people int) error {
	var answer string
	for i := range people {
		line := fmt.Sprintf("FEDJOIN person%d@%s %s", i, p.host, channel)
		if p.extended {
			line = fmt.Sprintf("@n=1.%d %s", i+1, line)
		}
		if err := p.say(line); err != nil {
			return err
		}
		got, err := p.until("FEDRESULT ")
		if err != nil {
			return err
		}
		if !strings.HasSuffix(got, " 1\n") {
			return fmt.Errorf("%q was answered %q", line, got)
		}
		if answer == "" {
			answer = got
		}
	}
	if !p.extended {
		return nil
	}
	tags := map[string]string{}
	for tag := range strings.SplitSeq(strings.TrimPrefix(answer[:strings.IndexByte(answer, ' ')], "@"), ";") {
		key, value, _ := strings.Cut(tag, "=")
		tags[key] = value
	}
	if err := p.say("FEDSYNC " + channel + " " + tags["e"] + " " + tags["s"]); err != nil {
		return err
	}
	_, err := p.until("FEDTOPIC ")
	return err
}

func (p *peer) say(lines ...string) error {
	_, err := io.WriteString(p.conn, strings.Join(lines, "\n")+"\n")
	return err
}

// until reads until there is a line with a verb.
func (p *peer) until(verb string) (line string, err error) {
	for {
		if line, err = p.in.ReadString('\n'); err != nil {
			return "", fmt.Errorf("wait for %s: %w", verb, err)
		}
		_, untagged, tagged := strings.Cut(line, " ")
		if strings.HasPrefix(line, verb) || tagged && line[0] == '@' && strings.HasPrefix(untagged, verb) {
			return line, nil
		}
	}
}

// hear reads as many messages, and counts the bytes of all that comes till then.
func (p *peer) hear(messages int) error {
	for n := 0; n < messages; {
		line, err := p.in.ReadSlice('\n')
		if err != nil {
			return fmt.Errorf("%s has heard %d messages: %w", p.host, n, err)
		}
		p.bytes += int64(len(line))
		if strings.Contains(string(line[:min(len(line), 120)]), "FEDRECV ") {
			n++
		}
	}
	return nil
}
