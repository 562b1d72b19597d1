package main

import (
	"bytes"
	"context"
	_ "embed" // of the baseline
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

//go:embed baseline/fanout.c
var fanoutSource []byte

// raw is the protocol of the baseline.
type raw struct{ noAccounts }

func (raw) facts() facts { return facts{ping: "PING x\n", crowd: 32, echo: true, ordered: true} }

func (raw) join(c *client, channels []string) error {
	for _, name := range channels {
		if err := c.request("JOIN "+name+"\n", "JOINED "); err != nil {
			return err
		}
	}
	return nil
}

func (raw) say(line []byte, channel string, text []byte) []byte {
	return fmt.Appendf(line, "SAY %s %s\n", channel, text)
}

// compileBaseline makes the baseline's binary.
func compileBaseline(folder string) (binary string, err error) {
	source := filepath.Join(folder, "fanout.c")
	binary = filepath.Join(folder, "fanout")
	if err := os.WriteFile(source, fanoutSource, 0o600); err != nil {
		return "", err
	}
	out, err := exec.Command("cc", "-O2", "-o", binary, source).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("compile the baseline: %w\n%s", err, bytes.TrimSpace(out))
	}
	return binary, nil
}

// startRaw starts the baseline.
func startRaw(binary string) func(context.Context, options) (*server, error) {
	return func(ctx context.Context, o options) (*server, error) {
		address, port, err := freePort()
		if err != nil {
			return nil, err
		}
		return launch(ctx, o, address, o.folder, exec.CommandContext(ctx, binary, port))
	}
}
