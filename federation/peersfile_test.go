package federation

import (
	"encoding/base64"
	"encoding/hex"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestAPeersFileIsReadLineByLine(t *testing.T) {
	text := "\ufeff# our peers\n\n" +
		"server2.com:4400\r\n" +
		"  10.0.0.1:4400 name=b.example\ttrust=readonly # in the cellar\n" +
		"10.0.0.1:04401 extensions=off #name=ignored\n" +
		"[0:0::1]:4400 name=a#1 extensions=on trust=full\n" +
		"[::ffff:192.0.2.7]:1 trust=blocked\n" +
		"été.example:65535"
	want := []Listed{
		{Address: "server2.com:4400", Host: "server2.com", Port: "4400", Trust: Full},
		{Address: "10.0.0.1:4400", Host: "10.0.0.1", Port: "4400", Name: "b.example", Trust: ReadOnly, Shared: true},
		{Address: "10.0.0.1:4401", Host: "10.0.0.1", Port: "4401", Plain: true, Trust: Full, Shared: true},
		{Address: "[::1]:4400", Host: "::1", Port: "4400", Name: "a#1", Trust: Full},
		{Address: "192.0.2.7:1", Host: "192.0.2.7", Port: "1", Trust: Blocked},
		{Address: "été.example:65535", Host: "été.example", Port: "65535", Trust: Full},
	}
	peers, err := ParsePeers("peers", []byte(text))
	if err != nil || !reflect.DeepEqual(peers, want) {
		t.Fatalf("%v\n%+v\nnot\n%+v", err, peers, want)
	}
	var names []string
	for _, l := range peers {
		names = append(names, l.NameWhenDialled())
	}
	if got := strings.Join(names, " "); got != "server2.com b.example 10.0.0.1:4401 a#1 192.0.2.7 été.example" {
		t.Error(got)
	}
}

func TestEachMistakeInAPeersFileIsToldWithItsLineAndWhatToWrite(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"server2.com", `"server2.com" is not host:port: write it as server2.com:4400 or [::1]:4400`},
		{"::1:4400", `"::1:4400" is not host:port: write it as server2.com:4400 or [::1]:4400`},
		{"[::1]:4400", `[::1]:4400: an IPv6 address needs name=, as a host may hold no ":"`},
		{":4400", `"" is not a host: it has 1 to 253 bytes, without "@", ":", "," and control characters`},
		{"[a:b]:1 name=c", `"a:b" is not a host: it has 1 to 253 bytes, without "@", ":", "," and control characters`},
		{"a@b:1", `"a@b" is not a host: it has 1 to 253 bytes, without "@", ":", "," and control characters`},
		{strings.Repeat("h", 254) + ":1", `"` + strings.Repeat("h", 254) + `" is not a host: it has 1 to 253 bytes, without "@", ":", "," and control characters`},
		{"a:", `"" is not a port: write a number from 1 to 65535`},
		{"a:0", `"0" is not a port: write a number from 1 to 65535`},
		{"a:65536", `"65536" is not a port: write a number from 1 to 65535`},
		{"a:http", `"http" is not a port: write a number from 1 to 65535`},
		{"a:1 name=", `name=: not a name: write 1 to 253 bytes, without "@", ":", "," and control characters`},
		{"a:1 name=b:2", `name=b:2: not a name: write 1 to 253 bytes, without "@", ":", "," and control characters`},
		{"a:1 name=b\x01", "name=b\x01: not a name: write 1 to 253 bytes, without \"@\", \":\", \",\" and control characters"},
		{"a:1 name=b name=c", `name stands twice in this line: remove one of them`},
		{"a:1 extensions=no", `extensions=no: write extensions=on or extensions=off`},
		{"a:1 trust=Full", `trust=Full: write trust=full, trust=readonly or trust=blocked`},
		{"a:1 Name=b", `Name=b: unknown option: write name=, tls, pin=, extensions= or trust=, and # before a comment`},
		{"a:1 trust", `trust: unknown option: write name=, tls, pin=, extensions= or trust=, and # before a comment`},
		{"a:1 tls=1", `tls=1: unknown option: write name=, tls, pin=, extensions= or trust=, and # before a comment`},
		{"a:1 pin=sha256:00", `pin=sha256:00: not a pin: write sha256: and 64 hexadecimal digits, or those 32 bytes in base64`},
		{"a:1 tls", `tls: not in this build`},
		{"a:1 pin=sha256:" + strings.Repeat("0F", 32), `pin: not in this build`},
		{"a:1 \xff", `not UTF-8: save the file as UTF-8`},
	} {
		peers, err := ParsePeers("peers.txt", []byte("\n"+test.text))
		if err == nil || err.Error() != "peers.txt:2: "+test.want || peers != nil {
			t.Errorf("%q: %v\nnot %s", test.text, err, test.want)
		}
	}
}

