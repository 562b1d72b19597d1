package federation

import (
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"chatnode/channels"
)

// A claimant is a link whose peer is to be named.
type claimant struct {
	ip      netip.Addr // it comes from, or was dialled
	port    uint16     // its remote port
	dialled *Listed    // the line that was dialled; nil: it came in
	hello   string     // host= of its FEDHELLO, as it was said; "": none yet
	acting  string     // the host of the first user@host that it acted for, as it was said; "": none yet
}

// A registry is what naming asks. Who answers for a link leaves that link itself out.
type registry interface {
	// listed is the peers file. The addresses of a line are those of its host as far as they are known, unmapped, and
	// resolves those of any host.
	listed() []Listed
	addresses(l Listed) []netip.Addr
	resolves(host string) []netip.Addr
	// known is the peer of that name, linked or away, filed or not; nil if there never was one.
	known(host string) *channels.Peer
	// bearers are the other links that have the name now.
	bearers(host string) []claimant
}

// naming is one look at who a peer is.
type naming struct {
	claimant
	registry
	own    string
	strict bool
}

// namingRules, the best first. Each gives the name that its rule asks for, "" if the rule does not hold; the last
// resort, NamedByIP, is not among them. Rule 1, the pinned key, has its place at the top.
var namingRules = []struct {
	by   channels.Naming
	name func(*naming) string
}{
	{channels.NamedByList, (*naming).byList},
	{channels.NamedByResolver, (*naming).byResolver},
	{channels.NamedByAddress, (*naming).byAddress},
	{channels.NamedByClaim, (*naming).byClaim},
}

// name tells who the peer of a link is (federation protocol §1, "Who a peer is"): the name it is known by, never our own
// host, the rule that gave it, and its line of the peers file, nil if none is about it. It is asked again whenever the
// link has said something new of itself. A name that is known by a better rule is not given to a lesser link, which gets
// what the next rule gives it, at last its address.
func name(c claimant, r registry, own string, strict bool) (host string, by channels.Naming, line *Listed) {
	c.ip = c.ip.Unmap()
	n := &naming{claimant: c, registry: r, own: own, strict: strict}
	host, by = n.byIP(), channels.NamedByIP
	for _, rule := range namingRules {
		if named := rule.name(n); named != "" && n.mayBear(named, rule.by) {
			host, by = named, rule.by
			break
		}
	}
	return host, by, lineOf(c, host, r)
}

// mayBear reports whether a link named by that rule may have a name, as far as what is stored of it tells.
func (n *naming) mayBear(host string, by channels.Naming) bool {
	if sameHost(host, n.own) {
		return false
	}
	p := n.known(host)
	return p == nil || p.Naming == channels.NamedByHearsay || by <= p.Naming
}

// byList is rule 2. Where lines share the address, its claim chooses. A FEDHELLO with another name than the line's says
// that somebody else is there; an acting one without FEDHELLO says so only where there is a choice.
func (n *naming) byList() string {
	lines, claim := linesOf(n.claimant, n.registry), validClaim(n.hello)
	if claim == "" && len(lines) > 1 {
		if claim = validClaim(n.acting); claim == "" {
			return ""
		}
	}
	for _, l := range lines {
		if l.Name != "" && (claim == "" || claim == l.Name) {
			return l.Name
		}
	}
	return ""
}

// byResolver is rule 3, for what a plain peer acts as too: where that resolves to is no weaker proof. A port in a claim says nothing of whose the host is; an IP resolves to itself.
func (n *naming) byResolver() string {
	claim := n.claim(n.hello)
	if validClaim(n.hello) == "" {
		claim = n.claim(n.acting)
	}
	if claim == "" {
		return ""
	}
	ip, err := netip.ParseAddr(hostOf(claim))
	if err == nil && ip == n.ip || err != nil && slices.Contains(n.resolves(hostOf(claim)), n.ip) {
		return claim
	}
	return ""
}

// byAddress is rule 4. An IPv6 address is no host that a name=, or a person, could have written: rule 6 gives it.
func (n *naming) byAddress() string {
	if n.dialled == nil || strings.Contains(n.dialled.Host, ":") {
		return ""
	}
	unnamed := *n.dialled
	unnamed.Name = ""
	return unnamed.NameWhenDialled()
}

