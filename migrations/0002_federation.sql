-- The incarnation that the database was made in: another one now means that rows of older ones may be lost.
ALTER TABLE node ADD COLUMN first_incarnation INTEGER NOT NULL DEFAULT 0;
UPDATE node SET first_incarnation = incarnation;

-- Other nodes, under the names that they are known by. Persons of theirs have person.kind 2. Ids are not given twice.
CREATE TABLE peer (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    host     TEXT    NOT NULL UNIQUE,
    naming   INTEGER NOT NULL, -- the best rule that it ever was named by
    ip       TEXT    NOT NULL, -- that bore the name when it was named
    extended INTEGER NOT NULL, -- 1: it has said FEDHELLO once
    inc      INTEGER NOT NULL, -- its highest incarnation known
    line     INTEGER NOT NULL, -- the longest line that it reads, in bytes
    seen     INTEGER NOT NULL  -- when it was filed last, or its link came or went
) STRICT;

-- How many rows of a peer's incarnation took effect here.
CREATE TABLE have (
    peer INTEGER NOT NULL,
    inc  INTEGER NOT NULL,
    n    INTEGER NOT NULL,
    PRIMARY KEY (peer, inc)
) STRICT, WITHOUT ROWID;

-- How many rows of our incarnation a peer says that it has.
CREATE TABLE acked (
    peer INTEGER NOT NULL,
    inc  INTEGER NOT NULL,
    n    INTEGER NOT NULL,
    PRIMARY KEY (peer, inc)
) STRICT, WITHOUT ROWID;

-- The lines for each peer, numbered 1, 2, 3 … in each of our incarnations.
CREATE TABLE outbox (
    peer    INTEGER NOT NULL,
    inc     INTEGER NOT NULL,
    n       INTEGER NOT NULL,
    verb    TEXT    NOT NULL,
    line    TEXT    NOT NULL,
    person  INTEGER NOT NULL, -- 0: nobody's
    channel TEXT    NOT NULL, -- of the peer, '': none
    ref     TEXT    NOT NULL,
    at      INTEGER NOT NULL,
    sent    INTEGER NOT NULL, -- 1: it may have reached the peer
    told    INTEGER NOT NULL, -- of a FEDJOIN: what the client was told
    ended   INTEGER NOT NULL, -- 1: its answer, or its entry, has come; 2: it is a message that was refused, and not sent again
    PRIMARY KEY (peer, inc, n)
) STRICT, WITHOUT ROWID;
CREATE INDEX outbox_move ON outbox (peer, channel, person, verb) WHERE verb IN ('FEDJOIN', 'FEDLEAVE');
CREATE INDEX outbox_unsent ON outbox (peer) WHERE sent = 0;
CREATE INDEX outbox_at ON outbox (at);

-- The highest number that a row had which is kept no more: numbers are not given twice.
CREATE TABLE numbered (
    peer INTEGER PRIMARY KEY,
    inc  INTEGER NOT NULL,
    n    INTEGER NOT NULL
) STRICT;

-- A ref whose end is not known belongs to a row of an outbox.
ALTER TABLE ref ADD COLUMN state INTEGER NOT NULL DEFAULT 0; -- 0: filed, 1: its row waits or is on its way, 2: nobody knows
ALTER TABLE ref ADD COLUMN peer  INTEGER NOT NULL DEFAULT 0; -- the row; 0 once it is filed
ALTER TABLE ref ADD COLUMN inc   INTEGER NOT NULL DEFAULT 0;
ALTER TABLE ref ADD COLUMN n     INTEGER NOT NULL DEFAULT 0;
ALTER TABLE ref ADD COLUMN dest  TEXT    NOT NULL DEFAULT ''; -- the address that it was said to
DROP INDEX ref_at;
CREATE INDEX ref_at ON ref (at) WHERE state <> 1;

-- In a channel of another node epoch and head are up to where its home's numbers are known here, and these two where the
-- log ends for those who read it. In one of this node they are 0.
ALTER TABLE channel ADD COLUMN kept_epoch INTEGER NOT NULL DEFAULT 0;
ALTER TABLE channel ADD COLUMN kept       INTEGER NOT NULL DEFAULT 0;
ALTER TABLE channel ADD COLUMN idle_since INTEGER NOT NULL DEFAULT 0; -- no member is of this node since then; 0: one is
CREATE INDEX channel_home ON channel (home) WHERE home <> 0;
CREATE INDEX channel_idle ON channel (idle_since) WHERE idle_since <> 0;

-- entry.origin_peer is -1 for a row of an outbox of this node, and entry.label the id of the labelled entry's channel.
ALTER TABLE entry ADD COLUMN first     INTEGER; -- of the numbers that it stands for; NULL: its own only
ALTER TABLE entry ADD COLUMN recovered INTEGER; -- the peer that gave it back, 0: the channel's home; NULL: none had to

-- Numbers that a home had lost whose message was numbered again meanwhile, so that nothing is missing there, until the entry
-- after them has come back too and stands for them.
CREATE TABLE moved (
    channel INTEGER NOT NULL,
    epoch   INTEGER NOT NULL,
    seq     INTEGER NOT NULL,
    PRIMARY KEY (channel, epoch, seq)
) STRICT, WITHOUT ROWID;

-- Who was ever let into a channel of a peer of version 0.1, which answers no to those whom it has let in already.
CREATE TABLE let_in (
    channel INTEGER NOT NULL,
    person  INTEGER NOT NULL,
    PRIMARY KEY (channel, person)
) STRICT, WITHOUT ROWID;

-- The replicas that were asked what they have of a channel of this node that may be lost, and of which incarnation of their
-- node: they get what others give back later.
CREATE TABLE asked (
    channel INTEGER NOT NULL,
    peer    INTEGER NOT NULL,
    inc     INTEGER NOT NULL,
    PRIMARY KEY (channel, peer)
) STRICT, WITHOUT ROWID;

-- The number that the epoch before ended at, where that is not base: the channel's home had lost count. 0: base.
ALTER TABLE epoch ADD COLUMN after INTEGER NOT NULL DEFAULT 0;
