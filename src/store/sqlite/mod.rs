//! The store in a single file.
//!
//! A write goes to the one thread that writes ([`writer`]): it takes all that wait, puts them into one transaction, and
//! answers when that is on the disk. What is found by keys is read at once, what may take longer by one of a few threads
//! that only read ([`readers`]); thanks to SQLite's write-ahead log neither ever waits for the writer. Moving that log into
//! the database is a third kind of thread's work ([`checkpoint`]), off the path of those who write.
//!
//! What is written and read is in the files named after the traits: [`log`], [`rooms`], [`accounts`], [`files`].

mod accounts;
mod backup;
mod calls;
mod checkpoint;
mod docs;
mod dump;
mod failure;
mod files;
mod invites;
mod log;
mod nonces;
mod open;
mod people;
mod readers;
mod rooms;
mod row;
mod sessions;
mod writer;

#[cfg(test)]
mod tests;

pub use backup::{copy, faults};
pub use open::{FILE as DATABASE, OpenError, lock};

use std::{fs::File, path::Path, sync::Arc};

use rusqlite::Connection;

use checkpoint::{Checkpointer, Gate};
use failure::Failure;
use readers::Readers;
use writer::Writer;

/// A store in a folder of its own. Dropping it commits what waits, ends its threads and frees the folder.
pub struct SqliteStore {
    // In the order in which they have to end.
    writer: Writer,
    readers: Readers,
    _checkpointer: Checkpointer,
    _lock: File,
    created: bool,
}

impl SqliteStore {
    /// Opens the store in `folder`, and makes both where they aren't there yet.
    ///
    /// # Errors
    /// [`OpenError`]: most of all when another process has it open, or a newer version of Parlor made it.
    pub fn open(folder: &Path) -> Result<Self, OpenError> {
        let store = Self::open_to_fill(folder)?;
        if dump::is_underway(&open::reader(folder)?)? {
            return Err(OpenError::Underway(folder.to_owned()));
        }
        Ok(store)
    }

    /// The same, where it may be that not all is there yet.
    ///
    /// # Errors
    /// The same.
    pub fn open_to_fill(folder: &Path) -> Result<Self, OpenError> {
        let lock = open::lock(folder)?;
        let created = open::create(folder)?;
        let gate = Arc::new(Gate::default());
        let writer = Writer::start(open::writer(folder)?, gate.clone())?;
        let readers = Readers::start(|| open::reader(folder))?;
        let checkpointer = Checkpointer::start(open::checkpointer(folder)?, gate)?;
        Ok(Self { writer, readers, _checkpointer: checkpointer, _lock: lock, created })
    }

    /// Whether opening it made a new database.
    pub fn created(&self) -> bool {
        self.created
    }

    /// Has the writer do `work` in a transaction that is on the disk when this returns.
    async fn commit<T: Send + 'static>(
        &self,
        work: impl FnMut(&Connection) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        self.writer.write(work).await
    }

    /// Does `work`, which finds a few things by their keys, on one state of the database.
    async fn look_up<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        self.readers.look_up(work).await
    }

    /// Has a reader do `work`, which may take long, on one state of the database.
    async fn query<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        self.readers.read(work).await
    }
}
