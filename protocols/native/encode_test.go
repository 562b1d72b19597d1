package native

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"chatnode/channels"
)

var (
	bob = channels.Person{ID: 1, Name: "bob"}
	eve = channels.Person{ID: 2, Name: "eve", Host: "there:5050"}

	lobby  = channel("go", "", channels.Epoch{Epoch: 7}, channels.Epoch{Epoch: 9, Base: 40})
	remote = channel("go", "there:5050", channels.Epoch{Epoch: 3})
	inbox  = &channels.Channel{Kind: channels.Inbox, Name: "bob"}

	eight = time.Date(2026, 11, 21, 8, 0, 0, 123e6, time.UTC).UnixMilli()
)

func channel(name, host string, epochs ...channels.Epoch) *channels.Channel {
	c := &channels.Channel{Name: name, Host: host}
	c.SetEpochs(epochs...)
	return c
}

func entry(c *channels.Channel, epoch, seq int64, by channels.Person, body string) *channels.Entry {
	return &channels.Entry{Channel: c, Position: channels.Position{Epoch: epoch, Seq: seq}, Author: by, Inc: 3, N: 907, At: eight, Body: body}
}

func TestAnEntryLooksAsTheProtocolHasIt(t *testing.T) {
	const tail = ";id=3.907;time=2026-11-21T08:00:00.123Z"
	for _, k := range []struct {
		name string
		e    *channels.Entry
		tags string
		recv string
	}{
		{"local", entry(lobby, 7, 40, bob, "hi"), "@seq=40" + tail, "RECV bob go hi\n"},
		{"a later epoch", entry(lobby, 9, 41, bob, "hi"), "@seq=9.41" + tail, "RECV bob go hi\n"},
		{"a person of another node", entry(lobby, 7, 1, eve, "hi"), "@seq=1" + tail, "RECV eve@there:5050 go hi\n"},
		{"a channel of another node", entry(remote, 3, 41, bob, "hi"), "@seq=41" + tail, "RECV bob go:there:5050 hi\n"},
		{"both of another node", entry(remote, 3, 41, eve, "hi"), "@seq=41" + tail, "RECV eve@there:5050 go:there:5050 hi\n"},
		{"an inbox", entry(inbox, 0, 2, eve, "psst"), "@seq=2" + tail, "RECV eve@there:5050 @ psst\n"},
		{"blanks and a tab", entry(lobby, 7, 2, bob, " two  blanks\t "), "@seq=2" + tail, "RECV bob go  two  blanks\t \n"},
		{"other scripts", entry(lobby, 7, 2, bob, "Grüße, 世界 🎉"), "@seq=2" + tail, "RECV bob go Grüße, 世界 🎉\n"},
		{"long", entry(lobby, 7, 2, bob, strings.Repeat("x", 65536)), "@seq=2" + tail, "RECV bob go " + strings.Repeat("x", 65536) + "\n"},
	} {
		for _, look := range []struct {
			name   string
			append func([]byte, *channels.Entry) []byte
			want   string
		}{
			{"plain", appendRecv, k.recv},
			{"tagged", appendTagged, k.tags + " " + k.recv},
			{"after a gap", appendAfterGap, k.tags + ";gap=1 " + k.recv},
		} {
			for _, before := range []string{"", "PONG x\n"} {
				if got := string(look.append([]byte(before), k.e)); got != before+look.want {
					t.Errorf("%s, %s: %.120q; want %.120q", k.name, look.name, got, before+look.want)
				}
			}
			if got := string(look.append(nil, k.e)); got != look.want {
				t.Errorf("%s, %s, alone: %.120q; want %.120q", k.name, look.name, got, look.want)
			}
		}
	}
}

