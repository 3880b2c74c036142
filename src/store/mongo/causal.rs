//! Reading, never further back than before.
//!
//! A primary that has just been elected learns only after a moment what its predecessor acknowledged last, and one that
//! was cut off doesn't know that it was replaced: at majority, both may answer with what was true a while ago. So each read asks
//! for a state at least as new as all that this node has read before (causal consistency, by the servers' own operation
//! times), and who must not miss what others wrote puts a [barrier](Collections::read_barrier) before it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::TryStreamExt;
use mongodb::{
    ClientSession,
    action::{Aggregate, CountDocuments, Find, FindOne, ImplicitSession},
    bson::{Timestamp, doc},
    error::Result,
};
use serde::de::DeserializeOwned;

use super::{
    errors::{PATIENCE, bounded, within},
    schema::Collections,
};
use crate::store::StoreError;

/// The newest operation time that any read saw: seconds in the upper half, a count in the lower.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen(Arc<AtomicU64>);

impl Seen {
    fn note(&self, session: &ClientSession) {
        if let Some(Timestamp { time, increment }) = session.operation_time() {
            self.0.fetch_max(u64::from(time) << 32 | u64::from(increment), Ordering::AcqRel);
        }
    }

    fn bind(&self, session: &mut ClientSession) {
        let seen = self.0.load(Ordering::Acquire);
        let (time, increment) = ((seen >> 32) as u32, seen as u32);
        if time > 0 {
            session.advance_operation_time(Timestamp { time, increment });
        }
    }
}

/// A query of the driver's.
pub(super) trait Query: Send {
    /// What it brings.
    type Found: Send;

    /// Asks within a session.
    fn ask(self, session: &mut ClientSession) -> impl Future<Output = Result<Self::Found>> + Send;
}

impl<T: DeserializeOwned + Send + Sync> Query for Find<'_, T, ImplicitSession> {
    type Found = Vec<T>;

    async fn ask(self, session: &mut ClientSession) -> Result<Vec<T>> {
        self.session(&mut *session).await?.stream(session).try_collect().await
    }
}

impl<T: DeserializeOwned + Send + Sync> Query for FindOne<'_, T> {
    type Found = Option<T>;

    async fn ask(self, session: &mut ClientSession) -> Result<Option<T>> {
        self.session(session).await
    }
}

impl<T: DeserializeOwned + Send + Sync> Query for Aggregate<'_, ImplicitSession, T> {
    type Found = Vec<T>;

    async fn ask(self, session: &mut ClientSession) -> Result<Vec<T>> {
        self.session(&mut *session).await?.stream(session).try_collect().await
    }
}

impl Query for CountDocuments<'_> {
    type Found = u64;

    async fn ask(self, session: &mut ClientSession) -> Result<u64> {
        self.session(session).await
    }
}

impl Collections {
    /// What a query finds.
    pub(super) async fn read<Q: Query>(&self, query: Q) -> std::result::Result<Q::Found, StoreError> {
        self.read_within(PATIENCE, query).await
    }

    /// What a query finds, which may take this long.
    pub(super) async fn read_within<Q: Query>(
        &self,
        patience: Duration,
        query: Q,
    ) -> std::result::Result<Q::Found, StoreError> {
        // In a box of its own: the driver's futures are large, and each read of a caller would make room for one.
        let asked = Box::pin(async {
            let mut session = self.database.client().start_session().await?;
            self.seen.bind(&mut session);
            let found = query.ask(&mut session).await?;
            self.seen.note(&session);
            Ok(found)
        });
        within(patience, asked).await
    }

    /// Reads that begin after this see all that was acknowledged before it, whoever wrote it to whatever server.
    ///
    /// Only a server that the majority follows gets a write acknowledged, and what is read from then on is at least as new as
    /// that write.
    pub(super) async fn read_barrier(&self) -> std::result::Result<(), StoreError> {
        bounded(async {
            let mut session = self.database.client().start_session().await?;
            let count = doc! { "$inc": { "count": 1_i64 } };
            let write = self.schema.update_one(doc! { "_id": "barrier" }, count).upsert(true);
            write.session(&mut session).await?;
            self.seen.note(&session);
            Ok(())
        })
        .await
    }
}
