package conformance

import (
	"bytes"
	"os"
	"path/filepath"
)

// lies is what servers get wrong, the most telling first.
var lies = []namedLie{
	{"refuses what it should allow and the reverse", flip(`\S+`)},
	{"loses every RECV", drop(`(^| )RECV `)},
	{"says every RECV twice", doubled(`RECV`)},
	{"answers with CRLF", replace(`$`, "\r")},
	{"answers in the wrong order", lie{answer: swapped}},
	{"sends no trailing blank", replace(` $`, "")},
	{"accepts a double login", replace(`RESULT LOGIN 0`, "RESULT LOGIN 1")},
	{"dies on a long line", lie{ears: func(_ *speaker, line []byte) bool { return len(line) > 600 }}},
	{"greets", lie{greeting: "Welcome to chat\n"}},
	{"dials nobody", lie{before: dialsNobody}}, // not earlier: the cases that catch it wait for long
	{"answers what it does not know", lie{ears: answersAll}},
	{"closes at a refusal", lie{ears: closesAtNonsense}},
	{"forgets everything at a restart", lie{before: forget}},
	{"cuts texts at a blank", replace(`(RECV \S+ \S+ \S*).*`, "$1")},
	{"squeezes blanks", replace(`  +`, " ")},
	{"writes ASCII only", replace(`[^\x00-\x7f]`, "?")},
	{"sends no tags", replace(`^@\S+ `, "")},
	{"numbers wrongly", replace(`seq=(\d+)`, "seq=${1}0")},
	{"gives no reasons", replace(`err=[a-z-]+`, "err=unavailable")},
	{"tells nobody who comes and goes", drop(`^(JOINED|LEFT|ONLINE|OFFLINE) `)},
	{"knows no capabilities", replace(`RESULT CAPS .*`, "RESULT CAPS ")},
	{"lists nothing", replace(`RESULT (CHANNELS|WHO) .*`, "RESULT $1 ")},
	{"has no history", replace(`RESULT HISTORY (\S+) \d+`, "RESULT HISTORY $1 0")},
	{"says PONG wrongly", replace(`PONG (.*)`, "PONG x$1")},
	{"names authors by another name", replace(`RECV (\S+) `, "RECV ${1}x ")},
	{"says nothing at all", drop(``)},
}

// doubled says lines with a verb twice.
func doubled(verb string) lie {
	return lie{answer: func(_ *speaker, line []byte, _ bool) []byte {
		if bytes.HasPrefix(line, []byte(verb+" ")) || bytes.Contains(line, []byte(" "+verb+" ")) {
			return append(append([]byte(nil), line...), line...)
		}
		return line
	}}
}

// swapped tells each line after the one that follows it, if one does at once.
func swapped(s *speaker, line []byte, last bool) []byte {
	held := s.held
	if held == nil && !last {
		s.held = append([]byte(nil), line...)
		return nil
	}
	s.held = nil
	return append(append([]byte(nil), line...), held...)
}

// known are the verbs that a server of version 0.1 answers.
var known = [][]byte{[]byte("LOGIN "), []byte("REGISTER "), []byte("JOIN "), []byte("CREATE "), []byte("SAY "), []byte("CHANNELS")}

func nonsense(line []byte) bool {
	for _, verb := range known {
		if bytes.HasPrefix(line, verb) {
			return false
		}
	}
	return true
}

// answersAll answers what a server of version 0.1 passes over.
func answersAll(s *speaker, line []byte) bool {
	if nonsense(line) {
		s.say([]byte("RESULT UNKNOWN 0\n"))
	}
	return false
}

// closesAtNonsense ends the connection at what a server of version 0.1 passes over.
func closesAtNonsense(_ *speaker, line []byte) bool { return nonsense(line) }

// dialsNobody empties the peers file, if there is one.
func dialsNobody(folder string) error {
	err := os.Truncate(filepath.Join(folder, "peers-with-names"), 0)
	if os.IsNotExist(err) {
		return nil
	}
	return err
}

// forget removes what the node stored.
func forget(folder string) error {
	return filepath.WalkDir(folder, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".db" {
			return err
		}
		for _, suffix := range []string{"", "-wal", "-shm"} {
			if err := os.Remove(path + suffix); err != nil && !os.IsNotExist(err) {
				return err
			}
		}
		return nil
	})
}
