//go:build linux

package promises_test

import (
	"slices"
	"testing"
	"time"

	"chatnode/node/config"
	"chatnode/tests/harness"
)

// TestHeardIsStored kills the node at random moments of a stream, again and again on the same data. What anybody heard is
// in HISTORY afterwards, in the same order, without a gap and once; so is what anybody was told is stored. What was not
// answered is said again under its ref, and stands there once as well.
func TestHeardIsStored(t *testing.T) {
	dice := dice(t)
	c := configure(t)
	book := newLedger(t)
	speakers := []*speaker{newSpeaker("ann", dice), newSpeaker("bob", dice), newSpeaker("cid", dice)}
	begun, heard, again := time.Now(), 0, 0
	for round := range *roundsFlag {
		c.Store.Durability = config.Power
		if round%4 == 3 {
			c.Store.Durability = config.Process
		}
		n := start(t, c)
		if round == 0 {
			create(n)
		}
		for _, s := range speakers {
			again += len(s.unanswered)
		}
		from := book.heads()
		people := gather(n, speakers)
		people.talk()
		people.inFullSwing(t, dice)
		n.Kill()
		people.wait(t)
		heard += people.heard()

		n = start(t, c)
		audit(n, book)
		people.check(t, book, from)
		n.Kill()
		if t.Failed() {
			t.Fatalf("in round %d", round)
		}
	}
	whole := newLedger(t)
	audit(start(t, c), whole)
	for _, place := range places {
		if a, b := whole.logs[place], book.logs[place]; !slices.Equal(a, b) {
			t.Errorf("the whole log of %s, of %d messages, is not what its parts were, of %d", place, len(a), len(b))
		}
	}
	t.Logf("%d rounds in %v: %d lines heard, %d messages stored, %d said again", *roundsFlag, time.Since(begun).Round(time.Second),
		heard, len(book.at), again)
}

// create makes the channels.
func create(n *harness.Process) {
	c := n.Login("creator")
	for _, place := range places {
		c.Ask("CREATE "+place, "RESULT CREATE "+place+" 1")
	}
	c.Close()
}

// audit brings a ledger up to date.
func audit(n *harness.Process, book *ledger) {
	c := enter(n, "auditor", places)
	book.read(c)
	c.Close()
}
