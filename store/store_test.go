package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/hashicorp/go-hclog"
	"go.uber.org/goleak"

	"chatnode/channels"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// opened is a store that runs, with what it delivered.
type opened struct {
	*Store
	t         *testing.T
	options   Options
	stop      func() error
	delivered []channels.Event
}

func open(t *testing.T, o Options) *opened {
	t.Helper()
	if o.Folder == "" {
		o.Folder = t.TempDir()
	}
	if o.Durability == "" {
		o.Durability = Process
	}
	if o.Log == nil {
		o.Log = hclog.NewNullLogger()
	}
	s, err := Open(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	w := &opened{Store: s, t: t, options: o}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx, w.deliver) }()
	w.stop = func() error {
		cancel()
		err := <-ended
		ended <- err
		return err
	}
	t.Cleanup(func() { w.close() })
	return w
}

func (w *opened) deliver(outcomes []channels.Outcome) {
	hub := channels.NewHub(nil, 0)
	for _, o := range outcomes {
		w.delivered = append(w.delivered, o.Events...)
	}
	hub.Deliver(outcomes)
}

func (w *opened) close() {
	if w.Store == nil {
		return
	}
	if err := w.stop(); err == nil {
		if err := w.Store.Close(); err != nil {
			w.t.Error(err)
		}
	} else if err := w.Store.close(); err != nil {
		w.t.Error(err)
	}
	w.Store = nil
}

// again closes the store and opens it anew.
func (w *opened) again() *opened {
	w.t.Helper()
	w.close()
	return open(w.t, w.options)
}

// do runs steps in one transaction and returns their errors.
func (w *opened) do(steps ...func(channels.Tx) error) []error {
	w.t.Helper()
	errs := make([]error, len(steps))
	request := make([]channels.Step, len(steps))
	for i, f := range steps {
		request[i] = channels.Step{Do: f, Done: func(_ *channels.Delivery, err error) { errs[i] = err }}
	}
	if err := w.Submit(request); err != nil {
		w.t.Fatal(err)
	}
	return errs
}

func (w *opened) must(steps ...func(channels.Tx) error) {
	w.t.Helper()
	if err := errors.Join(w.do(steps...)...); err != nil {
		w.t.Fatal(err)
	}
}

func (w *opened) person(name string) (p channels.Person) {
	w.t.Helper()
	w.must(func(tx channels.Tx) (err error) { p, err = channels.Account(tx, name); return err })
	return p
}

// people makes accounts that are members of a channel of the first one's.
func (w *opened) people(channel string, names ...string) []channels.Person {
	w.t.Helper()
	var all []channels.Person
	for _, name := range names {
		w.must(func(tx channels.Tx) error { return channels.Register(tx, name, []byte("hash of "+name), false) })
		all = append(all, w.person(name))
	}
	w.must(func(tx channels.Tx) error { return channels.Create(tx, all[0], channel) })
	for _, p := range all {
		w.must(func(tx channels.Tx) error { return channels.Join(tx, p, channel) })
	}
	return all
}

func say(by channels.Person, channel, text string) func(channels.Tx) error {
	return func(tx channels.Tx) error {
		_, err := channels.Say(tx, by, channel, text, "")
		return err
	}
}

// log reads a channel's whole log.
func (w *opened) log(channel string) (c *channels.Channel, all []*channels.Entry) {
	w.t.Helper()
	w.must(func(tx channels.Tx) error {
		s, err := tx.Channel(channel)
		c = s.Channel
		return err
	})
	all, err := w.After(context.Background(), c, channels.Position{}, channels.Last, 1<<20, 1<<30)
	if err != nil {
		w.t.Fatal(err)
	}
	return c, all
}

// gapless fails unless a log holds the numbers 1 to n, each once, in order.
func (w *opened) gapless(channel string, n int) []*channels.Entry {
	w.t.Helper()
	c, all := w.log(channel)
	if len(all) != n {
		w.t.Fatalf("%s holds %d messages, want %d", channel, len(all), n)
	}
	last := c.Start()
	for _, e := range all {
		if !c.Follows(last, e.Position) {
			w.t.Fatalf("%v follows %v in %s", e.Position, last, channel)
		}
		last = e.Position
	}
	return all
}

func TestAMessageIsNumberedAndKept(t *testing.T) {
	for _, d := range []Durability{Power, Process} {
		t.Run(string(d), func(t *testing.T) {
			w := open(t, Options{Durability: d})
			p := w.people("go", "bob", "eve")
			for i := range 10 {
				w.must(say(p[i%2], "go", fmt.Sprint("message ", i)), say(p[0], "go", "and more"))
			}
			w = w.again()
			all := w.gapless("go", 20)
			if e := all[2]; e.Author.Name != "eve" || e.Body != "message 1" || e.Seq != 3 {
				t.Errorf("third message is %+v", e)
			}
		})
	}
}

