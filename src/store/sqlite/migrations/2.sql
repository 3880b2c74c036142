-- What a room has pinned, found without reading its messages.
ALTER TABLE messages ADD COLUMN pinned INTEGER NOT NULL DEFAULT 0;
UPDATE messages SET pinned = 1 WHERE json_extract(CAST(doc AS TEXT), '$.pinned');
CREATE INDEX messages_pinned ON messages (room, seq) WHERE pinned = 1;
