//! What goes wrong below, and what it means above.

use rusqlite::ErrorCode;

use crate::{
    metrics::metrics,
    store::{AppendError, StoreError},
};

/// Why a piece of work was not done.
#[derive(Debug, Clone)]
pub(super) enum Failure {
    /// There is no room on the disk. Nothing was written.
    Full(String),
    /// It breaks a unique key. Nothing was written.
    Conflict(String),
    /// The disk or the lock failed. Of a write, the outcome is unknown.
    Away(String),
    /// The database or the request is not as it should be.
    Broken(String),
}

impl Failure {
    /// The threads are gone.
    pub(super) fn closed() -> Self {
        Self::Away("the database is closed".to_owned())
    }

    fn text(&self) -> &str {
        match self {
            Self::Full(text) | Self::Conflict(text) | Self::Away(text) | Self::Broken(text) => text,
        }
    }
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        let text = error.to_string();
        let failure = match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full(text),
            Some(ErrorCode::ConstraintViolation) => Self::Conflict(text),
            Some(
                ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::SystemIoFailure
                | ErrorCode::OutOfMemory
                | ErrorCode::OperationInterrupted
                | ErrorCode::CannotOpen,
            ) => Self::Away(text),
            _ => Self::Broken(text),
        };
        match &failure {
            Self::Full(_) => metrics().store_error("full"),
            Self::Away(_) => metrics().store_error("away"),
            Self::Broken(_) => metrics().store_error("broken"),
            Self::Conflict(_) => {}
        }
        failure
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self::Broken(format!("not the JSON it should be: {error}"))
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        let text = failure.text().to_owned();
        match failure {
            Failure::Full(_) => Self::Full(text),
            Failure::Away(_) => Self::Away(text),
            Failure::Conflict(_) | Failure::Broken(_) => Self::Broken(text),
        }
    }
}

impl From<Failure> for AppendError {
    fn from(failure: Failure) -> Self {
        let text = failure.text().to_owned();
        match failure {
            Failure::Full(_) => Self::Full(text),
            Failure::Conflict(_) => Self::Taken,
            Failure::Away(_) | Failure::Broken(_) => Self::Unknown(text),
        }
    }
}
