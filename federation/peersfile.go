package federation

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxHost is the longest host, in bytes, as in DNS.
const maxHost = 253

// unbuiltOptions are those that this build reads but cannot do. Whoever builds one removes it here, and nothing else.
var unbuiltOptions = []string{"tls", "pin"}

// Trust is what a peer of the peers file may do.
type Trust string

// The values of trust=.
const (
	Full     Trust = "full"     // everything that a peer may
	ReadOnly Trust = "readonly" // join and hear; what its people say is answered 0
	Blocked  Trust = "blocked"  // nothing: it may not link
)

// A Listed peer is one line of the peers file. It does not change.
type Listed struct {
	Address string // host:port to dial
	Host    string // of the address, without brackets
	Port    string // from "1" to "65535"
	Name    string // name=; "": none
	TLS     bool
	Pin     string // of its key, "sha256:" and 64 hexadecimal digits; "": none
	Plain   bool   // extensions=off: it is never told FEDHELLO
	Trust   Trust
	Shared  bool // another line has the same Host
}

// NameWhenDialled is the name by which the peer is known that is dialled there, unless it proves or claims another: its
// name=, or else its host, with its port where two lines share the host.
func (l Listed) NameWhenDialled() string {
	switch {
	case l.Name != "":
		return l.Name
	case l.Shared:
		return net.JoinHostPort(l.Host, l.Port)
	}
	return l.Host
}

// ReadPeers reads a peers file. Its errors are those of ParsePeers, and one of opening or reading the file.
func ReadPeers(path string) ([]Listed, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the peers file (make it, or set federation.peers to %q): %w", "", err)
	}
	return ParsePeers(path, text)
}

// ParsePeers returns the lines of a peers file in their order. The error has every problem of the file, one a line, each
// beginning with the file's name and the number of its line and saying what to write; then there are no peers.
func ParsePeers(name string, text []byte) ([]Listed, error) {
	p := peersParser{file: name, addresses: map[string]int{}, names: map[string]int{}}
	for line := range strings.Lines(strings.TrimPrefix(string(text), "\ufeff")) {
		p.line++
		p.parse(line)
	}
	if p.problems != nil {
		return nil, errors.Join(p.problems...)
	}
	lines := map[string]int{}
	for _, l := range p.peers {
		lines[l.Host]++
	}
	for i := range p.peers {
		p.peers[i].Shared = lines[p.peers[i].Host] > 1
	}
	return p.peers, nil
}

// A peersParser is in the middle of a peers file.
type peersParser struct {
	file             string
	line             int // that is parsed, from 1
	addresses, names map[string]int
	peers            []Listed
	problems         []error
}

func (p *peersParser) add(format string, args ...any) {
	p.problems = append(p.problems, fmt.Errorf("%s:%d: %s", p.file, p.line, fmt.Sprintf(format, args...)))
}

func (p *peersParser) parse(line string) {
	if !utf8.ValidString(line) {
		p.add("not UTF-8: save the file as UTF-8")
		return
	}
	words := strings.Fields(line)
	if comment := slices.IndexFunc(words, startsComment); comment >= 0 {
		words = words[:comment]
	}
	if len(words) == 0 {
		return
	}
	before := len(p.problems)
	l := Listed{Trust: Full}
	p.address(&l, words[0])
	p.options(&l, words[1:])
	if strings.Contains(l.Host, ":") && l.Name == "" && len(p.problems) == before {
		p.add(`%s: an IPv6 address needs name=, as a host may hold no ":"`, l.Address)
	}
	p.once(p.addresses, strings.ToLower(l.Address), "address "+l.Address)
	p.once(p.names, l.Name, "name="+l.Name)
	p.peers = append(p.peers, l)
}

func startsComment(word string) bool { return word[0] == '#' }

// once notes in which line something stands, and complains if it stands in another already.
func (p *peersParser) once(seen map[string]int, key, what string) {
	if key == "" {
		return
	}
	if first, again := seen[key]; again {
		p.add("%s stands in line %d already: remove one of them", what, first)
		return
	}
	seen[key] = p.line
}

func (p *peersParser) address(l *Listed, word string) {
	host, port, err := net.SplitHostPort(word)
	if err != nil {
		p.add("%q is not host:port: write it as server2.com:4400 or [::1]:4400", word)
		return
	}
	ip, notIP := netip.ParseAddr(host)
	switch {
	case notIP == nil:
		host = ip.Unmap().String()
	case !validHost(host):
		p.add(`%q is not a host: it has 1 to %d bytes, without "@", ":", "," and control characters`, host, maxHost)
		return
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil || number == 0 {
		p.add("%q is not a port: write a number from 1 to 65535", port)
		return
	}
	l.Host, l.Port = host, strconv.FormatUint(number, 10)
	l.Address = net.JoinHostPort(l.Host, l.Port)
}

func (p *peersParser) options(l *Listed, words []string) {
	var seen []string
	for _, word := range words {
		key, value, assigned := strings.Cut(word, "=")
		if slices.Contains(seen, key) {
			p.add("%s stands twice in this line: remove one of them", key)
			continue
		}
		seen = append(seen, key)
		switch problem := l.set(key, value, assigned); {
		case problem != "":
			p.add("%s: %s", word, problem)
		case slices.Contains(unbuiltOptions, key):
			p.add("%s: not in this build", key)
		}
	}
}

// set takes one option, and returns what is wrong with it or "".
func (l *Listed) set(key, value string, assigned bool) string {
	switch {
	case key == "tls" && !assigned:
		l.TLS = true
	case key == "name" && assigned:
		if l.Name = value; !validHost(value) {
			l.Name = ""
			return fmt.Sprintf(`not a name: write 1 to %d bytes, without "@", ":", "," and control characters`, maxHost)
		}
	case key == "pin" && assigned:
		if l.Pin = parsePin(value); l.Pin == "" {
			return "not a pin: write sha256: and 64 hexadecimal digits, or those 32 bytes in base64"
		}
	case key == "extensions" && (value == "on" || value == "off"):
		l.Plain = value == "off"
	case key == "extensions" && assigned:
		return "write extensions=on or extensions=off"
	case key == "trust" && slices.Contains([]Trust{Full, ReadOnly, Blocked}, Trust(value)):
		l.Trust = Trust(value)
	case key == "trust" && assigned:
		return "write trust=full, trust=readonly or trust=blocked"
	default:
		return "unknown option: write name=, tls, pin=, extensions= or trust=, and # before a comment"
	}
	return ""
}

// parsePin returns a pin with its hash in hexadecimal, or "" if it is none.
func parsePin(s string) string {
	encoded, ok := strings.CutPrefix(s, "sha256:")
	if !ok {
		return ""
	}
	hash, err := hex.DecodeString(encoded)
	if err != nil || len(hash) != 32 {
		hash, err = base64.RawStdEncoding.Strict().DecodeString(strings.TrimSuffix(encoded, "="))
	}
	if err != nil || len(hash) != 32 {
		return ""
	}
	return "sha256:" + hex.EncodeToString(hash)
}

// validHost reports whether a node may be called so: 1 to 253 bytes of UTF-8 without "@", ":", ",", white space and
// control characters.
func validHost(s string) bool {
	return s != "" && len(s) <= maxHost && utf8.ValidString(s) && !strings.ContainsFunc(s, forbiddenInHost)
}

func forbiddenInHost(r rune) bool {
	return r == '@' || r == ':' || r == ',' || unicode.IsSpace(r) || unicode.IsControl(r)
}
