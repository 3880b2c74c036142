//! Finding or making the database, and connecting to it.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
    sync::LazyLock,
    time::Duration,
};

use rusqlite::{Connection, OpenFlags, Transaction, config::DbConfig};
use rusqlite_migration::{M, MigrationDefinitionError, Migrations};

use super::nonces;

/// The database's file within its folder.
pub const FILE: &str = "parlor.db";
/// The file whose lock says that a process uses the folder.
const LOCK: &str = "parlor.lock";
/// The schema's steps, one after the other; a released one never changes.
pub(super) static STEPS: LazyLock<Migrations<'static>> = LazyLock::new(|| {
    Migrations::new(vec![
        M::up(include_str!("migrations/1.sql")),
        M::up(include_str!("migrations/2.sql")),
        M::up(include_str!("migrations/3.sql")),
        M::up(include_str!("migrations/4.sql")),
        M::up_with_hook(include_str!("migrations/5.sql"), |db: &Transaction<'_>| {
            Ok(nonces::note_nonces(db)?)
        }),
        M::up(include_str!("migrations/6.sql")),
    ])
});
/// How long a connection waits for another's lock. Ours rarely meet; an operator's shell may hold one for a while.
const PATIENCE: Duration = Duration::from_secs(10);
/// How much of the write-ahead log's file is kept for overwriting when it starts anew: writing over blocks that are
/// there already costs less than making a file grow.
const KEPT_LOG_BYTES: i64 = 64 << 20;
/// Statements that a connection keeps prepared; more than there are.
const STATEMENTS: usize = 128;
/// Pages in memory, in KiB, of each connection: what is in use lately. More costs the writer at every commit, when SQLite
/// looks through all the places that a page may have in memory.
const CACHE_KIB: i64 = 16 << 10;

/// Why the store in a folder could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A process has it open.
    #[error("the data folder {} is in use by another process", .0.display())]
    InUse(PathBuf),
    /// A newer version of Parlor has been here.
    #[error("the database in {} was made by a newer version of Parlor", .0.display())]
    Newer(PathBuf),
    /// It is being filled from another store.
    #[error(
        "the database in {} isn't whole: moving into it was cut short; go on with the same parlor migrate", .0.display()
    )]
    Underway(PathBuf),
    /// The folder or a file in it can't be made or opened.
    #[error("the data folder {} can't be used: {}", .0.display(), .1)]
    Folder(PathBuf, io::Error),
    /// The database can't be opened.
    #[error("the database can't be opened: {0}")]
    Database(#[from] rusqlite::Error),
    /// The database can't be brought to this version's schema.
    #[error("the database's schema can't be brought up to date: {0}")]
    Schema(String),
    /// No thread could be started.
    #[error("a thread can't be started: {0}")]
    Thread(io::Error),
}

/// Makes the folder where it isn't there yet, and locks it for this process, until the file is dropped.
///
/// # Errors
/// [`OpenError::InUse`] when another process has it.
pub fn lock(folder: &Path) -> Result<File, OpenError> {
    let failed = |error| OpenError::Folder(folder.to_owned(), error);
    make_folder(folder).map_err(failed)?;
    let file = owners_file(&folder.join(LOCK)).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse(folder.to_owned())),
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

/// Makes the database where it isn't there yet, and brings it to this version's schema. Returns whether it is new.
pub(super) fn create(folder: &Path) -> Result<bool, OpenError> {
    let failed = |error| OpenError::Folder(folder.to_owned(), error);
    // SQLite gives its further files the mode of this one.
    let file = owners_file(&folder.join(FILE)).map_err(failed)?;
    let created = file.metadata().map_err(failed)?.len() == 0;
    let mut db = connect(folder)?;
    db.pragma_update(None, "journal_mode", "wal")?;
    db.pragma_update(None, "synchronous", "full")?;
    STEPS.to_latest(&mut db).map_err(|error| match error {
        rusqlite_migration::Error::MigrationDefinition(MigrationDefinitionError::DatabaseTooFarAhead) => {
            OpenError::Newer(folder.to_owned())
        }
        other => OpenError::Schema(other.to_string()),
    })?;
    if created {
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)?;
    }
    Ok(created)
}

/// The one connection that writes.
pub(super) fn writer(folder: &Path) -> Result<Connection, OpenError> {
    let db = connect(folder)?;
    // What a savepoint sets aside stays in memory.
    db.pragma_update(None, "temp_store", "memory")?;
    db.pragma_update(None, "cache_size", -CACHE_KIB)?;
    Ok(db)
}

/// A connection that reads.
pub(super) fn reader(folder: &Path) -> Result<Connection, OpenError> {
    let db = connect(folder)?;
    db.pragma_update(None, "query_only", true)?;
    db.pragma_update(None, "cache_size", -CACHE_KIB)?;
    Ok(db)
}

/// The connection that moves the write-ahead log into the database.
pub(super) fn checkpointer(folder: &Path) -> Result<Connection, OpenError> {
    let db = connect(folder)?;
    db.busy_timeout(super::checkpoint::PATIENCE)?;
    Ok(db)
}

/// A connection.
pub(super) fn connect(folder: &Path) -> Result<Connection, OpenError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(folder.join(FILE), flags)?;
    db.busy_timeout(PATIENCE)?;
    db.pragma_update(None, "synchronous", "full")?;
    db.pragma_update(None, "wal_autocheckpoint", 0)?;
    db.pragma_update(None, "journal_size_limit", KEPT_LOG_BYTES)?;
    db.pragma_update(None, "trusted_schema", false)?;
    // A plan doesn't depend on what is asked for: else it is made anew each time, which takes longer than what it finds.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    db.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(db)
}

fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Opens a file that its owner alone may read, and makes it where it isn't there yet.
fn owners_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_connection_waits_for_the_disk() -> Result<(), Box<dyn std::error::Error>> {
        const FULL: i64 = 2;
        let folder = tempfile::TempDir::new()?;
        create(folder.path())?;
        for db in [writer(folder.path())?, reader(folder.path())?, checkpointer(folder.path())?] {
            let mode: String = db.pragma_query_value(None, "journal_mode", |row| row.get(0))?;
            assert_eq!(mode, "wal");
            for (pragma, expected) in
                [("synchronous", FULL), ("wal_autocheckpoint", 0), ("trusted_schema", 0)]
            {
                let found: i64 = db.pragma_query_value(None, pragma, |row| row.get(0))?;
                assert_eq!(found, expected, "{pragma}");
            }
        }
        let query_only: i64 =
            reader(folder.path())?.pragma_query_value(None, "query_only", |row| row.get(0))?;
        assert_eq!(query_only, 1);
        Ok(())
    }
}
