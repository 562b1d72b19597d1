package config

import "testing"

// live lists the keys that a running node takes over.
var live = map[string]bool{
	"accounts.registration":     true,
	"accounts.bcrypt_cost":      true,
	"accounts.max_sessions":     true,
	"federation.peers":          true,
	"federation.accept":         true,
	"federation.strict_names":   true,
	"federation.blocked":        true,
	"federation.reply_timeout":  true,
	"federation.queue_ttl":      true,
	"federation.queue_bytes":    true,
	"federation.max_channels":   true,
	"federation.notice_after":   true,
	"federation.recover_wait":   true,
	"federation.ping_every":     true,
	"federation.dead_after":     true,
	"federation.retry_max":      true,
	"federation.lines_per_s":    true,
	"store.retention":           true,
	"store.retention_bytes":     true,
	"store.tail_bytes":          true,
	"limits.line_bytes":         true,
	"limits.reply_bytes":        true,
	"limits.commands_per_s":     true,
	"limits.command_burst":      true,
	"limits.connections":        true,
	"limits.connections_per_ip": true,
	"limits.handshake_timeout":  true,
	"limits.login_timeout":      true,
	"limits.idle_timeout":       true,
	"limits.stall_timeout":      true,
	"limits.replay":             true,
	"limits.grace":              true,
	"compat.unterminated":       true,
	"log.level":                 true,
}

func TestReloadRefusesByName(t *testing.T) {
	for _, name := range names() {
		t.Run(name, func(t *testing.T) {
			old, loaded := Default(), Default()
			old.Host, loaded.Host = "a.example", "a.example"
			change(t, &loaded, name)
			next, refused := Reload(old, loaded)
			if live[name] {
				wantLines(t, refused)
				wantSame(t, next, loaded)
				return
			}
			wantLines(t, refused, name)
			wantSame(t, next, old)
		})
	}
}

func TestReloadRefusesInTheOrderOfTheFileAndTakesTheRest(t *testing.T) {
	old, loaded := Default(), Default()
	loaded.Log.File = "elsewhere"
	loaded.Log.Level = LevelDebug
	loaded.Listen.Chat = nil
	loaded.Host = "a.example"
	next, refused := Reload(old, loaded)
	wantLines(t, refused, "host", "listen.chat", "log.file")
	want := Default()
	want.Log.Level = LevelDebug
	wantSame(t, next, want)
}

func TestPeersWaitForTheRestartThatNamesTheNode(t *testing.T) {
	old, loaded := Default(), Default()
	loaded.Host, loaded.Federation.Peers, loaded.Federation.Accept = "a.example", "/peers", AcceptAny
	next, refused := Reload(old, loaded)
	wantLines(t, refused, "host", "federation.peers")
	want := Default()
	want.Federation.Accept = AcceptAny
	wantSame(t, next, want)
	wantLines(t, lines(next.Validate()))
}

func TestReloadLeavesBothConfigurationsAsTheyWere(t *testing.T) {
	old, loaded := Default(), Default()
	loaded.Limits.Replay = 1
	Reload(old, loaded)
	wantSame(t, old, Default())
	if loaded.Limits.Replay != 1 {
		t.Error("the loaded configuration changed")
	}
}

func TestAnEmptyListIsNoChange(t *testing.T) {
	old, loaded := Default(), Default()
	old.Federation.Blocked, old.Listen.Chat = nil, nil
	loaded.Federation.Blocked, loaded.Listen.Chat = []string{}, Addresses{}
	_, refused := Reload(old, loaded)
	wantLines(t, refused)
}
