package federation

import (
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"chatnode/channels"
)

// A fakeRegistry knows what a test tells it.
type fakeRegistry struct {
	lines []Listed
	dns   map[string]string // addresses by host, separated by blanks
	peers map[string]channels.Peer
	links map[string][]claimant
}

func (r fakeRegistry) listed() []Listed                { return r.lines }
func (r fakeRegistry) addresses(l Listed) []netip.Addr { return r.resolves(l.Host) }
func (r fakeRegistry) bearers(host string) []claimant  { return r.links[host] }
func (r fakeRegistry) known(host string) *channels.Peer {
	if p, ok := r.peers[host]; ok {
		return &p
	}
	return nil
}

func (r fakeRegistry) resolves(host string) []netip.Addr {
	if ip, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{ip}
	}
	var all []netip.Addr
	for ip := range strings.FieldsSeq(r.dns[host]) {
		all = append(all, netip.MustParseAddr(ip))
	}
	return all
}

const ourHost = "us.example"

// peersFile parses lines of a peers file.
func peersFile(t *testing.T, lines ...string) []Listed {
	t.Helper()
	peers, err := ParsePeers("peers", []byte(strings.Join(lines, "\n")))
	if err != nil {
		t.Fatal(err)
	}
	return peers
}

// from is a link that came in.
func from(address, hello, acting string) claimant {
	at := netip.MustParseAddrPort(address)
	return claimant{ip: at.Addr(), port: at.Port(), hello: hello, acting: acting}
}

// stored is a registry's peer.
func stored(by channels.Naming, ip string) channels.Peer { return channels.Peer{Naming: by, IP: ip} }

// A namingCase is a link, and who its peer must be.
type namingCase struct {
	title  string
	link   claimant
	dialed string // the address that was dialled; "": it came in
	strict bool
	host   string
	by     channels.Naming
	line   string // its address; "": none
}

func checkNaming(t *testing.T, r fakeRegistry, cases []namingCase) {
	t.Helper()
	for _, test := range cases {
		c := test.link
		for _, l := range r.lines {
			if l.Address == test.dialed {
				c.dialled = &l
			}
		}
		if test.dialed != "" && c.dialled == nil {
			t.Fatal(test.dialed)
		}
		host, by, line := name(c, r, ourHost, test.strict)
		address := ""
		if line != nil {
			address = line.Address
		}
		if host != test.host || by != test.by || address != test.line {
			t.Errorf("%s: %s by rule %d, line %q; not %s by rule %d, line %q", test.title, host, by, address, test.host, test.by, test.line)
		}
		if (lineOf(c, host, r) != nil) != (test.line != "") {
			t.Errorf("%s: the line of the peers file", test.title)
		}
	}
}

const (
	byList     = channels.NamedByList
	byResolver = channels.NamedByResolver
	byAddress  = channels.NamedByAddress
	byClaim    = channels.NamedByClaim
	byIP       = channels.NamedByIP
)

