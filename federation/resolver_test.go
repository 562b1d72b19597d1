package federation

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// fakeDNS answers look-ups and counts them.
type fakeDNS struct {
	asked   int
	answers []netip.Addr
	err     error
}

func (d *fakeDNS) lookup(context.Context, string, string) ([]netip.Addr, error) {
	d.asked++
	return d.answers, d.err
}

func fakeResolver() (*resolver, *fakeDNS) {
	d := &fakeDNS{answers: []netip.Addr{netip.MustParseAddr("::ffff:10.0.0.1"), netip.MustParseAddr("2001:db8::1")}}
	r := newResolver()
	r.lookup = d.lookup
	return r, d
}

// wantResolved resolves h, and checks what is found and how often was asked for it.
func wantResolved(t *testing.T, r *resolver, d *fakeDNS, addresses string, asked int) {
	t.Helper()
	got, err := r.resolve("h")
	if fmt.Sprint(got) != addresses || (err == nil) != (addresses != "[]") || d.asked != asked {
		t.Errorf("%v, %v, asked %d times; not %s, asked %d times", got, err, d.asked, addresses, asked)
	}
}

const both = "[10.0.0.1 2001:db8::1]"

func TestAResolverRemembersWhatItFoundAndForLessTimeWhatItDidNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, d := fakeResolver()
		wantResolved(t, r, d, both, 1)
		time.Sleep(resolvedFor - 1)
		wantResolved(t, r, d, both, 1)
		time.Sleep(time.Nanosecond)
		d.err = &net.DNSError{IsNotFound: true}
		wantResolved(t, r, d, "[]", 2)
		time.Sleep(unresolvedFor - 1)
		wantResolved(t, r, d, "[]", 2)
		time.Sleep(time.Nanosecond)
		d.err = nil
		wantResolved(t, r, d, both, 3)
	})
}

func TestAResolverKeepsWhatItFoundWhileNobodyAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, d := fakeResolver()
		wantResolved(t, r, d, both, 1)
		d.err = &net.DNSError{IsTimeout: true}
		time.Sleep(resolvedFor)
		wantResolved(t, r, d, both, 2)
		time.Sleep(staleFor)
		wantResolved(t, r, d, "[]", 3)
	})
}

func TestAnIPNeedsNoLookUp(t *testing.T) {
	r, d := fakeResolver()
	for ip, want := range map[string]string{"::ffff:10.0.0.1": "[10.0.0.1]", "::1": "[::1]"} {
		if got, err := r.resolve(ip); err != nil || fmt.Sprint(got) != want {
			t.Error(got, err)
		}
	}
	if d.asked != 0 {
		t.Error("asked")
	}
}

func TestALookUpThatNobodyAnswersEndsAndIsNotRepeatedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, d := fakeResolver()
		r.lookup = func(ctx context.Context, _, _ string) ([]netip.Addr, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		begin := time.Now()
		for range 3 {
			if _, err := r.resolve("h"); !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) != resolveTimeout {
				t.Errorf("%v after %s", err, time.Since(begin))
			}
		}
		time.Sleep(unresolvedFor)
		r.lookup = d.lookup
		wantResolved(t, r, d, both, 1)
	})
}

func TestAResolverIsBoundedAndSafe(t *testing.T) {
	r := newResolver()
	r.lookup = func(context.Context, string, string) ([]netip.Addr, error) { return nil, errors.New("no") }
	var group sync.WaitGroup
	for worker := range 4 {
		group.Go(func() {
			for i := range resolvedHosts {
				_, _ = r.resolve(fmt.Sprint(worker, "-", i)) // it fails
			}
		})
	}
	group.Wait()
	if n := len(r.hosts); n != resolvedHosts {
		t.Errorf("%d hosts", n)
	}
}
