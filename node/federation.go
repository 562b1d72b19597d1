package node

import (
	"net"
	"time"

	"chatnode/federation"
	"chatnode/node/config"
)

// federation makes the service of the links to other nodes.
func (n *Node) federation(cfg config.Config, o Options) *federation.Service {
	s := &federation.Service{
		Host:     cfg.Host,
		Hub:      n.hub,
		Submit:   n.store.Submit,
		Sessions: n.sessions,
		Store:    n.store,
		Settings: func() *federation.Settings { return federationSettings(n.config.Load()) },
		Log:      n.log.Named("federation"),
		Inc:      n.store.Incarnation(),
		Raised:   n.store.Raised(),
		Now:      o.Now,
	}
	if o.NamedByPeers && len(n.listeners) > 0 {
		s.Host = ""
		_, s.Port, _ = net.SplitHostPort(n.listeners[0].Addr().String()) // an address of ours is host:port
	}
	return s
}

// readPeers reads the peers file, if there is one.
func readPeers(cfg config.Config) ([]federation.Listed, error) {
	if cfg.Federation.Peers == "" {
		return nil, nil
	}
	return federation.ReadPeers(cfg.Federation.Peers)
}

func federationSettings(c *config.Config) *federation.Settings {
	f := &c.Federation
	return &federation.Settings{
		Accept:       string(f.Accept),
		StrictNames:  f.StrictNames,
		Blocked:      f.Blocked,
		ReplyTimeout: time.Duration(f.ReplyTimeout),
		QueueTTL:     time.Duration(f.QueueTTL),
		QueueBytes:   f.QueueBytes,
		MaxChannels:  f.MaxChannels,
		NoticeAfter:  time.Duration(f.NoticeAfter),
		RecoverWait:  time.Duration(f.RecoverWait),
		PingEvery:    time.Duration(f.PingEvery),
		DeadAfter:    time.Duration(f.DeadAfter),
		RetryMax:     time.Duration(f.RetryMax),
		LinesPerS:    f.LinesPerS,
		LineBytes:    c.Limits.LineBytes,
		Handshake:    time.Duration(c.Limits.HandshakeTimeout),
	}
}
