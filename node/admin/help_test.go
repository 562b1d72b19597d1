package admin

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"testing"

	"github.com/hashicorp/go-hclog"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// book is an Accounts that writes down what it is asked, and answers what the test gave it.
type book struct {
	mu    sync.Mutex
	asked []string // guarded by mu

	all []Account
	err error
	// reached is told of each request, which then waits for let. Both may be nil.
	reached, let chan struct{}
}

func (b *book) note(ctx context.Context, format string, args ...any) error {
	if b.reached != nil {
		b.reached <- struct{}{}
		select {
		case <-b.let:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked = append(b.asked, fmt.Sprintf(format, args...))
	return b.err
}

func (b *book) Add(ctx context.Context, name, password string, admin bool) error {
	return b.note(ctx, "add %q %q %v", name, password, admin)
}

func (b *book) List(ctx context.Context) ([]Account, error) {
	return b.all, b.note(ctx, "list")
}

func (b *book) SetPassword(ctx context.Context, name, password string) error {
	return b.note(ctx, "password %q %q", name, password)
}

func (b *book) SetAdmin(ctx context.Context, name string, admin bool) error {
	return b.note(ctx, "admin %q %v", name, admin)
}

func (b *book) SetDisabled(ctx context.Context, name string, disabled bool) error {
	return b.note(ctx, "disabled %q %v", name, disabled)
}

func (b *book) Delete(ctx context.Context, name string) error {
	return b.note(ctx, "delete %q", name)
}

func (b *book) wantAsked(t *testing.T, want string) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if got := fmt.Sprint(b.asked); got != want {
		t.Errorf("asked %s, want %s", got, want)
	}
}

// node serves a book at a folder's socket until the test ends.
type node struct {
	*book
	folder string
	log    *journal
	stop   func() error // ends Serve and returns what it did; may be called again
}

func running(t *testing.T, b *book, folder string) *node {
	t.Helper()
	l, err := Listen(folder)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	n := &node{book: b, folder: folder, log: &journal{}}
	served := make(chan error, 1)
	go func() { served <- Serve(ctx, l, b, hclog.New(&hclog.LoggerOptions{Output: n.log, Level: hclog.Info})) }()
	n.stop = sync.OnceValue(func() error {
		cancel()
		return <-served
	})
	t.Cleanup(func() {
		if err := n.stop(); err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return n
}

// post sends any body as a new account and returns the status.
func (n *node) post(t *testing.T, body string) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://node/accounts", bytes.NewBufferString(body))
	if err != nil {
		t.Fatal(err)
	}
	response, err := Dial(n.folder).http.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	if err := response.Body.Close(); err != nil {
		t.Error(err)
	}
	return response.StatusCode
}

// journal is a log that tests read.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer // guarded by mu
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// brokenListener fails at once.
type brokenListener struct{ net.Listener }

var errBroken = errors.New("broken")

func (b brokenListener) Accept() (net.Conn, error) { return nil, errBroken }
