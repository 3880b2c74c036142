-- How changes ended that brought no entry (refused, or there was nothing to change), as JSON. Their nonces stand among the
-- others, with rev 0.
CREATE TABLE ended (
    stream INTEGER NOT NULL,
    nonce BLOB NOT NULL,
    at INTEGER NOT NULL,
    how BLOB NOT NULL,
    PRIMARY KEY (stream, nonce)
) STRICT, WITHOUT ROWID;
CREATE INDEX ended_at ON ended (at);
