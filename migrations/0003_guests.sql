-- The guests that are on line: people without an account, whose name is theirs for the life of a connection. Their persons
-- have person.kind 1, and are those of the next guest, or account, of the name too. Emptied when a node starts.
CREATE TABLE guest (
    person  INTEGER PRIMARY KEY REFERENCES person,
    tongue  TEXT    NOT NULL,
    session INTEGER NOT NULL
) STRICT;
