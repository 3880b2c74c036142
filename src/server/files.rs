//! How many files and connections the process may have open: each socket takes one, and systems give few by default.

use crate::metrics::metrics;

/// Takes all that the system lets it have.
pub(super) fn open_many() {
    match rlimit::increase_nofile_limit(u64::MAX) {
        Ok(limit) => {
            tracing::info!(limit, "files and connections that may be open");
            metrics().stands("parlor_open_files_limit", limit as f64);
        }
        Err(error) => tracing::warn!(%error, "the limit on open files can't be raised"),
    }
}
