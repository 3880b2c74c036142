//! The log of all streams, and how far it is folded.

use async_trait::async_trait;
use rusqlite::{CachedStatement, Connection, OptionalExtension, Row, params, types::Type};

use super::{
    SqliteStore,
    docs::Ready,
    failure::Failure,
    nonces,
    row::{count, head, int, json, nat, to_json},
};
use crate::{
    model::{Append, Doc, Ended, Entry, Head, NonceKey, Rev, Stream, Tag, Timestamp},
    store::{AppendError, Appended, Found, LogStore, StoreError, Write},
};

/// As many heads as are looked up at once: those of one person's rooms.
const FEW: usize = 64;
/// How many appends are taken out in one go: the writer has others to serve in between.
const TRIMMED_TOGETHER: usize = 256;

/// The head of the stream ?1.
pub(super) const HEAD: &str = "SELECT rev, tag FROM streams WHERE key = ?1";

/// Streams that have a log, after ?1; as many as ?2.
pub(super) const STREAMS: &str = "SELECT key FROM streams WHERE key > ?1 AND rev > 0 ORDER BY key LIMIT ?2";

/// Streams behind whose watermark something was appended since ?1.
pub(super) const UNFOLDED: &str = "SELECT key FROM streams WHERE folded < rev AND at >= ?1 ORDER BY at";

/// Appends from before ?1 that are folded and not their stream's last; as many as ?2.
pub(super) const TRIMMABLE: &str = "
    SELECT log.stream, log.first FROM log JOIN streams ON streams.id = log.stream
    WHERE log.at < ?1 AND log.last <= streams.folded AND log.last < streams.rev
    ORDER BY log.at, log.first LIMIT ?2";

#[async_trait]
impl LogStore for SqliteStore {
    async fn append(&self, write: &Write) -> Result<Appended, AppendError> {
        let incoming = Incoming::new(write)?;
        Ok(self.commit(move |db| incoming.write(db)).await?)
    }

    async fn read(&self, stream: Stream, after: Rev, limit: u64) -> Result<Vec<Append>, StoreError> {
        Ok(self.look_up(move |db| read(db, stream, after, limit)).await?)
    }

    async fn heads(&self, streams: &[Stream]) -> Result<Vec<(Stream, Head)>, StoreError> {
        let (streams, few) = (streams.to_vec(), streams.len() <= FEW);
        let work = move |db: &Connection| {
            let mut query = db.prepare_cached(HEAD)?;
            let mut heads = Vec::with_capacity(streams.len());
            for stream in streams {
                let found = query.query_row([stream.key()], |row| head(row, 0)).optional()?;
                heads.extend(found.map(|head| (stream, head)));
            }
            Ok(heads)
        };
        Ok(if few { self.look_up(work).await? } else { self.query(work).await? })
    }

    async fn read_barrier(&self) -> Result<(), StoreError> {
        // Readers see what is committed, and nobody else writes.
        Ok(())
    }

    async fn note_ended(&self, stream: Stream, ended: Vec<Ended>) -> Result<(), StoreError> {
        let ended = ended
            .iter()
            .map(|ended| Ok((nonces::digest(&ended.nonce), serde_json::to_vec(ended)?)))
            .collect::<Result<Vec<_>, Failure>>()?;
        let at = Timestamp::now();
        Ok(self.commit(move |db| nonces::note_ended(db, stream, at, &ended)).await?)
    }

    async fn find(&self, stream: Stream, nonces: &[NonceKey]) -> Result<Vec<Found>, StoreError> {
        let nonces = nonces.to_vec();
        Ok(self.look_up(move |db| nonces::find(db, stream, &nonces)).await?)
    }

    async fn watermark(&self, stream: Stream) -> Result<Head, StoreError> {
        let work = move |db: &Connection| {
            let mut query = db.prepare_cached("SELECT folded, folded_tag FROM streams WHERE key = ?1")?;
            Ok(query.query_row([stream.key()], |row| head(row, 0)).optional()?.unwrap_or_default())
        };
        Ok(self.look_up(work).await?)
    }

