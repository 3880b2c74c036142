//! How far streams are folded, and which are behind.

use std::{collections::HashSet, time::Duration};

use mongodb::bson::{Binary, doc, rawdoc};
use serde::{Deserialize, Serialize};

use super::{
    MongoStore,
    bson::{int, stream_key, stream_of, tag_bits, tag_of, uint},
    errors::{BATCH, PATIENCE},
    log::since,
    schema::Collections,
    statements,
};
use crate::{
    model::{Head, Rev, Stream, Tag, Timestamp},
    store::StoreError,
};

/// Of appends since then all are looked at; of those since longer ago, each stream's newest.
const RECENT: Duration = Duration::from_secs(600);
/// How long it may take to look for streams that are behind. Nobody waits for it.
const LOOK_THROUGH: Duration = Duration::from_secs(60);

/// A watermark's way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Move {
    pub(super) stream: Stream,
    pub(super) from: Rev,
    pub(super) to: Head,
}

/// A watermark.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Watermark {
    #[serde(rename = "_id")]
    pub(super) stream: Binary,
    pub(super) rev: i64,
    tag: i64,
    /// Of the move that brought it here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mark: Option<i64>,
}

impl Watermark {
    /// One that no move brought here.
    pub(super) fn new(stream: Stream, folded: Head) -> Self {
        Self { stream: stream_key(stream), rev: int(folded.rev.0), tag: tag_bits(folded.tag), mark: None }
    }

    pub(super) fn head(&self) -> Result<Head, StoreError> {
        Ok(Head { rev: Rev(uint(self.rev)?), tag: tag_of(self.tag) })
    }
}

/// A stream of the log, by a query.
#[derive(Debug, Deserialize)]
struct Named {
    #[serde(rename = "_id")]
    stream: Binary,
}

/// Moves watermarks, each if it stands where it is to come from. Returns which moved.
///
/// The answer to many statements says how many of them hit, not which. When not all did, those that moved are known by the
/// mark that each leaves; one that was moved on since then counts as not moved.
pub(super) async fn advance(collections: &Collections, moves: &[Move]) -> Result<Vec<bool>, StoreError> {
    let marks: Vec<i64> = moves.iter().map(|_| tag_bits(Tag::random())).collect();
    let statements = moves.iter().zip(&marks).map(|(step, mark)| {
        rawdoc! {
            "q": { "_id": stream_key(step.stream), "rev": int(step.from.0) },
            "u": { "$set": { "rev": int(step.to.rev.0), "tag": tag_bits(step.to.tag), "mark": *mark } },
            // None stands for one at 0; where there is one by now, its key refuses another.
            "upsert": step.from.0 == 0,
        }
    });
    let name = collections.streams.name();
    let done = statements::update(&collections.database, name, statements.collect()).await?;
    if done.count == moves.len() as u64 {
        return Ok(vec![true; moves.len()]);
    }
    let keys: Vec<Binary> = moves.iter().map(|step| stream_key(step.stream)).collect();
    let watermarks = collections.streams.clone_with_type::<Watermark>();
    let query = watermarks.find(doc! { "_id": { "$in": keys } }).batch_size(BATCH);
    let found = collections.read(query.max_time(PATIENCE)).await?;
    let found: HashSet<Option<i64>> = found.into_iter().map(|watermark| watermark.mark).collect();
    Ok(marks.into_iter().map(|mark| found.contains(&Some(mark))).collect())
}

impl MongoStore {
    /// How far a stream is folded.
    pub(super) async fn folded(&self, stream: Stream) -> Result<Head, StoreError> {
        let query = self.collections.streams.clone_with_type::<Watermark>();
        let found = self
            .collections
            .read(query.find_one(doc! { "_id": stream_key(stream) }).max_time(PATIENCE))
            .await?;
        found.map_or(Ok(Head::default()), |found| found.head())
    }

    /// Streams that have a log, after this one; at most so many.
    pub(super) async fn streams_after(
        &self,
        after: Option<Stream>,
        limit: usize,
    ) -> Result<Vec<Stream>, StoreError> {
        let mut pipeline = vec![
            // Along the index, skipping from each stream's first append to the next one's.
            doc! { "$sort": { "stream": 1, "first": 1 } },
            doc! { "$group": { "_id": "$stream", "first": { "$first": "$first" } } },
            doc! { "$sort": { "_id": 1 } },
            doc! { "$limit": i64::try_from(limit).unwrap_or(i64::MAX) },
            doc! { "$project": { "_id": 1 } },
        ];
        if let Some(after) = after {
            pipeline.insert(0, doc! { "$match": { "stream": { "$gt": stream_key(after) } } });
        }
        let query = self.collections.log.aggregate(pipeline).with_type::<Named>();
        let found = self
            .collections
            .read_within(LOOK_THROUGH, query.batch_size(BATCH).max_time(LOOK_THROUGH))
            .await?;
        found.iter().map(|named| stream_of(&named.stream)).collect()
    }

    /// Streams that were appended to since then, and are not folded to their head.
    pub(super) async fn behind(&self, at: Timestamp) -> Result<Vec<Stream>, StoreError> {
        let stands = doc! { "$add": ["$first", "$count", -1] };
        let mut pipeline = if at > Timestamp::now().minus(RECENT) {
            vec![
                doc! { "$match": { "_id": { "$gte": since(at) } } },
                doc! { "$group": { "_id": "$stream", "rev": { "$max": stands } } },
            ]
        } else {
            // Along the index, skipping to each stream's last: of a long log far less than all of it.
            vec![
                doc! { "$sort": { "stream": -1, "first": -1 } },
                doc! { "$group": {
                    "_id": "$stream",
                    "first": { "$first": "$first" },
                    "count": { "$first": "$count" },
                    "at": { "$first": "$at" },
                } },
                doc! { "$match": { "at": { "$gte": at.0 } } },
                doc! { "$project": { "rev": stands } },
            ]
        };
        pipeline.extend([
            doc! { "$lookup": {
                "from": self.collections.streams.name(),
                "localField": "_id",
                "foreignField": "_id",
                "as": "folded",
            } },
            doc! { "$match": { "$expr": { "$gt": ["$rev", { "$ifNull": [{ "$first": "$folded.rev" }, 0] }] } } },
            doc! { "$project": { "_id": 1 } },
        ]);
        let query = self.collections.log.aggregate(pipeline).with_type::<Named>();
        let behind = self
            .collections
            .read_within(LOOK_THROUGH, query.batch_size(BATCH).max_time(LOOK_THROUGH))
            .await?;
        behind.iter().map(|named| stream_of(&named.stream)).collect()
    }
}
