//! Taking out what is old of the log.

use std::collections::HashMap;

use mongodb::{
    bson::{Binary, RawDocumentBuf, doc, rawdoc},
    options::Hint,
};
use serde::Deserialize;

use super::{
    MongoStore,
    errors::{PATIENCE, bounded},
    log::{newest, since},
    statements,
    watermarks::Watermark,
};
use crate::{model::Timestamp, store::StoreError};

/// How many appends are looked at in one go.
const PAGE: i64 = 5_000;

/// An old append.
#[derive(Debug, Deserialize)]
struct Old {
    #[serde(rename = "_id")]
    id: Binary,
    stream: Binary,
    first: i64,
    count: i64,
}

impl MongoStore {
    /// Takes out folded appends whose last entry is from before then, but a stream's last; and how changes ended
    /// before.
    pub(super) async fn trim_log(&self, before: Timestamp) -> Result<u64, StoreError> {
        let log = self.collections.log.clone_with_type::<Old>();
        let (mut from, until) = (since(Timestamp(0)), since(before));
        let mut trimmed = 0;
        loop {
            let page = log
                .find(doc! { "_id": { "$gt": &from, "$lt": &until }, "first": { "$gt": 0 } })
                .sort(doc! { "_id": 1 })
                .limit(PAGE)
                .projection(doc! { "stream": 1, "first": 1, "count": 1 })
                .max_time(PATIENCE);
            let page = self.collections.read(page).await?;
            let Some(last) = page.last() else { break };
            from = last.id.clone();
            trimmed += self.trim_page(page).await?;
        }
        let ended = doc! { "_id": { "$lt": until }, "first": { "$lt": 0 } };
        bounded(log.delete_many(ended).hint(Hint::Keys(doc! { "_id": 1 }))).await?;
        Ok(trimmed)
    }

    /// Takes out those of a page that may go. Of a stream, what is older than the oldest of the page went before.
    async fn trim_page(&self, page: Vec<Old>) -> Result<u64, StoreError> {
        let mut streams: HashMap<Vec<u8>, Vec<Old>> = HashMap::new();
        for old in page {
            streams.entry(old.stream.bytes.clone()).or_default().push(old);
        }
        let keys: Vec<Binary> =
            streams.values().filter_map(|olds| olds.first()).map(|old| old.stream.clone()).collect();
        let watermarks = self.collections.streams.clone_with_type::<Watermark>();
        let watermarks = watermarks.find(doc! { "_id": { "$in": keys.clone() } }).max_time(PATIENCE);
        let (newest, watermarks) =
            tokio::try_join!(newest(&self.collections, keys), self.collections.read(watermarks))?;
        let folded: HashMap<_, _> =
            watermarks.into_iter().map(|found| (found.stream.bytes, found.rev)).collect();
        let mut statements: Vec<RawDocumentBuf> = Vec::with_capacity(newest.len());
        for newest in newest {
            let key = &newest.stream.bytes;
            let (Some(olds), Some(folded)) = (streams.get(key), folded.get(key)) else { continue };
            let goes = |old: &&Old| old.first < newest.first && old.first + old.count - 1 <= *folded;
            let Some(up_to) = olds.iter().filter(goes).map(|old| old.first).max() else { continue };
            // Along the index, so from the oldest on: cut short, it leaves no hole.
            statements.push(rawdoc! {
                "q": { "stream": newest.stream, "first": { "$gt": 0, "$lte": up_to } },
                "limit": 0,
                "hint": { "stream": 1, "first": 1 },
            });
        }
        let name = self.collections.log.name();
        Ok(statements::delete(&self.collections.database, name, statements).await?.count)
    }
}
