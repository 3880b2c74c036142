-- Streams: where each stands, and how far it is folded. Logs and nonces name a stream by its short id.
CREATE TABLE streams (
    id INTEGER PRIMARY KEY,
    key BLOB NOT NULL UNIQUE,
    rev INTEGER NOT NULL,
    tag INTEGER NOT NULL,
    at INTEGER NOT NULL,
    folded INTEGER NOT NULL,
    folded_tag INTEGER NOT NULL
) STRICT;
CREATE INDEX streams_unfolded ON streams (at) WHERE folded < rev;

-- Rows with a document in them go in one after the other, whatever they belong to: that touches the fewest pages, and
-- what is recent lies together. Rows that are all key are kept in its order.

-- A row an append; `at` is when its last entry was made, `entries` is JSON.
CREATE TABLE log (
    id INTEGER PRIMARY KEY,
    stream INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    tag INTEGER NOT NULL,
    prev INTEGER NOT NULL,
    at INTEGER NOT NULL,
    entries BLOB NOT NULL,
    UNIQUE (stream, first)
) STRICT;
CREATE INDEX log_at ON log (at);

-- Which entry bears a nonce; `nonce` is the first half of its SHA-256.
CREATE TABLE nonces (
    stream INTEGER NOT NULL,
    nonce BLOB NOT NULL,
    rev INTEGER NOT NULL,
    PRIMARY KEY (stream, nonce)
) STRICT, WITHOUT ROWID;

-- Documents: `doc` is whole state as JSON; the other columns are what it is found by.
CREATE TABLE rooms (
    id BLOB NOT NULL PRIMARY KEY,
    rev INTEGER NOT NULL,
    public INTEGER NOT NULL,
    folded TEXT NOT NULL,
    doc BLOB NOT NULL
) STRICT;
CREATE INDEX rooms_public ON rooms (folded, id) WHERE public = 1;

-- A null role is the tombstone of who is gone.
CREATE TABLE members (
    room BLOB NOT NULL,
    user BLOB NOT NULL,
    rev INTEGER NOT NULL,
    role TEXT,
    since INTEGER NOT NULL,
    PRIMARY KEY (room, user)
) STRICT, WITHOUT ROWID;
CREATE INDEX members_present ON members (room, user) WHERE role IS NOT NULL;
CREATE INDEX members_rooms ON members (user, room) WHERE role IS NOT NULL;

-- `mentions` holds the ids of whom it mentions, 16 bytes each, so that replacing it finds what to take out below.
CREATE TABLE messages (
    room BLOB NOT NULL,
    seq INTEGER NOT NULL,
    rev INTEGER NOT NULL,
    mentions BLOB NOT NULL,
    doc BLOB NOT NULL,
    PRIMARY KEY (room, seq)
) STRICT;

-- Messages that mention somebody else by name, but not everyone.
CREATE TABLE mentions (
    user BLOB NOT NULL,
    room BLOB NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (user, room, seq)
) STRICT, WITHOUT ROWID;

-- Messages that mention everyone.
CREATE TABLE everyone (
    room BLOB NOT NULL,
    seq INTEGER NOT NULL,
    author BLOB NOT NULL,
    PRIMARY KEY (room, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE people (
    id BLOB NOT NULL PRIMARY KEY,
    rev INTEGER NOT NULL,
    name TEXT NOT NULL,
    display TEXT NOT NULL,
    doc BLOB NOT NULL
) STRICT;
CREATE INDEX people_name ON people (name);
CREATE INDEX people_display ON people (display, name);

CREATE TABLE reads (
    user BLOB NOT NULL,
    room BLOB NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (user, room)
) STRICT, WITHOUT ROWID;

CREATE TABLE drafts (
    user BLOB NOT NULL,
    room BLOB NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (user, room)
) STRICT, WITHOUT ROWID;

CREATE TABLE accounts (
    id BLOB NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    password TEXT NOT NULL,
    owner INTEGER NOT NULL,
    complete INTEGER NOT NULL,
    created INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX accounts_owner ON accounts (owner) WHERE owner = 1;

CREATE TABLE sessions (
    id BLOB NOT NULL PRIMARY KEY,
    user BLOB NOT NULL,
    kind TEXT NOT NULL,
    secret BLOB NOT NULL UNIQUE,
    used BLOB,
    used_at INTEGER,
    agent TEXT NOT NULL,
    created INTEGER NOT NULL,
    seen INTEGER NOT NULL,
    expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_used ON sessions (used) WHERE used IS NOT NULL;
CREATE INDEX sessions_user ON sessions (user, seen);
CREATE INDEX sessions_expires ON sessions (expires);

CREATE TABLE invites (
    id BLOB NOT NULL PRIMARY KEY,
    secret BLOB NOT NULL UNIQUE,
    author BLOB,
    created INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    uses INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX invites_expires ON invites (expires);
