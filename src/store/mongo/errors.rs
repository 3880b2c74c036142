//! What the driver reports, as the store's errors; and how long anything may take.

use std::{future::IntoFuture, time::Duration};

use mongodb::error::{Error, ErrorKind, WriteFailure};

use crate::{metrics::metrics, store::StoreError};

/// The longest that one statement may take, waiting for the majority included. Who waits longer is told that the
/// store is away, and may ask again.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// How many documents a query brings at a time. The server's own choice is 101 for the first, which makes lists cost two
/// rounds.
pub(super) const BATCH: u32 = 1_000;

/// A unique index refused.
const DUPLICATE_KEY: i32 = 11_000;
/// The disk is full.
const OUT_OF_DISK_SPACE: i32 = 14_031;
/// The tenant has used up its space.
const QUOTA_EXCEEDED: i32 = 12_501;
/// Answers that mean "not now" or "not here (any more)": no primary, one that steps down, a time that ran out.
const NOT_NOW: [i32; 17] =
    [6, 7, 24, 50, 64, 89, 91, 112, 134, 189, 262, 317, 358, 9_001, 10_107, 11_600, 11_602];

/// It can't be reached, or took too long.
pub(super) fn away(why: impl Into<String>) -> StoreError {
    StoreError::Away(why.into())
}

/// What is there can't be used.
pub(super) fn broken(why: impl Into<String>) -> StoreError {
    StoreError::Broken(why.into())
}

/// Waits for the driver, but not for ever.
pub(super) async fn bounded<T>(
    work: impl IntoFuture<Output = mongodb::error::Result<T>>,
) -> Result<T, StoreError> {
    within(PATIENCE, work).await
}

/// Waits for the driver this long.
pub(super) async fn within<T>(
    patience: Duration,
    work: impl IntoFuture<Output = mongodb::error::Result<T>>,
) -> Result<T, StoreError> {
    match tokio::time::timeout(patience, work.into_future()).await {
        Ok(done) => done.map_err(store_error),
        Err(_) => Err(away("no answer in time")),
    }
    .inspect_err(count)
}

/// Counts an error among the store's.
pub(super) fn count(error: &StoreError) {
    metrics().store_error(match error {
        StoreError::Away(_) => "away",
        StoreError::Full(_) => "full",
        StoreError::Broken(_) => "broken",
    });
}

/// Whether a unique index refused a write of one document.
pub(super) fn is_duplicate(error: &Error) -> bool {
    matches!(&*error.kind, ErrorKind::Write(WriteFailure::WriteError(write)) if write.code == DUPLICATE_KEY)
        || matches!(&*error.kind, ErrorKind::Command(command) if command.code == DUPLICATE_KEY)
}

/// True when a unique index refused a write of one document, false when it went in.
pub(super) async fn refused<T>(
    work: impl IntoFuture<Output = mongodb::error::Result<T>>,
) -> Result<bool, StoreError> {
    let work = work.into_future();
    bounded(async {
        match work.await {
            Ok(_) => Ok(false),
            Err(error) if is_duplicate(&error) => Ok(true),
            Err(error) => Err(error),
        }
    })
    .await
}

/// Waits for an unordered write of many, each of which may be there already.
pub(super) async fn known_or_in<T>(
    work: impl IntoFuture<Output = mongodb::error::Result<T>>,
) -> Result<(), StoreError> {
    let work = work.into_future();
    bounded(async {
        match work.await {
            Ok(_) => Ok(()),
            Err(error) if only_duplicates(&error) => Ok(()),
            Err(error) => Err(error),
        }
    })
    .await
}

/// Whether of a write of many nothing is amiss but that unique indexes refused some.
fn only_duplicates(error: &Error) -> bool {
    let ErrorKind::InsertMany(many) = &*error.kind else { return false };
    let refusals = many.write_errors.as_deref().unwrap_or_default();
    many.write_concern_error.is_none()
        && !refusals.is_empty()
        && refusals.iter().all(|refusal| refusal.code == DUPLICATE_KEY)
}

/// What became of one document of a write of many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// A unique index has another.
    Duplicate,
    /// There is no room.
    Full,
    /// Something else; it can't be told what that did.
    Other,
}

impl Refused {
    /// What this code says of a document.
    pub(super) fn by(code: i32) -> Self {
        match code {
            DUPLICATE_KEY => Refused::Duplicate,
            OUT_OF_DISK_SPACE | QUOTA_EXCEEDED => Refused::Full,
            _ => Refused::Other,
        }
    }
}

/// What the driver says, for whoever asked the store.
pub(super) fn store_error(error: Error) -> StoreError {
    let text = error.kind.to_string();
    match &*error.kind {
        ErrorKind::ServerSelection { .. }
        | ErrorKind::Io(_)
        | ErrorKind::ConnectionPoolCleared { .. }
        | ErrorKind::DnsResolve { .. }
        | ErrorKind::Shutdown
        | ErrorKind::Write(WriteFailure::WriteConcernError(_)) => StoreError::Away(text),
        ErrorKind::Command(command) => by_code(command.code, text),
        ErrorKind::Write(WriteFailure::WriteError(write)) => by_code(write.code, text),
        ErrorKind::InsertMany(many) if many.write_concern_error.is_some() => StoreError::Away(text),
        _ => StoreError::Broken(text),
    }
}

/// What a server's code means.
pub(super) fn by_code(code: i32, text: String) -> StoreError {
    match Refused::by(code) {
        Refused::Full => StoreError::Full(text),
        _ if NOT_NOW.contains(&code)
            || (11_600..11_603).contains(&code)
            || (13_435..13_437).contains(&code) =>
        {
            StoreError::Away(text)
        }
        _ => StoreError::Broken(text),
    }
}
