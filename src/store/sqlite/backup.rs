//! Copying a database while others use it, and looking whether one is sound.

use std::{
    fs::{self, File},
    path::Path,
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::Duration,
};

use rusqlite::{Connection, OpenFlags};

use super::open::{FILE, OpenError, connect};

/// How often it is told how far a copy is.
const TELL: Duration = Duration::from_millis(500);
/// The most faults of a database that are told.
const FAULTS: u32 = 20;

/// Copies the database in `folder` to the file `to`, which isn't there yet: one state of it, whatever is written
/// meanwhile, without keeping anybody from writing. Tells now and then how many bytes are done, and about how many there are.
///
/// # Errors
/// When there is no database, or the copy can't be written.
pub fn copy(folder: &Path, to: &Path, mut tell: impl FnMut(u64, u64)) -> Result<(), OpenError> {
    let failed = |error| OpenError::Folder(to.to_owned(), error);
    let all = fs::metadata(folder.join(FILE)).map_err(|error| OpenError::Folder(folder.to_owned(), error))?;
    let from = connect(folder)?;
    let target = to.to_str().ok_or_else(|| failed(std::io::ErrorKind::InvalidInput.into()))?.to_owned();
    let copied = thread::scope(|scope| {
        let (done, ended) = mpsc::channel();
        let work = scope.spawn(move || {
            let copied = from.execute("VACUUM INTO ?1", [target]);
            let _ = done.send(());
            copied
        });
        while ended.recv_timeout(TELL) == Err(RecvTimeoutError::Timeout) {
            tell(fs::metadata(to).map_or(0, |copy| copy.len()), all.len());
        }
        work.join()
    });
    copied.map_err(|_| failed(std::io::ErrorKind::Other.into()))??;
    File::open(to).and_then(|copy| copy.sync_all()).map_err(failed)
}

/// What is wrong with the database in a file, a line each; nothing when it is sound. Others may be using it.
///
/// # Errors
/// When it can't be read at all.
pub fn faults(file: &Path) -> Result<Vec<String>, OpenError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(file, flags)?;
    let mut query = db.prepare(&format!("PRAGMA integrity_check({FAULTS})"))?;
    let faults = query.query_map([], |row| row.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()?;
    Ok(faults.into_iter().filter(|line| line != "ok").collect())
}
