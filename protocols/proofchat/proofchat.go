// Package proofchat is the protocol of Proofchat: binary messages in one room, and private ones.
package proofchat

import "chatnode/node/session"

// Protocol is the tongue.
type Protocol struct {
	Lobby         string // the channel that its people talk in
	AnnounceJoins bool   // who comes is told
}

var _ session.Tongue = Protocol{}

// Form implements session.Tongue.
func (Protocol) Form() session.Form { return session.Form{} }

// Serve implements session.Tongue.
func (Protocol) Serve(s *session.Session) (word string) { return session.WordQuit }
