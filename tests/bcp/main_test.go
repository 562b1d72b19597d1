// Package bcp_test holds a node to the Basic Chat Protocol, over real connections.
package bcp_test

import (
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// taken is what a client is told whose name is another's.
const taken = "The name is taken."