func TestRule2TheLineOfThePeersFileNamesItsPeer(t *testing.T) {
	r := fakeRegistry{
		lines: peersFile(t, "10.0.0.1:1 name=one", "two.example:2 name=two",
			"127.0.0.1:1 name=a", "127.0.0.1:2 name=b", "127.0.0.1:3", "10.0.0.9:1 name=us.example", "10.0.0.8:1 name=keyed"),
		dns:   map[string]string{"two.example": "10.0.0.2 2001:db8::2"},
		peers: map[string]channels.Peer{"keyed": stored(channels.NamedByKey, "10.0.0.8"), "one": stored(byClaim, "10.9.9.9")},
	}
	checkNaming(t, r, []namingCase{
		{"says nothing", from("10.0.0.1:9", "", ""), "", false, "one", byList, "10.0.0.1:1"},
		{"claims its name", from("10.0.0.1:9", "one", ""), "", true, "one", byList, "10.0.0.1:1"},
		{"acts for another without FEDHELLO", from("10.0.0.1:9", "", "x"), "", false, "one", byList, "10.0.0.1:1"},
		{"a claim that is none", from("10.0.0.1:9", "a@b", ""), "", false, "one", byList, "10.0.0.1:1"},
		{"claims another name", from("10.0.0.1:9", "x", ""), "", false, "x", byClaim, ""},
		{"claims another name, strict", from("10.0.0.1:9", "x", ""), "", true, "10.0.0.1", byIP, ""},
		{"claims our name", from("10.0.0.1:9", "US.example", "one"), "", false, "10.0.0.1", byIP, ""},
		{"by a host of the file", from("10.0.0.2:9", "", ""), "", false, "two", byList, "two.example:2"},
		{"the other family", from("[2001:db8::2]:9", "", ""), "", false, "two", byList, "two.example:2"},
		{"IPv4 in IPv6", from("[::ffff:10.0.0.2]:9", "two", ""), "", false, "two", byList, "two.example:2"},
		{"elsewhere", from("10.0.0.3:9", "one", ""), "", false, "10.0.0.3", byIP, ""},
		{"shared, says nothing", from("127.0.0.1:9", "", ""), "", false, "127.0.0.1", byIP, "127.0.0.1:3"},
		{"shared, claims", from("127.0.0.1:9", "b", ""), "", false, "b", byList, "127.0.0.1:2"},
		{"shared, acts", from("127.0.0.1:9", "", "a"), "", false, "a", byList, "127.0.0.1:1"},
		{"shared, FEDHELLO goes before acting", from("127.0.0.1:9", "b", "a"), "", false, "b", byList, "127.0.0.1:2"},
		{"shared, claims what no line has", from("127.0.0.1:9", "x", "a"), "", false, "x", byClaim, "127.0.0.1:3"},
		{"dialled", from("127.0.0.1:2", "", ""), "127.0.0.1:2", false, "b", byList, "127.0.0.1:2"},
		{"dialled, claims the name of another line", from("127.0.0.1:2", "a", ""), "127.0.0.1:2", true, "127.0.0.1:2", byAddress, ""},
		{"dialled, has no name=", from("127.0.0.1:3", "a", ""), "127.0.0.1:3", false, "127.0.0.1:3", byAddress, "127.0.0.1:3"},
		{"the line has our name", from("10.0.0.9:9", "", ""), "", false, "10.0.0.9", byIP, ""},
		{"dialled, the line has our name", from("10.0.0.9:1", "", ""), "10.0.0.9:1", false, "10.0.0.9", byAddress, ""},
		{"the name has a key", from("10.0.0.8:9", "keyed", ""), "", false, "10.0.0.8", byIP, ""},
	})
}