func TestARefusedStepChangesNothingAndHindersNobody(t *testing.T) {
	w := open(t, Options{})
	p := w.people("go", "bob")
	errs := w.do(say(p[0], "go", "one"), say(p[0], "nowhere", "x"), say(p[0], "go", ""), say(p[0], "go", "two"))
	for i, want := range []channels.Word{"", channels.NoSuchChannel, channels.EmptyMessage, ""} {
		if (want == "") != (errs[i] == nil) || want != "" && channels.WordOf(errs[i]) != want {
			t.Errorf("step %d: %v, want %q", i, errs[i], want)
		}
	}
	w.gapless("go", 2)
}

func TestEachStepSeesWhatTheOneBeforeItLeft(t *testing.T) {
	w := open(t, Options{})
	p := w.people("go", "bob", "eve")
	errs := w.do(
		func(tx channels.Tx) error { return channels.Leave(tx, p[1], "go") },
		say(p[1], "go", "still here?"),
		func(tx channels.Tx) error { return channels.Join(tx, p[1], "go") },
		say(p[1], "go", "back"),
	)
	if errs[0] != nil || channels.WordOf(errs[1]) != channels.NotMember || errs[2] != nil || errs[3] != nil {
		t.Errorf("got %v", errs)
	}
	w.gapless("go", 1)
}

func TestARetriedRefIsSaidOnce(t *testing.T) {
	w := open(t, Options{})
	p := w.people("go", "bob", "eve")
	var said []channels.RefResult
	retry := func(by channels.Person) func(channels.Tx) error {
		return func(tx channels.Tx) error {
			r, err := channels.Say(tx, by, "go", "once", "x1")
			said = append(said, r)
			return err
		}
	}
	w.must(retry(p[0]), retry(p[0]))
	w = w.again()
	w.must(retry(p[0]), retry(p[1])) // another's ref of the same name is another ref
	w.gapless("go", 2)
	if said[0].Position != said[1].Position || said[0].Position != said[2].Position || said[0].Position == said[3].Position {
		t.Errorf("answers %v", said)
	}
}

func TestAPanicInAStepIsThatStepsAlone(t *testing.T) {
	w := open(t, Options{})
	p := w.people("go", "bob")
	errs := w.do(say(p[0], "go", "one"), func(channels.Tx) error { panic("a defect") })
	for _, err := range errs {
		if channels.WordOf(err) != channels.Unavailable {
			t.Errorf("got %v, want unavailable", err)
		}
	}
	w.must(say(p[0], "go", "two"))
	w.gapless("go", 1)
}

func TestAnotherRequestsFailureCostsNothing(t *testing.T) {
	w := open(t, Options{})
	p := w.people("go", "bob")
	steps := func(f func(channels.Tx) error) *request {
		return &request{steps: []channels.Step{{Do: f}}, done: make(chan struct{}, 1)}
	}
	batch := []*request{
		steps(say(p[0], "go", "one")),
		steps(func(channels.Tx) error { return errors.New("the disk says no") }),
		steps(say(p[0], "go", "two")),
	}
	w.must() // the writer rests
	if err := w.stop(); err != nil {
		t.Fatal(err)
	}
	outcomes, err := w.carryOut(batch)
	if err != nil || len(outcomes) != 3 {
		t.Fatal(outcomes, err)
	}
	for i, word := range []channels.Word{"", channels.Unavailable, ""} {
		if o := outcomes[i]; (o.Err == nil) != (word == "") {
			t.Errorf("request %d: %v, want %q", i, o.Err, word)
		}
	}
	w.stop = func() error { return nil }
	w = w.again()
	w.gapless("go", 2)
}

func TestNothingIgnoresAFullDisk(t *testing.T) {
	w := open(t, Options{})
	p := w.people("go", "bob")
	var pages int
	w.must(func(channels.Tx) error {
		_, err := w.conn.one(`PRAGMA page_count`, nil, &pages)
		return err
	})
	if err := w.SetMaxPages(pages + 8); err != nil {
		t.Fatal(err)
	}
	before := len(w.delivered)
	stored, refused := 0, 0
	for refused < 5 {
		switch err := w.do(say(p[0], "go", string(make([]byte, 1000))))[0]; {
		case err == nil:
			stored++
		case channels.WordOf(err) == channels.Unavailable:
			refused++
		default:
			t.Fatal(err)
		}
	}
	if !w.Degraded() {
		t.Error("the store does not say that it refuses")
	}
	if got := len(w.delivered) - before; got != stored {
		t.Errorf("%d messages delivered, %d stored", got, stored)
	}
	if err := w.SetMaxPages(1 << 20); err != nil {
		t.Fatal(err)
	}
	w.must(say(p[0], "go", "room again"))
	if w.Degraded() {
		t.Error("the store still says that it refuses")
	}
	w = w.again()
	w.gapless("go", stored+1)
}

