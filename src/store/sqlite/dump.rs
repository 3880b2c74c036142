//! Reading all that is kept, and being filled from elsewhere. A batch goes in together with the note of how far that is, in
//! one transaction; so it is never put twice.

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Params, Row, params, types::ValueRef};

use super::{
    SqliteStore, accounts, calls,
    docs::Ready,
    failure::Failure,
    files, invites, log, rooms,
    row::{head, id, int, json, nat},
    sessions,
};
use crate::{
    model::{Doc, RoomId, Seq, UserId},
    store::{
        Collection, Dump, Record, StoreError, Underway,
        dump::{BATCH, BATCH_BYTES},
    },
};

#[async_trait]
impl Dump for SqliteStore {
    async fn count(&self, collection: Collection) -> Result<u64, StoreError> {
        let work = move |db: &Connection| {
            let all = format!("SELECT count(*) FROM {}", table(collection));
            Ok(nat(db.query_row(&all, [], |row| row.get(0))?))
        };
        Ok(self.query(work).await?)
    }

    async fn batch(&self, collection: Collection, after: &[u8]) -> Result<Vec<Record>, StoreError> {
        let after = after.to_vec();
        Ok(self.query(move |db| batch(db, collection, &after)).await?)
    }

    async fn put(&self, records: Vec<Record>, underway: &Underway) -> Result<(), StoreError> {
        let underway = serde_json::to_vec(underway).map_err(Failure::from)?;
        let work = move |db: &Connection| {
            for record in &records {
                put(db, record)?;
            }
            db.execute_batch(
                "CREATE TABLE IF NOT EXISTS underway (doc BLOB NOT NULL) STRICT; DELETE FROM underway",
            )?;
            db.execute("INSERT INTO underway (doc) VALUES (?1)", [&underway])?;
            Ok(())
        };
        Ok(self.commit(work).await?)
    }

    async fn underway(&self) -> Result<Option<Underway>, StoreError> {
        Ok(self.query(underway).await?)
    }

    async fn finish(&self) -> Result<(), StoreError> {
        Ok(self.commit(|db| Ok(db.execute_batch("DROP TABLE IF EXISTS underway")?)).await?)
    }
}

/// Whether the database is being filled: a table says how far, for as long as it is.
pub(super) fn is_underway(db: &Connection) -> rusqlite::Result<bool> {
    db.query_row("SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'underway')", [], |row| row.get(0))
}

fn underway(db: &Connection) -> Result<Option<Underway>, Failure> {
    if !is_underway(db)? {
        return Ok(None);
    }
    Ok(db.query_row("SELECT doc FROM underway", [], |row| json(row, 0)).optional()?)
}

/// The table that has a row for each record.
fn table(collection: Collection) -> &'static str {
    match collection {
        Collection::Marks => "reads",
        other => other.name(),
    }
}

fn batch(db: &Connection, collection: Collection, after: &[u8]) -> Result<Vec<Record>, Failure> {
    let mut batch = Batch::default();
    let (one, other) = after.split_at_checked(16).unwrap_or_default();
    let pair = params![one, other];
    match collection {
        Collection::Log => batch.fill_with_appends(db, after)?,
        Collection::Streams => batch.fill(
            db,
            "SELECT key, rev, tag, folded, folded_tag FROM streams WHERE key > ?1 ORDER BY key",
            [after],
            standing,
        )?,
        Collection::Rooms => {
            batch.fill(db, "SELECT doc FROM rooms WHERE id > ?1 ORDER BY id", [after], |row| {
                json(row, 0).map(Doc::Room).map(Record::Doc)
            })?;
        }
        Collection::Members => batch.fill(
            db,
            "SELECT room, user, rev, role, since FROM members WHERE (room, user) > (?1, ?2) ORDER BY room, user",
            pair,
            |row| rooms::membership(row).map(Doc::Member).map(Record::Doc),
        )?,
        Collection::Messages => batch.fill(
            db,
            "SELECT doc FROM messages WHERE (room, seq) > (?1, ?2) ORDER BY room, seq",
            params![one, number(other)],
            |row| json(row, 0).map(Doc::Message).map(Record::Doc),
        )?,
        Collection::People => {
            batch.fill(db, "SELECT doc FROM people WHERE id > ?1 ORDER BY id", [after], |row| {
                json(row, 0).map(Doc::Person).map(Record::Doc)
            })?;
        }
        Collection::Marks => batch.fill(
            db,
            "SELECT user, room, seq FROM reads WHERE (user, room) > (?1, ?2) ORDER BY user, room",
            pair,
            mark,
        )?,
        Collection::Drafts => batch.fill(
            db,
            "SELECT user, room, text FROM drafts WHERE (user, room) > (?1, ?2) ORDER BY user, room",
            pair,
            draft,
        )?,
        Collection::Accounts => batch.fill(db, &by_id(accounts::ACCOUNT), [after], |row| {
            accounts::account(row).map(Record::Account)
        })?,
        Collection::Sessions => batch.fill(db, &by_id(sessions::SESSION), [after], |row| {
            sessions::session(row).map(Record::Session)
        })?,
        Collection::Invites => batch.fill(db, &by_id(invites::INVITE), [after], |row| {
            invites::invite(row).map(Record::Invite)
        })?,
        Collection::Contents => {
            batch.fill(db, "SELECT place FROM contents WHERE hash > ?1 ORDER BY hash", [after], |row| {
                files::place(row, 0).map(Record::Content)
            })?;
        }
        Collection::Files => {
            let sql = format!("{} WHERE files.id > ?1 ORDER BY files.id", files::FILE);
            batch.fill(db, &sql, [after], |row| files::file(row).map(Record::File))?;
            batch.add_rooms(db)?;
        }
        Collection::Uploads => {
            batch.fill(db, "SELECT doc FROM uploads WHERE id > ?1 ORDER BY id", [after], |row| {
                json(row, 0).map(Record::Upload)
            })?;
        }
        Collection::Calls => {
            let sql = format!("{} WHERE room > ?1 ORDER BY room", calls::CALL);
            batch.fill(db, &sql, [after], |row| calls::record(row).map(Record::Call))?;
        }
    }
    Ok(batch.records)
}

