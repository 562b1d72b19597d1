package channels

import "bytes"

// Register makes an account with its inbox. A name that somebody of this node ever had is taken for good.
func Register(tx Tx, name string, hash []byte, admin bool) error {
	name, err := ParseName(name)
	if err != nil {
		return err
	}
	taken, err := tx.NameTaken(name)
	if err != nil {
		return err
	}
	if taken {
		return Refuse(NameTaken)
	}
	return tx.CreateAccount(name, hash, admin)
}

// ChangePassword replaces the hash that the password was checked against. If that is no longer the account's, because
// somebody changed or closed the account meanwhile, it is refused.
func ChangePassword(tx Tx, p PersonID, checked, next []byte) error {
	if err := SameHash(tx, p, checked); err != nil {
		return err
	}
	return tx.SetPasswordHash(p, next)
}

// Unregister closes an account whose password was checked against a hash.
func Unregister(tx Tx, p Person, checked []byte) error {
	if err := SameHash(tx, p.ID, checked); err != nil {
		return err
	}
	return CloseAccount(tx, p)
}

// CloseAccount ends an account. It leaves the channels of other nodes first, so that they learn of it.
func CloseAccount(tx Tx, p Person) error {
	hears, err := tx.Memberships(p.ID, -1)
	if err != nil {
		return err
	}
	for _, m := range hears {
		if m.Channel.Home != 0 {
			if err := LeaveRemote(tx, p, m.Channel); err != nil {
				return err
			}
		}
	}
	return tx.DeleteAccount(p)
}

// SameHash refuses, inside the transaction, what was allowed by a hash that is no longer the account's.
func SameHash(tx Tx, p PersonID, checked []byte) error {
	now, err := tx.PasswordHash(p)
	if err != nil {
		return err
	}
	if now == nil || !bytes.Equal(now, checked) {
		return Refuse(BadCredentials)
	}
	return nil
}
