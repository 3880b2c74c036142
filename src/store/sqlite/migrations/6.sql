-- How changes ended that brought no entry (refused, or there was nothing to change), as JSON. Their nonces stand among the
-- others, with rev 0.
CREATE TABLE ended (
    nonce BLOB NOT NULL,
    stream INTEGER NOT NULL,
    at INTEGER NOT NULL,
    how BLOB NOT NULL,
    PRIMARY KEY (nonce, stream)
) STRICT, WITHOUT ROWID;
CREATE INDEX ended_at ON ended (at);
