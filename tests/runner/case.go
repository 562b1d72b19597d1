// Package runner runs test cases against chat servers: it starts them, talks to them as clients and as other servers, and
// says at the first difference what was expected and what came.
//
// Load reads case files, Select chooses among them, Run carries them out, and a Printer tells how they went. What a case
// file may hold is described by its schema, in package cases.
//
// Goroutines: Run has one for each of its jobs, which carries out one case after the other. A case has one for each
// connection, which reads it, one for each server process, which waits for its end, and those of its proxies; all have
// ended when the case has.
package runner

import "time"

// A Case is one test case. Load makes it; nobody changes it.
type Case struct {
	Name   string   // unique among those that were loaded together
	Source string   // where the rule stands that the case checks, perhaps ""
	Tags   []string // perhaps none
	Nodes  []Node   // at least one
	Steps  []Step   // at least one
	File   string   // where it was read
	Line   int      // where in File it begins, from 1

	dialled  []string // peers that a node dials
	restarts bool     // a step stops or starts a node
}

// A Node is a server of a case.
type Node struct {
	ID     string         // what steps call it
	Host   string         // the name that people and other nodes know it by
	Peers  []string       // ids of nodes and of peers
	Config map[string]any // keys in full and their values: string, json.Number, bool or []any of strings
}

// A Step is one thing that is done or expected.
type Step struct {
	Path string // its place in its case: steps[3] or steps[3].steps[0]
	JSON string // its text, in one line
	Line int    // in the case's file, from 1

	verb    string        // a key of actions
	who     string        // the client, peer or node; "" where there is none
	peer    bool          // who is a peer
	text    string        // of connect ("" for the first node), send, send_raw and stop
	wait    time.Duration // of silent and sleep
	expect  pattern       // of expect
	all     []wanted      // of expect_all
	link    [2]string     // of cut and heal
	count   int           // of repeat
	steps   []Step        // of repeat
	repeats bool          // it stands in a repeat
}

// wanted is a line that expect_all wants.
type wanted struct {
	who    string
	expect pattern
}

// node returns the node with an id, or nil.
func (c *Case) node(id string) *Node {
	for i := range c.Nodes {
		if c.Nodes[i].ID == id {
			return &c.Nodes[i]
		}
	}
	return nil
}

// host returns the name of a node or a peer.
func (c *Case) host(id string) string {
	if n := c.node(id); n != nil {
		return n.Host
	}
	return id + hostSuffix
}

// hostSuffix follows an id in the host of who has no other.
const hostSuffix = ".test"
