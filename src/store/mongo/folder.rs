//! Where the documents that many streams fold wait for the disk together, and then their watermarks.
//!
//! The documents of all that wait go in first, each only over one of a lower rev; once a majority has them, the
//! watermarks move. Nothing depends on which of two nodes that fold the same entries is faster: both write the same.

use std::sync::Arc;

use futures_util::future::try_join_all;
use mongodb::{
    Collection,
    bson::RawDocumentBuf,
    error::{Error, ErrorKind, IndexedWriteError},
};
use tokio::sync::{Semaphore, mpsc, oneshot};

use super::{
    errors::{Refused, away, bounded, broken, by_code},
    projection::{Kind, Projected},
    schema::Collections,
    statements,
    watermarks::{self, Move},
};
use crate::{
    model::{Doc, Head, Rev, Stream},
    store::StoreError,
};

/// Writes at a time. Nobody waits for them, and what gathers meanwhile costs less together: so few; but not one alone, which
/// might be stuck.
const IN_FLIGHT: usize = 2;
/// The most folds in one.
const MAX_FOLDS: usize = 256;
/// How many may wait before callers wait to hand theirs over.
const QUEUE: usize = 4_096;

/// A fold on its way in.
struct Waiting {
    documents: Vec<Projected>,
    step: Move,
    reply: oneshot::Sender<Result<bool, StoreError>>,
}

/// The way into the projections.
#[derive(Debug)]
pub(super) struct Folder {
    queue: mpsc::Sender<Waiting>,
}

impl Folder {
    /// Starts the task that writes; it ends when this is dropped.
    pub(super) fn start(collections: &Collections) -> Self {
        let (queue, waiting) = mpsc::channel(QUEUE);
        tokio::spawn(gather(collections.clone(), waiting));
        Self { queue }
    }

    /// Writes documents, then moves the watermark; together with others.
    pub(super) async fn fold(
        &self,
        stream: Stream,
        from: Rev,
        to: Head,
        docs: Vec<Doc>,
    ) -> Result<bool, StoreError> {
        let documents = docs.iter().map(Projected::new).collect::<Result<_, _>>()?;
        let (reply, answer) = oneshot::channel();
        let waiting = Waiting { documents, step: Move { stream, from, to }, reply };
        self.queue.send(waiting).await.map_err(|_| away("the store has stopped"))?;
        answer.await.map_err(|_| away("the store has stopped"))?
    }
}

async fn gather(collections: Collections, mut queue: mpsc::Receiver<Waiting>) {
    let slots = Arc::new(Semaphore::new(IN_FLIGHT));
    loop {
        // First the slot: what comes while all are taken goes together.
        let Ok(slot) = Arc::clone(&slots).acquire_owned().await else { return };
        let mut batch = Vec::new();
        if queue.recv_many(&mut batch, MAX_FOLDS).await == 0 {
            return;
        }
        let collections = collections.clone();
        tokio::spawn(async move {
            write(&collections, batch).await;
            drop(slot);
        });
    }
}

async fn write(collections: &Collections, batch: Vec<Waiting>) {
    let documents = batch.iter().flat_map(|waiting| &waiting.documents).collect();
    let Err(error) = put(collections, documents).await else {
        return advance(collections, batch).await;
    };
    if batch.len() == 1 || matches!(error, StoreError::Away(_)) {
        return batch.into_iter().for_each(|waiting| drop(waiting.reply.send(Err(again(&error)))));
    }
    // One that can't be written must not hold up the others.
    for waiting in batch {
        match put(collections, waiting.documents.iter().collect()).await {
            Ok(()) => advance(collections, vec![waiting]).await,
            Err(error) => drop(waiting.reply.send(Err(error))),
        }
    }
}

async fn advance(collections: &Collections, batch: Vec<Waiting>) {
    let (steps, replies): (Vec<_>, Vec<_>) =
        batch.into_iter().map(|waiting| (waiting.step, waiting.reply)).unzip();
    match watermarks::advance(collections, &steps).await {
        Ok(moved) => replies.into_iter().zip(moved).for_each(|(reply, moved)| drop(reply.send(Ok(moved)))),
        Err(error) => replies.into_iter().for_each(|reply| drop(reply.send(Err(again(&error))))),
    }
}

/// The same error for another.
fn again(error: &StoreError) -> StoreError {
    match error {
        StoreError::Away(why) => StoreError::Away(why.clone()),
        StoreError::Full(why) => StoreError::Full(why.clone()),
        StoreError::Broken(why) => StoreError::Broken(why.clone()),
    }
}

/// Writes documents over those of a lower rev.
async fn put(collections: &Collections, documents: Vec<&Projected>) -> Result<(), StoreError> {
    let (fresh, known): (Vec<_>, Vec<_>) = documents.into_iter().partition(|document| document.fresh);
    let (mut there, upserted) = tokio::try_join!(
        insert(collections, fresh),
        try_join_all(Kind::ALL.map(|kind| {
            let known = known.iter().copied().filter(|document| document.kind == kind).collect();
            replace(collections, kind, known, true)
        })),
    )?;
    // There is one already, or somebody was faster to put one: of a lower rev, perhaps. Documents are never taken out, so
    // now it is there.
    there.extend(upserted.into_iter().flatten());
    for kind in Kind::ALL {
        let there = there.iter().copied().filter(|document| document.kind == kind).collect();
        replace(collections, kind, there, false).await?;
    }
    Ok(())
}

/// Inserts messages; returns those that are there already.
async fn insert<'a>(
    collections: &Collections,
    documents: Vec<&'a Projected>,
) -> Result<Vec<&'a Projected>, StoreError> {
    if documents.is_empty() {
        return Ok(documents);
    }
    let messages: Collection<RawDocumentBuf> = collections.messages.clone_with_type();
    let insert = messages.insert_many(documents.iter().map(|document| &document.body)).ordered(false);
    let insert = insert.into_future();
    let refusals = bounded(async {
        match insert.await {
            Ok(_) => Ok(Vec::new()),
            Err(error) => refusals(error),
        }
    })
    .await?;
    let mut there = Vec::with_capacity(refusals.len());
    for refusal in refusals {
        match Refused::by(refusal.code) {
            Refused::Duplicate => there.extend(documents.get(refusal.index).copied()),
            _ => return Err(by_code(refusal.code, refusal.message)),
        }
    }
    Ok(there)
}

/// What was refused, when nothing else went wrong.
fn refusals(error: Error) -> mongodb::error::Result<Vec<IndexedWriteError>> {
    match &*error.kind {
        ErrorKind::InsertMany(many) if many.write_concern_error.is_none() => {
            many.write_errors.clone().ok_or(error)
        }
        _ => Err(error),
    }
}

/// Replaces documents of a lower rev; returns those that were refused as there already, which `upsert` alone makes happen.
async fn replace<'a>(
    collections: &Collections,
    kind: Kind,
    documents: Vec<&'a Projected>,
    upsert: bool,
) -> Result<Vec<&'a Projected>, StoreError> {
    let statements = documents.iter().map(|document| document.statement(upsert)).collect();
    let done = statements::update(&collections.database, kind.collection(collections), statements).await?;
    done.duplicates
        .into_iter()
        .map(|index| documents.get(index).copied().ok_or_else(|| broken("an index past the end")))
        .collect()
}