func TestRule3AHostThatResolvesToItsAddressNamesAPeer(t *testing.T) {
	r := fakeRegistry{
		lines: peersFile(t, "b.example:4400"),
		dns: map[string]string{"b.example": "10.0.0.1 10.0.0.2", "mapped": "10.0.0.1", ourHost: "10.0.0.1", "UPPER." + ourHost: "10.0.0.1",
			"listed": "10.0.0.1", "claimed": "10.0.0.1", "before": "10.0.0.1", "heard": "10.0.0.1"},
		peers: map[string]channels.Peer{
			"listed": stored(byList, "10.0.0.1"), "claimed": stored(byClaim, "10.9.9.9"),
			"before": stored(byResolver, "10.9.9.9"), "heard": stored(channels.NamedByHearsay, ""),
		},
	}
	checkNaming(t, r, []namingCase{
		{"resolves", from("10.0.0.2:9", "b.example", ""), "", true, "b.example", byResolver, "b.example:4400"},
		{"dialled", from("10.0.0.2:4400", "b.example", ""), "b.example:4400", true, "b.example", byResolver, "b.example:4400"},
		{"resolves to others", from("10.0.0.3:9", "b.example", ""), "", true, "10.0.0.3", byIP, ""},
		{"does not resolve", from("10.0.0.3:9", "nowhere", ""), "", true, "10.0.0.3", byIP, ""},
		{"only acts", from("10.0.0.1:9", "", "mapped"), "", true, "mapped", byResolver, "b.example:4400"},
		{"acts for a host of others", from("10.0.0.3:9", "", "mapped"), "", true, "10.0.0.3", byIP, ""},
		{"says before it acts", from("10.0.0.2:9", "b.example", "mapped"), "", true, "b.example", byResolver, "b.example:4400"},
		{"says what does not resolve, acts for what does", from("10.0.0.1:9", "nowhere", "mapped"), "", true, "10.0.0.1", byIP, "b.example:4400"},
		{"acts, where what it said is none", from("10.0.0.1:9", "x,y", "mapped"), "", true, "mapped", byResolver, "b.example:4400"},
		{"IPv4 in IPv6", from("[::ffff:10.0.0.1]:9", "mapped", ""), "", true, "mapped", byResolver, "b.example:4400"},
		{"a host with a port", from("10.0.0.1:9", "mapped:4400", ""), "", true, "mapped:4400", byResolver, "b.example:4400"},
		{"another's host with a port", from("10.0.0.3:9", "mapped:4400", ""), "", true, "10.0.0.3", byIP, ""},
		{"a port on its IP", from("10.0.0.5:9", "10.0.0.5:4400", ""), "", true, "10.0.0.5:4400", byResolver, ""},
		{"a port on another's IP", from("10.0.0.5:9", "10.0.0.6:4400", ""), "", false, "10.0.0.5", byIP, ""},
		{"a port on its IPv6", from("[::1]:9", "[::1]:4400", ""), "", true, "[::1]:4400", byResolver, ""},
		{"IPv6 in other spelling", from("[::1]:9", "[0::1]:4400", ""), "", false, "::1", byIP, ""},
		{"its own IP", from("10.0.0.5:9", "10.0.0.5", ""), "", true, "10.0.0.5", byResolver, ""},
		{"another's IP", from("10.0.0.5:9", "10.0.0.6", ""), "", false, "10.0.0.5", byIP, ""},
		{"our host resolves to it", from("10.0.0.1:9", ourHost, ""), "", false, "10.0.0.1", byIP, "b.example:4400"},
		{"our host with a dot", from("10.0.0.1:9", "US.EXAMPLE.", ""), "", false, "10.0.0.1", byIP, "b.example:4400"},
		{"a name of a line", from("10.0.0.1:9", "listed", ""), "", false, "10.0.0.1", byIP, "b.example:4400"},
		{"a name of a claim", from("10.0.0.1:9", "claimed", ""), "", false, "claimed", byResolver, "b.example:4400"},
		{"a name of the same rule, which moved", from("10.0.0.1:9", "before", ""), "", false, "before", byResolver, "b.example:4400"},
		{"a name of hearsay", from("10.0.0.1:9", "heard", ""), "", true, "heard", byResolver, "b.example:4400"},
	})
}

func TestRule4WhereAPeerWasDialledNamesIt(t *testing.T) {
	r := fakeRegistry{
		lines: peersFile(t, "b.example:4400", "h:1", "h:2", "[::1]:7 name=six", ourHost+":1", "c.example:1 name=c", "d.example:1"),
		peers: map[string]channels.Peer{"d.example": stored(byResolver, "10.0.0.1"), "b.example": stored(byClaim, "10.9.9.9")},
	}
	checkNaming(t, r, []namingCase{
		{"says nothing", from("10.0.0.1:4400", "", ""), "b.example:4400", true, "b.example", byAddress, "b.example:4400"},
		{"claims what does not resolve", from("10.0.0.1:4400", "x", "y"), "b.example:4400", false, "b.example", byAddress, "b.example:4400"},
		{"a shared host", from("10.0.0.1:2", "", ""), "h:2", false, "h:2", byAddress, "h:2"},
		{"not what its line calls it", from("10.0.0.1:1", "x", ""), "c.example:1", false, "c.example", byAddress, ""},
		{"IPv6, not what its line calls it", from("[::1]:7", "x", ""), "[::1]:7", false, "x", byClaim, ""},
		{"our host", from("10.0.0.1:1", "", ""), ourHost + ":1", false, "10.0.0.1", byIP, ourHost + ":1"},
		{"known by a better rule", from("10.0.0.1:1", "", ""), "d.example:1", false, "10.0.0.1", byIP, "d.example:1"},
	})
}

