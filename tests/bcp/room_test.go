package bcp_test

import (
	"context"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"

	"chatnode/channels"
	"chatnode/node/session"
	"chatnode/protocols/bcp"
	"chatnode/tests/harness"
)

// room is a node that is nothing but a lobby in memory, for tests in which time must not pass by itself: its clients are
// pipes, and it waits for no disk and no network.
type room struct {
	*session.Server
	t        *testing.T
	settings session.Settings
	sessions sync.WaitGroup

	mu     sync.Mutex // held by Submit; guards what follows
	tx     memory
	lobby  *channels.State
	guests map[string]channels.Person
	lastID channels.PersonID
}

// inRoom runs a test in a bubble with a room that changes have gone over.
func inRoom(t *testing.T, test func(t *testing.T, r *room), changes ...func(*session.Settings)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := &room{t: t, guests: map[string]channels.Person{}, settings: session.Settings{
			LineBytes: 65536, ReplyBytes: 256 << 10, LoginTimeout: 2 * time.Minute, StallTimeout: 5 * time.Minute, MaxSessions: 1,
		}}
		for _, change := range changes {
			change(&r.settings)
		}
		lobby := &channels.Channel{ID: 1, Name: "lobby"}
		lobby.SetEpochs(channels.Epoch{Epoch: 1})
		r.lobby = &channels.State{Channel: lobby, Head: lobby.Start(), Members: map[channels.PersonID]channels.Role{}}
		r.tx.room = r
		recovered := make(chan struct{})
		close(recovered)
		r.Server = &session.Server{
			Hub:      channels.NewHub([]string{"lobby"}, 1<<20),
			Submit:   r.submit,
			Settings: func() *session.Settings { return &r.settings },
			Remote:   alone{recovered: recovered},
			Logger:   hclog.NewNullLogger(),
		}
		r.Init()
		ctx, cancel := context.WithCancel(context.Background())
		var running sync.WaitGroup
		running.Go(func() { _ = r.Run(ctx) }) // it has no error
		defer func() {
			r.Stop(ctx)
			r.sessions.Wait()
			cancel()
			running.Wait()
		}()
		test(t, r)
	})
}

// connect is a client of the room. Its writes return when they have been read.
func (r *room) connect() *harness.BCP {
	here, there := net.Pipe()
	r.sessions.Go(func() { r.Serve(context.Background(), here, bcp.Protocol{Lobby: "lobby"}) })
	return harness.WrapBCP(r.t, there)
}

// ended fails unless so many connections have ended under a word, and returns when everything rests.
func (r *room) ended(word string, n uint64) {
	r.t.Helper()
	synctest.Wait()
	if got := r.Ended(); got[word] != n {
		r.t.Errorf("ended: %v, want %s=%d", got, word, n)
	}
}

func (r *room) submit(steps []channels.Step) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var outcomes []channels.Outcome
	for i := range steps {
		o := channels.Outcome{Step: &steps[i]}
		if steps[i].Do != nil {
			o.Err = steps[i].Do(&r.tx)
		}
		o.Events, r.tx.events = r.tx.events, nil
		outcomes = append(outcomes, o)
	}
	r.Hub.Deliver(outcomes)
	return nil
}

// alone is a node without others.
type alone struct {
	session.Remote
	recovered chan struct{}
}

func (a alone) Recovered() <-chan struct{} { return a.recovered }

// memory is what guests in a lobby need of a transaction.
type memory struct {
	channels.Tx
	room   *room
	events []channels.Event
}

func (m *memory) NameTaken(name string) (bool, error)                     { return m.room.guests[name].ID != 0, nil }
func (m *memory) Guest(name string) (channels.Person, error)              { return m.room.guests[name], nil }
func (m *memory) Channel(string) (*channels.State, error)                 { return m.room.lobby, nil }
func (m *memory) Banned(*channels.State, channels.PersonID) (bool, error) { return false, nil }
func (m *memory) ChannelByID(channels.ChannelID) (*channels.State, error) { return m.room.lobby, nil }

func (m *memory) GuestPerson(name string, make bool) (channels.Person, error) {
	if !make {
		return channels.Person{}, nil
	}
	m.room.lastID++
	return channels.Person{ID: m.room.lastID, Name: name}, nil
}

func (m *memory) SeatGuest(p channels.Person, _ string, _ uint64) error {
	m.room.guests[p.Name] = p
	return nil
}

func (m *memory) ForgetGuest(channels.Person) error { return nil }
func (m *memory) UnseatGuest(p channels.PersonID, _ uint64) (bool, error) {
	for name, other := range m.room.guests {
		if other.ID == p {
			delete(m.room.guests, name)
			return true, nil
		}
	}
	return false, nil
}

func (m *memory) Memberships(channels.PersonID, int) ([]channels.Membership, error) {
	head := m.room.lobby.Head
	return []channels.Membership{{Channel: m.room.lobby.Channel, Head: head, Heard: head}}, nil
}

func (m *memory) SetHeard(channels.PersonID, *channels.Channel, channels.Position) error { return nil }

func (m *memory) SetRole(s *channels.State, p channels.Person, r channels.Role) error {
	s.Members[p.ID] = r
	m.events = append(m.events, channels.Joined{Channel: s.Channel, Person: p, After: s.Head})
	return nil
}

func (m *memory) Remove(s *channels.State, p channels.Person, why channels.Reason) error {
	delete(s.Members, p.ID)
	m.events = append(m.events, channels.Left{Channel: s.Channel, Person: p, At: s.Head, Reason: why})
	return nil
}

func (m *memory) Append(s *channels.State, author channels.Person, body string) (*channels.Entry, error) {
	s.Head.Seq++
	e := &channels.Entry{Channel: s.Channel, Position: s.Head, Author: author, Body: body}
	m.events = append(m.events, channels.Appended{Entry: e})
	return e, nil
}
