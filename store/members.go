package store

import "chatnode/channels"

// SetRole implements channels.Tx.
func (tx *transaction) SetRole(c *channels.State, p channels.Person, r channels.Role) error {
	if _, member := c.Members[p.ID]; !member {
		return tx.addMember(tx.cache.byID[c.ID], p, r, c.Head, false)
	}
	if err := tx.write(`UPDATE member SET role = ? WHERE channel = ? AND person = ?`, r, c.ID, p.ID); err != nil {
		return err
	}
	c.Members[p.ID] = r
	return nil
}

// addMember makes a person a member, who hears what comes after a position.
func (tx *transaction) addMember(s *state, p channels.Person, r channels.Role, after channels.Position, quiet bool) error {
	err := tx.write(`INSERT INTO member (channel, person, role, heard_epoch, heard_seq) VALUES (?, ?, ?, ?, ?)`, s.ID, p.ID, r, after.Epoch, after.Seq)
	if err != nil {
		return err
	}
	tx.cache.weight -= s.weight()
	s.Members[p.ID] = r
	if p.Peer != 0 {
		s.Elsewhere[p.Peer]++
	}
	tx.cache.weight += s.weight()
	tx.happened(channels.Joined{Channel: s.Channel, Person: p, After: after, Quiet: quiet})
	if s.heardElsewhere() && s.Elsewhere[p.Peer] == 1 {
		tx.happened(channels.HeardAgain{Channel: s.Channel, Peer: p.Peer, Head: s.Head})
	}
	if s.Home != 0 && p.Peer == 0 && s.membersHere() == 1 {
		return tx.write(`UPDATE channel SET idle_since = 0 WHERE id = ?`, s.ID)
	}
	return nil
}

// Enrol implements channels.PeerTx.
func (tx *transaction) Enrol(c *channels.State, p channels.Person) error {
	if _, member := c.Members[p.ID]; member {
		return nil
	}
	return tx.addMember(tx.cache.byID[c.ID], p, channels.Member, c.Head, true)
}

// heardElsewhere reports whether a channel is one that this node gives to others.
func (s *state) heardElsewhere() bool { return s.Home == 0 && s.Kind == channels.Public }

// membersHere counts the members that are people of this node.
func (s *state) membersHere() int {
	n := len(s.Members)
	for _, elsewhere := range s.Elsewhere {
		n -= elsewhere
	}
	return n
}

// Remove implements channels.Tx.
func (tx *transaction) Remove(c *channels.State, p channels.Person, reason channels.Reason) error {
	if _, member := c.Members[p.ID]; !member {
		if reason == channels.WasBanned {
			tx.happened(channels.KeptOut{Channel: c.Channel, Person: p})
		}
		return nil
	}
	if err := tx.write(`DELETE FROM member WHERE channel = ? AND person = ?`, c.ID, p.ID); err != nil {
		return err
	}
	s := tx.cache.byID[c.ID]
	tx.cache.weight -= s.weight()
	delete(s.Members, p.ID)
	if p.Peer != 0 {
		if s.Elsewhere[p.Peer]--; s.Elsewhere[p.Peer] == 0 {
			delete(s.Elsewhere, p.Peer)
		}
	}
	tx.cache.weight += s.weight()
	tx.happened(channels.Left{Channel: s.Channel, Person: p, At: s.Head, Reason: reason})
	if s.heardElsewhere() && p.Peer != 0 && s.Elsewhere[p.Peer] == 0 {
		tx.happened(channels.HeardNoMore{Channel: s.Channel, Peer: p.Peer, At: s.Head})
	}
	if s.Home != 0 && p.Peer == 0 && s.membersHere() == 0 {
		return tx.write(`UPDATE channel SET idle_since = ? WHERE id = ?`, tx.at, s.ID)
	}
	return nil
}
