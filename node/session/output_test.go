package session

import (
	"bytes"
	"net"
	"testing"

	"github.com/hashicorp/go-hclog"

	"chatnode/channels"
)

// frozen is a session whose client reads nothing, with a drainer that waits for it.
func frozen(t *testing.T) *Session {
	t.Helper()
	here, there := net.Pipe()
	t.Cleanup(func() { _, _ = here.Close(), there.Close() })
	v := &Server{Logger: hclog.NewNullLogger(), Hub: channels.NewHub(nil, 0)}
	v.Init()
	s := &Session{server: v, settings: &Settings{ReplyBytes: 4096}, conn: here}
	s.out.init(s, Form{Notice: func(channels.Notice) []byte { return []byte("LEFT bob go kicked\n") }})
	s.out.owned = true
	return s
}

// joinElsewhere logs bob in on a session, and returns what another session of his does then: it joins one more channel.
func joinElsewhere(t *testing.T, s *Session) func() {
	t.Helper()
	bob, hub := channels.Person{ID: 1, Name: "bob"}, s.server.Hub
	login := channels.Step{Done: func(d *channels.Delivery, _ error) {
		if _, err := d.Attach(s, bob, channels.SeatKind{}, 1, nil); err != nil {
			t.Error(err)
		}
	}}
	hub.Deliver([]channels.Outcome{{Step: &login}})
	var last channels.ChannelID
	return func() {
		last++
		joined := channels.Joined{Channel: &channels.Channel{ID: last}, Person: bob}
		hub.Deliver([]channels.Outcome{{Step: &channels.Step{}, Events: []channels.Event{joined}}})
	}
}

func TestASessionThatReadsNothingOfWhatItsAccountDoesElsewhereIsClosed(t *testing.T) {
	for name, causes := range map[string]func(*testing.T, *Session) func(){
		"joins": joinElsewhere,
		"notices": func(_ *testing.T, s *Session) func() {
			return func() { s.Notify(channels.Notice{Self: true}) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := frozen(t)
			cause := causes(t, s)
			for n := 0; !s.ended(); n++ {
				if n > 1<<16 {
					t.Fatal("nothing bounds what waits for it")
				}
				cause()
			}
			if s.word() != WordStalled {
				t.Errorf("it was closed as %q", s.word())
			}
		})
	}
}

func TestNoticesAboutOthersAreDroppedBeforeTheyFillTheOutput(t *testing.T) {
	s := frozen(t)
	for range 1 << 12 {
		s.Notify(channels.Notice{})
	}
	if s.ended() || s.out.waiting > s.settings.ReplyBytes {
		t.Errorf("ended: %v, %d bytes wait", s.ended(), s.out.waiting)
	}
}

// paced is a session whose client acknowledges each message of a letter and a full stop.
func paced(t *testing.T) *Session {
	t.Helper()
	s := frozen(t)
	s.out.owned = false
	s.out.form = Form{
		Notice: func(n channels.Notice) []byte { return []byte(n.Text) },
		Paced:  func(p []byte) int { return bytes.IndexByte(p, '.') + 1 },
	}
	return s
}

func TestAClientThatAcknowledgesIsSentOneMessageAtATimeAndItsAnswersAtOnce(t *testing.T) {
	s := paced(t)
	wantGathered := func(want string) {
		t.Helper()
		if g := s.out.gather(nil, flushBytes); string(g.bytes) != want {
			t.Errorf("gathered %q, want %q", g.bytes, want)
		}
	}
	s.Notify(channels.Notice{Text: "a."})
	s.Notify(channels.Notice{Text: "b.c."})
	wantGathered("a.")
	wantGathered("")
	if s.out.pendingLocked() {
		t.Error("it waits for the client, and the flusher would be kept busy")
	}
	s.Reply([]byte("answer"))
	wantGathered("answer")
	if !s.Acknowledged() || s.Acknowledged() {
		t.Error("one message was to be acknowledged, once")
	}
	wantGathered("b.")
	s.Acknowledged()
	s.Message([]byte("d."))
	wantGathered("c.")
	s.Acknowledged()
	s.Reply([]byte("answer"))
	wantGathered("answerd.")
	s.Acknowledged()
	if s.out.pendingLocked() || s.out.waiting != 0 {
		t.Errorf("%d bytes wait", s.out.waiting)
	}
}

func TestAClientThatAcknowledgesNothingCostsABoundedMemory(t *testing.T) {
	s := paced(t)
	for range 1 << 12 {
		s.Notify(channels.Notice{Text: "x."})
		s.out.gather(nil, flushBytes)
	}
	if s.ended() || s.out.waiting > s.settings.ReplyBytes {
		t.Errorf("ended: %v, %d bytes wait", s.ended(), s.out.waiting)
	}
}