    async fn fold(&self, stream: Stream, from: Rev, to: Head, docs: Vec<Doc>) -> Result<bool, StoreError> {
        let docs = Ready::all(&docs)?;
        let work = move |db: &Connection| {
            for doc in &docs {
                doc.write(db)?;
            }
            let moved = db
                .prepare_cached(
                    "UPDATE streams SET folded = ?3, folded_tag = ?4 WHERE key = ?1 AND folded = ?2",
                )?
                .execute(params![stream.key(), int(from.0), int(to.rev.0), to.tag.0.cast_signed()])?;
            Ok(moved == 1)
        };
        Ok(self.commit(work).await?)
    }

    async fn streams(&self, after: Option<Stream>, limit: usize) -> Result<Vec<Stream>, StoreError> {
        let after = after.map(|stream| stream.key().to_vec()).unwrap_or_default();
        let work = move |db: &Connection| {
            let mut query = db.prepare_cached(STREAMS)?;
            let keys = query.query_map(params![after, count(limit)], |row| row.get::<_, Vec<u8>>(0))?;
            let streams = keys.map(|key| Ok(Stream::from_key(&key?)));
            Ok(streams.collect::<rusqlite::Result<Vec<_>>>()?.into_iter().flatten().collect())
        };
        Ok(self.query(work).await?)
    }

    async fn unfolded(&self, since: Timestamp) -> Result<Vec<Stream>, StoreError> {
        let work = move |db: &Connection| {
            let mut query = db.prepare_cached(UNFOLDED)?;
            let keys = query.query_map([since.0], |row| row.get::<_, Vec<u8>>(0))?;
            let streams = keys.map(|key| Ok(Stream::from_key(&key?)));
            Ok(streams.collect::<rusqlite::Result<Vec<_>>>()?.into_iter().flatten().collect())
        };
        Ok(self.query(work).await?)
    }

    async fn trim(&self, before: Timestamp) -> Result<u64, StoreError> {
        self.commit(move |db| nonces::forget_ended(db, before)).await?;
        let mut trimmed = 0;
        loop {
            let old = self.query(move |db| trimmable(db, before)).await?;
            let last = old.len() < TRIMMED_TOGETHER;
            trimmed += self.commit(move |db| take_out(db, &old)).await?;
            if last {
                return Ok(trimmed);
            }
        }
    }
}

/// An append, ready to be written.
struct Incoming {
    key: [u8; 17],
    base: Head,
    head: Head,
    at: Timestamp,
    entries: Vec<u8>,
    nonces: Vec<(Vec<u8>, i64)>,
    docs: Vec<Ready>,
    follows: bool,
}

impl Incoming {
    fn new(write: &Write) -> Result<Self, Failure> {
        let append = &write.append;
        let base = append.base();
        let places = append.entries.iter().map(|entry| entry.rev.0);
        if append.entries.is_empty() || !places.eq(base.rev.0 + 1..=append.head().rev.0) {
            return Err(Failure::Broken("the entries of an append are at least one, and dense".to_owned()));
        }
        Ok(Self {
            key: append.stream.key(),
            base,
            head: append.head(),
            at: append.entries.last().map(|entry| entry.at).unwrap_or_default(),
            entries: to_json(&append.entries)?,
            nonces: append
                .entries
                .iter()
                .map(|entry| (nonces::digest(&entry.nonce), int(entry.rev.0)))
                .collect(),
            docs: Ready::all(&write.docs)?,
            follows: write.follows,
        })
    }

    fn write(&self, db: &Connection) -> Result<Appended, Failure> {
        match standing(db, &self.key)? {
            Some(stood) if stood.head == self.base => self.write_after(db, stood),
            None if self.base == Head::default() => self.write_after(db, begin(db, &self.key)?),
            _ => Err(Failure::Conflict("the head has moved".to_owned())),
        }
    }

