package channels

import (
	"slices"
	"strings"
	"sync"
	"testing"
)

// TestReadersSeeAllOfADeliveryOrNothing is for the race detector too.
func TestReadersSeeAllOfADeliveryOrNothing(t *testing.T) {
	w := newWorld(t, tailOf(20))
	lobby, chess := w.channel(1, "go"), w.channel(2, "chess")
	b := w.listener("b")
	seat := w.seat(b, bob, false, lobby, chess)
	stop := make(chan struct{})
	var readers sync.WaitGroup
	for range 3 {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				w.View(func() {
					if a, c := b.subs[lobby].Owed(all).End.Seq, b.subs[chess].Owed(all).End.Seq; a != c {
						t.Errorf("a delivery is seen in part: %d and %d", a, c)
					}
				})
				if list := strings.Split(w.List(), ", "); !slices.IsSorted(list) {
					t.Errorf("%q", list)
				}
				if names, err := w.Hearing(seat, "go"); err != nil || len(names) != len(w.OnLine()) {
					t.Errorf("%v, %v", names, err)
				}
				_, _ = w.Heard(seat, "chess")
			}
		})
	}
	for i := range 2000 {
		w.Deliver([]Outcome{step(nil, w.said(lobby, "x")), step(nil, w.said(chess, "x"))})
		if i%10 == 0 {
			w.SetTailBytes(tailOf(i % 30))
			w.deliver(nil, Created{lobby}, Created{chess})
			w.deliver(nil, Deleted{Channel: lobby}, Deleted{Channel: chess})
		}
	}
	close(stop)
	readers.Wait()
}
