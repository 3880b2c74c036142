//! The log: one document an append, and how it is written, read and trimmed.
//!
//! An append has to stand right after its stream's head. The unique index on (stream, first) sees two that begin at the
//! same place; it doesn't see one that begins inside another, past a hole, or where the log was trimmed. So the
//! place before it must be known to be the end of a committed append ([`Boundaries`]); what was one once stays one,
//! and the index then decides who was first after it.

use std::{collections::HashSet, time::Duration};

use async_trait::async_trait;
use mongodb::bson::{Binary, doc, serialize_to_raw_document_buf};
use serde::{Deserialize, Serialize};

use super::{
    MongoStore,
    bson::{binary, int, stream_key, stream_of, tag_bits, tag_of, uint},
    errors::{BATCH, PATIENCE, broken, known_or_in},
    schema::Collections,
};
use crate::{
    model::{
        Append, Doc, Ended, Entry, Head, NonceKey, RequestHash, Rev, Stream, Tag, Timestamp, UserId, What,
        entry::{MAX_BYTES, MAX_ENTRIES},
    },
    store::{AppendError, Appended, Found, LogStore, StoreError, Write},
};

/// The most bytes of an append as BSON. Its entries have at most [`MAX_BYTES`] as JSON, which BSON doesn't double.
const MAX_DOCUMENT: usize = 2 * MAX_BYTES;

/// An append in the log.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct LogDocument {
    /// When its last entry was made, then its tag: what is recent, or old, is a range of these.
    #[serde(rename = "_id")]
    id: Binary,
    stream: Binary,
    /// Rev of its first entry; those of the others follow from it.
    first: i64,
    count: i64,
    tag: i64,
    prev: i64,
    at: Timestamp,
    entries: Vec<LogEntry>,
    /// The entries', in their order.
    nonces: Vec<NonceKey>,
}

/// A change that ended without an entry. It stands in the log for the sake of the index: no append bears its nonce any
/// more. Its place is below zero, where no reader of a stream comes.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct EndedDocument {
    #[serde(rename = "_id")]
    id: Binary,
    stream: Binary,
    first: i64,
    /// Of entries: 0.
    count: i64,
    /// Its own, alone.
    nonces: Vec<NonceKey>,
    ended: Ended,
}

impl EndedDocument {
    fn new(stream: Stream, ended: Ended) -> Self {
        let chance = Tag::random().0;
        Self {
            id: append_key(Timestamp::now(), chance),
            stream: stream_key(stream),
            first: -int((chance >> 1).max(1)),
            count: 0,
            nonces: vec![ended.nonce.clone()],
            ended,
        }
    }
}

/// A document of the log.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Logged {
    Ended(EndedDocument),
    Append(LogDocument),
}

/// An entry, without what its document says.
#[derive(Debug, Serialize, Deserialize)]
struct LogEntry {
    at: Timestamp,
    by: UserId,
    request: RequestHash,
    what: What,
}

/// A stream's newest document.
#[derive(Debug, Deserialize)]
pub(super) struct Newest {
    #[serde(rename = "_id")]
    pub(super) stream: Binary,
    pub(super) first: i64,
    count: i64,
    tag: i64,
}

/// The least `_id` of an append whose last entry was made at `at` or later.
pub(super) fn since(at: Timestamp) -> Binary {
    append_key(at, 0)
}

fn append_key(at: Timestamp, tag: u64) -> Binary {
    let at = u64::try_from(at.0).unwrap_or_default();
    binary(&[at.to_be_bytes(), tag.to_be_bytes()].concat())
}

