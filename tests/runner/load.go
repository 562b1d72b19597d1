package runner

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// schemaFile is the file in a folder of cases that holds none.
const schemaFile = "schema.json"

// Load reads the cases of files and folders, in the order given; those of a folder, and of the folders in it, by the
// names of their files. A file that is named twice is read once. The error is a Problems where the files are wrong;
// there are no cases then. It also is an error if there is no case file in a folder, or a path cannot be read.
func Load(paths ...string) ([]*Case, error) {
	files, err := find(paths)
	if err != nil {
		return nil, err
	}
	var all []*Case
	var wrong Problems
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("read the cases: %w", err)
		}
		found, problems := read(file, text)
		all = append(all, found...)
		wrong = append(wrong, problems.inOrder()...)
	}
	if wrong = append(wrong, twice(all)...); len(wrong) > 0 {
		return nil, wrong
	}
	return all, nil
}

// find returns the case files that paths lead to.
func find(paths []string) ([]string, error) {
	var files []string
	for _, path := range paths {
		found, err := below(path)
		if err != nil {
			return nil, fmt.Errorf("find the cases: %w", err)
		}
		for _, file := range found {
			if file = filepath.Clean(file); !slices.Contains(files, file) {
				files = append(files, file)
			}
		}
	}
	return files, nil
}

func below(path string) ([]string, error) {
	about, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !about.IsDir() {
		return []string{path}, nil
	}
	var files []string
	err = filepath.WalkDir(path, func(file string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && filepath.Ext(file) == ".json" && d.Name() != schemaFile {
			files = append(files, file)
		}
		return err
	})
	if err == nil && len(files) == 0 {
		err = errors.New("there is no case file in " + path)
	}
	return files, err
}

// twice finds names that several cases have.
func twice(all []*Case) Problems {
	var wrong Problems
	first := map[string]*Case{}
	for _, c := range all {
		if other := first[c.Name]; other != nil {
			text := fmt.Sprintf("%q is the name of the case at %s:%d too", c.Name, other.File, other.Line)
			wrong = append(wrong, Problem{c.File, c.Line, "name", text})
			continue
		}
		first[c.Name] = c
	}
	return wrong
}

// Select returns the cases whose names a regular expression finds something in, if it is not nil, and that have one of
// the tags, if there are any.
func Select(all []*Case, names *regexp.Regexp, tags []string) []*Case {
	var chosen []*Case
	for _, c := range all {
		named := names == nil || names.MatchString(c.Name)
		tagged := len(tags) == 0 || slices.ContainsFunc(tags, func(t string) bool {
			return slices.Contains(c.Tags, strings.TrimSpace(t))
		})
		if named && tagged {
			chosen = append(chosen, c)
		}
	}
	return chosen
}