    fn write_after(&self, db: &Connection, stood: Standing) -> Result<Appended, Failure> {
        let id = stood.id;
        let passes = !self.follows && stood.folded.rev == self.base.rev;
        let folded = if passes { self.head } else { stood.folded };
        // What may conflict comes first, so that a refused append leaves nothing to take back.
        let mut nonces = db.prepare_cached("INSERT INTO nonces (stream, nonce, rev) VALUES (?1, ?2, ?3)")?;
        for (nonce, rev) in &self.nonces {
            nonces.execute(params![id, nonce, rev])?;
        }
        db.prepare_cached(
            "INSERT INTO log (stream, first, last, tag, prev, at, entries) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            id,
            int(self.base.rev.next().0),
            int(self.head.rev.0),
            self.head.tag.0.cast_signed(),
            self.base.tag.0.cast_signed(),
            self.at.0,
            self.entries,
        ])?;
        for doc in &self.docs {
            doc.write(db)?;
        }
        db.prepare_cached(
            "UPDATE streams SET rev = ?2, tag = ?3, at = ?4, folded = ?5, folded_tag = ?6 WHERE id = ?1",
        )?
        .execute(params![
            id,
            int(self.head.rev.0),
            self.head.tag.0.cast_signed(),
            self.at.0,
            int(folded.rev.0),
            folded.tag.0.cast_signed(),
        ])?;
        Ok(if passes { Appended::Folded } else { Appended::Pending })
    }
}

/// Where a stream stands.
#[derive(Clone, Copy)]
struct Standing {
    id: i64,
    head: Head,
    folded: Head,
}

fn standing(db: &Connection, key: &[u8; 17]) -> Result<Option<Standing>, Failure> {
    let mut query =
        db.prepare_cached("SELECT id, rev, tag, folded, folded_tag FROM streams WHERE key = ?1")?;
    let found = query
        .query_row([key], |row| Ok(Standing { id: row.get(0)?, head: head(row, 1)?, folded: head(row, 3)? }));
    Ok(found.optional()?)
}

/// The head of a stream.
pub(super) fn head_of(db: &Connection, stream: Stream) -> rusqlite::Result<Head> {
    let mut query = db.prepare_cached(HEAD)?;
    Ok(query.query_row([stream.key()], |row| head(row, 0)).optional()?.unwrap_or_default())
}

/// A stream that has no entry yet.
fn begin(db: &Connection, key: &[u8; 17]) -> Result<Standing, Failure> {
    db.prepare_cached(
        "INSERT INTO streams (key, rev, tag, at, folded, folded_tag) VALUES (?1, 0, 0, 0, 0, 0)",
    )?
    .execute([key])?;
    Ok(Standing { id: db.last_insert_rowid(), head: Head::default(), folded: Head::default() })
}

pub(super) fn stream_id(db: &Connection, stream: Stream) -> Result<Option<i64>, Failure> {
    Ok(standing(db, &stream.key())?.map(|stood| stood.id))
}

/// Puts an append of another store's log: the first of its stream wherever that begins, each other right after the one
/// before.
pub(super) fn put(db: &Connection, append: &Append) -> Result<(), Failure> {
    let incoming = Incoming::new(&Write { append: append.clone(), docs: vec![], follows: true })?;
    let stood = match standing(db, &incoming.key)? {
        Some(stood) if stood.head == incoming.base => stood,
        None => begin(db, &incoming.key)?,
        Some(stood) => {
            let (stream, first, head) = (append.stream, append.first(), stood.head.rev);
            return Err(Failure::Broken(format!(
                "{stream}: the append at {first} doesn't follow that up to {head}"
            )));
        }
    };
    incoming.write_after(db, stood).map(drop)
}

/// Notes how far a stream that was put is folded.
pub(super) fn stand(db: &Connection, stream: Stream, head: Head, folded: Head) -> Result<(), Failure> {
    let stands = db
        .prepare_cached(
            "UPDATE streams SET folded = ?4, folded_tag = ?5 WHERE key = ?1 AND rev = ?2 AND tag = ?3",
        )?
        .execute(params![
            stream.key(),
            int(head.rev.0),
            head.tag.0.cast_signed(),
            int(folded.rev.0),
            folded.tag.0.cast_signed(),
        ])?;
    match stands {
        1 => Ok(()),
        _ => Err(Failure::Broken(format!("{stream}: its log doesn't end at its head at {}", head.rev))),
    }
}

