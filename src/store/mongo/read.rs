//! Reading a stream's log.

use mongodb::bson::doc;

use super::{
    MongoStore,
    bson::{int, stream_key},
    errors::{BATCH, PATIENCE},
    log::LogDocument,
};
use crate::{
    model::{Append, Rev, Stream},
    store::StoreError,
};

impl MongoStore {
    /// The appends that hold the first `limit` entries after `after`, or after what was trimmed.
    pub(super) async fn appends(
        &self,
        stream: Stream,
        after: Rev,
        limit: u64,
    ) -> Result<Vec<Append>, StoreError> {
        let mut appends = self.beginning(stream, after, limit).await?;
        // As a rule one reads on from where an append ends, and that is all.
        if appends.first().is_some_and(|next| next.first() == after.next()) {
            return Ok(appends);
        }
        match self.nearest(stream, after).await? {
            Some(first) if first.first() > after => {
                appends = self.beginning(stream, first.base().rev, limit).await?;
            }
            Some(holder) if holder.head().rev > after => appends.insert(0, holder),
            _ => {}
        }
        Ok(appends)
    }

    /// Appends that begin at the first `limit` places after `after`.
    async fn beginning(&self, stream: Stream, after: Rev, limit: u64) -> Result<Vec<Append>, StoreError> {
        let places = doc! { "$gt": int(after.0), "$lte": int(after.0.saturating_add(limit)) };
        let find = self.collections.log.find(doc! { "stream": stream_key(stream), "first": places });
        let documents = self
            .collections
            .read(find.sort(doc! { "first": 1 }).batch_size(BATCH).max_time(PATIENCE))
            .await?;
        documents.into_iter().map(LogDocument::into_append).collect()
    }

    /// The last append that begins at `rev` or before; where the log was trimmed past that, its first.
    async fn nearest(&self, stream: Stream, rev: Rev) -> Result<Option<Append>, StoreError> {
        let sides = [(doc! { "$gt": 0, "$lte": int(rev.0) }, -1), (doc! { "$gt": int(rev.0) }, 1)];
        for (side, order) in sides {
            let filter = doc! { "stream": stream_key(stream), "first": side };
            let find = self.collections.log.find_one(filter).sort(doc! { "first": order });
            if let Some(document) = self.collections.read(find.max_time(PATIENCE)).await? {
                return document.into_append().map(Some);
            }
        }
        Ok(None)
    }
}
