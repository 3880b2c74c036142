-- By nonce and then by stream, so that the nonces of one moment lie together (see nonces::digest). They are read from the log again:
-- what stands for a nonce is another now.
DROP TABLE nonces;
CREATE TABLE nonces (
    nonce BLOB NOT NULL,
    stream INTEGER NOT NULL,
    rev INTEGER NOT NULL,
    PRIMARY KEY (nonce, stream)
) STRICT, WITHOUT ROWID;