func TestRule5AClaimNamesAPeerIfTheNameIsNobodyElses(t *testing.T) {
	r := fakeRegistry{
		lines: peersFile(t, "10.0.0.1:1 name=listed", "10.0.0.2:1", "away.example:1", "here.example:1"),
		dns:   map[string]string{"here.example": "10.0.0.7"},
		peers: map[string]channels.Peer{
			"mine": stored(byClaim, "10.0.0.7"), "claimed": stored(byClaim, "10.0.0.8"), "dialled": stored(byAddress, "10.0.0.7"),
			"heard": stored(channels.NamedByHearsay, ""),
		},
		links: map[string][]claimant{
			"linked": {from("10.0.0.8:1", "", "linked")}, "again": {from("10.0.0.7:1", "again", "")}, "mine": {from("10.0.0.7:1", "", "mine")},
		},
	}
	const it = "10.0.0.7:9"
	nobody := func(title string, c claimant) namingCase {
		return namingCase{title, c, "", false, "10.0.0.7", byIP, "here.example:1"}
	}
	called := func(title string, c claimant, host string) namingCase {
		return namingCase{title, c, "", false, host, byClaim, "here.example:1"}
	}
	checkNaming(t, r, []namingCase{
		called("says it", from(it, "new", ""), "new"),
		called("acts", from(it, "", "new"), "new"),
		called("says before it acts", from(it, "new", "other"), "new"),
		called("acts, where what it said is none", from(it, "x,y", "new"), "new"),
		called("has a port", from(it, "", "new:4400"), "new:4400"),
		{"has a port on its address", from(it, "", "10.0.0.7:4400"), "", false, "10.0.0.7:4400", byResolver, "here.example:1"},
		called("bore it", from(it, "", "mine"), "mine"),
		called("bears it on another link", from(it, "again", ""), "again"),
		called("was spoken of", from(it, "", "heard"), "heard"),
		{"where the file has it", from(it, "", "here.example"), "", false, "here.example", byResolver, "here.example:1"},
		{"strict", from(it, "new", ""), "", true, "10.0.0.7", byIP, "here.example:1"},
		{"strict, acts", from(it, "", "mine"), "", true, "10.0.0.7", byIP, "here.example:1"},
		nobody("says nothing", from(it, "", "")),
		nobody("another address bore it", from(it, "claimed", "new")),
		nobody("a better rule gave it", from(it, "dialled", "")),
		nobody("another link has it", from(it, "linked", "")),
		nobody("a line elsewhere has it", from(it, "listed", "")),
		nobody("a line elsewhere has it as its host", from(it, "", "away.example")),
		nobody("another's address", from(it, "", "10.0.0.8")),
		nobody("a port on another's address", from(it, "", "10.0.0.8:1")),
		nobody("our host", from(it, "", ourHost)),
		nobody("our host in capitals", from(it, "US.Example", "new")),
		nobody("our host with a port", from(it, "", ourHost+":1")),
		nobody("no host", from(it, "", "a@b")),
		nobody("a blank", from(it, "", "a b")),
		nobody("a control character", from(it, "", "a\x7fb")),
		nobody("too long", from(it, "", strings.Repeat("h", 254))),
		nobody("too long with its port", from(it, "", strings.Repeat("h", 252)+":1")),
		nobody("no port", from(it, "", "h:")),
		nobody("port 0", from(it, "", "10.0.0.7:0")),
		nobody("two ports", from(it, "", "h:1:2")),
		nobody("IPv6", from(it, "", "::1")),
		nobody("not UTF-8", from(it, "", "\xff")),
	})
}

