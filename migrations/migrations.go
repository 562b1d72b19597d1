// Package migrations holds the steps by which a database became what it is today. A step that was released is never
// changed: the next one mends it.
package migrations

import (
	"embed"
	"fmt"
	"io/fs"
	"sort"
	"strconv"
	"strings"
)

//go:embed *.sql
var files embed.FS

// A Migration takes a database from version Number-1 to version Number (SQLite's user_version).
type Migration struct {
	Number int
	Name   string // of its file
	SQL    string
}

// All returns the migrations in order, numbered 1, 2, 3 …; a hole or a name without a number is an error.
func All() ([]Migration, error) {
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		return nil, fmt.Errorf("list migrations: %w", err)
	}
	sort.Strings(names)
	all := make([]Migration, 0, len(names))
	for i, name := range names {
		digits, _, _ := strings.Cut(name, "_")
		number, err := strconv.Atoi(digits)
		if err != nil || number != i+1 {
			return nil, fmt.Errorf("migration %s: want number %d in front", name, i+1)
		}
		sql, err := files.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("read migration %s: %w", name, err)
		}
		all = append(all, Migration{number, name, string(sql)})
	}
	return all, nil
}