fn by_id(select: &str) -> String {
    format!("{select} WHERE id > ?1 ORDER BY id")
}

/// The number at a key's end, as a column holds it.
fn number(bytes: &[u8]) -> i64 {
    bytes.try_into().map(i64::from_be_bytes).unwrap_or_default()
}

fn standing(row: &Row<'_>) -> rusqlite::Result<Record> {
    Ok(Record::Standing { stream: log::stream(row, 0)?, head: head(row, 1)?, folded: head(row, 3)? })
}

fn mark(row: &Row<'_>) -> rusqlite::Result<Record> {
    Ok(Record::Mark {
        user: id(row, 0, UserId::from_bytes)?,
        room: id(row, 1, RoomId::from_bytes)?,
        seq: Seq(nat(row.get(2)?)),
    })
}

fn draft(row: &Row<'_>) -> rusqlite::Result<Record> {
    Ok(Record::Draft {
        user: id(row, 0, UserId::from_bytes)?,
        room: id(row, 1, RoomId::from_bytes)?,
        text: row.get(2)?,
    })
}

/// Records that are read together.
#[derive(Default)]
struct Batch {
    records: Vec<Record>,
    bytes: usize,
}

impl Batch {
    fn is_full(&self) -> bool {
        self.records.len() >= BATCH || self.bytes >= BATCH_BYTES
    }

    /// Adds what a query finds, until it is full.
    fn fill(
        &mut self,
        db: &Connection,
        sql: &str,
        params: impl Params,
        read: impl Fn(&Row<'_>) -> rusqlite::Result<Record>,
    ) -> Result<(), Failure> {
        let mut query = db.prepare_cached(sql)?;
        let mut rows = query.query(params)?;
        while !self.is_full()
            && let Some(row) = rows.next()?
        {
            for column in 0..row.as_ref().column_count() {
                if let ValueRef::Blob(value) | ValueRef::Text(value) = row.get_ref(column)? {
                    self.bytes += value.len();
                }
            }
            self.records.push(read(row)?);
        }
        Ok(())
    }

    /// Adds appends, stream after stream.
    fn fill_with_appends(&mut self, db: &Connection, after: &[u8]) -> Result<(), Failure> {
        let (key, first) = after.split_at_checked(17).unwrap_or_default();
        let sql = format!("{} AND first > ?2 ORDER BY first", log::APPEND);
        let mut query = db.prepare_cached("SELECT id, key FROM streams WHERE key >= ?1 ORDER BY key")?;
        let mut streams = query.query([key])?;
        while !self.is_full()
            && let Some(row) = streams.next()?
        {
            let (id, stream) = (row.get::<_, i64>(0)?, log::stream(row, 1)?);
            let first = if stream.key() == key { number(first) } else { 0 };
            self.fill(db, &sql, params![id, first], |row| log::append(stream, row).map(Record::Append))?;
        }
        Ok(())
    }

    /// Adds to files where they were posted.
    fn add_rooms(&mut self, db: &Connection) -> Result<(), Failure> {
        for record in &mut self.records {
            if let Record::File(file) = record {
                file.rooms = files::rooms(db, file.about.id)?;
            }
        }
        Ok(())
    }
}

fn put(db: &Connection, record: &Record) -> Result<(), Failure> {
    match record {
        Record::Append(append) => log::put(db, append)?,
        Record::Standing { stream, head, folded } => log::stand(db, *stream, *head, *folded)?,
        Record::Doc(doc) => Ready::new(doc)?.write(db)?,
        Record::Mark { user, room, seq } => {
            db.prepare_cached("INSERT INTO reads (user, room, seq) VALUES (?1, ?2, ?3)")?
                .execute(params![user.as_bytes(), room.as_bytes(), int(seq.0)])?;
        }
        Record::Draft { user, room, text } => {
            db.prepare_cached("INSERT INTO drafts (user, room, text) VALUES (?1, ?2, ?3)")?
                .execute(params![user.as_bytes(), room.as_bytes(), text])?;
        }
        Record::Account(account) => accounts::put(db, account)?,
        Record::Session(session) => sessions::create(db, session)?,
        Record::Invite(invite) => invites::create(db, invite)?,
        Record::Content(place) => {
            db.prepare_cached("INSERT INTO contents (hash, place) VALUES (?1, ?2)")?
                .execute(params![place.hash.0, place.to_string()])?;
        }
        Record::File(file) => {
            files::keep(db, file)?;
        }
        Record::Upload(upload) => files::begin_upload(db, upload)?,
        Record::Call(call) => {
            calls::begin(db, call)?;
        }
    }
    Ok(())
}
