-- The node itself: one row.
CREATE TABLE node (
    id          INTEGER PRIMARY KEY CHECK (id = 1),
    incarnation INTEGER NOT NULL, -- raised when the end of the log may have been lost
    reserved    INTEGER NOT NULL, -- message numbers of this incarnation that may have been used
    last_epoch  INTEGER NOT NULL, -- the highest epoch given to any channel
    turns       INTEGER NOT NULL, -- starts and orderly ends so far
    running     TEXT    NOT NULL  -- the durability of a run that has not ended in order, else ''
) STRICT;

-- Everybody who ever wrote, joined or was banned. A row is never deleted: names are not given twice.
CREATE TABLE person (
    id   INTEGER PRIMARY KEY,
    name TEXT    NOT NULL,
    peer INTEGER NOT NULL, -- 0: of this node
    kind INTEGER NOT NULL, -- 0: account
    UNIQUE (peer, name)
) STRICT;

CREATE TABLE account (
    person   INTEGER PRIMARY KEY REFERENCES person,
    hash     BLOB    NOT NULL, -- bcrypt
    admin    INTEGER NOT NULL DEFAULT 0,
    disabled INTEGER NOT NULL DEFAULT 0,
    created  INTEGER NOT NULL, -- times are milliseconds since 1970
    deleted  INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE channel (
    id      INTEGER PRIMARY KEY,
    kind    INTEGER NOT NULL, -- 0: public, 1: the inbox of its owner
    name    TEXT    NOT NULL, -- '' for an inbox
    home    INTEGER NOT NULL, -- 0: this node
    owner   INTEGER NOT NULL, -- a person, 0: nobody
    epoch   INTEGER NOT NULL, -- of the head
    head    INTEGER NOT NULL, -- the last number given
    bytes   INTEGER NOT NULL DEFAULT 0, -- what its entries count against retention
    topic   TEXT    NOT NULL DEFAULT '',
    deleted INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE UNIQUE INDEX channel_name ON channel (home, name) WHERE kind = 0 AND deleted = 0;
CREATE UNIQUE INDEX channel_inbox ON channel (owner) WHERE kind = 1 AND deleted = 0;

-- The stretches of a channel's numbering: the first message of an epoch has the number base + 1.
CREATE TABLE epoch (
    channel INTEGER NOT NULL REFERENCES channel,
    epoch   INTEGER NOT NULL,
    base    INTEGER NOT NULL,
    PRIMARY KEY (channel, epoch)
) STRICT, WITHOUT ROWID;

CREATE TABLE member (
    channel     INTEGER NOT NULL REFERENCES channel,
    person      INTEGER NOT NULL REFERENCES person,
    role        INTEGER NOT NULL, -- 0: member, 1: operator
    heard_epoch INTEGER NOT NULL, -- the last message sent to the account
    heard_seq   INTEGER NOT NULL,
    PRIMARY KEY (channel, person)
) STRICT, WITHOUT ROWID;
CREATE INDEX member_person ON member (person);

CREATE TABLE ban (
    channel INTEGER NOT NULL REFERENCES channel,
    person  INTEGER NOT NULL REFERENCES person,
    PRIMARY KEY (channel, person)
) STRICT, WITHOUT ROWID;

-- The logs. No foreign keys: the two look-ups would cost as much as the row. Channels and persons are never deleted.
CREATE TABLE entry (
    channel     INTEGER NOT NULL,
    epoch       INTEGER NOT NULL,
    seq         INTEGER NOT NULL,
    author      INTEGER NOT NULL,
    origin_peer INTEGER NOT NULL, -- the node that the author spoke on, 0: this one
    origin_inc  INTEGER NOT NULL, -- its incarnation, and the number that it gave the message
    origin_n    INTEGER NOT NULL,
    at          INTEGER NOT NULL,
    label       TEXT,             -- for an entry of an inbox that belongs to a channel without a log here
    body        TEXT    NOT NULL,
    PRIMARY KEY (channel, epoch, seq)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX entry_origin ON entry (channel, origin_peer, origin_inc, origin_n) WHERE origin_peer <> 0;

-- What a ref that a client put on its SAY or WHISPER became.
CREATE TABLE ref (
    person  INTEGER NOT NULL,
    ref     TEXT    NOT NULL,
    channel INTEGER NOT NULL,
    epoch   INTEGER NOT NULL,
    seq     INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    PRIMARY KEY (person, ref)
) STRICT, WITHOUT ROWID;
CREATE INDEX ref_at ON ref (at);
