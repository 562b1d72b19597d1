package channels

import (
	"bytes"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
)

// epochs is a channel in its fourth epoch: the second one took no message, the third two.
var epochs = inEpochs(&Channel{Name: "go"}, Epoch{Epoch: 50}, Epoch{Epoch: 100, Base: 5}, Epoch{Epoch: 200, Base: 5}, Epoch{Epoch: 300, Base: 7})

func TestFollowsLeavesNoRoomBetween(t *testing.T) {
	for _, k := range []struct {
		p, q Position
		want bool
	}{
		{Position{50, 0}, Position{50, 1}, true},
		{Position{50, 3}, Position{50, 4}, true},
		{Position{50, 3}, Position{50, 5}, false},
		{Position{50, 4}, Position{50, 4}, false},
		{Position{50, 4}, Position{50, 3}, false},
		{Position{50, 5}, Position{200, 6}, true},
		{Position{100, 5}, Position{200, 6}, true},
		{Position{200, 7}, Position{300, 8}, true},
		{Position{50, 9}, Position{200, 6}, true}, // an end that was lost
		{Position{50, 4}, Position{200, 6}, false},
		{Position{50, 3}, Position{200, 6}, false},
		{Position{50, 5}, Position{200, 7}, false},
		{Position{50, 5}, Position{300, 8}, false}, // the third epoch lies between
		{Position{50, 9}, Position{300, 8}, false},
		{Position{200, 6}, Position{300, 8}, false},
		{Position{200, 6}, Position{100, 6}, false},
		{Position{300, 8}, Position{200, 9}, false},
		{Position{50, 5}, Position{250, 6}, true}, // an epoch that was lost
		{Position{50, 5}, Position{250, 60}, true},
		{Position{250, 60}, Position{250, 61}, true},
		{Position{250, 60}, Position{250, 62}, false},
		{Position{250, 6}, Position{300, 8}, true},
		{Position{250, 60}, Position{300, 8}, true},
		{Position{250, 60}, Position{300, 9}, false},
		{Position{300, 8}, Position{400, 9}, false},
		{Position{}, Position{50, 1}, true},
		{Position{7, 12}, Position{50, 1}, true}, // of a channel that had the name before
		{Position{7, 12}, Position{50, 2}, false},
		{Position{7, 12}, Position{200, 6}, false},
	} {
		if got := epochs.Follows(k.p, k.q); got != k.want {
			t.Errorf("%v, %v: %v", k.p, k.q, got)
		}
	}
	bare := &Channel{}
	if !bare.Follows(Position{}, Position{0, 1}) || bare.Follows(Position{}, Position{1, 1}) {
		t.Error("a channel without epochs has the epoch 0 only")
	}
}

func TestFollowsKnowsWhereAHomeThatLostCountWasFollowed(t *testing.T) {
	c := inEpochs(&Channel{Name: "go", Host: "there", Home: 1}, Epoch{Epoch: 50}, Epoch{Epoch: 60, Base: 154}, Epoch{Epoch: 61, Base: 166}, Epoch{Epoch: 62, Base: 0, After: 166}, Epoch{Epoch: 70, Base: 21, After: 10})
	for _, k := range []struct {
		p, q Position
		want bool
	}{
		{Position{60, 166}, Position{62, 1}, true}, // 61 took no message, and 62 begins from nothing
		{Position{60, 165}, Position{62, 1}, false},
		{Position{62, 10}, Position{70, 22}, true}, // a newer backup than the one before
		{Position{62, 9}, Position{70, 22}, false},
		{Position{62, 10}, Position{70, 11}, false},
	} {
		if got := c.Follows(k.p, k.q); got != k.want {
			t.Errorf("%v, %v: %v", k.p, k.q, got)
		}
	}
}

func TestBeforeOrdersByEpochAndThenByNumber(t *testing.T) {
	inOrder := []Position{{}, {0, 1}, {0, 9}, {1, 0}, {1, 3}, {2, 2}}
	for i, p := range inOrder {
		for j, q := range inOrder {
			if p.Before(q) != (i < j) {
				t.Errorf("%v before %v: %v", p, q, p.Before(q))
			}
		}
	}
}

func TestAPositionIsReadAsItIsShown(t *testing.T) {
	for _, k := range []struct {
		p    Position
		want string
	}{
		{Position{50, 0}, "0"},
		{Position{50, 41}, "41"},
		{Position{100, 6}, "100.6"},
		{Position{300, 1 << 40}, "300.1099511627776"},
		{Position{9, 6}, "9.6"},
		{Position{1<<63 - 1, 1<<63 - 1}, "9223372036854775807.9223372036854775807"},
	} {
		shown := epochs.AppendPosition([]byte("seq="), k.p)
		if string(shown) != "seq="+k.want {
			t.Errorf("%v is shown as %s; want %s", k.p, shown, k.want)
		}
		if p, err := epochs.ParsePosition(k.want); err != nil || p != k.p {
			t.Errorf("%s is read as %v, %v; want %v", k.want, p, err, k.p)
		}
	}
	for _, s := range []string{"", ".", "1.", ".1", "x", "1.x", "x.1", "-1", "1.-1", "-1.1", "1.2.3", " 1", "1 ", "0x1", "1e3", "9223372036854775808", "1.9223372036854775808"} {
		if p, err := epochs.ParsePosition(s); err == nil || WordOf(err) != Malformed {
			t.Errorf("%q is read as %v, %v", s, p, err)
		}
	}
}

func TestAnEntryIsEncodedOnceForEachEncoding(t *testing.T) {
	var made [2]int
	e := &Entry{Body: "hi"}
	by := [2]*Encoding{}
	for i := range by {
		by[i] = &Encoding{Append: func(dst []byte, e *Entry) []byte {
			made[i]++
			return append(dst, fmt.Sprint(i, e.Body)...)
		}}
	}
	for range 3 {
		for i, b := range by {
			if got := string(e.Encoded(b)); got != fmt.Sprint(i, "hi") {
				t.Errorf("the encoding %d gives %q", i, got)
			}
		}
	}
	if made != [2]int{1, 1} {
		t.Errorf("made %v times", made)
	}
}

func TestAnEncodingIsSharedByGoroutines(t *testing.T) {
	for range 200 {
		var made atomic.Int32
		by := &Encoding{Append: func(dst []byte, e *Entry) []byte {
			made.Add(1)
			return append(dst, e.Body...)
		}}
		e := &Entry{Body: "hi"}
		var wg sync.WaitGroup
		start := make(chan struct{})
		for range 16 {
			wg.Go(func() {
				<-start
				if got := e.Encoded(by); string(got) != "hi" {
					t.Errorf("%q", got)
				}
			})
		}
		close(start)
		wg.Wait()
		before := made.Load() // those that raced made their own
		if first := e.Encoded(by); &first[0] != &e.Encoded(by)[0] || made.Load() != before || !bytes.Equal(first, []byte("hi")) {
			t.Fatalf("made %d times, then %d", before, made.Load())
		}
	}
}
