package admin

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"chatnode/channels"
)

func TestEveryMethodGoesThrough(t *testing.T) {
	for _, test := range []struct {
		ask  func(context.Context, Accounts) error
		want string
	}{
		{func(ctx context.Context, a Accounts) error { return a.Add(ctx, "bob", "secret", true) }, `[add "bob" "secret" true]`},
		{func(ctx context.Context, a Accounts) error { return a.Add(ctx, "", "", false) }, `[add "" "" false]`},
		{func(ctx context.Context, a Accounts) error { return a.SetPassword(ctx, "bob", "s e\"c") }, `[password "bob" "s e\"c"]`},
		{func(ctx context.Context, a Accounts) error { return a.SetAdmin(ctx, "bob", true) }, `[admin "bob" true]`},
		{func(ctx context.Context, a Accounts) error { return a.SetAdmin(ctx, "bob", false) }, `[admin "bob" false]`},
		{func(ctx context.Context, a Accounts) error { return a.SetDisabled(ctx, "bob", true) }, `[disabled "bob" true]`},
		{func(ctx context.Context, a Accounts) error { return a.SetDisabled(ctx, "bob", false) }, `[disabled "bob" false]`},
		{func(ctx context.Context, a Accounts) error { return a.Delete(ctx, "bob") }, `[delete "bob"]`},
	} {
		t.Run(test.want, func(t *testing.T) {
			n := running(t, &book{}, t.TempDir())
			if err := test.ask(t.Context(), Dial(n.folder)); err != nil {
				t.Error(err)
			}
			n.wantAsked(t, test.want)
		})
	}
}

func TestTheListComesAsItIs(t *testing.T) {
	for _, want := range [][]Account{
		{{Name: "a", Admin: true, Created: 1, Channels: 2}, {Name: "☂", Disabled: true}},
		{},
	} {
		n := running(t, &book{all: want}, t.TempDir())
		got, err := Dial(n.folder).List(t.Context())
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("got %v, %v, want %v", got, err, want)
		}
	}
}

