package a3_test

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"unicode/utf8"

	"chatnode/channels"
	"chatnode/tests/harness"
)

// situations are what a connection may be in when the bytes come. NAME is new each time.
var situations = map[string]string{
	"nobody":       "",
	"guest":        "HELLO-FROM NAME\n",
	"in a message": "HELLO-FROM NAME\nSEND NAME hi\nSEND NAME ",
}

var names atomic.Int64

// FuzzServer sends bytes to a whole node on a connection in each situation. In the bytes NAME is the name of the guest.
// Minimizing never ends: fuzz with -fuzzminimizetime 1x.
func FuzzServer(f *testing.F) {
	n := harness.Start(f, harness.Gateways)
	address := n.Addresses()["a3"][0]
	for _, seed := range seeds() {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, bytes []byte) {
		if len(bytes) > 8<<10 {
			t.Skip("more than a socket takes without being read")
		}
		for situation, before := range situations {
			name := fmt.Sprintf("n%d-%d", os.Getpid(), names.Add(1))
			said := as(name, before+string(bytes)) + "\n"
			c := &harness.A3{Client: harness.Dial(t, address)}
			c.SendRaw(said)
			endSending(t, c)
			got := received(t, c)
			if want := expected(said); got != want {
				t.Errorf("%s: %q is answered %q, want %q", situation, said, got, want)
			}
		}
		if n.Log.Contains("panic") {
			t.Error("something panicked")
		}
	})
}

// expected is what a node answers to somebody who is alone there: the rules of the protocol, written once more.
func expected(said string) string {
	var b strings.Builder
	me := ""
	for line := range strings.Lines(said) {
		line = strings.TrimSuffix(line, "\n")
		if me != "" {
			b.WriteString(toGuest(me, line))
		} else if name, ok := strings.CutPrefix(line, "HELLO-FROM"); !ok || name != "" && name[0] != ' ' {
			b.WriteString(header + "\n")
		} else if me = normal(strings.TrimPrefix(name, " ")); me == "" {
			b.WriteString(body + "\n")
		} else {
			b.WriteString("HELLO" + name + "\n")
		}
	}
	return b.String()
}

// normal is a name as the node keeps it; empty: it is none.
func normal(name string) string {
	whole, err := channels.ParseName(name)
	if err != nil || strings.ContainsAny(name, " !@#$%^&*,") {
		return ""
	}
	return whole
}

var aMessage = regexp.MustCompile(`(?s)^SEND ([^ ]+) (.*[^ \t].*)$`)

func toGuest(me, line string) string {
	verb, _, _ := strings.Cut(line, " ")
	message := aMessage.FindStringSubmatch(line)
	switch {
	case verb != "LIST" && verb != "SEND":
		return header + "\n"
	case line == "LIST":
		return "LIST-OK " + me + "\n"
	case message == nil || !utf8.ValidString(line):
		return body + "\n"
	case normal(strings.TrimSuffix(message[1], "@a.test")) == me:
		return "DELIVERY " + me + " " + message[2] + "\nSEND-OK\n"
	}
	return nobody + "\n"
}

// seeds are all that the tables and transcripts send, and what is nasty.
func seeds() (all []string) {
	for _, row := range table {
		if len(row.line) < 1000 {
			all = append(all, strings.ReplaceAll(row.line, "me", "NAME"))
		}
	}
	for _, text := range texts {
		if len(text) < 5000 {
			all = append(all, "SEND NAME "+text)
		}
	}
	return append(all, speech, speech+speech, "\r\n\n", " HELLO-FROM NAME", "HELLO-FROM NAME\nHELLO-FROM NAME", "HELLO-FROM e\u0301\nLIST\nSEND \u00e9 hi",
		"HELLO-FROM "+strings.Repeat("\u0344", 16)+"\nLIST", "HELLO-FROM \u212a\nLIST", "SEND NAME@a.test hi", "SEND NAME@ hi", "SEND @a.test hi", "SEND NAME@a.test@a.test hi",
		"SEND NAME@b.test hi", strings.Repeat("LIST\n", 200), strings.Repeat("SEND NAME hi\n", 200), "SEND\tNAME hi\nSEND NAME\thi", "FEDERATE-OUT\nFEDHELLO b.test 1")
}