func TestRule6TheIPNamesWhoHasNoOtherName(t *testing.T) {
	r := fakeRegistry{
		peers: map[string]channels.Peer{
			"10.0.0.1": stored(byIP, "10.0.0.1"), "10.0.0.2": stored(byAddress, "10.0.0.2"),
			"10.0.0.3": stored(byAddress, "10.0.0.3"), "10.0.0.3:9": stored(byAddress, "10.0.0.3"),
		},
		links: map[string][]claimant{
			"10.0.0.4": {from("10.0.0.4:1", "", "")}, "10.0.0.5": {from("10.0.0.5:1", "taken", "")}, "10.0.0.6": {from("10.0.0.6:1", "", ourHost)},
		},
	}
	checkNaming(t, r, []namingCase{
		{"new", from("10.0.0.9:9", "", ""), "", false, "10.0.0.9", byIP, ""},
		{"IPv6", from("[2001:db8::1]:9", "", ""), "", false, "2001:db8::1", byIP, ""},
		{"again", from("10.0.0.1:9", "", ""), "", false, "10.0.0.1", byIP, ""},
		{"the IP has a better name's rule", from("10.0.0.2:9", "", ""), "", false, "10.0.0.2:9", byIP, ""},
		{"so has the port", from("10.0.0.3:9", "", ""), "", false, "10.0.0.3:0", byIP, ""},
		{"another link has it", from("10.0.0.4:9", "", ""), "", false, "10.0.0.4:9", byIP, ""},
		{"another link of the same node has it", from("10.0.0.5:9", "taken", ""), "", true, "10.0.0.5", byIP, ""},
		{"another node there has it", from("10.0.0.5:9", "other", ""), "", true, "10.0.0.5:9", byIP, ""},
		{"another link that acted alike has it", from("10.0.0.6:9", "", ourHost), "", false, "10.0.0.6", byIP, ""},
	})
	if host, _, _ := name(from("127.0.0.1:9", "127.0.0.1:5050", ""), r, "127.0.0.1:5050", false); host != "127.0.0.1" {
		t.Errorf("claims our IP and port: %s", host)
	}
	if host, _, _ := name(from("10.0.0.9:9", "", ""), r, "10.0.0.9", false); host != "10.0.0.9:9" {
		t.Errorf("where our host is that IP: %s", host)
	}
}

func TestTheLineOfAPeerIsTheOneThatNamesItOrTheLeastTrusting(t *testing.T) {
	r := fakeRegistry{lines: peersFile(t, "127.0.0.1:1", "127.0.0.1:2 trust=readonly", "127.0.0.1:3 name=c", "127.0.0.1:4")}
	for host, want := range map[string]string{"c": "127.0.0.1:3", "x": "127.0.0.1:2"} {
		if line := lineOf(from("127.0.0.1:9", "", ""), host, r); line == nil || line.Address != want {
			t.Errorf("%s: %v", host, line)
		}
	}
	if lineOf(from("127.0.0.2:9", "c", ""), "c", r) != nil {
		t.Error("another address is listed")
	}
}

func TestEveryLinkGetsANameAndNeverOursNorABetterOnes(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	hosts := []string{"", "a", "b", "A", "us", "US", "us.", "us:1", "10.0.0.1", "10.0.0.1:1", "10.0.0.2", "a:1", "a@b", "::1", "[::1]:1", "x y"}
	ips := []string{"10.0.0.1", "10.0.0.2", "::1"}
	pick := func(from []string) string { return from[random.IntN(len(from))] }
	lines := peersFile(t, "10.0.0.1:1", "10.0.0.1:2 name=a", "[::1]:1 name=us", "us:1", "a:2", "b:1 name=b")
	for range 20_000 {
		link := func() claimant {
			return claimant{ip: netip.MustParseAddr(pick(ips)), port: uint16(random.IntN(3)), hello: pick(hosts), acting: pick(hosts)}
		}
		r := fakeRegistry{lines: lines, dns: map[string]string{}, peers: map[string]channels.Peer{}, links: map[string][]claimant{}}
		for range random.IntN(6) {
			r.dns[pick(hosts)] = pick(ips)
			r.peers[pick(hosts)] = stored(channels.Naming(random.IntN(7)), pick(ips))
			host := pick(hosts)
			r.links[host] = append(r.links[host], link())
		}
		c, own := link(), pick([]string{"us", "a", "10.0.0.1", "10.0.0.1:1", "[::1]:1"})
		if random.IntN(2) == 0 {
			c.dialled = &lines[random.IntN(len(lines))]
		}
		host, by, _ := name(c, r, own, random.IntN(2) == 0)
		if host == "" || sameHost(host, own) || by < byList || by > byIP {
			t.Fatalf("%+v in %+v is %q by rule %d", c, r, host, by)
		}
		if p := r.known(host); p != nil && p.Naming != channels.NamedByHearsay && p.Naming < by {
			t.Fatalf("%+v in %+v is %q by rule %d, which had rule %d", c, r, host, by, p.Naming)
		}
	}
}
