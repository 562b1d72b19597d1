// Package a3 is the A3 chat protocol: lines of text between people on line.
package a3

import "chatnode/node/session"

// Protocol is the tongue.
type Protocol struct {
	MaxUsers int    // of this tongue at once
	Lobby    string // the channel that its people hear; "": none
}

var _ session.Tongue = Protocol{}

// Form implements session.Tongue.
func (Protocol) Form() session.Form { return session.Form{} }

// Serve implements session.Tongue.
func (Protocol) Serve(s *session.Session) (word string) { return session.WordQuit }
