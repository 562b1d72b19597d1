package main

import (
	"context"
	"fmt"
	"strconv"
)

// nats is the text protocol of NATS. It keeps the order of one sender only.
type nats struct{ noAccounts }

func (nats) facts() facts { return facts{ping: "PING\r\n", crowd: 32, echo: true} }

func (nats) login(c *client, name string) error {
	return c.request(`CONNECT {"verbose":false,"pedantic":false,"echo":true,"name":"`+name+"\"}\r\nPING\r\n", "PONG")
}

func (nats) join(c *client, channels []string) error {
	var lines []byte
	for i, name := range channels {
		lines = fmt.Appendf(lines, "SUB %s %d\r\n", name, i+1)
	}
	return c.request(string(lines)+"PING\r\n", "PONG")
}

func (nats) say(line []byte, channel string, text []byte) []byte {
	line = append(append(line, "PUB "...), channel...)
	line = strconv.AppendInt(append(line, ' '), int64(len(text)), 10)
	return append(append(append(line, "\r\n"...), text...), "\r\n"...)
}

// startNATS starts a server that drops nobody for being slow.
func startNATS(ctx context.Context, o options) (*server, error) {
	const config = `listen: "{host}:{port}"
max_connections: 1000000
max_pending: 256MB
write_deadline: "2m"
ping_interval: "1h"
`
	return o.launchForeign(ctx, "nats-server", config, func(file string) []string { return []string{"-c", file} })
}
