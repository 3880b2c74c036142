-- Uploads that aren't finished; `doc` is all that is known of one, as JSON.
CREATE TABLE uploads (
    id BLOB NOT NULL PRIMARY KEY,
    owner BLOB NOT NULL,
    length INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    doc BLOB NOT NULL
) STRICT;
CREATE INDEX uploads_owner ON uploads (owner, length);
CREATE INDEX uploads_expires ON uploads (expires);

-- Contents by their SHA-256; a content that has no file any more is taken out.
CREATE TABLE contents (
    hash BLOB NOT NULL PRIMARY KEY,
    place TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- `doc` is what others see of a file, as JSON. `due` is when to look whether anything uses it.
CREATE TABLE files (
    id BLOB NOT NULL PRIMARY KEY,
    owner BLOB NOT NULL,
    hash BLOB NOT NULL,
    size INTEGER NOT NULL,
    created INTEGER NOT NULL,
    due INTEGER,
    doc BLOB NOT NULL
) STRICT;
CREATE INDEX files_owner ON files (owner, size);
CREATE INDEX files_hash ON files (hash);
CREATE INDEX files_due ON files (due) WHERE due IS NOT NULL;

-- Rooms that a file was posted to, or was about to be.
CREATE TABLE file_rooms (
    file BLOB NOT NULL,
    room BLOB NOT NULL,
    PRIMARY KEY (file, room)
) STRICT, WITHOUT ROWID;

-- Files that messages hold now.
CREATE TABLE message_files (
    room BLOB NOT NULL,
    seq INTEGER NOT NULL,
    file BLOB NOT NULL,
    kind TEXT NOT NULL,
    PRIMARY KEY (room, seq, file)
) STRICT, WITHOUT ROWID;
CREATE INDEX message_files_kind ON message_files (room, kind, seq);
CREATE INDEX message_files_file ON message_files (file, room, seq);
