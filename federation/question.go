package federation

import (
	"slices"
	"strings"
	"sync"

	"chatnode/channels"
	"chatnode/node/session"
)

// A rowKey names a row of this node's outboxes.
type rowKey struct {
	peer channels.PeerID
	at   channels.Position
}

// A question is something that a client asked of another node and that is not answered yet.
type question struct {
	asker  *session.Session
	verb   string // JOIN, SAY …
	person channels.Person
	name   string // of the channel, for one of a plain peer
	reply  func(channels.RefResult, error) []byte
	done   chan struct{} // closed when it is answered
	queued bool          // guarded by questions.waits: the client was told that it waits
}

// questions are all that wait for an answer. Rows are answered by their number; plain peers answer in the order that they
// were asked.
type questions struct {
	waits sync.Mutex
	// guarded by waits
	rows  map[rowKey][]*question // nearly always one; more when a client has asked again
	plain map[channels.PeerID][]*question
	said  map[channels.PeerID]*utterances
}

func (q *questions) init() {
	q.rows = map[rowKey][]*question{}
	q.plain = map[channels.PeerID][]*question{}
	q.said = map[channels.PeerID]*utterances{}
}

// ask notes that somebody waits for the answer to a row.
func (q *questions) ask(k rowKey, of *question) {
	q.waits.Lock()
	defer q.waits.Unlock()
	if !slices.ContainsFunc(q.rows[k], func(other *question) bool { return other.asker == of.asker }) {
		q.rows[k] = append(q.rows[k], of)
	}
}

// asked finds who asked first of those who wait for the answer to a row; nil if nobody does.
func (q *questions) asked(k rowKey) *question {
	q.waits.Lock()
	defer q.waits.Unlock()
	if all := q.rows[k]; len(all) > 0 {
		return all[0]
	}
	return nil
}

// answer tells whoever waits for a row its end, and reports whether anybody did. It may run in a step's Done.
func (q *questions) answer(k rowKey, became channels.RefResult, err error) bool {
	q.waits.Lock()
	all := q.rows[k]
	delete(q.rows, k)
	q.waits.Unlock()
	for _, of := range all {
		of.answer(became, err)
	}
	return len(all) > 0
}

// tellQueued tells whoever waits for a row that it waits for its peer.
func (q *questions) tellQueued(k rowKey) {
	q.waits.Lock()
	var all []*question
	for _, of := range q.rows[k] {
		if !of.queued {
			of.queued = true
			all = append(all, of)
		}
	}
	q.waits.Unlock()
	for _, of := range all {
		of.asker.Answer(func() []byte { return of.reply(channels.RefResult{Queued: true}, nil) })
	}
}

func (of *question) answer(became channels.RefResult, err error) {
	of.asker.Answer(func() []byte { return of.reply(became, err) })
	close(of.done)
}

// drop forgets questions whose askers have gone.
func (q *questions) drop() {
	q.waits.Lock()
	defer q.waits.Unlock()
	for k, all := range q.rows {
		if all = slices.DeleteFunc(all, func(of *question) bool { return of.asker.Ended() }); len(all) == 0 {
			delete(q.rows, k)
		} else {
			q.rows[k] = all
		}
	}
}

// renumber follows rows that have new numbers.
func (q *questions) renumber(all []channels.Renumbered) {
	q.waits.Lock()
	defer q.waits.Unlock()
	moved := map[rowKey][]*question{}
	for _, r := range all {
		if of := q.rows[rowKey{r.Peer, r.Old}]; of != nil {
			delete(q.rows, rowKey{r.Peer, r.Old})
			moved[rowKey{r.Peer, r.New}] = of
		}
	}
	for k, of := range moved {
		q.rows[k] = of
	}
}

// waitingFor lists the rows of a peer that somebody waits for.
func (q *questions) waitingFor(p channels.PeerID) (rows []rowKey) {
	q.waits.Lock()
	defer q.waits.Unlock()
	for k := range q.rows {
		if k.peer == p {
			rows = append(rows, k)
		}
	}
	return rows
}

// askPlain notes that somebody waits for a plain peer.
func (q *questions) askPlain(p channels.PeerID, of *question) {
	q.waits.Lock()
	defer q.waits.Unlock()
	q.plain[p] = append(q.plain[p], of)
}

