package main

import (
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"
)

// health asks the node at addresses, as they stand in a configuration, and returns what that says.
func health(t *testing.T, code int, addresses string, flags ...string) (stdout, stderr string) {
	t.Helper()
	file := write(t, t.TempDir(), "c.toml", "listen.chat = "+addresses+"\n")
	stdout, stderr = wantRun(t, code, "", append([]string{"health", file}, flags...)...)
	if strings.Count(stdout+stderr, "\n") != 1 {
		t.Errorf("this is not one line:\n%s%s", stdout, stderr)
	}
	return stdout, stderr
}

// unhealthy is health that finds something wrong.
func unhealthy(t *testing.T, addresses, says string, flags ...string) {
	t.Helper()
	out, errs := health(t, failed, addresses, flags...)
	want(t, out, "")
	want(t, errs, "chatnode: "+says+"\n")
}

// impostor answers everybody with a text once they have said something, and lets them go.
func impostor(t *testing.T, text string) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Read(make([]byte, 64)) // what is said, or that nobody says anything, is all one
			_, _ = io.WriteString(conn, text)
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		<-ended
	})
	return l.Addr().String()
}

func TestHealthIsWhatTheNodeAnswers(t *testing.T) {
	p := startServing(t, t.TempDir(), talkative)
	address := p.address(t)
	out, errs := health(t, done, `"`+address+`"`)
	want(t, out, address+": well\n")
	want(t, errs, "")

	p.signal(t, syscall.SIGSTOP)
	unhealthy(t, `"`+address+`"`, address+": no answer within 50ms", "--timeout", "50ms")
	p.signal(t, syscall.SIGCONT)
	health(t, done, `"`+address+`"`, "--timeout=1m")

	p.signal(t, syscall.SIGTERM)
	p.wantExit(t, done)
	unhealthy(t, `"`+address+`"`, address+": nobody listens there")
}

func TestHealthOfANodeOnAllAddressesIsAskedForHere(t *testing.T) {
	p := startServing(t, t.TempDir(), strings.Replace(talkative, "127.0.0.1:0", "0.0.0.0:0", 1))
	_, port, err := net.SplitHostPort(p.address(t))
	if err != nil {
		t.Fatal(err)
	}
	out, _ := health(t, done, `"0.0.0.0:`+port+`"`)
	want(t, out, "0.0.0.0:"+port+": well\n")
}

func TestEveryAddressMustBeWell(t *testing.T) {
	well := startServing(t, t.TempDir(), talkative).address(t)
	other := startServing(t, t.TempDir(), talkative).address(t)
	dumb := impostor(t, "")
	out, _ := health(t, done, `["`+well+`", "`+other+`"]`)
	want(t, out, well+", "+other+": well\n")
	unhealthy(t, `["`+well+`", "`+dumb+`"]`, dumb+": closes the connection without an answer")
}

func TestHealthBelievesNobodyButANode(t *testing.T) {
	for text, says := range map[string]string{
		"HTTP/1.1 400 Bad Request\r\n\r\n": `answers "HTTP/1.1 400 Bad Request\r\n": this is no chatnode`,
		"PONG":                             `answers "PONG": this is no chatnode`,
		"PONG health":                      `answers "PONG health": this is no chatnode`,
	} {
		address := impostor(t, text)
		unhealthy(t, `"`+address+`"`, address+": "+says)
	}
	endless := impostor(t, strings.Repeat("x", 4*maxTyped))
	_, errs := health(t, failed, `"`+endless+`"`)
	wantPart(t, errs, "this is no chatnode")
}

func TestHealthSaysWhyItCannotAsk(t *testing.T) {
	unhealthy(t, `""`, "listen.chat is off, so that nobody can be asked")
	unhealthy(t, `"127.0.0.1:0"`, "127.0.0.1:0: port 0 can be any: give listen.chat a port of its own")
	_, errs := wantRun(t, failed, "", "health", "none.toml")
	wantPart(t, errs, "there is no file none.toml")
	for _, timeout := range []string{"0s", "-1s", "soon"} {
		_, errs := wantRun(t, misunderstood, "", "health", "--timeout="+timeout)
		wantPart(t, errs, "--timeout")
	}
	failure := errors.New("the network is on fire")
	want(t, explainPing("a:1", time.Second, failure).Error(), "a:1: the network is on fire")
}

func TestHealthWithoutAConfigurationAsksAtTheDefaultAddress(t *testing.T) {
	c := healthCmd{}
	cfg, err := c.configuration()
	if err != nil {
		t.Fatal(err)
	}
	want(t, strings.Join(cfg.Listen.Chat, " "), "127.0.0.1:5050")
}
