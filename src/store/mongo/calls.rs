//! Calls that are going on: one document a room, replaced by compare-and-set on its term.

use async_trait::async_trait;
use mongodb::bson::{Document, doc};
use serde::{Deserialize, Serialize};

use super::{
    MongoStore,
    bson::{binary, room_id},
    errors::{PATIENCE, bounded, refused},
};
use crate::{
    model::{CallId, NodeId, RoomId, Term, Timestamp},
    store::{CallRecord, CallStore, StoreError},
};

/// A call.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct CallDocument {
    #[serde(rename = "_id")]
    room: RoomId,
    call: CallId,
    term: i64,
    owner: NodeId,
    until: Timestamp,
    state: String,
}

impl From<CallDocument> for CallRecord {
    fn from(document: CallDocument) -> Self {
        let CallDocument { room, call, term, owner, until, state } = document;
        Self { room, call, term: Term(u64::try_from(term).unwrap_or_default()), owner, until, state }
    }
}

impl From<&CallRecord> for CallDocument {
    fn from(record: &CallRecord) -> Self {
        let CallRecord { room, call, owner, until, .. } = *record;
        Self { room, call, term: signed(record.term), owner, until, state: record.state.clone() }
    }
}

fn signed(term: Term) -> i64 {
    i64::try_from(term.0).unwrap_or(i64::MAX)
}

fn key(room: RoomId, call: CallId, term: Term) -> Document {
    doc! { "_id": room_id(room), "call": binary(call.as_bytes()), "term": signed(term) }
}

#[async_trait]
impl CallStore for MongoStore {
    async fn call(&self, room: RoomId) -> Result<Option<CallRecord>, StoreError> {
        let find = self.collections.calls.find_one(doc! { "_id": room_id(room) });
        Ok(self.collections.read(find.max_time(PATIENCE)).await?.map(CallRecord::from))
    }

    async fn begin_call(&self, record: &CallRecord) -> Result<bool, StoreError> {
        Ok(!refused(self.collections.calls.insert_one(CallDocument::from(record))).await?)
    }

    async fn set_call(&self, record: &CallRecord, from: Term) -> Result<bool, StoreError> {
        let replace = self
            .collections
            .calls
            .replace_one(key(record.room, record.call, from), CallDocument::from(record));
        Ok(bounded(replace).await?.matched_count > 0)
    }

    async fn end_call(&self, room: RoomId, call: CallId, term: Term) -> Result<bool, StoreError> {
        Ok(bounded(self.collections.calls.delete_one(key(room, call, term))).await?.deleted_count > 0)
    }

    async fn overdue_calls(&self, now: Timestamp, limit: usize) -> Result<Vec<CallRecord>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let find = self.collections.calls.find(doc! { "until": { "$lte": now.0 } }).sort(doc! { "until": 1 });
        Ok(self
            .collections
            .read(find.limit(limit).max_time(PATIENCE))
            .await?
            .into_iter()
            .map(CallRecord::from)
            .collect())
    }
}
