-- Calls that are going on: whose each is, and until when unless it says so again. `state` is JSON.
CREATE TABLE calls (
    room BLOB NOT NULL PRIMARY KEY,
    call BLOB NOT NULL,
    term INTEGER NOT NULL,
    owner INTEGER NOT NULL,
    until INTEGER NOT NULL,
    state TEXT NOT NULL
) STRICT;
CREATE INDEX calls_until ON calls (until);
