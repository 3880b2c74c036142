//! The streams: how anything gets into a log, and how a log is read.
//!
//! A change goes to its stream's [`writer`]: decided upon the state at the stream's head, appended right after it by
//! compare-and-append, told to the bus, acknowledged; [`fold`] brings the projections up behind it. Reads
//! ([`read`], [`resume`]) take projections and overlay what isn't folded yet.

mod draft;
mod fold;
mod read;
mod resume;
mod state;
mod sweep;
mod writer;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::{mpsc, oneshot};

pub use read::{Listing, Span, Timeline};
pub use resume::{Resume, Since, Why};

use crate::{
    bus::{Bus, Committed},
    model::{Change, Done, Refusal, RequestHash, Stream},
    store::{Found, Store, StoreError},
};

/// Changes that may wait for one stream; a further one waits outside, and no longer than [`PATIENCE`].
const QUEUE: usize = 1_024;
/// How long a change may take in all, store failures and retries included.
const PATIENCE: Duration = Duration::from_secs(15);

/// Why a change was not made.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// It may not be made; asking again won't help.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Not now, or it isn't known whether it was: the same change with the same nonce may be asked for again.
    #[error("the log is away: {0}")]
    Unavailable(String),
    /// There is no room for it in the store. Nothing was written.
    #[error("the store is full: {0}")]
    Full(String),
}

impl From<StoreError> for LogError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Full(why) => LogError::Full(why),
            StoreError::Away(why) | StoreError::Broken(why) => LogError::Unavailable(why),
        }
    }
}

/// All streams, as one node writes and reads them.
#[derive(Clone)]
pub struct Log {
    inner: Arc<Inner>,
}

struct Inner {
    store: Arc<dyn Store>,
    bus: Arc<dyn Bus>,
    writers: Mutex<HashMap<Stream, mpsc::Sender<Job>>>,
}

/// What a stream's writer is asked to do.
enum Job {
    /// Make a change, and tell how it ended.
    Make(Change, oneshot::Sender<Result<Done, LogError>>),
    /// Take notice of what another node appended.
    Learn(Arc<Committed>),
}

impl std::fmt::Debug for Log {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Log").finish_non_exhaustive()
    }
}

impl Log {
    /// The streams that `store` keeps, told to others by `bus`. Must be called within a runtime.
    pub fn new(store: Arc<dyn Store>, bus: Arc<dyn Bus>) -> Self {
        Self { inner: Arc::new(Inner { store, bus, writers: Mutex::default() }) }
    }

    /// The store underneath.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.inner.store
    }

    /// The bus underneath.
    pub fn bus(&self) -> &Arc<dyn Bus> {
        &self.inner.bus
    }

    /// Makes a change: when this returns a [`Done`], it is stored, survives a crash, and has been handed to the bus. A
    /// repeat (same author, same nonce) gets the first result, whether or not it would be allowed now.
    ///
    /// # Errors
    /// `Refused` is final. After `Unavailable`, ask again with the same nonce.
    pub async fn submit(&self, change: Change) -> Result<Done, LogError> {
        let (reply, result) = oneshot::channel();
        let sent = async {
            let mut job = Job::Make(change.clone(), reply);
            while let Err(mpsc::error::SendError(back)) = self.writer(change.stream).send(job).await {
                // The writer has just gone to rest; the next look-up starts another.
                job = back;
            }
            result.await.map_err(|_| LogError::Unavailable("the writer stopped".to_owned()))?
        };
        let patience = PATIENCE + Duration::from_secs(1);
        tokio::time::timeout(patience, sent)
            .await
            .map_err(|_| LogError::Unavailable("took too long".to_owned()))?
    }

    /// The first result of a change that was made before; for changes whose value is kept beside the log.
    ///
    /// # Errors
    /// `Refused` when the nonce was used for another request.
    pub async fn first_result(&self, change: &Change) -> Result<Option<Done>, LogError> {
        let found = self.store().find(change.stream, std::slice::from_ref(&change.nonce)).await?;
        let Some(Found { entry, tag }) = found.into_iter().next() else { return Ok(None) };
        if entry.request != RequestHash::of(&change.command) {
            return Err(Refusal::NonceReused.into());
        }
        Ok(Some(Done { rev: Some(entry.rev), tag: Some(tag), seq: entry.what.new_seq() }))
    }

    /// Takes notice of another node's append, if this node writes to the stream: the next change is then decided upon it
    /// without a failed attempt before.
    pub fn learn(&self, committed: Arc<Committed>) {
        let writer = self.inner.writers().get(&committed.append.stream).cloned();
        if let Some(writer) = writer {
            // A full queue only means that the writer learns it by a refusal.
            let _ = writer.try_send(Job::Learn(committed));
        }
    }

    /// Sends all writers to rest, once nobody writes any more: they hold the store open.
    pub fn rest(&self) {
        self.inner.writers().clear();
    }

    fn writer(&self, stream: Stream) -> mpsc::Sender<Job> {
        let mut writers = self.inner.writers();
        let live = writers.get(&stream).filter(|writer| !writer.is_closed()).cloned();
        live.unwrap_or_else(|| {
            let (sender, jobs) = mpsc::channel(QUEUE);
            writers.insert(stream, sender.clone());
            tokio::spawn(writer::Writer::new(self.clone(), stream, jobs).run());
            sender
        })
    }
}

impl Inner {
    fn writers(&self) -> MutexGuard<'_, HashMap<Stream, mpsc::Sender<Job>>> {
        self.writers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
