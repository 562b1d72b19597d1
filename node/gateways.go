package node

import (
	"chatnode/channels"
	"chatnode/node/config"
	"chatnode/node/session"
	"chatnode/protocols/a3"
	"chatnode/protocols/bcp"
	"chatnode/protocols/csp"
	"chatnode/protocols/proofchat"
)

// A gateway is a tongue beside the native one.
type gateway struct {
	name    string // its key in the configuration
	address string // "": it is off
	tongue  session.Tongue
	lobby   bool // its people talk in the lobby
}

// gateways lists them all.
func gateways(c config.Gateways) []gateway {
	heard := ""
	if c.A3Lobby {
		heard = c.Lobby
	}
	return []gateway{
		{"csp", c.CSP, csp.Protocol{}, false},
		{"a3", c.A3, a3.Protocol{MaxUsers: c.A3MaxUsers, Lobby: heard}, c.A3Lobby},
		{"bcp", c.BCP, bcp.Protocol{Lobby: c.Lobby}, true},
		{"proofchat", c.Proofchat, proofchat.Protocol{Lobby: c.Lobby, AnnounceJoins: c.ProofchatAnnounceJoins}, true},
	}
}

// openLobby makes the lobby if a tongue is on that talks in it.
func (n *Node) openLobby() {
	c := n.config.Load().Gateways
	for _, g := range gateways(c) {
		if !g.lobby || g.address == "" {
			continue
		}
		err := n.store.Submit([]channels.Step{{Do: func(tx channels.Tx) error {
			_, err := channels.Open(tx, c.Lobby)
			return err
		}, Done: func(_ *channels.Delivery, err error) {
			if err != nil {
				n.log.Error("the lobby cannot be made; the first who enters it tries again", "channel", c.Lobby, "error", err)
			}
		}}})
		if err != nil {
			n.log.Debug("the store takes nothing", "error", err)
		}
		return
	}
}
