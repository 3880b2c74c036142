//! Calls that are going on.

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{
    SqliteStore,
    failure::Failure,
    row::{id, int, nat},
};
use crate::{
    model::{CallId, NodeId, RoomId, Tag, Term, Timestamp},
    store::{CallRecord, CallStore, StoreError},
};

pub(super) const CALL: &str = "SELECT room, call, term, owner, until, state FROM calls";

pub(super) fn record(row: &Row<'_>) -> rusqlite::Result<CallRecord> {
    Ok(CallRecord {
        room: id(row, 0, RoomId::from_bytes)?,
        call: id(row, 1, CallId::from_bytes)?,
        term: Term(nat(row.get(2)?)),
        owner: NodeId(Tag(row.get::<_, i64>(3)?.cast_unsigned())),
        until: Timestamp(row.get(4)?),
        state: row.get(5)?,
    })
}

#[async_trait]
impl CallStore for SqliteStore {
    async fn call(&self, room: RoomId) -> Result<Option<CallRecord>, StoreError> {
        let work = move |db: &Connection| {
            let mut query = db.prepare_cached(&format!("{CALL} WHERE room = ?1"))?;
            Ok(query.query_row([room.as_bytes()], record).optional()?)
        };
        Ok(self.query(work).await?)
    }

    async fn begin_call(&self, record: &CallRecord) -> Result<bool, StoreError> {
        let record = record.clone();
        Ok(self.commit(move |db| begin(db, &record)).await?)
    }

    async fn set_call(&self, record: &CallRecord, from: Term) -> Result<bool, StoreError> {
        let record = record.clone();
        Ok(self.commit(move |db| set(db, &record, from)).await?)
    }

    async fn end_call(&self, room: RoomId, call: CallId, term: Term) -> Result<bool, StoreError> {
        let work = move |db: &Connection| {
            let ended = db
                .prepare_cached("DELETE FROM calls WHERE room = ?1 AND call = ?2 AND term = ?3")?
                .execute(params![room.as_bytes(), call.as_bytes(), int(term.0)])?;
            Ok(ended == 1)
        };
        Ok(self.commit(work).await?)
    }

    async fn overdue_calls(&self, now: Timestamp, limit: usize) -> Result<Vec<CallRecord>, StoreError> {
        let work = move |db: &Connection| {
            let mut query =
                db.prepare_cached(&format!("{CALL} WHERE until <= ?1 ORDER BY until LIMIT ?2"))?;
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            Ok(query.query_map(params![now.0, limit], record)?.collect::<rusqlite::Result<_>>()?)
        };
        Ok(self.query(work).await?)
    }
}

/// Keeps it; false when the room has one.
pub(super) fn begin(db: &Connection, record: &CallRecord) -> Result<bool, Failure> {
    let begun = db
        .prepare_cached(
            "INSERT INTO calls (room, call, term, owner, until, state) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (room) DO NOTHING",
        )?
        .execute(params![
            record.room.as_bytes(),
            record.call.as_bytes(),
            int(record.term.0),
            record.owner.0.0.cast_signed(),
            record.until.0,
            record.state,
        ])?;
    Ok(begun == 1)
}

fn set(db: &Connection, record: &CallRecord, from: Term) -> Result<bool, Failure> {
    let set = db
        .prepare_cached(
            "UPDATE calls SET term = ?3, owner = ?4, until = ?5, state = ?6
             WHERE room = ?1 AND call = ?2 AND term = ?7",
        )?
        .execute(params![
            record.room.as_bytes(),
            record.call.as_bytes(),
            int(record.term.0),
            record.owner.0.0.cast_signed(),
            record.until.0,
            record.state,
            int(from.0),
        ])?;
    Ok(set == 1)
}
