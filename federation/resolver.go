package federation

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"
)

const (
	resolveTimeout = time.Second      // a claim waits for it
	resolvedFor    = 30 * time.Second // what a look-up found
	unresolvedFor  = 5 * time.Second  // that it failed
	staleFor       = time.Hour        // what was found before, while look-ups fail
	resolvedHosts  = 1024             // remembered at a time
)

// A resolver finds the addresses of hosts and remembers them for a while. It is safe for concurrent use.
type resolver struct {
	lookup func(ctx context.Context, network, host string) ([]netip.Addr, error) // static

	mu    sync.Mutex // never held while a look-up waits
	hosts map[string]resolution
}

// A resolution is what the last look-up of a host told.
type resolution struct {
	addresses      []netip.Addr // unmapped
	err            error        // nil where there are addresses
	found, expires time.Time
}

func newResolver() *resolver {
	return &resolver{lookup: net.DefaultResolver.LookupNetIP, hosts: map[string]resolution{}}
}

// resolve returns the addresses of a host, unmapped; the caller must not change them. An IP is its own address. It waits
// for a look-up, up to a second, unless the host was looked up in the last 30 s, or in vain in the last 5 s. While look-ups
// fail without an answer it returns what was found in the last hour.
func (r *resolver) resolve(host string) ([]netip.Addr, error) {
	if ip, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{ip.Unmap()}, nil
	}
	before := r.last(host)
	if time.Now().Before(before.expires) {
		return before.addresses, before.err
	}
	ctx, cancel := context.WithTimeout(context.Background(), resolveTimeout)
	defer cancel()
	addresses, err := r.lookup(ctx, "ip", host)
	now := resolved(before, addresses, err)
	r.remember(host, now)
	return now.addresses, now.err
}

// resolved is what to remember after a look-up.
func resolved(before resolution, addresses []netip.Addr, err error) resolution {
	now := time.Now()
	var dns *net.DNSError
	switch {
	case err == nil:
		unmapped := make([]netip.Addr, len(addresses))
		for i, a := range addresses {
			unmapped[i] = a.Unmap()
		}
		return resolution{addresses: unmapped, found: now, expires: now.Add(resolvedFor)}
	case before.addresses != nil && now.Sub(before.found) < staleFor && !(errors.As(err, &dns) && dns.IsNotFound):
		before.expires = now.Add(unresolvedFor)
		return before
	}
	return resolution{err: fmt.Errorf("resolve: %w", err), expires: now.Add(unresolvedFor)}
}

func (r *resolver) last(host string) resolution {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.hosts[host]
}

// remember keeps what was found of a host. Where there are too many, those that expired go, and if need be any other.
func (r *resolver) remember(host string, now resolution) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, known := r.hosts[host]; !known && len(r.hosts) >= resolvedHosts {
		r.makeRoomLocked()
	}
	r.hosts[host] = now
}

func (r *resolver) makeRoomLocked() {
	now := time.Now()
	for host, one := range r.hosts {
		if now.After(one.expires) {
			delete(r.hosts, host)
		}
	}
	for host := range r.hosts {
		if len(r.hosts) < resolvedHosts {
			return
		}
		delete(r.hosts, host)
	}
}
