package store

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"chatnode/channels"
)

func containsLine(text, part string) bool {
	return strings.Contains(text, part) && !strings.Contains(text, "\n")
}

// numbered says n messages "1", "2", … in a channel.
func (w *opened) numbered(by channels.Person, channel string, from, n int) {
	w.t.Helper()
	for i := from; i < from+n; i++ {
		w.must(say(by, channel, fmt.Sprint(i)))
	}
}

func bodies(entries []*channels.Entry) string {
	var b []string
	for _, e := range entries {
		b = append(b, e.Body)
	}
	return strings.Join(b, " ")
}

func TestAPageIsReadFromEitherEnd(t *testing.T) {
	w := open(t, Options{})
	p := w.people("go", "bob")
	w.numbered(p[0], "go", 1, 10)
	c, all := w.log("go")
	at := func(seq int64) channels.Position { return channels.Position{Epoch: c.Start().Epoch, Seq: seq} }
	ctx := context.Background()
	for _, k := range []struct {
		name string
		page func() ([]*channels.Entry, error)
		want string
	}{
		{"after", func() ([]*channels.Entry, error) { return w.After(ctx, c, at(3), channels.Last, 3, 1<<20) }, "4 5 6"},
		{"after, up to", func() ([]*channels.Entry, error) { return w.After(ctx, c, at(3), at(5), 100, 1<<20) }, "4 5"},
		{"after the end", func() ([]*channels.Entry, error) { return w.After(ctx, c, at(10), channels.Last, 3, 1<<20) }, ""},
		{"before", func() ([]*channels.Entry, error) { return w.Before(ctx, c, at(5), 3, 1<<20) }, "2 3 4"},
		{"the last", func() ([]*channels.Entry, error) { return w.Before(ctx, c, channels.Last, 2, 1<<20) }, "9 10"},
		{"at least one", func() ([]*channels.Entry, error) { return w.After(ctx, c, at(0), channels.Last, 100, 1) }, "1"},
		{"so many bytes", func() ([]*channels.Entry, error) { return w.Before(ctx, c, channels.Last, 100, 4) }, "8 9 10"},
	} {
		got, err := k.page()
		if err != nil || bodies(got) != k.want {
			t.Errorf("%s: %q, %v; want %q", k.name, bodies(got), err, k.want)
		}
	}
	if e := all[0]; e.Author.Name != "bob" || e.Inc == 0 || e.N == 0 || e.At == 0 {
		t.Errorf("an entry read from the log lacks something: %+v", e)
	}
}

func TestRetentionRemovesTheOldestByAgeAndByBytes(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	w := open(t, Options{Now: func() time.Time { return now }})
	p := w.people("go", "bob")
	w.numbered(p[0], "go", 1, 2*pruneStep)
	now = now.Add(time.Hour)
	w.numbered(p[0], "go", 2*pruneStep+1, 100)
	n, err := w.Prune(context.Background(), Retention{Age: 30 * time.Minute})
	if err != nil || n != 2*pruneStep {
		t.Fatalf("removed %d, %v; want %d", n, err, 2*pruneStep)
	}
	_, all := w.log("go")
	if len(all) != 100 || all[0].Seq != 2*pruneStep+1 {
		t.Fatalf("%d left from %d on", len(all), all[0].Seq)
	}
	n, err = w.Prune(context.Background(), Retention{Bytes: 10 * weight("123")})
	if err != nil || n != 90 {
		t.Fatalf("removed %d, %v; want 90", n, err)
	}
	w = w.again()
	w.must(say(p[0], "go", "next"))
	_, all = w.log("go")
	if len(all) != 11 || all[10].Seq != 2*pruneStep+101 {
		t.Errorf("%d left, the last is %d", len(all), all[len(all)-1].Seq)
	}
}

func TestTheLogOfADeletedChannelIsRemovedInSteps(t *testing.T) {
	w := open(t, Options{})
	p := w.people("go", "bob")
	w.numbered(p[0], "go", 1, pruneStep+10)
	old, _ := w.log("go")
	w.must(
		func(tx channels.Tx) error { return channels.Delete(tx, p[0], "go") },
		func(tx channels.Tx) error { return channels.Create(tx, p[0], "go") },
		func(tx channels.Tx) error { return channels.Join(tx, p[0], "go") },
		say(p[0], "go", "of the new one"),
	)
	if n, err := w.Prune(context.Background(), Retention{}); err != nil || n != pruneStep+10 {
		t.Fatal(n, err)
	}
	left, err := w.After(context.Background(), old, channels.Position{}, channels.Last, 10, 1<<20)
	if err != nil || len(left) != 0 {
		t.Errorf("%d left, %v", len(left), err)
	}
	w.gapless("go", 1)
}

