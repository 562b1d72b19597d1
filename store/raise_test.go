package store

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	"chatnode/channels"
)

func TestARaisedIncarnationOpensEpochsAndNumbersAnewWhatWasNeverSent(t *testing.T) {
	w := open(t, Options{Durability: Power})
	bob := w.people("go", "bob")[0]
	a, b := w.peer("a.example"), w.peer("b.example")
	far := w.replica(a, "far", at(5, 40), bob)
	sent := w.send(a, "FEDSAY", bob, "far", "")
	w.must(func(tx channels.Tx) error {
		return errors.Join(tx.SetLinked(a.ID, channels.ExtendedLink), tx.SetLinked(a.ID, channels.NoLink))
	})
	old := []channels.Row{w.send(a, "FEDSAY", bob, "far", "r"), w.send(b, "FEDSAY", bob, "near", ""), w.send(a, "FEDSAY", bob, "far", "")}
	c, _ := w.log("go")
	before := w.age.incarnation
	w.delivered = nil
	var all []channels.Renumbered
	w.must(say(bob, "go", "1"), func(tx channels.Tx) (err error) { all, err = tx.Raise(before + 1000); return err }, say(bob, "go", "2"))
	inc := w.age.incarnation
	if inc != before+1001 {
		t.Fatalf("the incarnation is %d, want %d", inc, before+1001)
	}
	want := []channels.Renumbered{{Peer: a.ID, Old: old[0].Position, New: at(inc, 1)}, {Peer: a.ID, Old: old[2].Position, New: at(inc, 2)},
		{Peer: b.ID, Old: old[1].Position, New: at(inc, 1)}}
	if fmt.Sprint(all) != fmt.Sprint(want) {
		t.Errorf("numbered anew %v, want %v", all, want)
	}
	check := func() {
		t.Helper()
		entries := w.gapless("go", 2)
		if entries[0].Epoch != c.Start().Epoch || entries[1].Epoch == c.Start().Epoch || entries[1].Seq != 2 || entries[1].Inc != inc {
			t.Errorf("the log holds %+v, %+v", entries[0], entries[1])
		}
		w.places(far, at(5, 40), at(5, 40))
		if r := w.ref(bob, "r"); r == nil || !r.Queued {
			t.Errorf("the ref is %+v", r)
		}
		log := w.all(channels.Outbox(a.ID))
		if len(log) != 3 || log[0].Position != sent.Position || log[1].Position != at(inc, 1) {
			t.Errorf("the outbox holds %+v", log)
		}
	}
	check()
	opened := map[channels.Kind]int{}
	for _, e := range w.delivered {
		if e, ok := e.(channels.EpochOpened); ok {
			opened[e.Channel.Kind]++
			if len(e.Epochs) != 2 || e.Channel.Home != 0 {
				t.Errorf("opened %+v", e)
			}
		}
	}
	if opened[channels.Public] != 1 || opened[channels.Inbox] != 1 {
		t.Errorf("opened, by kind: %v", opened)
	}
	w = w.again()
	check()
	if w.age.incarnation != inc || w.Raised() {
		t.Errorf("the next start has incarnation %d, raised %v", w.age.incarnation, w.Raised())
	}
	w.must(func(tx channels.Tx) error { // the ref is still that of its row
		row, err := tx.Row(a.ID, at(inc, 1))
		return errors.Join(err, tx.EndRow(a.ID, row, nil))
	})
	if r := w.ref(bob, "r"); r != nil {
		t.Errorf("it has ended, and its ref is %+v", r)
	}
	if r := w.send(a, "FEDSAY", bob, "far", ""); r.Position != at(inc, 3) {
		t.Errorf("the next row is %v", r.Position)
	}
}

func TestARaisedIncarnationIsTakenBackWithItsTransaction(t *testing.T) {
	w := open(t, Options{Durability: Power})
	bob := w.people("go", "bob")[0]
	p := w.peer("a.example")
	row := w.send(p, "FEDSAY", bob, "far", "")
	w.must(say(bob, "go", "1"))
	before := w.age
	w.takenBack(func(tx channels.Tx) error {
		_, err := tx.Raise(before.incarnation + 1000)
		return errors.Join(err, say(bob, "go", "never said")(tx))
	})
	if before.epochs = w.age.epochs; w.age != before {
		t.Errorf("%+v, want %+v", w.age, before)
	}
	filed, err := readAge(w.ageFile)
	if filed.epochs < before.epochs { // it may be ahead
		t.Errorf("filed %+v, want %+v", filed, before)
	}
	if filed.epochs = before.epochs; err != nil || filed != before {
		t.Errorf("filed %+v, %v", filed, err)
	}
	w.must(say(bob, "go", "2"))
	all := w.gapless("go", 2)
	if all[0].Epoch != all[1].Epoch || all[0].Inc != all[1].Inc || all[0].N >= all[1].N {
		t.Errorf("%+v and %+v", all[0], all[1])
	}
	w.ends(p, at(row.Epoch, 0), row.Position)
	w = w.again()
	w.must(say(bob, "go", "3"))
	w.gapless("go", 3)
}

func TestTheIncarnationsFileIsNeverBehind(t *testing.T) {
	w := open(t, Options{Durability: Power})
	w.must(func(tx channels.Tx) error { _, err := tx.Raise(0); return err })
	if filed, err := readAge(w.ageFile); err != nil || filed != w.age {
		t.Errorf("filed %+v, %v; want %+v", filed, err, w.age)
	}
}

func TestADatabaseKnowsThatItHadAnotherIncarnation(t *testing.T) {
	w := open(t, Options{Durability: Power})
	check := func(restored, raised bool) {
		t.Helper()
		w.must(func(tx channels.Tx) error {
			if tx.Restored() != restored || w.Raised() != raised || tx.Incarnation() == 0 {
				t.Errorf("restored %v, raised %v, incarnation %d", tx.Restored(), w.Raised(), tx.Incarnation())
			}
			return nil
		})
	}
	check(false, false)
	w = w.again()
	check(false, false)
	inc, file := w.age.incarnation, w.ageFile
	w.close()
	if err := writeAge(file, age{incarnation: inc + 5}); err != nil {
		t.Fatal(err)
	}
	w = open(t, w.options)
	check(true, true)
	w = w.again()
	check(true, false)
	w.close()
	w.options.Folder = t.TempDir() // the database is lost, and its file is not
	if err := writeAge(filepath.Join(w.options.Folder, incarnationFile), age{incarnation: inc, turns: 3}); err != nil {
		t.Fatal(err)
	}
	w = open(t, w.options)
	check(true, true)
}
