package channels

// A Guest asks for a name without an account, for the life of a connection (native protocol §7).
type Guest struct {
	Name    string
	Tongue  string // that they speak
	Most    int    // guests of that tongue at once; 0: any number
	Channel string // that they are in from the start; "": none
	Session uint64 // their connection; never 0, and no other's while the node runs
}

// Arrive makes somebody a guest, and a member of the guest's channel, which is made if there is none. It refuses with
// BadName, NameTaken (by an account, even a deleted one, or by a guest on line), Full and Banned, in this order. gone
// reports whether the connections of a guest are closed without anybody having noticed: such a guest makes room at once.
func Arrive(tx Tx, g Guest, gone func(PersonID) bool) (Person, error) {
	name, err := ParseName(g.Name)
	if err != nil {
		return Person{}, err
	}
	leaving, err := makeRoom(tx, name, g, gone)
	if err != nil {
		return Person{}, err
	}
	known, err := tx.GuestPerson(name, false)
	if err != nil {
		return Person{}, err
	}
	if err := maybeBanned(tx, known.ID, g.Channel); err != nil {
		return Person{}, err
	}
	for _, p := range leaving {
		if err := Depart(tx, p, 0); err != nil {
			return Person{}, err
		}
	}
	p, err := tx.GuestPerson(name, true)
	if err != nil {
		return Person{}, err
	}
	if err := tx.SeatGuest(p, g.Tongue, g.Session); err != nil || g.Channel == "" {
		return p, err
	}
	s, err := Open(tx, g.Channel)
	if err != nil {
		return Person{}, err
	}
	return p, tx.SetRole(s, p, Member)
}

// makeRoom lists the guests who are gone and in the way of a new one; it refuses if others are.
func makeRoom(tx Tx, name string, g Guest, gone func(PersonID) bool) (leaving []Person, err error) {
	taken, err := tx.NameTaken(name)
	if err != nil {
		return nil, err
	}
	if taken {
		p, err := tx.Guest(name)
		if err != nil {
			return nil, err
		}
		if p.ID == 0 || !gone(p.ID) {
			return nil, Refuse(NameTaken)
		}
		leaving = append(leaving, p)
	}
	if g.Most == 0 {
		return leaving, nil
	}
	all, err := tx.Guests(g.Tongue)
	if err != nil {
		return nil, err
	}
	here := 0
	for _, p := range all {
		switch {
		case p.Name == name:
		case len(all) >= g.Most && gone(p.ID):
			leaving = append(leaving, p)
		default:
			here++
		}
	}
	if here >= g.Most {
		return nil, Refuse(Full)
	}
	return leaving, nil
}

// maybeBanned refuses somebody who is banned from a channel, if there is one.
func maybeBanned(tx Tx, p PersonID, channel string) error {
	s, err := tx.Channel(NormalName(channel))
	if err != nil || s == nil || p == 0 {
		return err
	}
	banned, err := tx.Banned(s, p)
	if err == nil && banned {
		err = Refuse(Banned)
	}
	return err
}

// Open finds a channel of this node, and makes it, nobody's, if there is none.
func Open(tx Tx, name string) (*State, error) {
	name, err := ParseName(name)
	if err != nil {
		return nil, err
	}
	s, err := tx.Channel(name)
	if s != nil || err != nil {
		return s, err
	}
	if err := tx.CreateChannel(name, 0); err != nil {
		return nil, err
	}
	return tx.Channel(name)
}

// Depart ends the presence of a guest on a connection, or with 0 on any: the name is free, and they are in no channel.
func Depart(tx Tx, p Person, session uint64) error {
	was, err := tx.UnseatGuest(p.ID, session)
	if err != nil || !was {
		return err
	}
	in, err := tx.Memberships(p.ID, -1)
	if err != nil {
		return err
	}
	for _, m := range in {
		if m.Channel.Kind != Public {
			continue
		}
		s, err := tx.ChannelByID(m.Channel.ID)
		if err != nil {
			return err
		}
		if s != nil {
			if err := tx.Remove(s, p, OwnWill); err != nil {
				return err
			}
		}
	}
	return nil
}
