package store

import (
	"context"
	"database/sql"
	"fmt"

	"chatnode/channels"
)

// ChannelNames lists the public channels of this node.
func (s *Store) ChannelNames(ctx context.Context) ([]string, error) {
	const query = `SELECT name FROM channel WHERE home = 0 AND kind = 0 AND deleted = 0`
	rows, err := s.readers.QueryContext(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("list channels: %w", err)
	}
	var names []string
	err = eachRow(rows, query, func(rows *sql.Rows) error {
		var name string
		err := rows.Scan(&name)
		names = append(names, name)
		return err
	})
	return names, err
}

// A logQuery reads a log: the columns of an entry, and what a place in it is.
type logQuery struct{ columns, epoch, seq string }

// The logs: of a channel, of an inbox, and of an outbox.
var (
	channelLog = logQuery{`SELECT epoch, seq, author, person.name, person.peer, coalesce(peer.host, ''), origin_inc, origin_n, at, body,
			coalesce(first, 0), iif(recovered = 0, ?2, coalesce(giver.host, '')), 0, '', 0, ''
		FROM entry JOIN person ON person.id = author LEFT JOIN peer ON peer.id = person.peer LEFT JOIN peer AS giver ON giver.id = recovered
		WHERE channel = ?1`, `epoch`, `seq`}
	inboxLog = logQuery{`SELECT entry.epoch, seq, author, person.name, person.peer, coalesce(peer.host, ''), origin_inc, origin_n, at, body,
			0, ?2, coalesce(said.id, 0), coalesce(said.name, ''), coalesce(said.home, 0), coalesce(home.host, '')
		FROM entry JOIN person ON person.id = author LEFT JOIN peer ON peer.id = person.peer
			LEFT JOIN channel AS said ON said.id = CAST(label AS INTEGER) LEFT JOIN peer AS home ON home.id = said.home
		WHERE channel = ?1`, `entry.epoch`, `seq`}
	outboxLog = logQuery{`SELECT inc, n, 0, '', 0, ?2, 0, 0, at, line, 0, '', 0, '', 0, '' FROM outbox WHERE peer = ?1 AND ended <> 2`, `inc`, `n`}
)

// logOf is the query that reads a channel's log, what finds it, and the host of its home.
func logOf(c *channels.Channel) (q logQuery, key any, host string) {
	switch c.Kind {
	case channels.OutboxLog:
		return outboxLog, c.Home, ""
	case channels.Inbox:
		return inboxLog, c.ID, ""
	}
	return channelLog, c.ID, c.Host
}

// After reads the first entries after a position and not past upto, oldest first: at most limit of them, and not many
// more than bytes bytes of text, but at least one if there is one. The log may be that of an outbox.
func (s *Store) After(ctx context.Context, c *channels.Channel, p, upto channels.Position, limit, bytes int) ([]*channels.Entry, error) {
	q, key, host := logOf(c)
	place := `(` + q.epoch + `, ` + q.seq + `)`
	return s.page(ctx, c, bytes, q.columns+` AND `+place+` > (?3, ?4) AND `+place+` <= (?5, ?6) ORDER BY `+q.epoch+`, `+q.seq+` LIMIT ?7`,
		key, host, p.Epoch, p.Seq, upto.Epoch, upto.Seq, limit)
}

// Before reads the last entries before a position, oldest first, within the same bounds as After.
func (s *Store) Before(ctx context.Context, c *channels.Channel, p channels.Position, limit, bytes int) ([]*channels.Entry, error) {
	q, key, host := logOf(c)
	entries, err := s.page(ctx, c, bytes, q.columns+` AND (`+q.epoch+`, `+q.seq+`) < (?3, ?4) ORDER BY `+q.epoch+` DESC, `+q.seq+` DESC LIMIT ?5`,
		key, host, p.Epoch, p.Seq, limit)
	for i, j := 0, len(entries)-1; i < j; i, j = i+1, j-1 {
		entries[i], entries[j] = entries[j], entries[i]
	}
	return entries, err
}

func (s *Store) page(ctx context.Context, c *channels.Channel, bytes int, query string, args ...any) ([]*channels.Entry, error) {
	rows, err := s.readers.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("read the log of channel %d: %w", c.ID, err)
	}
	defer rows.Close() //nolint:errcheck // rows.Err tells
	var page []*channels.Entry
	for bytes > 0 && rows.Next() {
		e, err := scanEntry(rows, c)
		if err != nil {
			return nil, fmt.Errorf("read the log of channel %d: %w", c.ID, err)
		}
		page = append(page, e)
		bytes -= len(e.Body)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read the log of channel %d: %w", c.ID, err)
	}
	return page, nil
}

func scanEntry(rows *sql.Rows, c *channels.Channel) (*channels.Entry, error) {
	e := &channels.Entry{Channel: c}
	var id channels.ChannelID
	var name, host string
	var home channels.PeerID
	err := rows.Scan(&e.Epoch, &e.Seq, &e.Author.ID, &e.Author.Name, &e.Author.Peer, &e.Author.Host, &e.Inc, &e.N, &e.At, &e.Body,
		&e.First, &e.Recovered, &id, &name, &home, &host)
	if id != 0 {
		e.Label = &channels.Channel{ID: id, Name: name, Home: home, Host: host}
	}
	return e, err
}
