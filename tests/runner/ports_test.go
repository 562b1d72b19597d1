package runner

import "testing"

func TestTwoRunsAtOnceTakeDifferentPortsAndGiveThemBack(t *testing.T) {
	taken := map[int]bool{}
	for range 2 {
		p := &ports{}
		t.Cleanup(func() {
			if err := p.close(); err != nil {
				t.Error(err)
			}
		})
		for range 2 * blockSize {
			port, err := p.take()
			if err != nil {
				t.Fatal(err)
			}
			if taken[port] {
				t.Fatalf("port %d was given twice", port)
			}
			taken[port] = true
		}
	}
	p := &ports{}
	defer p.close() //nolint:errcheck // checked above
	port, err := p.take()
	if err != nil {
		t.Fatal(err)
	}
	p.unused = nil
	if p.free(port); len(p.unused) != 1 || p.unused[0] != port {
		t.Errorf("%v after port %d was given back", p.unused, port)
	}
}
