package channels

import (
	"math/rand/v2"
	"strings"
	"testing"
)

func TestARingIsAQueueThatCountsItsBytes(t *testing.T) {
	for seed := range uint64(20) {
		rnd := rand.New(rand.NewPCG(seed, 2))
		var r ring
		var model []*Entry
		bytes, most := 0, 0
		for range 5000 {
			rising := rnd.IntN(1000) < 700-int(seed)*20
			if rising || len(model) == 0 {
				e := &Entry{Body: strings.Repeat("x", rnd.IntN(100))}
				r.push(kept{Entry: e})
				model = append(model, e)
				bytes += footprint(e)
			} else {
				want := model[0]
				model = model[1:]
				bytes -= footprint(want)
				if got := r.pop(); got.Entry != want {
					t.Fatalf("seed %d: another entry than the oldest", seed)
				}
			}
			most = max(most, len(model))
			if r.len() != len(model) || r.bytes != bytes {
				t.Fatalf("seed %d: %d entries of %d bytes; want %d of %d", seed, r.len(), r.bytes, len(model), bytes)
			}
			if n := len(r.entries); n > max(64, 4*most) || n > 64 && r.n < n/4 {
				t.Fatalf("seed %d: %d places for %d entries", seed, n, r.n)
			}
		}
		for _, want := range model {
			if r.pop().Entry != want {
				t.Fatalf("seed %d: another entry than the oldest", seed)
			}
		}
		if r.bytes != 0 || len(r.entries) > 64 {
			t.Errorf("seed %d: %d bytes and %d places when empty", seed, r.bytes, len(r.entries))
		}
		for _, e := range r.entries {
			if e.Entry != nil {
				t.Fatalf("seed %d: an entry is kept that has left", seed)
			}
		}
	}
}
