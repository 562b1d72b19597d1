package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"syscall"
	"time"
	"unicode/utf8"

	"chatnode/channels"
)

// patience is how long a Client waits for a node's answer: a little longer than the node allows itself.
const patience = answerTime + 5*time.Second

// maxAnswer is how much of an answer that is no list of accounts a Client reads.
const maxAnswer = 64 << 10

// Client is the Accounts of a node that runs. It may be used by many goroutines at once.
type Client struct {
	folder string
	http   *http.Client
}

var _ Accounts = (*Client)(nil)

// Dial returns the Accounts of the node that runs with this data folder. It connects for each call, so that it need not
// be closed, and it is a call that finds out that no node listens. Refusals come back as *channels.Refusal with the word
// that the node gave; every other error says what to do, or what the node said.
func Dial(folder string) *Client {
	return &Client{folder, &http.Client{
		Transport: &http.Transport{DialContext: dialer(folder), DisableKeepAlives: true},
		Timeout:   patience,
	}}
}

func dialer(folder string) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, _, _ string) (conn net.Conn, err error) {
		err = withAddress(folder, func(address string) error {
			conn, err = new(net.Dialer).DialContext(ctx, "unix", address)
			return err
		})
		return conn, err
	}
}

// Add implements Accounts.
func (c *Client) Add(ctx context.Context, name, password string, admin bool) error {
	if !utf8.ValidString(name) { // JSON would quietly make another name of it
		return channels.Refuse(channels.BadName)
	}
	if !utf8.ValidString(password) {
		return channels.Refuse(channels.Malformed)
	}
	return c.do(ctx, http.MethodPost, "/accounts", newAccount{name, password, admin}, nil)
}

// List implements Accounts.
func (c *Client) List(ctx context.Context) (all []Account, err error) {
	err = c.do(ctx, http.MethodGet, "/accounts", nil, &all)
	return all, err
}

// SetPassword implements Accounts.
func (c *Client) SetPassword(ctx context.Context, name, password string) error {
	if !utf8.ValidString(password) {
		return channels.Refuse(channels.Malformed)
	}
	return c.do(ctx, http.MethodPut, pathOf(name, "/password"), newPassword{password}, nil)
}

// SetAdmin implements Accounts.
func (c *Client) SetAdmin(ctx context.Context, name string, admin bool) error {
	return c.do(ctx, methodFor(admin), pathOf(name, "/admin"), nil, nil)
}

// SetDisabled implements Accounts.
func (c *Client) SetDisabled(ctx context.Context, name string, disabled bool) error {
	return c.do(ctx, methodFor(disabled), pathOf(name, "/disabled"), nil, nil)
}

// Delete implements Accounts.
func (c *Client) Delete(ctx context.Context, name string) error {
	return c.do(ctx, http.MethodDelete, pathOf(name, ""), nil, nil)
}

func methodFor(on bool) string {
	if on {
		return http.MethodPut
	}
	return http.MethodDelete
}

// do sends a request, with a body unless it is nil, and reads the answer into said unless that is nil.
func (c *Client) do(ctx context.Context, method, path string, body, said any) (err error) {
	var send io.Reader = http.NoBody
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return fmt.Errorf("ask the node: %w", err)
		}
		send = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(ctx, method, "http://node"+path, send)
	if err != nil {
		return fmt.Errorf("ask the node: %w", err)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return c.explain(err)
	}
	defer func() { err = errors.Join(err, response.Body.Close()) }()
	if response.StatusCode >= http.StatusMultipleChoices {
		return refusalIn(response)
	}
	if said == nil {
		return nil
	}
	if err := json.NewDecoder(response.Body).Decode(said); err != nil {
		return fmt.Errorf("read the node's answer: %w", err)
	}
	return nil
}

// explain turns an error of asking into one for the operator.
func (c *Client) explain(err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err // without the address, which is made up
	}
	path := filepath.Join(c.folder, Socket)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("no node listens at %s: it may be starting or stopping, so try again in a moment (%w)", path, err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%s is closed to you: do this as the user that the node runs as (%w)", path, err)
	}
	return fmt.Errorf("ask the node at %s: %w", path, err)
}

// refusalIn returns the error that the node answered.
func refusalIn(response *http.Response) error {
	var p problem
	err := json.NewDecoder(io.LimitReader(response.Body, maxAnswer)).Decode(&p)
	switch {
	case err == nil && p.Error != "":
		return channels.Refuse(p.Error)
	case err == nil && p.Message != "":
		return fmt.Errorf("the node says: %s", p.Message)
	}
	return fmt.Errorf("the node answers %s: is it of another version than this command?", response.Status)
}