func TestAnyNameGoesThrough(t *testing.T) {
	n := running(t, &book{}, t.TempDir())
	for _, name := range []string{
		"a/b", "/", "//", "%", "%2F", "%zz", ".", "..", "a.b", "🦊", "ü?x=1#y", "a b", "a+b&c=d", `"\`, "password", "\xff", ";", "",
	} {
		n.mu.Lock()
		n.asked = nil
		n.mu.Unlock()
		c := Dial(n.folder)
		err := errors.Join(c.SetAdmin(t.Context(), name, true), c.Delete(t.Context(), name))
		if err != nil {
			t.Errorf("%q: %v", name, err)
		}
		n.wantAsked(t, fmt.Sprintf("[admin %q true delete %q]", name, name))
	}
}

func TestARefusalKeepsItsWord(t *testing.T) {
	for _, word := range []channels.Word{
		channels.NameTaken, channels.BadName, channels.NoSuchUser, channels.TooLong, channels.Malformed, channels.RateLimited,
	} {
		refused := fmt.Errorf("add: %w", channels.Refuse(word))
		n := running(t, &book{err: refused}, t.TempDir())
		c := Dial(n.folder)
		for _, err := range []error{c.Add(t.Context(), "bob", "x", false), c.Delete(t.Context(), "bob")} {
			if r, ok := errors.AsType[*channels.Refusal](err); !ok || r.Word != word {
				t.Errorf("%s became %v", word, err)
			}
		}
		if log := n.log.String(); log != "" {
			t.Errorf("a refusal was logged: %s", log)
		}
	}
}

func TestAFailureIsToldAndLoggedOnce(t *testing.T) {
	n := running(t, &book{err: errors.New("the disk is on fire")}, t.TempDir())
	err := Dial(n.folder).SetPassword(t.Context(), "bob", "secret")
	if err == nil || err.Error() != "the node says: the disk is on fire" {
		t.Errorf("got %v", err)
	}
	log := n.log.String()
	if strings.Count(log, "\n") != 1 || !strings.Contains(log, "the disk is on fire") || !strings.Contains(log, "/accounts/bob/password") {
		t.Errorf("logged %q", log)
	}
	if strings.Contains(log, "secret") {
		t.Error("the password is in the log")
	}
}

func TestTextThatJSONWouldChangeIsRefused(t *testing.T) {
	n := running(t, &book{}, t.TempDir())
	c := Dial(n.folder)
	for _, test := range []struct {
		err  error
		want channels.Word
	}{
		{c.Add(t.Context(), "a\xff", "x", false), channels.BadName},
		{c.Add(t.Context(), "a", "\xff", false), channels.Malformed},
		{c.SetPassword(t.Context(), "a", "\xff"), channels.Malformed},
	} {
		if channels.WordOf(test.err) != test.want {
			t.Errorf("got %v, want %s", test.err, test.want)
		}
	}
	n.wantAsked(t, "[]")
}

func TestABodyThatIsNoneOfOursIsRefused(t *testing.T) {
	n := running(t, &book{}, t.TempDir())
	long := strings.Repeat("x", maxBody)
	for body, want := range map[string]int{
		"":                               400,
		"  ":                             400,
		"[]":                             400,
		`{"name": "a"} {"name": "b"}`:    400,
		`{"name": "a", "passwort": "b"}`: 400,
		`{"name": 5}`:                    400,
		`{"name": "` + long + `"}`:       413,
		`{"name": "a"}` + strings.Repeat(" ", maxBody): 413,
	} {
		if got := n.post(t, body); got != want {
			t.Errorf("%.40q: %d, want %d", body, got, want)
		}
	}
	n.wantAsked(t, "[]")
	if err := Dial(n.folder).SetPassword(t.Context(), "bob", long); err == nil || !strings.Contains(err.Error(), "longer than 65536 bytes") {
		t.Errorf("a long password: %v", err)
	}
}

func TestAnAnswerThatIsNoneOfOursIsExplained(t *testing.T) {
	n := running(t, &book{}, t.TempDir())
	err := Dial(n.folder).do(t.Context(), "GET", "/elsewhere", nil, nil)
	if err == nil || err.Error() != "the node answers 404 Not Found: is it of another version than this command?" {
		t.Errorf("got %v", err)
	}
}

func TestNobodyListeningIsAClearError(t *testing.T) {
	for name, folder := range map[string]string{"no socket": t.TempDir(), "no folder": filepath.Join(t.TempDir(), "none")} {
		_, err := Dial(folder).List(t.Context())
		want := "no node listens at " + filepath.Join(folder, Socket)
		if err == nil || !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), "http://") {
			t.Errorf("%s: %v", name, err)
		}
	}
	folder := t.TempDir()
	dead(t, folder)
	if _, err := Dial(folder).List(t.Context()); err == nil || !strings.HasPrefix(err.Error(), "no node listens at ") {
		t.Errorf("a socket that was left: %v", err)
	}
}

func TestARequestInHandIsAnsweredWhenTheNodeStops(t *testing.T) {
	b := &book{reached: make(chan struct{}), let: make(chan struct{})}
	n := running(t, b, t.TempDir())
	answered, stopped := make(chan error, 1), make(chan error, 1)
	go func() { answered <- Dial(n.folder).Delete(context.Background(), "bob") }()
	<-b.reached
	go func() { stopped <- n.stop() }()
	for { // until no one more can come
		conn, err := net.Dial("unix", filepath.Join(n.folder, Socket))
		if err != nil {
			break
		}
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	}
	select {
	case err := <-stopped:
		t.Errorf("Serve did not wait: %v", err)
	default:
	}
	close(b.let)
	if err := <-answered; err != nil {
		t.Error(err)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	n.wantAsked(t, `[delete "bob"]`)
}

func TestARequestThatTakesTooLongDoesNotKeepTheNodeFromStopping(t *testing.T) {
	folder := t.TempDir()
	b := &book{reached: make(chan struct{}), let: make(chan struct{})}
	ctx, stop := context.WithCancel(t.Context())
	log := &journal{}
	served, answered := make(chan error, 1), make(chan error, 1)
	l := open(t, folder)
	go func() { served <- serve(ctx, l, b, hclog.New(&hclog.LoggerOptions{Output: log}), time.Millisecond) }()
	go func() { answered <- Dial(folder).Delete(context.Background(), "bob") }()
	<-b.reached
	stop()
	if err := <-served; err != nil {
		t.Error(err)
	}
	if err := <-answered; err == nil {
		t.Error("the request was carried out")
	}
	if !strings.Contains(log.String(), "requests are cut off") {
		t.Errorf("logged %q", log)
	}
}

func TestTheOwnerMayCloseTheListener(t *testing.T) {
	l := open(t, t.TempDir())
	served := make(chan error, 1)
	go func() { served <- Serve(t.Context(), l, &book{}, hclog.NewNullLogger()) }()
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
}

func TestAListenerThatFailsIsReported(t *testing.T) {
	err := Serve(t.Context(), brokenListener{open(t, t.TempDir())}, &book{}, hclog.NewNullLogger())
	if !errors.Is(err, errBroken) {
		t.Errorf("got %v", err)
	}
}

func TestAClientThatGivesUpIsTold(t *testing.T) {
	b := &book{reached: make(chan struct{}), let: make(chan struct{})}
	n := running(t, b, t.TempDir())
	ctx, giveUp := context.WithCancel(t.Context())
	answered := make(chan error, 1)
	go func() { answered <- Dial(n.folder).Delete(ctx, "bob") }()
	<-b.reached
	giveUp()
	if err := <-answered; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
