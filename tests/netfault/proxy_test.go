package netfault_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"chatnode/tests/netfault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what must come.
const patience = 10 * time.Second

// soon is how long a test waits for what must not come.
const soon = 50 * time.Millisecond

// A stage is a proxy and what it leads to.
type stage struct {
	*netfault.Proxy
	t        *testing.T
	target   *net.TCPListener
	recorded *recorder
}

// recorder is a record that can be read while it is written.
type recorder struct {
	mu   sync.Mutex
	text strings.Builder // guarded by mu
}

func (r *recorder) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(p)
}

func (r *recorder) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

func newStage(t *testing.T) *stage {
	t.Helper()
	target, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{t: t, target: target, recorded: &recorder{}}
	if s.Proxy, err = netfault.New(s.recorded); err != nil {
		t.Fatal(err)
	}
	s.Lead(target.Addr().String())
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
		_ = target.Close() // a test may have closed it
	})
	return s
}

// An end is one side of a connection.
type end struct {
	t *testing.T
	*net.TCPConn
	in *bufio.Reader
}

func newEnd(t *testing.T, c *net.TCPConn) *end {
	t.Cleanup(func() { _ = c.Close() }) // a test may have closed it
	return &end{t, c, bufio.NewReader(c)}
}

// join makes a connection through the proxy.
func (s *stage) join() (dialler, dialled *end) {
	s.t.Helper()
	dialler = s.dial()
	if err := s.target.SetDeadline(time.Now().Add(patience)); err != nil {
		s.t.Fatal(err)
	}
	c, err := s.target.AcceptTCP()
	if err != nil {
		s.t.Fatal(err)
	}
	return dialler, newEnd(s.t, c)
}

func (s *stage) dial() *end {
	s.t.Helper()
	c, err := net.Dial("tcp", s.Address())
	if err != nil {
		s.t.Fatal(err)
	}
	return newEnd(s.t, c.(*net.TCPConn))
}

// refuses fails unless the proxy resets a new connection.
func (s *stage) refuses() {
	s.t.Helper()
	c, err := net.Dial("tcp", s.Address())
	if err == nil {
		newEnd(s.t, c.(*net.TCPConn)).over(syscall.ECONNRESET)
	} else if !errors.Is(err, syscall.ECONNRESET) {
		s.t.Fatal(err)
	}
}

func (e *end) say(text string) {
	e.t.Helper()
	if _, err := io.WriteString(e, text); err != nil {
		e.t.Fatal(err)
	}
}

// hears reads so many bytes as a text has, and compares.
func (e *end) hears(text string) {
	e.t.Helper()
	got := make([]byte, len(text))
	e.deadline(patience)
	if n, err := io.ReadFull(e.in, got); err != nil || string(got) != text {
		e.t.Fatalf("got %.80q, %v; want %.80q", got[:n], err, text)
	}
}

// quiet fails if something comes, an end included.
func (e *end) quiet() {
	e.t.Helper()
	e.deadline(soon)
	if b, err := e.in.ReadByte(); !isTimeout(err) {
		e.t.Fatalf("got %q, %v; want nothing", b, err)
	}
}

// over reads to the end, which must be of a kind: nil is an orderly one.
func (e *end) over(want error) {
	e.t.Helper()
	e.deadline(patience)
	rest, err := io.ReadAll(e.in)
	if len(rest) > 0 || !errors.Is(err, want) {
		e.t.Fatalf("got %q and the end %v, want %v", rest, err, want)
	}
}