// takePlain finds the first who waits for a plain peer's answer about something, and waits no more. Nil: nobody does.
func (q *questions) takePlain(p channels.PeerID, verb, user, channel string) *question {
	q.waits.Lock()
	defer q.waits.Unlock()
	for i, of := range q.plain[p] {
		if of.verb == verb && of.person.Name == user && of.name == channel {
			q.plain[p] = append(q.plain[p][:i:i], q.plain[p][i+1:]...)
			return of
		}
	}
	return nil
}

// withdrawPlain takes a question back; false: it is being answered.
func (q *questions) withdrawPlain(p channels.PeerID, of *question) bool {
	q.waits.Lock()
	defer q.waits.Unlock()
	for i, other := range q.plain[p] {
		if other == of {
			q.plain[p] = append(q.plain[p][:i:i], q.plain[p][i+1:]...)
			return true
		}
	}
	return false
}

// takeAllPlain finds everybody who waits for a plain peer; nobody waits any more.
func (q *questions) takeAllPlain(p channels.PeerID) []*question {
	q.waits.Lock()
	defer q.waits.Unlock()
	all := q.plain[p]
	delete(q.plain, p)
	return all
}

// result is FEDRESULT user TYPE chan:home 1|0: the answer to a row, or of a plain peer.
func (l *link) result(ln line) {
	user, rest, _ := strings.Cut(ln.rest, " ")
	what, rest, _ := strings.Cut(rest, " ")
	yes := strings.HasSuffix(rest, " 1") || rest == "1"
	if ln.re == (channels.Position{}) {
		subject, _, _ := strings.Cut(rest, " ")
		l.resultPlain(bareUser(user), what, subject, yes)
		return
	}
	if (ln.n != channels.Position{}) && !l.told.Load() {
		l.pass("before-have")
		return
	}
	key := rowKey{l.id, ln.re}
	of := l.service.asked(key)
	var result error
	if !yes {
		result = channels.Refuse(wordOr(ln.err, channels.Forbidden))
	}
	after := ln.at
	e := &ending{link: l, key: key, of: of, result: result, after: after}
	l.answered(ln, e)
}

func wordOr(w, other channels.Word) channels.Word {
	if w == "" {
		return other
	}
	return w
}

// An ending is the answer to a row of ours on its way into the store.
type ending struct {
	link   *link
	key    rowKey
	of     *question // who waits for it; nil: nobody
	result error     // nil: yes
	after  channels.Position

	told   bool // it is for the one who waits
	became channels.RefResult
	heard  *channels.State // a channel of the peer's that somebody here hears
}

// answered carries out an answer, once, with what it means: it is a row of the peer's itself.
func (l *link) answered(ln line, e *ending) {
	step := channels.Step{Do: func(tx channels.Tx) error {
		e.told, e.heard, e.became = false, nil, channels.RefResult{}
		again, err := l.again(tx, ln.n)
		if again || err != nil {
			return err
		}
		if err := e.carryOut(tx); err != nil {
			return err
		}
		return l.settle(tx, asking{line: ln}, channels.Position{}, nil)
	}, Done: func(_ *channels.Delivery, err error) {
		if err != nil {
			l.fail(err)
			return
		}
		if ln.n != (channels.Position{}) {
			l.have[ln.n.Epoch] = max(l.have[ln.n.Epoch], ln.n.Seq)
		}
		if e.heard != nil {
			l.ensureSync(e.heard)
		}
		if e.told {
			l.service.answer(e.key, e.became, e.result)
		}
	}}
	if e.of != nil && e.of.verb == "JOIN" {
		step.Asker = e.of.asker // the channel is heard after the answer
	}
	l.session.Do(step)
}

func (e *ending) carryOut(tx channels.Tx) error {
	row, err := tx.Row(e.key.peer, e.key.at)
	if err != nil || row == nil {
		return err
	}
	switch row.Verb {
	case "FEDJOIN":
		return e.joined(tx, row)
	case "FEDLEAVE":
		if err := tx.EndRow(e.key.peer, row, nil); err != nil || row.Person == 0 {
			return err
		}
		return e.settleLeft(tx, row)
	case "FEDSAY":
		return e.said(tx, row)
	}
	e.told = !row.Ended
	var became *channels.RefResult
	if e.result == nil {
		became = &channels.RefResult{}
	}
	return tx.EndRow(e.key.peer, row, became)
}

