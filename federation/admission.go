package federation

import (
	"net/netip"
	"slices"
)

// The values of federation.accept that let a peer in. "pinned" lets nobody in: there are no pins in this build.
const (
	acceptAny    = "any"
	acceptListed = "listed"
)

// The words of FEDBYE for who may not link.
const (
	byeNotListed = "not-listed"
	byeBlocked   = "blocked"
)

// mayLink returns "", or the word of the FEDBYE with which a link is refused. host is the name its peer is known by. A
// link that came in and has not said yet who it is, before its FEDHELLO or without one before it has acted, is refused
// only if nothing that it could say would let it in; so it is asked for again whenever name is. blocked are hosts and IPs.
func mayLink(accept string, blocked []string, c claimant, host string, r registry) string {
	lines, line := linesOf(c, r), lineOf(c, host, r)
	silent := c.dialled == nil && c.hello == "" && c.acting == ""
	isBlocked := func(l Listed) bool { return l.Trust == Blocked }
	switch {
	case slices.ContainsFunc(blocked, func(entry string) bool { return blocks(entry, c, host) }):
		return byeBlocked
	case len(lines) > 0 && !slices.ContainsFunc(lines, func(l Listed) bool { return !isBlocked(l) }):
		return byeBlocked // whatever name it has today, it is where only the blocked are
	case line != nil && isBlocked(*line) && !silent:
		return byeBlocked
	case accept == acceptAny:
		return ""
	case accept == acceptListed && (line != nil || silent && len(lines) > 0):
		return ""
	}
	return byeNotListed
}

// blocks reports whether an entry of federation.blocked is about a link: its peer's name, its IP, or a name that it
// claims, though it may not have got it.
func blocks(entry string, c claimant, host string) bool {
	if ip, err := netip.ParseAddr(entry); err == nil && ip.Unmap() == c.ip.Unmap() {
		return true
	}
	return slices.ContainsFunc([]string{host, c.hello, c.acting}, func(name string) bool {
		return name != "" && sameHost(name, entry)
	})
}