func TestADeletedNameIsNotGivenTwice(t *testing.T) {
	w := open(t, Options{})
	p := w.people("go", "bob")
	w.must(func(tx channels.Tx) error { return channels.Unregister(tx, p[0], []byte("hash of bob")) })
	w = w.again()
	for _, step := range []struct {
		do   func(channels.Tx) error
		want channels.Word
	}{
		{func(tx channels.Tx) error { return channels.Register(tx, "bob", []byte("x"), false) }, channels.NameTaken},
		{func(tx channels.Tx) error { _, err := channels.Account(tx, "bob"); return err }, channels.NoSuchUser},
		{func(tx channels.Tx) error { _, err := channels.Whisper(tx, p[0], "bob", "hi", ""); return err }, channels.NoSuchUser},
	} {
		if err := w.do(step.do)[0]; channels.WordOf(err) != step.want {
			t.Errorf("got %v, want %s", err, step.want)
		}
	}
}

func TestAChannelMadeAgainIsAnotherInALaterEpoch(t *testing.T) {
	w := open(t, Options{})
	p := w.people("go", "bob")
	w.must(say(p[0], "go", "old"))
	old, _ := w.log("go")
	w.must(
		func(tx channels.Tx) error { return channels.Delete(tx, p[0], "go") },
		func(tx channels.Tx) error { return channels.Create(tx, p[0], "go") },
		func(tx channels.Tx) error { return channels.Join(tx, p[0], "go") },
		say(p[0], "go", "new"),
	)
	c, all := w.log("go")
	if c.ID == old.ID || c.Start().Epoch <= old.Start().Epoch || len(all) != 1 || all[0].Seq != 1 {
		t.Errorf("old %+v, new %+v with %d messages", old, c, len(all))
	}
}

func TestARefIsForgottenAfterADay(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	w := open(t, Options{Now: func() time.Time { return now }})
	p := w.people("go", "bob")
	once := func(tx channels.Tx) error { _, err := channels.Say(tx, p[0], "go", "x", "r"); return err }
	w.must(once, once)
	now = now.Add(23 * time.Hour)
	if _, err := w.Prune(context.Background(), Retention{}); err != nil {
		t.Fatal(err)
	}
	w.must(once)
	w.gapless("go", 1)
	now = now.Add(2 * time.Hour)
	if _, err := w.Prune(context.Background(), Retention{}); err != nil {
		t.Fatal(err)
	}
	w.must(once)
	w.gapless("go", 2)
}

func TestADatabaseThatCannotBeUsedIsOneClearLine(t *testing.T) {
	damaged := t.TempDir()
	if err := os.WriteFile(filepath.Join(damaged, databaseFile), []byte("this is no database, though it is longer than a header"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ folder, says string }{
		{damaged, "damaged or not a database"},
		{filepath.Join(damaged, "missing"), "cannot be opened"},
	} {
		_, err := Open(context.Background(), Options{Folder: c.folder, Durability: Power, Log: hclog.NewNullLogger()})
		if err == nil || !containsLine(err.Error(), c.says) {
			t.Errorf("got %v, want one line with %q", err, c.says)
		}
	}
}

func TestAMessageDoesNotKeepTheLineThatItCameIn(t *testing.T) {
	w := open(t, Options{})
	p := w.people("go", "bob")
	line := strings.Repeat("x", 60000) + "hi"
	body := line[60000:]
	w.must(say(p[0], "go", body))
	kept := w.delivered[len(w.delivered)-1].(channels.Appended).Body
	if kept != body || unsafe.StringData(kept) == unsafe.StringData(body) {
		t.Error("the entry is a part of the line")
	}
}

func TestTheCacheIsBoundedByWhatItHolds(t *testing.T) {
	w := open(t, Options{})
	p := w.people("go", "bob")
	topic := strings.Repeat("x", channels.MaxTopic)
	for i := range 100 {
		name := fmt.Sprint("c", i)
		w.must(
			func(tx channels.Tx) error { return channels.Create(tx, p[0], name) },
			func(tx channels.Tx) error { return channels.SetTopic(tx, p[0], name, topic) },
		)
	}
	weigh := func() (weight int) {
		for _, s := range w.cache.byID {
			weight += s.weight()
		}
		return weight
	}
	w.must(func(channels.Tx) error {
		if w.cache.weight != weigh() || w.cache.weight < 100*len(topic)/64 {
			t.Errorf("the cache weighs %d, and thinks %d", weigh(), w.cache.weight)
		}
		w.cache.weight = maxCacheWeight + 1
		return nil
	})
	w.must(func(channels.Tx) error {
		if len(w.cache.byID) != 0 {
			t.Errorf("%d channels are cached past the bound", len(w.cache.byID))
		}
		return nil
	})
}
