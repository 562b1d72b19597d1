package store

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"

	"chatnode/channels"
	"chatnode/migrations"
)

var update = flag.Bool("update", false, "write the golden schema anew")

// golden is the schema that the migrations make, as SQLite has it.
const golden = "testdata/schema.golden"

// schema is the database's, one object after the other.
func (w *opened) schema() string {
	w.t.Helper()
	var b strings.Builder
	w.must(func(channels.Tx) error {
		return w.conn.each(`SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name`, nil, func(rows *sql.Rows) error {
			var text string
			err := rows.Scan(&text)
			b.WriteString(text + ";\n\n")
			return err
		})
	})
	return b.String()
}

func TestTheSchemaIsTheGoldenOne(t *testing.T) {
	got := open(t, Options{}).schema()
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the schema has changed (a released migration is never changed; go test ./store -update takes a new one over):\n%s", got)
	}
}

// copied is a folder with a copy of a database that an earlier build made.
func copied(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, databaseFile), data, 0o600); err != nil {
		t.Fatal(err)
	}
	return folder
}

// makeDatabase makes what TestADatabaseOfEveryEarlierSchemaIsOpened opens, as this build does.
func makeDatabase(t *testing.T, path string) {
	t.Helper()
	w := open(t, Options{Durability: Power})
	p := w.people("go", "bob", "eve")
	for i := range 5 {
		w.must(func(tx channels.Tx) error {
			_, err := channels.Say(tx, p[0], "go", fmt.Sprint("message ", i+1), []string{"", "", "r3", "", ""}[i])
			return err
		})
	}
	peer := w.peer("home.example")
	ann := w.remote(peer, "ann")
	far := w.replica(peer, "far", at(5, 40), p[1])
	w.in(far, func(tx channels.Tx, s *channels.State) error {
		for n := int64(1); n <= 3; n++ {
			if _, err := tx.Replicate(s, at(5, 40+n), ann, channels.Origin{Peer: peer.ID, Inc: 7, N: n}, n, fmt.Sprint(n)); err != nil {
				return err
			}
		}
		return tx.SkipTo(s, at(5, 50))
	})
	w.send(peer, "FEDSAY", p[1], "far", "q1")
	w.close()
	data, err := os.ReadFile(filepath.Join(w.options.Folder, databaseFile))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// hasFederated checks what a database has from schema 2 on.
func (w *opened) hasFederated() {
	w.t.Helper()
	eve := w.person("eve")
	w.must(func(tx channels.Tx) error {
		peer, err := tx.Peer("home.example")
		if err != nil {
			return err
		}
		s, err := tx.RemoteChannel(peer.ID, "far")
		if err != nil {
			return err
		}
		if _, member := s.Members[eve.ID]; !member || s.Place != at(5, 50) || s.Address() != "far:home.example" {
			w.t.Errorf("the replica is %+v", s)
		}
		waiting, err := tx.Waiting(peer.ID)
		if waiting.Rows != 1 {
			w.t.Errorf("%d rows wait", waiting.Rows)
		}
		all, err2 := w.After(context.Background(), s.Channel, channels.Position{}, channels.Last, 10, 1<<20)
		if bodies(all) != "1 2 3" || all[0].Author.Address() != "ann@home.example" {
			w.t.Errorf("its log holds %q", bodies(all))
		}
		return errors.Join(err, err2)
	})
	if r := w.ref(eve, "q1"); r == nil || !r.Queued {
		w.t.Errorf("the ref is %+v", r)
	}
}

// TestADatabaseOfEveryEarlierSchemaIsOpened opens testdata/database-N.db, made by a build whose schema was N: the account
// bob (owner) and eve, the channel go with the messages "message 1" to "message 5" by bob, the third with the ref r3. From
// schema 2 on there is a replica of the channel far of home.example, which eve has joined, with three messages and a hole
// after them, and a row for that peer with the ref q1. With -update the one of this build is made, if it is missing.
func TestADatabaseOfEveryEarlierSchemaIsOpened(t *testing.T) {
	all, err := migrations.All()
	if err != nil {
		t.Fatal(err)
	}
	newest := filepath.Join("testdata", fmt.Sprintf("database-%d.db", len(all)))
	if _, err := os.Stat(newest); *update && errors.Is(err, fs.ErrNotExist) {
		makeDatabase(t, newest)
	}
	for n := 1; n <= len(all); n++ {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			w := open(t, Options{Folder: copied(t, fmt.Sprintf("database-%d.db", n)), Durability: Power})
			if fresh := open(t, Options{}).schema(); w.schema() != fresh {
				t.Errorf("the schema differs from a new database's:\n%s", w.schema())
			}
			bob := w.person("bob")
			entries := w.gapless("go", 5)
			if bodies(entries) != "message 1 message 2 message 3 message 4 message 5" {
				t.Errorf("the log holds %q", bodies(entries))
			}
			w.must(
				func(tx channels.Tx) error { _, err := channels.Say(tx, bob, "go", "message 3", "r3"); return err },
				say(bob, "go", "message 6"),
				func(tx channels.Tx) error { return channels.SetTopic(tx, bob, "go", "owned") },
			)
			w.gapless("go", 6)
			if n >= 2 {
				w.hasFederated()
			}
		})
	}
}

func TestADatabaseOfANewerBuildIsRefused(t *testing.T) {
	w := open(t, Options{})
	w.must(func(channels.Tx) error { return w.conn.script(`PRAGMA user_version = 9999`) })
	w.close()
	_, err := Open(context.Background(), Options{Folder: w.options.Folder, Durability: Power, Log: hclog.NewNullLogger()})
	if err == nil || !containsLine(err.Error(), "made by a newer chatnode") {
		t.Errorf("got %v", err)
	}
}

func TestAMigrationThatFailsLeavesTheDatabaseAsItWas(t *testing.T) {
	w := open(t, Options{})
	var version int
	w.must(func(channels.Tx) error {
		bad := []migrations.Migration{{Number: 50, Name: "0050_half.sql", SQL: `CREATE TABLE half (x); SELECT * FROM nowhere;`}}
		if err := w.conn.apply(bad); err == nil || !strings.Contains(err.Error(), "0050_half.sql") {
			t.Errorf("got %v, want the file named", err)
		}
		if err := w.conn.rollback(); err != nil {
			return err
		}
		_, err := w.conn.one(`PRAGMA user_version`, nil, &version)
		return err
	})
	if strings.Contains(w.schema(), "half") || version == 50 {
		t.Error("half of the migration stayed")
	}
}

func TestAMisspeltSettingIsNoticed(t *testing.T) {
	w := open(t, Options{Durability: Power})
	w.must(func(channels.Tx) error {
		if err := w.conn.checkPragmas("FULL"); err != nil {
			t.Error(err)
		}
		if err := w.conn.checkPragmas("NORMAL"); err == nil || !strings.Contains(err.Error(), "synchronous") {
			t.Errorf("got %v, want the setting named", err)
		}
		return nil
	})
}