func TestAnEntryIsMadeInOneAllocation(t *testing.T) {
	e := entry(lobby, 9, 1<<40, eve, strings.Repeat("x", 1000))
	for name, look := range map[string]func([]byte, *channels.Entry) []byte{"plain": appendRecv, "tagged": appendTagged, "after a gap": appendAfterGap} {
		if n := testing.AllocsPerRun(100, func() { look(nil, e) }); n > 1 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func TestTheTimeOfAnEntryIsInUTCWithMilliseconds(t *testing.T) {
	for ms, want := range map[int64]string{0: "1970-01-01T00:00:00.000Z", 1: "1970-01-01T00:00:00.001Z", 1_700_000_000_990: "2023-11-14T22:13:20.990Z"} {
		e := entry(lobby, 7, 1, bob, "hi")
		e.At = ms
		if got := string(appendTagged(nil, e)); !strings.Contains(got, ";time="+want+" ") {
			t.Errorf("%d: %s", ms, got)
		}
	}
}

func TestAFormShowsTagsToThoseWhoAskedForThem(t *testing.T) {
	e := entry(lobby, 7, 1, bob, "hi")
	for _, tags := range []bool{false, true} {
		f := Protocol{}.form(tags)
		if got := strings.HasPrefix(string(e.Encoded(f.Entry)), "@"); got != tags || f.TellsGaps != tags {
			t.Errorf("tags %v: %s, %v", tags, e.Encoded(f.Entry), f.TellsGaps)
		}
		if got := string(e.Encoded(f.Replayed)); !strings.HasPrefix(got, "@seq=1;") {
			t.Errorf("replayed: %s", got)
		}
	}
	with, without := Protocol{}.form(true), Protocol{}.form(false)
	if again := (Protocol{}).form(true); again.Entry != with.Entry || with.Replayed != with.Entry || without.Replayed != with.Entry {
		t.Error("an encoding has more than one address, and will be made more than once")
	}
}

func TestATextOfAnotherTongueIsShownInLinesThatCanBeRead(t *testing.T) {
	for _, k := range []struct {
		line               int
		body, plain, parts string
	}{
		{0, "a\x00b\rc\td", "RECV bob go a\ufffdb\ufffdc\td\n", ""},
		{4, "1234", "RECV bob go 1234\n", ""},
		{4, "12345", "RECV bob go 1234\nRECV bob go 5\n", "1/2 2/2"},
		{4, "123ü45678", "RECV bob go 123\nRECV bob go ü45\nRECV bob go 678\n", "1/3 2/3 3/3"},
		{1, "ü2", "RECV bob go ü\nRECV bob go 2\n", "1/2 2/2"}, // a character a line at the least
	} {
		e := entry(lobby, 7, 1, bob, k.body)
		l := looksFor(k.line)
		if got := string(e.Encoded(l.plain)); got != k.plain {
			t.Errorf("%q in %d: %q", k.body, k.line, got)
		}
		var parts []string
		for line := range strings.Lines(string(e.Encoded(l.tagged))) {
			tags, _, _ := strings.Cut(line, " ")
			if _, part, found := strings.Cut(tags, ";part="); found {
				parts = append(parts, part)
			}
		}
		if got := strings.Join(parts, " "); got != k.parts {
			t.Errorf("%q in %d: parts %q", k.body, k.line, got)
		}
	}
}

func TestNoticesNameThePersonTheChannelAndTheReason(t *testing.T) {
	for _, k := range []struct {
		n    channels.Notice
		want string
	}{
		{channels.Notice{Event: channels.EnteredChannel, Person: bob, Channel: lobby}, "JOINED bob go\n"},
		{channels.Notice{Event: channels.EnteredChannel, Person: eve, Channel: remote}, "JOINED eve@there:5050 go:there:5050\n"},
		{channels.Notice{Event: channels.LeftChannel, Person: bob, Channel: lobby}, "LEFT bob go\n"},
		{channels.Notice{Event: channels.LeftChannel, Person: bob, Channel: lobby, Reason: channels.Kicked, Self: true}, "LEFT bob go kicked\n"},
		{channels.Notice{Event: channels.LeftChannel, Person: bob, Channel: lobby, Reason: channels.WasBanned, Self: true}, "LEFT bob go banned\n"},
		{channels.Notice{Event: channels.LeftChannel, Person: bob, Channel: lobby, Reason: channels.ChannelDeleted, Self: true}, "LEFT bob go deleted\n"},
		{channels.Notice{Event: channels.CameOnLine, Person: bob}, "ONLINE bob\n"},
		{channels.Notice{Event: channels.WentOffLine, Person: eve}, "OFFLINE eve@there:5050\n"},
	} {
		if got := string(notice(k.n)); got != k.want {
			t.Errorf("%q; want %q", got, k.want)
		}
	}
}

// with is a client that has switched capabilities on, without a connection.
func with(caps ...capability) *client {
	c := &client{caps: map[capability]bool{}}
	for _, name := range caps {
		c.caps[name] = true
	}
	return c
}

func TestAnswersHaveTheirTagsInOrder(t *testing.T) {
	said := channels.RefResult{Channel: lobby, Position: channels.Position{Epoch: 7, Seq: 41}}
	later := channels.RefResult{Channel: lobby, Position: channels.Position{Epoch: 9, Seq: 41}}
	say := request{verb: "SAY", words: []string{"go"}, text: "hi", ref: "x y;"}
	kick := request{verb: "KICK", words: []string{"go", "bob"}}
	notMember := channels.Refuse(channels.NotMember)
	for _, k := range []struct {
		got         func(c *client) []byte
		plain, tags string
	}{
		{func(c *client) []byte { return c.filed(say, said, nil) }, "RESULT SAY go 1\n", `@ref=x\sy\:;seq=41;state=stored RESULT SAY go 1` + "\n"},
		{func(c *client) []byte { return c.filed(say, later, nil) }, "RESULT SAY go 1\n", `@ref=x\sy\:;seq=9.41;state=stored RESULT SAY go 1` + "\n"},
		{func(c *client) []byte { return c.filed(say, said, notMember) }, "RESULT SAY go 0\n", `@ref=x\sy\:;err=not-member RESULT SAY go 0` + "\n"},
		{func(c *client) []byte { return c.failed(kick, notMember, kick.words...) }, "RESULT KICK go bob 0\n", "@err=not-member RESULT KICK go bob 0\n"},
		{func(c *client) []byte { return c.failed(kick, fmt.Errorf("disk full")) }, "RESULT KICK 0\n", "@err=unavailable RESULT KICK 0\n"},
		{func(c *client) []byte { return c.result(kick, kick.words...)(nil) }, "RESULT KICK go bob 1\n", "RESULT KICK go bob 1\n"},
		{func(c *client) []byte { return c.result(kick)(notMember) }, "RESULT KICK 0\n", "@err=not-member RESULT KICK 0\n"},
		{func(c *client) []byte { return c.topicIs(say, "", nil) }, "RESULT SAY go 1 \n", `@ref=x\sy\: RESULT SAY go 1 ` + "\n"},
		{func(c *client) []byte { return c.topicIs(say, "of all", nil) }, "RESULT SAY go 1 of all\n", `@ref=x\sy\: RESULT SAY go 1 of all` + "\n"},
		{func(c *client) []byte { return c.topicIs(kick, "", notMember) }, "RESULT KICK go 0\n", "@err=not-member RESULT KICK go 0\n"},
	} {
		say.tags, kick.tags = false, false
		if got := string(k.got(with())); got != k.plain {
			t.Errorf("without tags: %q; want %q", got, k.plain)
		}
		say.tags, kick.tags = true, true
		if got := string(k.got(with(tagsCap))); got != k.tags {
			t.Errorf("with tags: %q; want %q", got, k.tags)
		}
	}
}

func TestWordsOfACommandOutliveItsAnswer(t *testing.T) {
	r := request{verb: "KICK", words: make([]string, 2, 8)} // room behind them
	copy(r.words, []string{"go", "bob"})
	c := with()
	yes, no := c.result(r, r.words...)(nil), c.failed(r, channels.Refuse(channels.Banned), r.words...)
	if string(yes) != "RESULT KICK go bob 1\n" || string(no) != "RESULT KICK go bob 0\n" || !slices.Equal(r.words, []string{"go", "bob"}) {
		t.Errorf("%q, %q, %q", yes, no, r.words)
	}
}

func TestListsAreJoinedByCommaAndBlank(t *testing.T) {
	for want, names := range map[string][]string{"": nil, "a": {"a"}, "a, b@host, 世界": {"a", "b@host", "世界"}} {
		if got := list(names); got != want {
			t.Errorf("%q; want %q", got, want)
		}
	}
	if got := string(answer{verb: "CHANNELS"}.line("")); got != "RESULT CHANNELS \n" {
		t.Errorf("an empty list is answered %q", got)
	}
	if got := list(capabilities); got != "multi, presence, replay, tags" {
		t.Errorf("the capabilities are %q", got)
	}
}
