package main

import (
	"context"
	"fmt"
)

// irc is the protocol of IRC servers, without capabilities: who speaks does not hear it.
type irc struct {
	noAccounts
	crowd int // how many people may log in at a time
}

func (i irc) facts() facts { return facts{ping: "PING x\r\n", crowd: i.crowd, ordered: true} }

func (irc) login(c *client, name string) error {
	return c.request("NICK "+name+"\r\nUSER "+name+" 0 * :"+name+"\r\n", " 001 ")
}

func (irc) join(c *client, channels []string) error {
	for _, name := range channels {
		if err := c.request("JOIN #"+name+"\r\n", " 366 "); err != nil {
			return err
		}
	}
	return nil
}

func (irc) say(line []byte, channel string, text []byte) []byte {
	return fmt.Appendf(line, "PRIVMSG #%s :%s\r\n", channel, text)
}

func startNgircd(ctx context.Context, o options) (*server, error) {
	const config = `[Global]
Name = irc.load.test
Info = load
Listen = {host}
Ports = {port}
MotdPhrase = hello
[Limits]
MaxConnections = 0
MaxConnectionsIP = 0
MaxJoins = 0
MaxNickLength = 20
MaxPenaltyTime = 0
PingTimeout = 36000
PongTimeout = 36000
[Options]
DNS = no
Ident = no
PAM = no
IncludeDir = {folder}
`
	return o.launchForeign(ctx, "ngircd", config, func(file string) []string { return []string{"--nodaemon", "--config", file} })
}

func startInspircd(ctx context.Context, o options) (*server, error) {
	const config = `<server name="irc.load.test" description="load" id="1LD" network="load">
<admin name="load" nick="load" email="load@load.test">
<bind address="{host}" port="{port}" type="clients">
<connect name="load" allow="*" maxchans="100000" timeout="600" pingfreq="10h" hardsendq="256M" softsendq="128M" recvq="1M"
         threshold="1000000" commandrate="1000000000" fakelag="no" localmax="1000000" globalmax="1000000" limit="1000000"
         maxconnwarn="no" resolvehostnames="no" useident="no">
<class name="none"><type name="none" classes="none">
<performance netbuffersize="65534" somaxconn="4096" softlimit="1000000" clonesonconnect="no" quietbursts="yes">
<limits maxnick="20" maxchan="64">
<files motd="{folder}/config">
<pid file="{folder}/pid">
<path configdir="{folder}" datadir="{folder}" logdir="{folder}">
<log method="file" type="*" level="default" target="{folder}/log">
`
	return o.launchForeign(ctx, "inspircd", config, func(file string) []string {
		return []string{"--nofork", "--nopid", "--runasroot", "--config", file}
	})
}

// ergo is an Ergo binary. It keeps history in memory, as its own defaults do.
func ergo(path string) driver {
	const config = `network:
  name: load
server:
  name: irc.load.test
  listeners:
    "{host}:{port}": {}
  casemapping: ascii
  enforce-utf8: true
  lookup-hostnames: false
  check-ident: false
  max-sendq: 256m
  ip-limits: {count: false, throttle: false}
  ip-cloaking: {enabled: false}
accounts:
  authentication-enabled: false
  registration: {enabled: false}
  multiclient: {enabled: false}
channels:
  default-modes: +n
  max-channels-per-client: 100000
oper-classes: {}
opers: {}
logging:
  - {method: stderr, type: "*", level: error}
debug: {recover-from-errors: false}
datastore: {path: "{folder}/ircd.db", autoupgrade: true}
languages: {enabled: false, default: en, path: languages}
limits:
  {nicklen: 32, identlen: 20, realnamelen: 150, channellen: 64, awaylen: 390, kicklen: 390, topiclen: 390, monitor-entries: 100,
   whowas-entries: 100, chan-list-modes: 100, registration-messages: 1024, multiline: {max-bytes: 4096, max-lines: 100}}
fakelag: {enabled: false}
roleplay: {enabled: false}
history: {enabled: true, channel-length: 2048, client-length: 256, autoresize-window: 3d, chathistory-maxmessages: 1000}
`
	return driver{"ergo", irc{crowd: 32}, func(ctx context.Context, o options) (*server, error) {
		return o.launchForeign(ctx, path, config, func(file string) []string { return []string{"run", "--conf", file} }, "initdb", "--quiet", "--conf")
	}}
}
