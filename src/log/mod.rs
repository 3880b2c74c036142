//! The streams: how anything gets into a log, and how a log is read.
//!
//! A change goes to its stream's [`writer`]: decided upon the state at the stream's head, appended right after it by
//! compare-and-append, told to the bus, acknowledged; [`fold`] brings the projections up behind it. Reads
//! ([`read`], [`resume`]) take projections and overlay what isn't folded yet.

mod draft;
mod files;
mod fold;
mod read;
mod resume;
mod state;
mod sweep;
mod writer;

use std::{
    collections::HashMap,
    fmt,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, timeout_at},
};

pub use read::{Arrival, Listing, Span, Timeline};
pub use resume::{Resume, Since, Why};

use crate::{
    bus::{Bus, Committed},
    metrics::metrics,
    model::{Change, Done, Refusal, RequestHash, Stream},
    store::{Store, StoreError},
};

/// Changes that may wait for one stream; a further one waits outside, and no longer than [`PATIENCE`].
const QUEUE: usize = 1_024;
/// How long a change may take in all, store failures and retries included. While the store is away, an outbox keeps it and
/// asks again; who asked learns soon that it waits.
const PATIENCE: Duration = Duration::from_secs(5);

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

/// A change that is on its way: its stream's writer has it. It comes to how the change ended. Who lets go of it before lets go
/// of the change, where it isn't made yet.
pub struct Pending(Pin<Box<dyn Future<Output = Result<Done, LogError>> + Send>>);

impl Pending {
    /// A change that was made before.
    pub fn known(done: Done) -> Self {
        Self(Box::pin(std::future::ready(Ok(done))))
    }
}

impl fmt::Debug for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pending").finish_non_exhaustive()
    }
}

impl Future for Pending {
    type Output = Result<Done, LogError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx)
    }
}

fn too_long() -> LogError {
    LogError::Unavailable("took too long".to_owned())
}

/// What a stream's writer is asked to do.
enum Job {
    /// Make a change, and tell how it ended.
    Make(Change, oneshot::Sender<Result<Done, LogError>>),
    /// Take notice of what another node appended.
    Learn(Arc<Committed>),
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
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
        self.enqueue(change).await?.await
    }

    /// Hands a change to its stream's writer, and returns when that has it: changes of one stream are made in the order in
    /// which they were handed over. How it ended is told by what this returns.
    ///
    /// # Errors
    /// `Unavailable` when too many wait already.
    pub async fn enqueue(&self, change: Change) -> Result<Pending, LogError> {
        let begun = Instant::now();
        let until = begun + PATIENCE + Duration::from_secs(1);
        let stream = change.stream;
        let (reply, result) = oneshot::channel();
        let mut job = Job::Make(change, reply);
        if let Err(mpsc::error::TrySendError::Full(back) | mpsc::error::TrySendError::Closed(back)) =
            self.writer(stream).try_send(job)
        {
            job = back;
            let handed = async {
                while let Err(mpsc::error::SendError(back)) = self.writer(stream).send(job).await {
                    // The writer has just gone to rest; the next look-up starts another.
                    job = back;
                }
            };
            timeout_at(until, handed).await.map_err(|_| too_long())?;
        }
        Ok(Pending(Box::pin(async move {
            match timeout_at(until, result).await {
                Ok(Ok(result)) => {
                    if result.is_ok() {
                        metrics().acks.record(begun.elapsed());
                    }
                    result
                }
                Ok(Err(_)) => Err(LogError::Unavailable("the writer stopped".to_owned())),
                Err(_) => Err(too_long()),
            }
        })))
    }

    /// The first result of a change that was made before; for changes whose value is kept beside the log.
    ///
    /// # Errors
    /// `Refused` when the nonce was used for another request.
    pub async fn first_result(&self, change: &Change) -> Result<Option<Done>, LogError> {
        let found = self.store().find(change.stream, std::slice::from_ref(&change.nonce)).await?;
        let found = found.first().map(|found| draft::first_result(found, RequestHash::of(&change.command)));
        Ok(found.transpose()?)
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