// said is the answer to a FEDSAY. A yes is told by its entry, when that comes; it may have come already, given back after a
// restore.
func (e *ending) said(tx channels.Tx, row *channels.Row) error {
	if row.Ended {
		return nil
	}
	if e.result != nil {
		e.told = true
		return tx.EndRow(e.key.peer, row, nil)
	}
	s, err := tx.RemoteChannel(e.key.peer, row.Channel)
	if err != nil || s == nil {
		return err
	}
	at, found, err := tx.Stored(s, channels.Origin{Peer: channels.Myself, Inc: row.Epoch, N: row.Seq})
	if err != nil || !found {
		return err
	}
	e.told, e.became = true, channels.RefResult{Channel: s.Channel, Position: at}
	return tx.EndRow(e.key.peer, row, &e.became)
}

// joined is the answer to a FEDJOIN. A yes for one who was told no, or nothing, is taken back.
func (e *ending) joined(tx channels.Tx, row *channels.Row) error {
	told := row.Told
	if told == channels.NotTold && e.of != nil {
		e.told = true
		told = channels.ToldNo
		if e.result == nil {
			told = channels.ToldYes
		}
		if err := tx.SetTold(e.key.peer, row.Position, told); err != nil {
			return err
		}
	}
	if err := tx.EndRow(e.key.peer, row, nil); err != nil {
		return err
	}
	person, err := tx.PersonByID(row.Person)
	if err != nil {
		return err
	}
	if told == channels.ToldYes {
		return e.settleMember(tx, row, person)
	}
	later, err := tx.LaterJoin(e.key.peer, row.Person, row.Channel, row.Position)
	if later || err != nil || e.result != nil {
		return err
	}
	leave := leaveRow(person.Name, row.Channel)
	leave.Person = person.ID
	return tx.Send(e.key.peer, &leave)
}

// settleMember lets a person who was told yes hear a channel of the peer's, or no more: an answer comes again when the
// home was restored, and may then be another. A log of the channel begins with the first who hears it.
func (e *ending) settleMember(tx channels.Tx, row *channels.Row, person channels.Person) error {
	moved, err := tx.LaterMove(e.key.peer, row.Person, row.Channel, row.Position)
	if moved || err != nil {
		return err
	}
	s, err := tx.RemoteChannel(e.key.peer, row.Channel)
	if err != nil {
		return err
	}
	if e.result != nil {
		if s == nil {
			return nil
		}
		return tx.Remove(s, person, channels.Kicked)
	}
	if s == nil || len(s.Epochs()) == 0 {
		if e.after == (channels.Position{}) {
			return nil
		}
		if s, err = e.link.begin(tx, s, row.Channel, e.after); err != nil {
			return err
		}
	}
	e.heard = s
	return tx.Admit(s, person, e.after)
}

// settleLeft ends the membership of a person who has left, if something has brought it back since.
func (e *ending) settleLeft(tx channels.Tx, row *channels.Row) error {
	moved, err := tx.LaterMove(e.key.peer, row.Person, row.Channel, row.Position)
	if moved || err != nil {
		return err
	}
	s, err := tx.RemoteChannel(e.key.peer, row.Channel)
	if s == nil || err != nil {
		return err
	}
	person, err := tx.PersonByID(row.Person)
	if err != nil {
		return err
	}
	return tx.Remove(s, person, channels.OwnWill)
}

// joinRow asks the home of a channel to let a person in; leaveRow tells it that one has left.
func joinRow(p channels.Person, channel string) channels.Row {
	return channels.Row{Verb: "FEDJOIN", Line: "FEDJOIN " + p.Name + "@" + channels.OwnHost + " " + channel, Person: p.ID, Channel: channel}
}

func leaveRow(name, channel string) channels.Row {
	return channels.Row{Verb: "FEDLEAVE", Line: "FEDLEAVE " + name + "@" + channels.OwnHost + " " + channel, Channel: channel}
}
