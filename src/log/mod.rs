//! Stands in for the log until it is merged.
use std::sync::Arc;

use crate::{
    bus::Bus,
    model::{Change, Done, Refusal},
    store::Store,
};

/// Why a change was not made.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// It may not be made; asking again won't help.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Not now.
    #[error("the log is away: {0}")]
    Unavailable(String),
    /// There is no room for it in the store. Nothing was written.
    #[error("the store is full: {0}")]
    Full(String),
}

/// All streams.
#[derive(Clone, Debug)]
pub struct Log;

impl Log {
    /// The streams that `store` keeps.
    pub fn new(_: Arc<dyn Store>, _: Arc<dyn Bus>) -> Self {
        Self
    }

    /// Makes a change.
    ///
    /// # Errors
    /// Always.
    pub async fn submit(&self, _: Change) -> Result<Done, LogError> {
        Err(LogError::Unavailable("not merged yet".into()))
    }
}
