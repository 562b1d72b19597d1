// Package bcp is the Basic Chat Protocol of rpchat: binary messages, each acknowledged, in one room.
package bcp

import "chatnode/node/session"

// Protocol is the tongue.
type Protocol struct {
	Lobby string // the channel that its people talk in
}

var _ session.Tongue = Protocol{}

// Form implements session.Tongue.
func (Protocol) Form() session.Form { return session.Form{} }

// Serve implements session.Tongue.
func (Protocol) Serve(s *session.Session) (word string) { return session.WordQuit }