func TestWhatAnAccountHeardIsKeptAndReplayedFrom(t *testing.T) {
	w := open(t, Options{})
	p := w.people("go", "bob", "eve")
	w.numbered(p[0], "go", 1, 10)
	c, all := w.log("go")
	w.must(
		func(tx channels.Tx) error { return tx.SetHeard(p[1].ID, c, all[5].Position) },
		func(tx channels.Tx) error { return tx.SetHeard(p[1].ID, c, all[2].Position) }, // never backwards
	)
	w = w.again()
	for _, k := range []struct {
		most int
		want int64
		gap  bool
	}{{-1, 10, false}, {100, 6, false}, {4, 6, false}, {3, 7, true}, {0, 10, true}} {
		var in []channels.Membership
		w.must(func(tx channels.Tx) (err error) { in, err = tx.Memberships(p[1].ID, k.most); return err })
		if len(in) != 2 {
			t.Fatalf("%d memberships, want the channel and the inbox", len(in))
		}
		for _, m := range in {
			if m.Channel.Kind == channels.Public && (m.Heard.Seq != k.want || m.Gap != k.gap || m.Head.Seq != 10) {
				t.Errorf("at most %d: %+v, want %d, gap %v", k.most, m, k.want, k.gap)
			}
		}
	}
}

func TestAnUncleanEndThatMayLoseCommitsOpensANewEpoch(t *testing.T) {
	for _, k := range []struct {
		d      Durability
		clean  bool
		raised bool
	}{{Process, false, true}, {Process, true, false}, {Power, false, false}} {
		t.Run(fmt.Sprint(k.d, k.clean), func(t *testing.T) {
			w := open(t, Options{Durability: k.d})
			p := w.people("go", "bob")
			w.numbered(p[0], "go", 1, 3)
			c, _ := w.log("go")
			if !k.clean {
				if err := w.stop(); err != nil {
					t.Fatal(err)
				}
				w.failed = true // closes without the mark
			}
			w = w.again()
			w.numbered(p[0], "go", 4, 3)
			all := w.gapless("go", 6)
			if got := all[5].Epoch > c.Start().Epoch; got != k.raised {
				t.Errorf("raised: %v, want %v", got, k.raised)
			}
			seen := map[string]bool{}
			for _, e := range all {
				id := fmt.Sprint(e.Inc, ".", e.N)
				if seen[id] {
					t.Errorf("the id %s was given twice", id)
				}
				seen[id] = true
			}
		})
	}
}

func TestADatabaseCopiedBackNeverGivesANumberTwice(t *testing.T) {
	w := open(t, Options{Durability: Power})
	p := w.people("go", "bob")
	w.numbered(p[0], "go", 1, 3)
	w.close()
	path := filepath.Join(w.options.Folder, databaseFile)
	copied, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	w = open(t, w.options)
	w.numbered(p[0], "go", 4, 1)
	_, all := w.log("go")
	lost := all[3]
	w.close()
	if err := os.WriteFile(path, copied, 0o600); err != nil {
		t.Fatal(err)
	}
	w = open(t, w.options)
	w.numbered(p[0], "go", 4, 1)
	all = w.gapless("go", 4)
	if e := all[3]; e.Position == lost.Position || e.Inc == lost.Inc && e.N == lost.N {
		t.Errorf("%v was given to two messages", e.Position)
	}
}

func TestAnIncarnationFileThatIsAheadRaisesTheIncarnation(t *testing.T) {
	w := open(t, Options{})
	p := w.people("go", "bob")
	w.numbered(p[0], "go", 1, 3)
	c, all := w.log("go")
	w.close()
	ahead := all[0].Inc + 1000
	if err := os.WriteFile(filepath.Join(w.options.Folder, incarnationFile), []byte(fmt.Sprintln(ahead, 0)), 0o600); err != nil {
		t.Fatal(err)
	}
	w = open(t, w.options)
	w.numbered(p[0], "go", 4, 1)
	all = w.gapless("go", 4)
	if e := all[3]; e.Inc <= ahead || e.Epoch <= c.Start().Epoch || e.Seq != 4 {
		t.Errorf("after the copy: %+v, want an incarnation above %d and a new epoch", e, ahead)
	}
}
