//go:build linux

// Package cluster_test runs the three nodes of federation.example/compose.yaml as containers, cuts one off the network,
// kills another, and wants that nothing is lost, doubled or out of order.
package cluster_test

import (
	"slices"
	"testing"
	"time"
)

var (
	alpha = node{"alpha", "alpha.example"}
	beta  = node{"beta", "beta.example"}
	gamma = node{"gamma", "gamma.example"}
	nodes = []node{alpha, beta, gamma}

	cafe     = channel{"go", alpha.host}
	teahouse = channel{"tea", beta.host}
	channels = []channel{cafe, teahouse}
)

const burst = 20 // messages of one person in one channel at a time

// TestEverybodyHearsAllOnceAndInOrderThroughACutAndACrash lets three people on three nodes talk in two channels: while all
// is well, while one node is cut off the others, and while the home of a channel is dead.
func TestEverybodyHearsAllOnceAndInOrderThroughACutAndACrash(t *testing.T) {
	c := newCluster(t)
	begun := time.Now()
	c.up()
	ann, bea, gil := newPerson(c, "ann", alpha), newPerson(c, "bea", beta), newPerson(c, "gil", gamma)
	people := []*person{ann, bea, gil}
	ann.client.Ask("CREATE go", "RESULT CREATE go 1")
	bea.client.Ask("CREATE tea", "RESULT CREATE tea 1")
	for _, p := range people {
		for _, place := range channels {
			p.join(place)
		}
	}
	t.Logf("%v: all are in", since(begun))

	talk(burst, people...)
	all := 3 * burst
	hearAll(people, all, all)
	t.Logf("%v: all have heard all", since(begun))

	c.cut(gamma)
	talk(burst, people...)
	hearAll([]*person{ann, bea}, all+2*burst, all+2*burst) // gil is not waited for
	gil.hearState("stored", "queued")
	if n := gil.count()["queued"]; n != 2*burst {
		t.Errorf("gil was told of %d messages that they wait, and said %d", n, 2*burst)
	}
	t.Logf("%v: two went on without gamma, whose messages wait", since(begun))

	c.mend(gamma)
	all += 3 * burst
	hearAll(people, all, all)
	t.Logf("%v: all have heard all again", since(begun))

	c.kill(alpha)
	talk(burst, bea, gil)
	hearAll([]*person{bea, gil}, all, all+2*burst) // nobody numbers what is said in alpha's channel
	bea.hearState("stored", "queued")
	gil.hearState("stored", "queued")
	t.Logf("%v: two went on without alpha, what is said in its channel waits", since(begun))

	c.start(alpha)
	ann.comeBack(c)
	talk(burst, ann)
	all += 3 * burst
	hearAll(people, all, all)
	t.Logf("%v: all have heard all in the end", since(begun))

	audit(t, people, all)
	c.wantHealthy()
	t.Logf("%v: everything is as it should be", since(begun))
}

func since(begun time.Time) time.Duration { return time.Since(begun).Round(10 * time.Millisecond) }

// talk has people say so many messages each in every channel.
func talk(n int, people ...*person) {
	for _, p := range people {
		p.say(n, channels...)
	}
}

// hearAll has people hear so many messages of each channel.
func hearAll(people []*person, inCafe, inTeahouse int) {
	for _, p := range people {
		p.hearAll(map[channel]int{cafe: inCafe, teahouse: inTeahouse})
	}
}

// audit fails unless every node tells the same history, everybody has heard just that, each has been told of all they
// said that it is stored, and it holds everything that was said once, each speaker's in the order they said it.
func audit(t *testing.T, people []*person, all int) {
	t.Helper()
	for _, p := range people {
		p.hearState("stored")
		for _, line := range p.client.Drain() {
			p.file(line)
		}
	}
	for _, place := range channels {
		told := people[0].history(place)
		wantEverythingOnce(t, place, told, all)
		for _, p := range people {
			if got := p.history(place); !slices.Equal(got, told) {
				t.Errorf("%s and %s tell different histories of %s: %v and %v", p.at.service, people[0].at.service, place, got, told)
			}
			if heard := p.heard[place.String()]; !slices.Equal(heard, told) {
				t.Errorf("%s heard in %s\n%v\nand the history is\n%v", p.name, place, heard, told)
			}
		}
	}
}

// wantEverythingOnce fails unless a history holds so many messages, each speaker's as they were said: their texts ascend.
func wantEverythingOnce(t *testing.T, place channel, told []message, all int) {
	t.Helper()
	if len(told) != all {
		t.Errorf("%s has %d messages, and %d were said", place, len(told), all)
	}
	last := map[string]string{}
	for _, m := range told {
		if m.text <= last[m.from] {
			t.Errorf("%s has %q of %s after %q", place, m.text, m.from, last[m.from])
		}
		last[m.from] = m.text
	}
}
