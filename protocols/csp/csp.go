// Package csp is the Chat Service Protocol: one JSON object a line, groups that are channels of the node, accounts.
package csp

import "chatnode/node/session"

// Protocol is the tongue.
type Protocol struct{}

var _ session.Tongue = Protocol{}

// Form implements session.Tongue.
func (Protocol) Form() session.Form { return session.Form{} }

// Serve implements session.Tongue.
func (Protocol) Serve(s *session.Session) (word string) { return session.WordQuit }
