//! Files, uploads, and the messages that hold files.

use std::collections::BTreeSet;

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Row, params, types::Type};

use super::{
    SqliteStore,
    failure::Failure,
    row::{count, id, int, json, nat},
};
use crate::{
    model::{
        Attachment, FileId, FileKind, Message, Place, RoomId, Seq, StoredFile, Timestamp, Upload, UserId,
        file::ContentHash,
    },
    store::{FileStore, Page, StoreError, Taken},
};

pub(super) const FILE: &str = "
    SELECT files.id, files.owner, files.created, files.due, files.doc, contents.place
    FROM files JOIN contents ON contents.hash = files.hash";

/// Files that are due by ?1; as many as ?2.
pub(super) const DUE: &str = " WHERE files.due <= ?1 ORDER BY files.due LIMIT ?2";

/// Places of the room ?1 before ?2 where messages hold files of the kind ?4; as many as ?3.
pub(super) const OF_KIND: &str = "
    SELECT DISTINCT seq FROM message_files WHERE room = ?1 AND kind = ?4 AND seq < ?2 ORDER BY seq DESC LIMIT ?3";

/// Places of the room ?1 before ?2 where messages hold files; as many as ?3.
pub(super) const OF_ANY_KIND: &str = "
    SELECT DISTINCT seq FROM message_files WHERE room = ?1 AND seq < ?2 ORDER BY seq DESC LIMIT ?3";

/// The newest messages of the room ?2 that hold the file ?1; as many as ?3.
pub(super) const HOLDING: &str = "
    SELECT messages.doc FROM message_files JOIN messages USING (room, seq)
    WHERE message_files.file = ?1 AND message_files.room = ?2 ORDER BY message_files.seq DESC LIMIT ?3";

#[async_trait]
impl FileStore for SqliteStore {
    async fn begin_upload(&self, upload: &Upload) -> Result<(), StoreError> {
        let upload = upload.clone();
        Ok(self.commit(move |db| begin_upload(db, &upload)).await?)
    }

    async fn upload(&self, id: FileId) -> Result<Option<Upload>, StoreError> {
        let work = move |db: &Connection| {
            let mut query = db.prepare_cached("SELECT doc FROM uploads WHERE id = ?1")?;
            Ok(query.query_row([id.as_bytes()], |row| json(row, 0)).optional()?)
        };
        Ok(self.query(work).await?)
    }

    async fn end_upload(&self, id: FileId) -> Result<bool, StoreError> {
        Ok(self.commit(move |db| end_upload(db, id)).await?)
    }

    async fn expired_uploads(&self, now: Timestamp, limit: usize) -> Result<Vec<Upload>, StoreError> {
        let work = move |db: &Connection| {
            let mut query =
                db.prepare_cached("SELECT doc FROM uploads WHERE expires < ?1 ORDER BY expires LIMIT ?2")?;
            let found = query.query_map(params![now.0, count(limit)], |row| json(row, 0))?;
            Ok(found.collect::<rusqlite::Result<_>>()?)
        };
        Ok(self.query(work).await?)
    }

    async fn keep_file(&self, file: &StoredFile) -> Result<Place, StoreError> {
        let file = file.clone();
        Ok(self.commit(move |db| keep(db, &file)).await?)
    }

    async fn files(&self, ids: &[FileId]) -> Result<Vec<StoredFile>, StoreError> {
        let ids = ids.to_vec();
        let work = move |db: &Connection| {
            let mut query = db.prepare_cached(&format!("{FILE} WHERE files.id = ?1"))?;
            let mut found = Vec::with_capacity(ids.len());
            for id in ids {
                found.extend(query.query_row([id.as_bytes()], file).optional()?);
            }
            with_rooms(db, found)
        };
        Ok(self.query(work).await?)
    }

