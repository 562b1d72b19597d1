package config

import (
	"strings"
	"unicode/utf8"
)

// suggestion returns the end of a message about an unknown name: the one of ours that was probably meant, or nothing. A
// name in the wrong section is commoner than a slip of the finger, and more certain.
func suggestion(name string, ours []string) string {
	best, least := "", 3 // more than two slips are another word
	for _, our := range ours {
		if lastPart(our) == lastPart(name) {
			return "; did you mean " + our + "?"
		}
		if n := slips(strings.ToLower(name), our); n < least {
			best, least = our, n
		}
	}
	if best == "" {
		return ""
	}
	return "; did you mean " + best + "?"
}

func lastPart(name string) string { return name[strings.LastIndexByte(name, '.')+1:] }

// slips counts the letters to add, drop or change to make b of a (the distance of Levenshtein). Where there are many it
// may say fewer, but never less than three.
func slips(a, b string) int {
	if utf8.RuneCountInString(a) > len(b)+2 {
		return 3 // and a long name costs nothing
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i, r := range []rune(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if r != rune(b[j]) {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
