package node

import "chatnode/store"

// Store lets a test fill the disk.
func (n *Node) Store() *store.Store { return n.store }