func TestAllMistakesOfAPeersFileAreToldAtOnce(t *testing.T) {
	_, err := ParsePeers("p", []byte("a:1 name=x\nb:2 name=x\nc\nA:01 trust=no tls\n[::1]:1"))
	want := []string{
		`p:2: name=x stands in line 1 already: remove one of them`,
		`p:3: "c" is not host:port: write it as server2.com:4400 or [::1]:4400`,
		`p:4: trust=no: write trust=full, trust=readonly or trust=blocked`,
		`p:4: tls: not in this build`,
		`p:4: address A:1 stands in line 1 already: remove one of them`,
		`p:5: [::1]:1: an IPv6 address needs name=, as a host may hold no ":"`,
	}
	if err == nil || err.Error() != strings.Join(want, "\n") {
		t.Error(err)
	}
}

func TestAPinIsTheSameInHexadecimalAndBase64(t *testing.T) {
	hash := []byte(strings.Repeat("\xfb\x0f", 16))
	want := "sha256:" + hex.EncodeToString(hash)
	for _, pin := range []string{want, "sha256:" + strings.ToUpper(want[7:]),
		"sha256:" + base64.StdEncoding.EncodeToString(hash), "sha256:" + base64.RawStdEncoding.EncodeToString(hash)} {
		if got := parsePin(pin); got != want {
			t.Errorf("%s became %q", pin, got)
		}
	}
	for _, pin := range []string{"", "sha256:", want[7:], want + "0", want[:70], "sha1:" + want[7:]} {
		if got := parsePin(pin); got != "" {
			t.Errorf("%s became %s", pin, got)
		}
	}
}

func TestReadPeersNamesTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "peers.txt")
	if _, err := ReadPeers(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Error(err)
	}
	if err := os.WriteFile(path, []byte("a:1\nb"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadPeers(path); err == nil || !strings.HasPrefix(err.Error(), path+":2: ") {
		t.Error(err)
	}
	if err := os.WriteFile(path, []byte("a:1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if peers, err := ReadPeers(path); err != nil || len(peers) != 1 {
		t.Error(peers, err)
	}
}

func FuzzParsePeers(f *testing.F) {
	f.Add([]byte("a:1 name=b trust=blocked # c\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		peers, err := ParsePeers("peers", text)
		if err != nil {
			for problem := range strings.Lines(err.Error()) {
				if peers != nil || !strings.HasPrefix(problem, "peers:") {
					t.Fatalf("%q: %q", text, problem)
				}
			}
			return
		}
		for _, l := range peers {
			checkListed(t, l)
		}
		again, err := ParsePeers("peers", []byte(peersText(peers)))
		if err != nil || !reflect.DeepEqual(peers, again) {
			t.Fatalf("%v\n%+v\nbecame\n%+v", err, peers, again)
		}
	})
}

func checkListed(t *testing.T, l Listed) {
	t.Helper()
	if l.Name == "" && !validHost(l.Host) || l.Name != "" && !validHost(l.Name) || l.trusts() < 0 || l.TLS || l.Pin != "" {
		t.Fatalf("%+v", l)
	}
	if name := l.NameWhenDialled(); !l.Shared && !validHost(name) || len(name) > maxHost+len(":65535") {
		t.Fatalf("%+v is called %q", l, name)
	}
}

// peersText writes peers as a peers file.
func peersText(peers []Listed) string {
	var b strings.Builder
	for _, l := range peers {
		b.WriteString(l.Address + " trust=" + string(l.Trust))
		if l.Name != "" {
			b.WriteString(" name=" + l.Name)
		}
		if l.Plain {
			b.WriteString(" extensions=off")
		}
		b.WriteString("\n")
	}
	return b.String()
}
