package store

import (
	"fmt"
	"strings"

	"chatnode/channels"
)

// The states of a ref, as in the table.
const (
	refFiled   = 0
	refQueued  = 1
	refUnknown = 2
)

// Ref implements channels.Tx.
func (tx *transaction) Ref(p channels.PersonID, ref string) (*channels.RefResult, error) {
	var id channels.ChannelID
	var r channels.RefResult
	var state int
	found, err := tx.conn.one(`SELECT channel, epoch, seq, state, dest, inc, n FROM ref WHERE person = ? AND ref = ?`, []any{p, ref},
		&id, &r.Epoch, &r.Seq, &state, &r.To, &r.Row.Epoch, &r.Row.Seq)
	if err != nil || !found {
		return nil, err
	}
	if state != refFiled || id == 0 {
		r.Queued, r.Unknown = state == refQueued, state == refUnknown
		return &r, nil
	}
	r.To = ""
	if r.Channel, err = tx.channel(id); err != nil {
		return nil, err
	}
	return &r, nil
}

// KeepRef implements channels.Tx.
func (tx *transaction) KeepRef(p channels.PersonID, ref string, e *channels.Entry) error {
	return tx.write(`INSERT INTO ref (person, ref, channel, epoch, seq, at) VALUES (?, ?, ?, ?, ?, ?)`, p, ref, e.Channel.ID, e.Epoch, e.Seq, tx.at)
}

// KeepRowRef implements channels.PeerTx.
func (tx *transaction) KeepRowRef(person channels.PersonID, ref string, p channels.PeerID, at channels.Position) error {
	row, err := tx.Row(p, at)
	if err != nil {
		return err
	}
	if row == nil {
		return fmt.Errorf("keep the ref of row %d.%d for peer %d: there is none", at.Epoch, at.Seq, p)
	}
	peer, err := tx.PeerByID(p)
	if err != nil {
		return err
	}
	return tx.write(`INSERT INTO ref (person, ref, channel, epoch, seq, at, state, peer, inc, n, dest) VALUES (?, ?, 0, 0, 0, ?, ?, ?, ?, ?, ?)`,
		person, ref, tx.at, refQueued, p, at.Epoch, at.Seq, destination(row, peer.Host))
}

// destination is the address that a row's message is said to.
func destination(r *channels.Row, host string) string {
	if r.Channel != "" {
		return r.Channel + ":" + host
	}
	line := r.Line
	if strings.HasPrefix(line, "@") { // its tags
		_, line, _ = strings.Cut(line, " ")
	}
	words := strings.SplitN(line, " ", 4) // FEDWHISPER user@ourhost touser text
	if len(words) < 3 {
		return ""
	}
	name, _, _ := strings.Cut(words[2], "@")
	return name + "@" + host
}

// ofRow finds the ref of a row while its end is not known.
const ofRow = ` WHERE person = ? AND ref = ? AND state = 1 AND peer = ? AND inc = ? AND n = ?`

// How a row has ended, as in the table.
const (
	rowAnswered = 1
	rowRefused  = 2
)

// EndRow implements channels.PeerTx.
func (tx *transaction) EndRow(p channels.PeerID, r *channels.Row, became *channels.RefResult) error {
	r.Ended = true
	end := rowAnswered
	if became == nil && (r.Verb == "FEDSAY" || r.Verb == "FEDWHISPER") {
		end = rowRefused
	}
	if err := tx.write(`UPDATE outbox SET ended = ? WHERE peer = ? AND inc = ? AND n = ?`, end, p, r.Epoch, r.Seq); err != nil || r.Ref == "" {
		return err
	}
	if became == nil {
		return tx.forgetRef(p, r)
	}
	var in channels.ChannelID // 0: it stands in the inbox of another node
	if became.Channel != nil {
		in = became.Channel.ID
	}
	return tx.write(`UPDATE ref SET state = 0, peer = 0, inc = 0, n = 0, channel = ?, epoch = ?, seq = ?, at = ?`+ofRow,
		in, became.Epoch, became.Seq, tx.at, r.Person, r.Ref, p, r.Epoch, r.Seq)
}

func (tx *transaction) forgetRef(p channels.PeerID, r *channels.Row) error {
	return tx.write(`DELETE FROM ref`+ofRow, r.Person, r.Ref, p, r.Epoch, r.Seq)
}

// giveUpRef notes that nobody will know what became of a row's message.
func (tx *transaction) giveUpRef(p channels.PeerID, r *channels.Row) error {
	return tx.write(`UPDATE ref SET state = 2, at = ?`+ofRow, tx.at, r.Person, r.Ref, p, r.Epoch, r.Seq)
}