func (e *end) deadline(d time.Duration) {
	e.t.Helper()
	if err := e.SetReadDeadline(time.Now().Add(d)); err != nil {
		e.t.Fatal(err)
	}
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

func TestAProxyCarriesBothWaysAndHandsEndsOn(t *testing.T) {
	s := newStage(t)
	a, b := s.join()
	long := strings.Repeat("~", 200_000) + "\n"
	said := make(chan error)
	go func() {
		_, err := io.WriteString(a, long)
		said <- err
	}()
	b.hears(long)
	if err := <-said; err != nil {
		t.Fatal(err)
	}
	b.say("half\nand half")
	a.hears("half\nand half")
	if err := a.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	b.over(nil)
	b.say("\nstill\n")
	a.hears("\nstill\n")
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	a.over(nil)

	a, b = s.join()
	if err := b.SetLinger(0); err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	a.over(syscall.ECONNRESET)
}

func TestSeverResetsAllUntilItIsHealed(t *testing.T) {
	s := newStage(t)
	a, b := s.join()
	s.Sever()
	a.over(syscall.ECONNRESET)
	b.over(syscall.ECONNRESET)
	s.refuses()
	s.Heal()
	a, b = s.join()
	a.say("x")
	b.hears("x")
	s.Reset()
	a.over(syscall.ECONNRESET)
	b.over(syscall.ECONNRESET)
	_, _ = s.join()
}

func TestANodeThatIsNotThereIsARefusal(t *testing.T) {
	s := newStage(t)
	if err := s.target.Close(); err != nil {
		t.Fatal(err)
	}
	s.refuses()
	s.Lead("")
	s.refuses()
}

func TestACutLosesOneWayAndIsAResetOnceHealed(t *testing.T) {
	for _, d := range []netfault.Direction{netfault.Forth, netfault.Back} {
		t.Run(d.String(), func(t *testing.T) {
			s := newStage(t)
			speaker, hearer := s.join()
			idle, idler := s.join()
			if d == netfault.Back {
				speaker, hearer = hearer, speaker
			}
			s.Cut(d)
			speaker.say("lost\n")
			hearer.quiet()
			hearer.say("not lost\n")
			speaker.hears("not lost\n")
			s.Heal()
			speaker.over(syscall.ECONNRESET)
			hearer.over(syscall.ECONNRESET)
			idle.say("nothing of this was lost\n")
			idler.hears("nothing of this was lost\n")
		})
	}
}

func TestACutHidesTheEndOfAConnection(t *testing.T) {
	for _, ends := range []func(*end) error{(*end).abort, (*end).Close} {
		s := newStage(t)
		a, b := s.join()
		s.Cut(netfault.Both)
		if err := ends(a); err != nil {
			t.Fatal(err)
		}
		b.say("to nobody\n")
		b.quiet()
		s.Heal()
		b.over(syscall.ECONNRESET)
	}
}

func (e *end) abort() error { return errors.Join(e.SetLinger(0), e.Close()) }

func TestAFreezeLosesNothing(t *testing.T) {
	s := newStage(t)
	a, b := s.join()
	s.Freeze(netfault.Forth)
	a.say("one\n")
	b.quiet()
	b.say("back\n")
	a.hears("back\n")
	a.say("two\n")
	if err := a.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	b.quiet()
	s.Heal()
	b.hears("one\ntwo\n")
	b.over(nil)
}

func TestAFreezeHidesTheDead(t *testing.T) {
	s := newStage(t)
	a, b := s.join()
	s.Freeze(netfault.Forth)
	if err := a.abort(); err != nil {
		t.Fatal(err)
	}
	b.say("are you there?\n")
	b.quiet()
	s.Heal()
	b.deadline(patience)
	if _, err := b.in.ReadByte(); err == nil || isTimeout(err) {
		t.Errorf("the dead one's connection has no end: %v", err)
	}
}

func TestADelayIsWaitedOut(t *testing.T) {
	s := newStage(t)
	a, b := s.join()
	const pause = 80 * time.Millisecond
	s.Delay(netfault.Back, pause)
	begun := time.Now()
	a.say("x")
	b.hears("x")
	b.say("y")
	a.hears("y")
	if took := time.Since(begun); took < pause {
		t.Errorf("there and back took %v", took)
	}
	s.Slow(netfault.Forth, 2, pause/8)
	begun = time.Now()
	a.say("0123456789")
	b.hears("0123456789")
	if took := time.Since(begun); took < pause/2 {
		t.Errorf("ten bytes, two at a time, took %v", took)
	}
	s.Delay(netfault.Both, time.Hour)
	a.say("z")
	b.quiet()
	s.Reset()
	b.over(syscall.ECONNRESET)
}

func TestALinkIsCutAtAByte(t *testing.T) {
	text := "first\nsecond\nthird\n"
	for n := range len(text) {
		s := newStage(t)
		s.CutAfter(netfault.Forth, int64(n))
		a, b := s.join()
		a.say(text[:4])
		b.hears(text[:min(n, 4)])
		if n > 4 {
			a.say(text[4:])
			b.hears(text[4:n])
		}
		b.over(nil)
		a.over(syscall.ECONNRESET)
		a, b = s.join()
		a.say("it does so once\n")
		b.hears("it does so once\n")
	}
}

func TestTheNextLineIsSaidTwice(t *testing.T) {
	s := newStage(t)
	a, b := s.join()
	a.say("beg")
	b.hears("beg")
	s.DuplicateNextLine(netfault.Forth)
	a.say("in\nonce\n")
	b.hears("begin\n"[3:] + "begin\nonce\n")
	s.DuplicateNextLine(netfault.Forth)
	s.DuplicateNextLine(netfault.Forth)
	a.say("x\ny\nz\n")
	b.hears("x\nx\ny\ny\nz\n")
	s.DuplicateAllLines(netfault.Both)
	s.DuplicateNextLine(netfault.Both)
	a.say("x\ny\nz\n")
	b.hears("x\nx\ny\ny\nz\nz\n")
	s.Heal()
	a.say("x\ny\n")
	b.hears("x\ny\n")
	s.DuplicateAllLines(netfault.Forth)
	s.CutAfter(netfault.Forth, 7)
	a.say("1234\n5\n")
	b.hears("1234\n12")
	b.over(nil)
}

func TestWhatIsSaidIsRecorded(t *testing.T) {
	s := newStage(t)
	for range 200 {
		a, b := s.join()
		a.say("question\n")
		b.hears("question\n")
		b.say("ans")
		a.hears("ans")
		b.say("wer\n")
		a.hears("wer\n")
		if err := a.Close(); err != nil {
			t.Fatal(err)
		}
		b.over(nil)
	}
	last := s.Transcript()
	if len(last) != 80 || !strings.HasSuffix(last[78], " 200 forth question") || !strings.HasSuffix(last[79], " 200 back  answer") {
		t.Errorf("%d lines: %q", len(last), last)
	}
	if n := strings.Count(s.recorded.String(), " back  answer\n"); n != 200 {
		t.Errorf("%d answers were recorded", n)
	}
}

// TestAProxyEndsWhateverHangsInIt ends proxies with a fault on each way; the package's goroutines are counted at the end.
func TestAProxyEndsWhateverHangsInIt(t *testing.T) {
	for _, spoil := range []func(*netfault.Proxy){
		func(*netfault.Proxy) {},
		func(p *netfault.Proxy) { p.Freeze(netfault.Both) },
		func(p *netfault.Proxy) { p.Cut(netfault.Both) },
		func(p *netfault.Proxy) { p.Delay(netfault.Both, time.Hour) },
	} {
		s := newStage(t)
		a, b := s.join()
		spoil(s.Proxy)
		a.say("into it\n")
		b.say("from both sides\n")
	}
}
