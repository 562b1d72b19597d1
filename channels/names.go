package channels

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// MaxName is the longest name of a user or a channel, in bytes after normalisation.
const MaxName = 64

// ParseName returns the name of a user or channel in normal form C, or a BadName refusal. The rule is the same for both
// and for every tongue (native protocol §2): 1 to 64 bytes, no white space, no control character, none of "@", ":" and
// ",", no "#" in front, and no name that a node speaks under itself.
func ParseName(s string) (string, error) {
	if len(s) > 4*MaxName || !utf8.ValidString(s) {
		return "", Refuse(BadName)
	}
	s = norm.NFC.String(s)
	if s == "" || len(s) > MaxName || s[0] == '#' || reserved(s) || strings.ContainsFunc(s, forbiddenInName) {
		return "", Refuse(BadName)
	}
	return s, nil
}

func forbiddenInName(r rune) bool {
	return r == '@' || r == ':' || r == ',' || unicode.IsSpace(r) || unicode.IsControl(r)
}

// reserved reports the names under which nodes and gateways speak.
func reserved(s string) bool {
	return s == "*" || strings.EqualFold(s, "SERVER") || strings.EqualFold(s, "[Server]")
}

// SplitHost cuts an address at its first sep ('@' for users, ':' for channels). The host is empty where there is none,
// and also where it is ours: a name addressed to our own host is local. An address that ends at its sep is a name as it
// stands, and no valid one.
func SplitHost(address string, sep byte, ours string) (name, host string) {
	i := strings.IndexByte(address, sep)
	if i < 0 || i == len(address)-1 {
		return address, ""
	}
	if name, host = address[:i], address[i+1:]; host == ours {
		host = ""
	}
	return name, host
}

// NormalName is a name that is looked up: in normal form C, and otherwise as it was written.
func NormalName(s string) string { return norm.NFC.String(s) }
