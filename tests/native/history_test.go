package native_test

import (
	"fmt"
	"strings"
	"testing"

	"chatnode/tests/harness"
)

// pageBytes is the most text that a page of HISTORY holds, but for the line at which it stops.
const pageBytes = 256 << 10

func TestAPageOfHistoryStopsAt256KiBAndIsNoHole(t *testing.T) {
	n := harness.Start(t)
	bob := owner(n, "bob")
	const said = 20
	text := strings.Repeat("x", 60_000)
	for i := range said {
		bob.Ask(fmt.Sprint("SAY go ", i, text), fmt.Sprint("RECV bob go ", i, text))
	}
	for _, page := range []struct {
		options     string
		first, last int // 0: any
	}{
		{"", 0, said},
		{" before=11", 0, 10},
		{" before=11 limit=1000", 0, 10},
		{" after=3", 4, 0},
		{" after=3 limit=1000", 4, 0},
		{" after=3 before=15", 4, 0},
	} {
		lines := historyOf(t, bob, "go"+page.options)
		numbers := seqs(lines)
		if len(lines) < 4 || len(lines) > 5 || page.first > 0 && numbers[0] != page.first || page.last > 0 && numbers[len(numbers)-1] != page.last {
			t.Errorf("HISTORY go%s: messages %v", page.options, numbers)
		}
		inOrder(t, page.options, lines)
		for _, line := range lines {
			if strings.Contains(line[:100], ";gap=1") {
				t.Errorf("HISTORY go%s: %.80q, but nothing is gone", page.options, line)
			}
		}
	}
	for seen := 0; seen < said; { // and page by page all of it is had
		lines := historyOf(t, bob, fmt.Sprint("go after=", seen))
		if numbers := seqs(lines); len(numbers) == 0 || numbers[0] != seen+1 {
			t.Fatalf("after %d come %v", seen, numbers)
		}
		seen += len(lines)
	}
}

// historyOf asks for a page and returns its lines, which are as many as it says.
func historyOf(t *testing.T, c *harness.Client, what string) []string {
	t.Helper()
	c.Send("HISTORY " + what)
	count := c.Match(`RESULT HISTORY \S+ (\d+)`)[0]
	lines := c.Drain()
	bytes := 0
	for _, line := range lines {
		bytes += len(line)
	}
	if fmt.Sprint(len(lines)) != count || bytes > pageBytes+64<<10 {
		t.Errorf("HISTORY %s: %d lines of %d bytes, %s were said", what, len(lines), bytes, count)
	}
	return lines
}

func TestAPageOfHistoryHas100LinesUnlessAskedAndAtMost1000(t *testing.T) {
	n := harness.Start(t)
	bob := owner(n, "bob")
	bob.Send(says(1, 1100)...)
	bob.Drain()
	for _, page := range []struct {
		options     string
		first, last int
	}{
		{"", 1001, 1100},
		{" limit=1", 1100, 1100},
		{" limit=101", 1000, 1100},
		{" limit=1000", 101, 1100},
		{" limit=1001", 101, 1100},
		{" limit=1000000", 101, 1100},
		{" after=0", 1, 100},
		{" after=1 limit=1000000", 2, 1001},
		{" after=1050", 1051, 1100},
		{" before=1", 1, 0},
		{" before=1000", 900, 999},
		{" before=50", 1, 49},
		{" after=10 before=1000", 11, 110},
		{" after=10 before=15", 11, 14},
		{" before=15 after=10 limit=2", 11, 12},
		{" after=15 before=10", 1, 0},
		{" after=1100", 1, 0},
		{" after=5000", 1, 0},
		{" before=5000 limit=3", 1098, 1100},
	} {
		lines := historyOf(t, bob, "go"+page.options)
		inOrder(t, page.options, lines)
		same(t, "HISTORY go"+page.options, withoutTags(lines), recvs("bob", page.first, page.last))
	}
}

func TestHistoryIsTheSameOnLineAfterwardsAndAfterARestart(t *testing.T) {
	n := harness.Start(t)
	bob := owner(n, "bob", "tags")
	bob.Send(says(1, 50)...)
	heard := bob.Drain()
	same(t, "at once", historyOf(t, bob, "go"), heard)
	n = n.Again()
	eve := member(n, "eve")
	same(t, "after a restart", historyOf(t, eve, "go"), heard)
}
