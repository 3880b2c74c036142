//! Files: how they come in, how they go out, and how those that nothing uses are let go.
//!
//! What arrives of an upload is gathered in a file of its own ([`parts`], [`upload`]); when all of it is there, it is
//! looked into ([`sniff`], [`picture`]), moved to where it stays ([`storage`], [`disk`]), and noted in the store
//! ([`make`]). Who may have a file is asked anew each time ([`access`]). What nothing uses is swept ([`sweep`]).

mod access;
mod disk;
mod faces;
mod inspect;
mod make;
mod parts;
mod picture;
mod scrub;
mod sniff;
pub mod storage;
mod sweep;
mod upload;

use std::{
    collections::HashMap,
    fs, io,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use moka::sync::Cache;
use sha2::Sha256;
use tokio::sync::Semaphore;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::{
    disk::LocalDisk,
    parts::Parts,
    storage::{Spot, Storage, Stretch},
};
pub use faces::MAX_FACE;
pub use upload::{Length, Standing};

use crate::{
    config::FileLimits,
    error::{Code, Error, Result},
    log::Log,
    model::FileId,
    store::Store,
};

/// Where files that are all there lie, within the folder of uploads.
pub const KEPT: &str = "files";

/// Pictures that are decoded at a time. Each takes up to half a GiB for a moment.
const DECODED_TOGETHER: usize = 2;
/// Uploads whose hash so far is remembered between requests; of others, the file is read again at the end.
const HASHES: u64 = 10_000;

/// All files, as one node handles them.
#[derive(Clone)]
pub struct Files {
    inner: Arc<Inner>,
}

struct Inner {
    store: Arc<dyn Store>,
    log: Log,
    storage: Arc<dyn Storage>,
    parts: Parts,
    limits: FileLimits,
    decoding: Arc<Semaphore>,
    /// What was hashed of uploads that aren't finished, and up to where.
    hashes: Cache<FileId, (u64, Sha256)>,
    /// Requests that add to uploads: a newer one ends an older one.
    adding: Mutex<HashMap<FileId, CancellationToken>>,
    tasks: TaskTracker,
}

impl std::fmt::Debug for Files {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Files").field("limits", &self.inner.limits).finish_non_exhaustive()
    }
}

impl Files {
    /// Files that lie in `folder`, which is made where it isn't there. What must be finished runs among `tasks`.
    ///
    /// # Errors
    /// When the folder can't be made, or nothing can be written there.
    pub fn new(folder: &Path, limits: FileLimits, log: Log, tasks: TaskTracker) -> io::Result<Self> {
        let (incoming, shelves) = (folder.join("incoming"), folder.join(KEPT));
        for folder in [folder, &incoming, &shelves] {
            make_folder(folder)?;
        }
        let tried = incoming.join(format!("{}.tried", FileId::new()));
        fs::write(&tried, b"")?;
        fs::remove_file(&tried)?;
        let inner = Inner {
            store: Arc::clone(log.store()),
            log,
            storage: Arc::new(LocalDisk::new(shelves, incoming.clone())),
            parts: Parts::new(incoming),
            limits,
            decoding: Arc::new(Semaphore::new(DECODED_TOGETHER)),
            hashes: Cache::builder().max_capacity(HASHES).time_to_idle(limits.kept).build(),
            adding: Mutex::default(),
            tasks,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// How much may be uploaded.
    pub fn limits(&self) -> FileLimits {
        self.inner.limits
    }

    /// A stretch of what lies at a spot.
    ///
    /// # Errors
    /// `NotFound` when nothing lies there.
    pub async fn read(&self, spot: &Spot, from: u64, length: u64) -> Result<Stretch> {
        let stretch = self.inner.storage.read(spot, from, length).await.map_err(failed)?;
        stretch.ok_or_else(|| Error::new(Code::NotFound))
    }

    /// How many bytes lie at a spot.
    ///
    /// # Errors
    /// `NotFound` when nothing lies there.
    pub async fn size(&self, spot: &Spot) -> Result<u64> {
        let size = self.inner.storage.size(spot).await.map_err(failed)?;
        size.ok_or_else(|| Error::new(Code::NotFound))
    }
}

impl Inner {
    fn adding(&self) -> MutexGuard<'_, HashMap<FileId, CancellationToken>> {
        self.adding.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the disk says, as it is told.
fn failed(error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            Error::new(Code::StorageFull).because(error)
        }
        _ => Error::unavailable(error),
    }
}

fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}