impl LogDocument {
    pub(super) fn new(append: Append) -> Self {
        let at = append.entries.last().map(|entry| entry.at).unwrap_or_default();
        let (first, count) = (append.first(), append.entries.len());
        let mut nonces = Vec::with_capacity(count);
        let mut entries = Vec::with_capacity(count);
        for Entry { at, by, nonce, request, what, .. } in append.entries {
            nonces.push(nonce);
            entries.push(LogEntry { at, by, request, what });
        }
        Self {
            id: append_key(at, append.tag.0),
            stream: stream_key(append.stream),
            first: int(first.0),
            count: int(count as u64),
            tag: tag_bits(append.tag),
            prev: tag_bits(append.prev),
            at,
            entries,
            nonces,
        }
    }

    pub(super) fn into_append(self) -> Result<Append, StoreError> {
        let first = uint(self.first)?;
        if self.entries.len() != self.nonces.len() || self.entries.len() as u64 != uint(self.count)? {
            return Err(broken("an append's count isn't that of its entries"));
        }
        let entries = (first..).zip(self.entries).zip(self.nonces).map(|((rev, entry), nonce)| {
            let LogEntry { at, by, request, what } = entry;
            Entry { rev: Rev(rev), at, by, nonce, request, what }
        });
        Ok(Append {
            stream: stream_of(&self.stream)?,
            tag: tag_of(self.tag),
            prev: tag_of(self.prev),
            entries: entries.collect(),
        })
    }
}

/// Where appends are known to end, of the streams written to lately. They are kept for far shorter than the log is: what
/// came after one may have been trimmed since, and then the index would no longer refuse another in its place.
pub(super) type Boundaries = moka::sync::Cache<Stream, Head>;

/// How many streams' boundaries are kept.
const BOUNDARIES: u64 = 100_000;
/// For how long they are trusted.
const BOUNDARY_LIFE: Duration = Duration::from_secs(3_600);

/// None known yet.
pub(super) fn boundaries() -> Boundaries {
    moka::sync::Cache::builder().max_capacity(BOUNDARIES).time_to_live(BOUNDARY_LIFE).build()
}

/// Refuses what no log may hold. The index doesn't see a nonce that is twice within one document.
fn check(append: &Append) -> Result<(), AppendError> {
    let entries = &append.entries;
    if entries.is_empty() || entries.len() > MAX_ENTRIES {
        return Err(AppendError::Full(format!("an append holds 1 to {MAX_ENTRIES} entries")));
    }
    let in_order = entries.iter().zip(append.first().0..).all(|(entry, rev)| entry.rev.0 == rev && rev > 0);
    let mut nonces = HashSet::with_capacity(entries.len());
    let unique = entries.iter().all(|entry| nonces.insert(&entry.nonce));
    if in_order && unique { Ok(()) } else { Err(AppendError::Taken) }
}

/// The newest documents of these streams, without their entries.
pub(super) async fn newest(collections: &Collections, keys: Vec<Binary>) -> Result<Vec<Newest>, StoreError> {
    // Along the index, skipping to each stream's last: no more documents are read than are returned.
    let pipeline = vec![
        doc! { "$match": { "stream": { "$in": keys } } },
        doc! { "$sort": { "stream": -1, "first": -1 } },
        doc! { "$group": {
            "_id": "$stream",
            "first": { "$first": "$first" },
            "count": { "$first": "$count" },
            "tag": { "$first": "$tag" },
        } },
    ];
    collections
        .read(collections.log.aggregate(pipeline).with_type().batch_size(BATCH).max_time(PATIENCE))
        .await
}

impl MongoStore {
    /// Makes sure that an append begins where another ends.
    async fn begins_at_boundary(&self, append: &Append) -> Result<(), AppendError> {
        let (stream, base) = (append.stream, append.base());
        if self.boundaries.get(&stream) == Some(base) {
            return Ok(());
        }
        let heads = self.heads(&[stream]).await.map_err(|error| AppendError::Unknown(error.to_string()))?;
        let head = heads.first().map(|(_, head)| *head).unwrap_or_default();
        self.boundaries.insert(stream, head);
        if head == base { Ok(()) } else { Err(AppendError::Taken) }
    }
}

