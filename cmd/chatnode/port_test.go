package main

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"
)

// freePort is a port of 127.0.0.1 that nobody listens on.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// startOriginal runs a node in the original form, with its peers, and returns where it listens.
func startOriginal(t *testing.T, port string, peers ...string) (address string) {
	t.Helper()
	folder := t.TempDir()
	write(t, folder, "peers.txt", strings.Join(peers, "\n"))
	p := start(t, folder, nil, port, "peers.txt", "--bind", "127.0.0.1")
	return p.address(t)
}

// waitListed waits until CHANNELS lists a channel.
func (k *talker) waitListed(channel string) {
	k.t.Helper()
	eventually(k.t, "CHANNELS lists "+channel, func() bool {
		k.say("CHANNELS")
		line, err := k.lines.ReadString('\n')
		list, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "RESULT CHANNELS ")
		if err != nil || !ok {
			k.t.Fatalf("heard %q, %v", line, err)
		}
		return slices.Contains(strings.Split(list, ", "), channel)
	})
}

// wantShared has somebody at home and somebody away join a channel of home's, under the name by which away knows home,
// and talk.
func wantShared(t *testing.T, home, away, channel string) {
	t.Helper()
	bob, eve := person(t, home, "bob-"+channel), person(t, away, "eve-"+channel)
	bob.ask("CREATE "+channel, "RESULT CREATE "+channel+" 1")
	bob.ask("JOIN "+channel, "RESULT JOIN "+channel+" 1")
	there := channel + ":" + home
	eve.waitListed(there)
	eve.ask("JOIN "+there, "RESULT JOIN "+there+" 1")
	bob.ask("SAY "+channel+" hello there", "RECV bob-"+channel+" "+channel+" hello there")
	eve.hear("RECV bob-" + channel + "@" + home + " " + there + " hello there")
	eve.ask("SAY "+there+" hello too", "RECV eve-"+channel+" "+there+" hello too")
	bob.hear("RECV eve-" + channel + "@" + away + " " + channel + " hello too")
}

func TestTwoNodesInTheOriginalFormShareChannelsUnderTheAddressesThatTheyDial(t *testing.T) {
	port := freePort(t)
	a := startOriginal(t, "0", "127.0.0.1:"+port)
	b := startOriginal(t, port, a)
	want(t, b, "127.0.0.1:"+port)
	wantShared(t, a, b, "go")
	wantShared(t, b, a, "chess")
}

func TestANodeInTheOriginalFormWithoutPeersIsLinkedByWhoeverDialsIt(t *testing.T) {
	a := startOriginal(t, "0")
	b := startOriginal(t, "0", a)
	wantShared(t, a, b, "go")
	wantShared(t, b, a, "chess")
}

// plainPeer is a node of version 0.1 that has one channel. It serves one link, which ends with the test.
func plainPeer(t *testing.T, channel string) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan *talker, 1)
	go func() {
		defer close(served)
		conn, err := l.Accept()
		if err != nil {
			t.Error(err)
			return
		}
		if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
			t.Error(err)
		}
		if _, err := fmt.Fprintf(conn, "FEDERATECONFIRM\nFEDCHANNELS %s\n", channel); err != nil {
			t.Error(err)
		}
		served <- &talker{t: t, conn: conn.(*net.TCPConn)}
	}()
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		if k := <-served; k != nil && k.conn.Close() != nil {
			t.Error("the link of a plain peer cannot be closed")
		}
	})
	return l.Addr().String()
}

func TestPlainPeersOfTheOriginalFormAreKnownByTheirLines(t *testing.T) {
	alone := plainPeer(t, "go")
	talk(t, startOriginal(t, "0", alone)).waitListed("go:127.0.0.1")

	one, two := plainPeer(t, "go"), plainPeer(t, "chess")
	k := talk(t, startOriginal(t, "0", one, two))
	k.waitListed("go:" + one)
	k.waitListed("chess:" + two)
}
