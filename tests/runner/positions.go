package runner

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// positions are the lines, from 1, at which the values of a JSON text stand, by their paths, and the members of objects
// that are given twice.
type positions struct {
	lines map[string]int
	again []string
}

// locate walks a JSON text that is known to be good.
func locate(text []byte) (positions, error) {
	w := walker{
		text:      text,
		decoder:   json.NewDecoder(bytes.NewReader(text)),
		positions: positions{lines: map[string]int{}},
	}
	w.decoder.UseNumber()
	err := w.value("")
	return w.positions, err
}

type walker struct {
	positions
	text    []byte
	decoder *json.Decoder
	counted int64 // how much of text the lines were counted in
	line    int   // how many line feeds there are in that
}

// here returns the line of the token that was read last.
func (w *walker) here() int {
	at := w.decoder.InputOffset()
	w.line += bytes.Count(w.text[w.counted:at], []byte("\n"))
	w.counted = at
	return w.line + 1
}

// value reads a value. A member of an object has the line of its name.
func (w *walker) value(path string) error {
	token, err := w.decoder.Token()
	if err != nil {
		return err
	}
	if _, known := w.lines[path]; !known {
		w.lines[path] = w.here()
	}
	switch token {
	case json.Delim('{'):
		return w.members(path)
	case json.Delim('['):
		return w.elements(path)
	}
	return nil
}

func (w *walker) members(path string) error {
	seen := map[string]bool{}
	for w.decoder.More() {
		token, err := w.decoder.Token()
		if err != nil {
			return err
		}
		key, _ := token.(string)
		member := join(path, key)
		if seen[key] {
			w.again = append(w.again, member)
		}
		seen[key] = true
		w.lines[member] = w.here()
		if err := w.value(member); err != nil {
			return err
		}
	}
	_, err := w.decoder.Token()
	return err
}

func (w *walker) elements(path string) error {
	for i := 0; w.decoder.More(); i++ {
		if err := w.value(join(path, strconv.Itoa(i))); err != nil {
			return err
		}
	}
	_, err := w.decoder.Token()
	return err
}

// join makes the path of a member or an element.
func join(path, token string) string {
	switch {
	case token != "" && strings.Trim(token, "0123456789") == "":
		return path + "[" + token + "]"
	case path == "":
		return token
	}
	return path + "." + token
}

// notJSON finds out what keeps a text from being JSON. It is nil if it is.
func notJSON(file string, text []byte) *Problem {
	var any json.RawMessage
	d := json.NewDecoder(bytes.NewReader(text))
	err := d.Decode(&any)
	at := d.InputOffset()
	if err == nil {
		if _, err = d.Token(); errors.Is(err, io.EOF) {
			return nil
		}
		err = errors.New("something follows the end")
		at += int64(len(text[at:]) - len(bytes.TrimLeft(text[at:], " \t\r\n")))
	}
	if bad, ok := errors.AsType[*json.SyntaxError](err); ok {
		at = bad.Offset
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err, at = errors.New("the file ends too early"), int64(len(text))
	}
	line := 1 + bytes.Count(text[:min(max(at, 0), int64(len(text)))], []byte("\n"))
	return &Problem{file, line, "", fmt.Sprintf("not JSON: %v", err)}
}
