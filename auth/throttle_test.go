package auth

import (
	"fmt"
	"net/netip"
	"testing"
	"time"
)

var (
	start   = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	away    = netip.MustParseAddr("198.51.100.7")
	atHome  = attempt{"alice", network(home)}
	guesser = attempt{"alice", network(away)}
)

func addressNo(i int) netip.Addr {
	return netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
}

// failing makes attempts that fail at once, without waiting where they should have.
func (t *throttle) failing(now time.Time, a attempt, times int) {
	for range times {
		t.settle(now, a, ticket{}, failed)
	}
}

func wantWait(t *testing.T, th *throttle, now time.Time, a attempt, want time.Duration) ticket {
	t.Helper()
	k, ok := th.reserve(now, a)
	if !ok || k.wait != want {
		t.Fatalf("%v after the start: wait %v, %t; want %v", now.Sub(start), k.wait, ok, want)
	}
	return k
}

func TestTenFailuresAMinuteAreFree(t *testing.T) {
	th := newThrottle(100)
	for i := range free {
		now := start.Add(time.Duration(i) * time.Second)
		th.settle(now, atHome, wantWait(t, th, now, atHome, 0), failed)
	}
	wantWait(t, th, start.Add(9*time.Second), atHome, time.Second)
}

func TestTheWaitDoublesTo30Seconds(t *testing.T) {
	th, now := newThrottle(100), start
	th.failing(now, atHome, free)
	for _, seconds := range []time.Duration{1, 2, 4, 8, 16, 30, 30, 30} {
		k := wantWait(t, th, now, atHome, seconds*time.Second)
		now = now.Add(k.wait)
		th.settle(now, atHome, k, failed)
	}
}

func TestAttemptsFromOneAddressDoNotWaitSideBySide(t *testing.T) {
	th := newThrottle(100)
	th.failing(start, atHome, free)
	var placed []ticket
	for _, seconds := range []time.Duration{1, 3, 7, 15} { // what one after the other would wait
		placed = append(placed, wantWait(t, th, start, atHome, seconds*time.Second))
	}
	other := attempt{"bob", atHome.from}
	for _, a := range []attempt{atHome, other} {
		if _, ok := th.reserve(start, a); ok {
			t.Errorf("%s: a place more than 30 s ahead was given", a.name)
		}
	}
	now := start
	for _, k := range placed {
		now = start.Add(k.wait)
		th.settle(now, atHome, k, failed)
	}
	wantWait(t, th, now, atHome, 16*time.Second)
}

func TestAPlaceThatIsGivenUpCountsNoLonger(t *testing.T) {
	th := newThrottle(100)
	th.failing(start, atHome, free)
	th.settle(start, atHome, wantWait(t, th, start, atHome, time.Second), undecided)
	wantWait(t, th, start, atHome, 2*time.Second)
}

func TestAnAccountSlowsDownOnlyThoseWhoFailedOnIt(t *testing.T) {
	th := newThrottle(100)
	for i := range 20 {
		th.failing(start, attempt{"alice", network(addressNo(i))}, 1)
	}
	wantWait(t, th, start, atHome, 0)
	first := attempt{"alice", network(addressNo(0))}
	wantWait(t, th, start, first, longestWait)
	wantWait(t, th, start, attempt{"bob", first.from}, 0)
	wantWait(t, th, start.Add(window), first, 0)
}

func TestAQuietMinuteForgetsFailures(t *testing.T) {
	th := newThrottle(100)
	th.failing(start, atHome, free-1)
	th.failing(start.Add(59*time.Second), atHome, 1) // the tenth of the minute: slow for one more
	wantWait(t, th, start.Add(118*time.Second), atHome, 0)
	if k, _ := th.reserve(start.Add(118*time.Second), atHome); !k.placed() {
		t.Error("forgotten before its time")
	}
	if k, _ := th.reserve(start.Add(119*time.Second), atHome); k.placed() {
		t.Error("not forgotten in its time")
	}
}

func TestALoginClearsThePairAndNotTheAddress(t *testing.T) {
	th := newThrottle(100)
	th.failing(start, guesser, 2*free)
	th.failing(start, atHome, 1)
	k := wantWait(t, th, start, atHome, longestWait)
	th.settle(start, atHome, k, passed)
	wantWait(t, th, start, atHome, 0)

	th.settle(start, guesser, ticket{}, passed)
	wantWait(t, th, start, guesser, longestWait)
}

func TestAddressesCountByWhatOneCustomerGets(t *testing.T) {
	for _, c := range []struct{ addr, want string }{
		{"192.0.2.1", "192.0.2.1/32"},
		{"::ffff:192.0.2.1", "192.0.2.1/32"},
		{"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"},
		{"fe80::1%eth0", "fe80::/64"},
	} {
		if got := network(netip.MustParseAddr(c.addr)).String(); got != c.want {
			t.Errorf("%s: %s", c.addr, got)
		}
	}
	if network(netip.Addr{}).IsValid() {
		t.Error("nowhere counts as somewhere")
	}
}

func TestMemoryIsBounded(t *testing.T) {
	const size = 50
	th := newThrottle(size)
	for i := range 10 * size {
		now := start.Add(time.Duration(i) * time.Millisecond)
		th.failing(now, attempt{fmt.Sprint("user", i), network(addressNo(i))}, 1)
	}
	for what, n := range map[string][2]int{
		"addresses": {len(th.addresses.rows), th.addresses.order.Len()},
		"accounts":  {len(th.accounts.rows), th.accounts.order.Len()},
		"pairs":     {len(th.pairs.rows), th.pairs.order.Len()},
	} {
		if n != [2]int{size, size} {
			t.Errorf("%s: %v", what, n)
		}
	}
	if th.pairs.live(start, attempt{"user499", network(addressNo(499))}) == nil {
		t.Error("the newest went, not the oldest")
	}
}

func TestWhoIsUnderAttackIsForgottenLast(t *testing.T) {
	th := newThrottle(3)
	th.failing(start, guesser, free-1)
	for i, name := range []string{"bob", "carol", "alice", "dave", "erin"} {
		th.failing(start.Add(time.Duration(i+1)*time.Second), attempt{name, guesser.from}, 1)
	}
	if c := th.accounts.live(start, "alice"); c == nil || c.failures != free {
		t.Errorf("got %+v", c)
	}
}