    async fn taken(&self, owner: UserId) -> Result<Taken, StoreError> {
        let work = move |db: &Connection| {
            let mut files = db.prepare_cached("SELECT coalesce(sum(size), 0) FROM files WHERE owner = ?1")?;
            let mut uploads =
                db.prepare_cached("SELECT coalesce(sum(length), 0), count(*) FROM uploads WHERE owner = ?1")?;
            let files = files.query_row([owner.as_bytes()], |row| row.get(0))?;
            let (uploads, count) =
                uploads.query_row([owner.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(Taken { files: nat(files), uploads: nat(uploads), count: nat(count) })
        };
        Ok(self.query(work).await?)
    }

    async fn taken_by_all(&self) -> Result<u64, StoreError> {
        let work = move |db: &Connection| {
            let mut all = db.prepare_cached(
                "SELECT (SELECT coalesce(sum(size), 0) FROM files) + (SELECT coalesce(sum(length), 0) FROM uploads)",
            )?;
            Ok(nat(all.query_row([], |row| row.get(0))?))
        };
        Ok(self.query(work).await?)
    }

    async fn attach(
        &self,
        owner: UserId,
        ids: &[FileId],
        room: RoomId,
        due: Timestamp,
    ) -> Result<Vec<Attachment>, StoreError> {
        let ids = ids.to_vec();
        let work = move |db: &Connection| {
            let mut own = db.prepare_cached(
                "UPDATE files SET due = max(coalesce(due, 0), ?3) WHERE id = ?1 AND owner = ?2 RETURNING doc",
            )?;
            let mut note =
                db.prepare_cached("INSERT OR IGNORE INTO file_rooms (file, room) VALUES (?1, ?2)")?;
            let mut found = Vec::with_capacity(ids.len());
            for id in &ids {
                let doc = own
                    .query_row(params![id.as_bytes(), owner.as_bytes(), due.0], |row| json(row, 0))
                    .optional()?;
                if let Some(doc) = doc {
                    found.push(doc);
                    note.execute(params![id.as_bytes(), room.as_bytes()])?;
                }
            }
            Ok(found)
        };
        Ok(self.commit(work).await?)
    }

    async fn loosen(&self, ids: &[FileId], due: Timestamp) -> Result<(), StoreError> {
        let ids = ids.to_vec();
        let work = move |db: &Connection| {
            let mut loosen = db.prepare_cached("UPDATE files SET due = ?2 WHERE id = ?1")?;
            for id in &ids {
                loosen.execute(params![id.as_bytes(), due.0])?;
            }
            Ok(())
        };
        Ok(self.commit(work).await?)
    }

    async fn due_files(&self, now: Timestamp, limit: usize) -> Result<Vec<StoredFile>, StoreError> {
        let work = move |db: &Connection| {
            let mut query = db.prepare_cached(&format!("{FILE}{DUE}"))?;
            let found = query.query_map(params![now.0, count(limit)], file)?;
            with_rooms(db, found.collect::<rusqlite::Result<_>>()?)
        };
        Ok(self.query(work).await?)
    }

    async fn settle(&self, id: FileId, due: Timestamp) -> Result<(), StoreError> {
        let work = move |db: &Connection| {
            db.prepare_cached("UPDATE files SET due = NULL WHERE id = ?1 AND due = ?2")?
                .execute(params![id.as_bytes(), due.0])?;
            Ok(())
        };
        Ok(self.commit(work).await?)
    }

    async fn remove_file(&self, id: FileId, due: Timestamp) -> Result<bool, StoreError> {
        let work = move |db: &Connection| {
            let removed = db
                .prepare_cached("DELETE FROM files WHERE id = ?1 AND due = ?2")?
                .execute(params![id.as_bytes(), due.0])?;
            if removed == 1 {
                db.prepare_cached("DELETE FROM file_rooms WHERE file = ?1")?.execute([id.as_bytes()])?;
            }
            Ok(removed == 1)
        };
        Ok(self.commit(work).await?)
    }

    async fn drop_content(&self, hash: ContentHash) -> Result<Option<Place>, StoreError> {
        let work = move |db: &Connection| {
            let mut drop = db.prepare_cached(
                "DELETE FROM contents WHERE hash = ?1 AND NOT EXISTS (SELECT 1 FROM files WHERE files.hash = ?1)
                 RETURNING place",
            )?;
            Ok(drop.query_row([hash.0], |row| place(row, 0)).optional()?)
        };
        Ok(self.commit(work).await?)
    }

    async fn places(&self, hashes: &[ContentHash]) -> Result<Vec<Place>, StoreError> {
        let hashes = hashes.to_vec();
        let work = move |db: &Connection| {
            let mut query = db.prepare_cached("SELECT place FROM contents WHERE hash = ?1")?;
            let mut found = Vec::with_capacity(hashes.len());
            for hash in hashes {
                found.extend(query.query_row([hash.0], |row| place(row, 0)).optional()?);
            }
            Ok(found)
        };
        Ok(self.query(work).await?)
    }
}

pub(super) fn begin_upload(db: &Connection, upload: &Upload) -> Result<(), Failure> {
    db.prepare_cached("INSERT INTO uploads (id, owner, length, expires, doc) VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute(params![
        upload.id.as_bytes(),
        upload.owner.as_bytes(),
        int(upload.length),
        upload.expires.0,
        serde_json::to_vec(upload)?,
    ])?;
    Ok(())
}

fn end_upload(db: &Connection, id: FileId) -> Result<bool, Failure> {
    Ok(db.prepare_cached("DELETE FROM uploads WHERE id = ?1")?.execute([id.as_bytes()])? == 1)
}

pub(super) fn keep(db: &Connection, file: &StoredFile) -> Result<Place, Failure> {
    let hash = file.place.hash.0;
    db.prepare_cached("INSERT OR IGNORE INTO contents (hash, place) VALUES (?1, ?2)")?
        .execute(params![hash, file.place.to_string()])?;
    db.prepare_cached(
        "INSERT OR IGNORE INTO files (id, owner, hash, size, created, due, doc) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?
    .execute(params![
        file.about.id.as_bytes(),
        file.owner.as_bytes(),
        hash,
        int(file.about.size),
        file.created.0,
        file.due.map(|due| due.0),
        serde_json::to_vec(&file.about)?,
    ])?;
    let mut note = db.prepare_cached("INSERT OR IGNORE INTO file_rooms (file, room) VALUES (?1, ?2)")?;
    for room in &file.rooms {
        note.execute(params![file.about.id.as_bytes(), room.as_bytes()])?;
    }
    end_upload(db, file.about.id)?;
    let mut lies = db.prepare_cached("SELECT place FROM contents WHERE hash = ?1")?;
    Ok(lies.query_row([hash], |row| place(row, 0))?)
}

pub(super) fn place(row: &Row<'_>, column: usize) -> rusqlite::Result<Place> {
    let text = row.get_ref(column)?.as_str()?;
    text.parse()
        .map_err(|error: String| rusqlite::Error::FromSqlConversionFailure(column, Type::Text, error.into()))
}

/// A file, without its rooms.
pub(super) fn file(row: &Row<'_>) -> rusqlite::Result<StoredFile> {
    Ok(StoredFile {
        about: json(row, 4)?,
        owner: id(row, 1, UserId::from_bytes)?,
        place: place(row, 5)?,
        created: Timestamp(row.get(2)?),
        due: row.get::<_, Option<i64>>(3)?.map(Timestamp),
        rooms: vec![],
    })
}

fn with_rooms(db: &Connection, mut files: Vec<StoredFile>) -> Result<Vec<StoredFile>, Failure> {
    for file in &mut files {
        file.rooms = rooms(db, file.about.id)?;
    }
    Ok(files)
}

/// The rooms that a file was posted to.
pub(super) fn rooms(db: &Connection, file: FileId) -> Result<Vec<RoomId>, Failure> {
    let mut query = db.prepare_cached("SELECT room FROM file_rooms WHERE file = ?1 ORDER BY room")?;
    let rooms = query.query_map([file.as_bytes()], |row| id(row, 0, RoomId::from_bytes))?;
    Ok(rooms.collect::<rusqlite::Result<_>>()?)
}

/// The newest messages of a room that hold a file.
pub(super) fn holding(
    db: &Connection,
    room: RoomId,
    file: FileId,
    limit: usize,
) -> Result<Vec<Message>, Failure> {
    let mut query = db.prepare_cached(HOLDING)?;
    let found =
        query.query_map(params![file.as_bytes(), room.as_bytes(), count(limit)], |row| json(row, 0))?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}

/// Messages of a room that hold files of these kinds (any, when there are none), the newest first.
pub(super) fn with_files(
    db: &Connection,
    room: RoomId,
    kinds: &[FileKind],
    before: Seq,
    limit: usize,
) -> Result<Page<Message>, Failure> {
    let (one_more, before) = (super::rooms::one_more(limit), int(before.0));
    let mut seqs = BTreeSet::new();
    if kinds.is_empty() {
        let mut query = db.prepare_cached(OF_ANY_KIND)?;
        let found =
            query.query_map(params![room.as_bytes(), before, one_more], |row| row.get::<_, i64>(0))?;
        seqs.extend(found.collect::<rusqlite::Result<Vec<_>>>()?);
    }
    for kind in kinds {
        let mut query = db.prepare_cached(OF_KIND)?;
        let of = params![room.as_bytes(), before, one_more, kind.as_str()];
        seqs.extend(query.query_map(of, |row| row.get::<_, i64>(0))?.collect::<rusqlite::Result<Vec<_>>>()?);
    }
    let mut message = db.prepare_cached("SELECT doc FROM messages WHERE room = ?1 AND seq = ?2")?;
    let mut found = vec![];
    for seq in seqs.into_iter().rev().take(limit.saturating_add(1)) {
        found.extend(
            message.query_row(params![room.as_bytes(), seq], |row| json::<Message>(row, 0)).optional()?,
        );
    }
    Ok(super::rooms::page(found, limit))
}

/// Notes which files a message holds that is new.
pub(super) fn note(
    db: &Connection,
    room: &[u8; 16],
    seq: i64,
    files: &[(FileId, FileKind)],
) -> Result<(), Failure> {
    for (file, kind) in files {
        db.prepare_cached(
            "INSERT OR IGNORE INTO message_files (room, seq, file, kind) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![room, seq, file.as_bytes(), kind.as_str()])?;
    }
    Ok(())
}

/// Notes that a message holds none any more.
pub(super) fn forget(db: &Connection, room: &[u8; 16], seq: i64) -> Result<(), Failure> {
    db.prepare_cached("DELETE FROM message_files WHERE room = ?1 AND seq = ?2")?
        .execute(params![room, seq])?;
    Ok(())
}
