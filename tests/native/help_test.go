package native_test

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"chatnode/node/config"
	"chatnode/tests/harness"
)

// owner logs somebody in who makes the channel go and joins it.
func owner(n *harness.Node, name string, caps ...string) *harness.Client {
	c := n.Login(name, caps...)
	c.Ask("CREATE go", "RESULT CREATE go 1")
	c.Ask("JOIN go", "RESULT JOIN go 1")
	return c
}

// member logs somebody in who joins the channel go.
func member(n *harness.Node, name string, caps ...string) *harness.Client {
	c := n.Login(name, caps...)
	c.Ask("JOIN go", "RESULT JOIN go 1")
	return c
}

// quit ends a connection in order: when the node has closed it, what was heard is known.
func quit(c *harness.Client) {
	c.Send("QUIT")
	c.ExpectClosed()
}

// says is a burst of lines SAY go from, from+1, … upto.
func says(from, upto int) (lines []string) {
	for i := from; i <= upto; i++ {
		lines = append(lines, fmt.Sprint("SAY go ", i))
	}
	return lines
}

// recvs is what a member without tags hears when somebody says such a burst.
func recvs(from string, first, last int) (lines []string) {
	for i := first; i <= last; i++ {
		lines = append(lines, fmt.Sprint("RECV ", from, " go ", i))
	}
	return lines
}

// atOnce sends each client's lines in one go, all clients side by side.
func atOnce(t *testing.T, bursts map[*harness.Client][]string) {
	t.Helper()
	var sending sync.WaitGroup
	for c, lines := range bursts {
		sending.Go(func() {
			if _, err := io.WriteString(c.Conn, strings.Join(lines, "\n")+"\n"); err != nil {
				t.Errorf("%s: %v", c.Name, err)
			}
		})
	}
	sending.Wait()
}

// same fails unless two lists of lines are the same, and tells the first difference.
func same(t *testing.T, who string, got, want []string) {
	t.Helper()
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(got):
			t.Fatalf("%s: %d lines, then nothing; want %q", who, i, want[i])
		case i >= len(want):
			t.Fatalf("%s: %d lines, then %q; want nothing more", who, i, got[i])
		case got[i] != want[i]:
			t.Fatalf("%s: line %d is %q, want %q", who, i, got[i], want[i])
		}
	}
}

var seqTag = regexp.MustCompile(`^@seq=(\d+);`)

// seqs returns the numbers of the messages among lines with tags.
func seqs(lines []string) (numbers []int) {
	for _, line := range lines {
		if m := seqTag.FindStringSubmatch(line); m != nil {
			n, _ := strconv.Atoi(m[1]) // digits
			numbers = append(numbers, n)
		}
	}
	return numbers
}

// inOrder fails unless messages are numbered without a gap.
func inOrder(t *testing.T, who string, lines []string) {
	t.Helper()
	numbers := seqs(lines)
	for i := 1; i < len(numbers); i++ {
		if numbers[i] != numbers[i-1]+1 {
			t.Fatalf("%s: message %d follows message %d", who, numbers[i], numbers[i-1])
		}
	}
}

// withoutTags are lines as a client of version 0.1 hears them.
func withoutTags(lines []string) []string {
	plain := slices.Clone(lines)
	for i := range plain {
		plain[i] = tags.ReplaceAllString(plain[i], "")
	}
	return plain
}

// eventually fails unless something becomes true.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(harness.Patience); !is(); {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}

// keepAsking lets a client ask and be answered for a while.
func keepAsking(c *harness.Client, while time.Duration) {
	for start := time.Now(); time.Since(start) < while; {
		c.Ask("PING still there", "RESULT PING still there 0")
	}
}

func milliseconds(n int) config.Duration {
	return config.Duration(time.Duration(n) * time.Millisecond)
}

// matchesPattern reports whether a pattern matches a line whole.
func matchesPattern(pattern, line string) bool {
	return regexp.MustCompile(`^(?:` + pattern + `)$`).MatchString(line)
}

// rest is what a client hears until its connection ends.
func rest(c *harness.Client) (lines []string) {
	for {
		line, err := c.Read()
		if err != nil {
			return lines
		}
		lines = append(lines, line)
	}
}