// byClaim is rule 5: a name that nobody else is or was known by, nor would be once a line of the peers file is dialled.
// Addresses are not claimed, but that a node has a port on its own.
func (n *naming) byClaim() string {
	claim := n.claim(n.hello)
	if claim == "" && validClaim(n.hello) == "" {
		claim = n.claim(n.acting)
	}
	ip, notIP := netip.ParseAddr(hostOf(claim))
	switch {
	case n.strict || claim == "":
		return ""
	case notIP == nil && (ip != n.ip || hostOf(claim) == claim):
		return ""
	case n.isOthers(claim):
		return ""
	}
	return claim
}

// isOthers reports whether another peer is or was known by a name, or will be as the peers file has it.
func (n *naming) isOthers(host string) bool {
	p := n.known(host)
	if p != nil && p.Naming != channels.NamedByHearsay && (p.Naming != channels.NamedByClaim || p.IP != n.ip.String()) {
		return true
	}
	elsewhere := func(other claimant) bool { return other.ip.Unmap() != n.ip }
	if slices.ContainsFunc(n.bearers(host), elsewhere) {
		return true
	}
	return slices.ContainsFunc(n.listed(), func(l Listed) bool {
		return l.NameWhenDialled() == host && !slices.Contains(n.addresses(l), n.ip)
	})
}

// byIP is rule 6. Port 0 is nobody's, neither in the peers file nor in a claim: that name is always to be had.
func (n *naming) byIP() string {
	for _, host := range []string{n.ip.String(), netip.AddrPortFrom(n.ip, n.port).String()} {
		if n.mayBear(host, channels.NamedByIP) && !slices.ContainsFunc(n.bearers(host), n.isAnother) {
			return host
		}
	}
	return netip.AddrPortFrom(n.ip, 0).String()
}

// isAnother reports whether a link is not known to be of the same node: only what both say of themselves could tell.
func (n *naming) isAnother(other claimant) bool {
	same := n.hello != "" && n.hello == other.hello || n.hello == "" && other.hello == "" && n.acting != "" && n.acting == other.acting
	return other.ip.Unmap() != n.ip || !same
}

// claim is what a link says that it is called, if a peer may be called so: never as we are, with a port or without.
func (n *naming) claim(said string) string {
	claim := validClaim(said)
	if sameHost(hostOf(claim), n.own) {
		return ""
	}
	return claim
}

// validClaim is a host, or host:port, that a peer could be called; "" if it is none.
func validClaim(said string) string {
	if at, err := netip.ParseAddrPort(said); err == nil && at.String() == said && at.Port() > 0 && at.Addr().Zone() == "" {
		return said
	}
	host, port, hasPort := strings.Cut(said, ":")
	if len(said) > maxHost || !validHost(host) {
		return ""
	}
	if number, err := strconv.ParseUint(port, 10, 16); hasPort && (err != nil || number == 0) {
		return ""
	}
	return said
}

// hostOf is a valid claim without its port.
func hostOf(claim string) string {
	if host, _, err := net.SplitHostPort(claim); err == nil {
		return host
	}
	return claim
}

// sameHost compares hosts for what must not be got round by another spelling. Names of peers compare exactly.
func sameHost(a, b string) bool {
	return strings.EqualFold(strings.TrimSuffix(a, "."), strings.TrimSuffix(b, "."))
}

// linesOf are the lines of the peers file at which a link's peer is: the one that was dialled, or those with its IP.
func linesOf(c claimant, r registry) []Listed {
	if c.dialled != nil {
		return []Listed{*c.dialled}
	}
	var lines []Listed
	for _, l := range r.listed() {
		if slices.Contains(r.addresses(l), c.ip.Unmap()) {
			lines = append(lines, l)
		}
	}
	return lines
}

// lineOf is the line of the peers file about the peer of a link that is known by a name: one where it is, with that
// name= or with none. Of several without the one counts that trusts it least.
func lineOf(c claimant, host string, r registry) *Listed {
	var line *Listed
	for _, l := range linesOf(c, r) {
		if l.Name == host {
			return &l
		}
		if l.Name == "" && (line == nil || l.trusts() < line.trusts()) {
			line = &l
		}
	}
	return line
}

// trusts orders lines by what their peers may do.
func (l Listed) trusts() int { return slices.Index([]Trust{Blocked, ReadOnly, Full}, l.Trust) }
