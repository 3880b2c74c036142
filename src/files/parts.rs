//! What of uploads has arrived: a file each, in a folder that all nodes share. How long it is says where the upload
//! stands; who holds its lock may add to it. That lock is the system's, so it falls with a connection, a task, or a node.

use std::{
    fs::{self, File, TryLockError},
    io::{self, Seek, SeekFrom, Write},
    path::PathBuf,
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use sha2::{Digest, Sha256};
use tokio::time::{Instant, sleep};

use super::disk::{blocking, gone, listed};
use crate::model::{FileId, Timestamp, file::ContentHash};

/// Bytes that are gathered before they are written.
const GATHERED: usize = 256 * 1024;
/// How long to wait for who holds the lock, and how often to look. A newer request ends an older one of the same
/// node; on another node, a dead connection holds it until it is found out.
const PATIENCE: Duration = Duration::from_secs(3);
const LOOK: Duration = Duration::from_millis(25);

/// The folder.
#[derive(Debug, Clone)]
pub(super) struct Parts {
    folder: PathBuf,
}

/// Why an upload can't be added to.
#[derive(Debug)]
pub(super) enum Shut {
    /// It isn't there (any more).
    Gone,
    /// Somebody else adds to it.
    Locked,
    /// The disk doesn't do it.
    Failed(io::Error),
}

impl Parts {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Where what arrived of an upload is.
    pub(super) fn path(&self, id: FileId) -> PathBuf {
        self.folder.join(id.to_string())
    }

    /// Where another form of it may be made.
    pub(super) fn clean_path(&self, id: FileId) -> PathBuf {
        self.folder.join(format!("{id}.clean"))
    }

    /// Begins with nothing.
    pub(super) async fn begin(&self, id: FileId) -> io::Result<()> {
        let path = self.path(id);
        blocking(move || File::create_new(path).map(drop)).await
    }

    /// How many bytes have arrived; none when there is no such upload.
    pub(super) async fn length(&self, id: FileId) -> io::Result<Option<u64>> {
        match tokio::fs::metadata(self.path(id)).await {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            found => Ok(Some(found?.len())),
        }
    }

    /// Locks an upload, to add to it. `hashed` is what has been hashed of it, and up to where.
    pub(super) async fn lock(&self, id: FileId, hashed: Option<(u64, Sha256)>) -> Result<Part, Shut> {
        let until = Instant::now() + PATIENCE;
        loop {
            match self.try_lock(id).await {
                Ok(Some((file, length))) => {
                    let hash = match hashed {
                        _ if length == 0 => Some(Sha256::new()),
                        Some((at, hash)) if at == length => Some(hash),
                        _ => None,
                    };
                    return Ok(Part { file: Some(file), length, hash, gathered: BytesMut::new() });
                }
                Ok(None) if Instant::now() < until => sleep(LOOK).await,
                Ok(None) => return Err(Shut::Locked),
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(Shut::Gone),
                Err(error) => return Err(Shut::Failed(error)),
            }
        }
    }

    async fn try_lock(&self, id: FileId) -> io::Result<Option<(File, u64)>> {
        let path = self.path(id);
        blocking(move || {
            let mut file = File::options().read(true).write(true).open(&path)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) => return Err(error),
            }
            // An upload's name is never used again: if it is still there, this is it, and not a content by now.
            fs::metadata(&path)?;
            let length = file.seek(SeekFrom::End(0))?;
            Ok(Some((file, length)))
        })
        .await
    }

    /// Takes out all that is there of an upload.
    pub(super) async fn abandon(&self, id: FileId) -> io::Result<()> {
        let (part, clean) = (self.path(id), self.clean_path(id));
        blocking(move || {
            gone(fs::remove_file(part))?;
            gone(fs::remove_file(clean))
        })
        .await
    }

    /// All files there are, with the upload they belong to where they belong to one, and when they changed last.
    pub(super) async fn all(&self) -> io::Result<Vec<(PathBuf, Option<FileId>, Timestamp)>> {
        let folder = self.folder.clone();
        blocking(move || {
            let listed = listed(&folder)?;
            let file = |(name, at): (String, Timestamp)| {
                let id = name.strip_suffix(".clean").unwrap_or(&name).parse().ok();
                (folder.join(name), id, at)
            };
            Ok(listed.into_iter().map(file).collect())
        })
        .await
    }
}

/// An upload that is locked.
#[derive(Debug)]
pub(super) struct Part {
    /// Away while it is written to.
    file: Option<File>,
    length: u64,
    /// Of all that is written; none where some of it came in another way.
    hash: Option<Sha256>,
    gathered: BytesMut,
}

impl Part {
    /// How many bytes there are, gathered ones among them.
    pub(super) fn length(&self) -> u64 {
        self.length + self.gathered.len() as u64
    }

    /// Adds bytes.
    pub(super) async fn add(&mut self, bytes: Bytes) -> io::Result<()> {
        self.gathered.extend_from_slice(&bytes);
        if self.gathered.len() >= GATHERED { self.flush().await } else { Ok(()) }
    }

    /// Writes what was gathered.
    pub(super) async fn flush(&mut self) -> io::Result<()> {
        if self.gathered.is_empty() {
            return Ok(());
        }
        let Some(mut file) = self.file.take() else { return Err(io::ErrorKind::BrokenPipe.into()) };
        let (mut bytes, mut hash) = (std::mem::take(&mut self.gathered), self.hash.take());
        let written = blocking(move || {
            file.write_all(&bytes)?;
            if let Some(hash) = &mut hash {
                hash.update(&bytes);
            }
            let length = bytes.len() as u64;
            bytes.clear();
            Ok((file, bytes, hash, length))
        });
        let (file, bytes, hash, length) = written.await?;
        (self.file, self.gathered, self.hash) = (Some(file), bytes, hash);
        self.length += length;
        Ok(())
    }

    /// What is hashed of it, and up to where.
    pub(super) fn hashed(&self) -> Option<(u64, Sha256)> {
        self.hash.clone().map(|hash| (self.length, hash))
    }

    /// The hash of all of it, where that is known.
    pub(super) fn hash(&self) -> Option<ContentHash> {
        self.hash.clone().map(|hash| ContentHash(hash.finalize().into()))
    }
}