#[async_trait]
impl LogStore for MongoStore {
    async fn append(&self, write: &Write) -> Result<Appended, AppendError> {
        let append = &write.append;
        check(append)?;
        self.begins_at_boundary(append).await?;
        let (stream, head) = (append.stream, append.head());
        let document = serialize_to_raw_document_buf(&LogDocument::new(append.clone()))
            .map_err(|error| AppendError::Full(format!("an append can't be written as BSON: {error}")))?;
        if document.as_bytes().len() > MAX_DOCUMENT {
            return Err(AppendError::Full(format!("an append has at most {MAX_BYTES} bytes")));
        }
        let committed = self.committer.commit(document).await;
        match committed {
            Ok(()) => self.boundaries.insert(stream, head),
            Err(_) => self.boundaries.invalidate(&stream),
        }
        committed.map(|()| Appended::Pending)
    }

    async fn read(&self, stream: Stream, after: Rev, limit: u64) -> Result<Vec<Append>, StoreError> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        let appends = self.appends(stream, after, limit).await?;
        if let Some(last) = appends.last() {
            self.boundaries.entry(stream).and_upsert_with(|known| {
                known.map_or(last.head(), |known| match known.into_value() {
                    known if known.rev < last.head().rev => last.head(),
                    known => known,
                })
            });
        }
        Ok(appends)
    }

    async fn heads(&self, streams: &[Stream]) -> Result<Vec<(Stream, Head)>, StoreError> {
        let keys = streams.iter().copied().map(stream_key).collect();
        let newest = newest(&self.collections, keys).await?;
        newest
            .into_iter()
            .map(|head: Newest| {
                let rev = Rev(uint(head.first + head.count - 1)?);
                Ok((stream_of(&head.stream)?, Head { rev, tag: tag_of(head.tag) }))
            })
            .collect()
    }

    async fn read_barrier(&self) -> Result<(), StoreError> {
        self.collections.read_barrier().await
    }

    async fn note_ended(&self, stream: Stream, ended: Vec<Ended>) -> Result<(), StoreError> {
        let log = self.collections.log.clone_with_type::<EndedDocument>();
        let documents = ended.into_iter().map(|ended| EndedDocument::new(stream, ended));
        known_or_in(log.insert_many(documents).ordered(false)).await
    }

    async fn find(&self, stream: Stream, nonces: &[NonceKey]) -> Result<Vec<Found>, StoreError> {
        let wanted: HashSet<&NonceKey> = nonces.iter().collect();
        let named: Vec<&str> = nonces.iter().map(|nonce| &*nonce.0).collect();
        let filter = doc! { "stream": stream_key(stream), "nonces": { "$in": named } };
        let log = self.collections.log.clone_with_type::<Logged>();
        let documents = self.collections.read(log.find(filter).max_time(PATIENCE)).await?;
        let mut found = Vec::with_capacity(nonces.len());
        for document in documents {
            let append = match document {
                Logged::Ended(document) => {
                    found.push(Found::Ended(document.ended));
                    continue;
                }
                Logged::Append(document) => document.into_append()?,
            };
            let entries = append.entries.into_iter().filter(|entry| wanted.contains(&entry.nonce));
            found.extend(entries.map(|entry| Found::Entry { entry, tag: append.tag }));
        }
        Ok(found)
    }

    async fn watermark(&self, stream: Stream) -> Result<Head, StoreError> {
        self.folded(stream).await
    }

    async fn fold(&self, stream: Stream, from: Rev, to: Head, docs: Vec<Doc>) -> Result<bool, StoreError> {
        self.folder.fold(stream, from, to, docs).await
    }

    async fn streams(&self, after: Option<Stream>, limit: usize) -> Result<Vec<Stream>, StoreError> {
        self.streams_after(after, limit).await
    }

    async fn unfolded(&self, since: Timestamp) -> Result<Vec<Stream>, StoreError> {
        self.behind(since).await
    }

    async fn trim(&self, before: Timestamp) -> Result<u64, StoreError> {
        self.trim_log(before).await
    }
}