pub(super) const APPEND: &str = "SELECT tag, prev, entries, last FROM log WHERE stream = ?1";

/// The stream whose key a column holds.
pub(super) fn stream(row: &Row<'_>, column: usize) -> rusqlite::Result<Stream> {
    let wrong = || rusqlite::Error::FromSqlConversionFailure(column, Type::Blob, "not a stream's key".into());
    Stream::from_key(row.get_ref(column)?.as_blob()?).ok_or_else(wrong)
}

pub(super) fn append(stream: Stream, row: &Row<'_>) -> rusqlite::Result<Append> {
    let (tag, prev): (i64, i64) = (row.get(0)?, row.get(1)?);
    Ok(Append {
        stream,
        tag: Tag(tag.cast_unsigned()),
        prev: Tag(prev.cast_unsigned()),
        entries: json(row, 2)?,
    })
}

/// The query for the append that holds an entry, if it is in the log: the last that begins at or before it.
pub(super) fn holding(db: &Connection) -> rusqlite::Result<CachedStatement<'_>> {
    db.prepare_cached(&format!("{APPEND} AND first <= ?2 ORDER BY first DESC LIMIT 1"))
}

fn read(db: &Connection, stream: Stream, after: Rev, limit: u64) -> Result<Vec<Append>, Failure> {
    let Some(id) = stream_id(db, stream)? else { return Ok(vec![]) };
    let begins = |how: &str| -> Result<Option<i64>, Failure> {
        let mut query = db.prepare_cached(how)?;
        Ok(query.query_row(params![id, int(after.0.saturating_add(1))], |row| row.get(0)).optional()?)
    };
    let at_or_before = "SELECT first FROM log WHERE stream = ?1 AND first <= ?2 ORDER BY first DESC LIMIT 1";
    let after_trim = "SELECT first FROM log WHERE stream = ?1 AND first > ?2 ORDER BY first LIMIT 1";
    let (first, from) = match begins(at_or_before)? {
        Some(first) => (first, after),
        None => match begins(after_trim)? {
            Some(first) => (first, Rev(nat(first - 1))),
            None => return Ok(vec![]),
        },
    };
    let mut query =
        db.prepare_cached(&format!("{APPEND} AND first BETWEEN ?2 AND ?3 AND last > ?4 ORDER BY first"))?;
    let last = int(from.0.saturating_add(limit));
    let appends = query.query_map(params![id, first, last, int(from.0)], |row| append(stream, row))?;
    Ok(appends.collect::<rusqlite::Result<_>>()?)
}

/// Appends that may be taken out, by stream and first rev; as many as are taken out in one go.
fn trimmable(db: &Connection, before: Timestamp) -> Result<Vec<(i64, i64)>, Failure> {
    let mut query = db.prepare_cached(TRIMMABLE)?;
    let old =
        query.query_map(params![before.0, count(TRIMMED_TOGETHER)], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(old.collect::<rusqlite::Result<_>>()?)
}

fn take_out(db: &Connection, appends: &[(i64, i64)]) -> Result<u64, Failure> {
    let mut out = db.prepare_cached("DELETE FROM log WHERE stream = ?1 AND first = ?2 RETURNING entries")?;
    let mut forget = db.prepare_cached("DELETE FROM nonces WHERE stream = ?1 AND nonce = ?2")?;
    let mut taken = 0;
    for (stream, first) in appends {
        let entries = out.query_row(params![stream, first], |row| json::<Vec<Entry>>(row, 0)).optional()?;
        for entry in entries.iter().flatten() {
            forget.execute(params![stream, nonces::digest(&entry.nonce)])?;
        }
        taken += u64::from(entries.is_some());
    }
    Ok(taken)
}
