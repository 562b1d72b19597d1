package session

import (
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
