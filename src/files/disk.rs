//! Files on a disk of this machine, or on a volume that all nodes mount.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    time::SystemTime,
};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt;
use tokio::io::{AsyncReadExt, AsyncSeekExt, SeekFrom};
use tokio_util::io::ReaderStream;

use super::storage::{Spot, Storage, Stretch};
use crate::model::{FileId, Timestamp};

/// Bytes read at a time. Each read is a trip to another thread, so they are few and large.
const CHUNK: usize = 256 * 1024;

/// A folder with 256 shelves.
#[derive(Debug, Clone)]
pub(super) struct LocalDisk {
    shelves: PathBuf,
    /// Where a thing is made before it is put on its shelf, on the same disk.
    bench: PathBuf,
}

impl LocalDisk {
    /// Keeps all in `shelves`, and makes things in `bench`. Both are there.
    pub(super) fn new(shelves: PathBuf, bench: PathBuf) -> Self {
        Self { shelves, bench }
    }

    fn path(&self, spot: &Spot) -> PathBuf {
        self.shelves.join(format!("{:02x}", spot.shelf())).join(spot.to_string())
    }
}

#[async_trait]
impl Storage for LocalDisk {
    async fn keep(&self, file: &Path, spot: &Spot) -> io::Result<()> {
        let (from, to) = (file.to_owned(), self.path(spot));
        blocking(move || move_in(&from, &to)).await
    }

    async fn put(&self, spot: &Spot, bytes: Bytes) -> io::Result<()> {
        let (made, to) = (self.bench.join(format!("{}.made", FileId::new())), self.path(spot));
        blocking(move || {
            let put = File::create_new(&made).and_then(|mut file| file.write_all(&bytes));
            put.and_then(|()| move_in(&made, &to)).inspect_err(|_| drop(fs::remove_file(&made)))
        })
        .await
    }

    async fn read(&self, spot: &Spot, from: u64, length: u64) -> io::Result<Option<Stretch>> {
        let mut file = match tokio::fs::File::open(self.path(spot)).await {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened?,
        };
        file.set_max_buf_size(CHUNK);
        if from > 0 {
            file.seek(SeekFrom::Start(from)).await?;
        }
        Ok(Some(ReaderStream::with_capacity(file.take(length), CHUNK).boxed()))
    }

    async fn size(&self, spot: &Spot) -> io::Result<Option<u64>> {
        match tokio::fs::metadata(self.path(spot)).await {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            found => Ok(Some(found?.len())),
        }
    }

    async fn remove(&self, spot: &Spot) -> io::Result<()> {
        let path = self.path(spot);
        blocking(move || gone(fs::remove_file(path))).await
    }

    async fn shelf(&self, shelf: u8) -> io::Result<Vec<(Spot, Timestamp)>> {
        let folder = self.shelves.join(format!("{shelf:02x}"));
        blocking(move || {
            let listed = listed(&folder)?;
            Ok(listed.into_iter().filter_map(|(name, at)| Some((name.parse().ok()?, at))).collect())
        })
        .await
    }
}

/// Moves a file to its place for good: its bytes and its name survive a crash.
fn move_in(from: &Path, to: &Path) -> io::Result<()> {
    let folder = to.parent().ok_or(io::ErrorKind::InvalidInput)?;
    let file = File::options().write(true).open(from)?;
    // A sweep goes by when a thing was put there, not by when its first bytes came.
    file.set_modified(SystemTime::now())?;
    file.sync_all()?;
    if !folder.exists() {
        fs::create_dir_all(folder)?;
        folder.parent().map(sync_folder).transpose()?;
    }
    fs::rename(from, to)?;
    sync_folder(folder)
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// What was to be removed is gone, by whomever.
pub(super) fn gone(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// The files of a folder by name, with when they changed last; none when there is no such folder.
pub(super) fn listed(folder: &Path) -> io::Result<Vec<(String, Timestamp)>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(vec![]),
        entries => entries?,
    };
    let mut found = vec![];
    for entry in entries {
        let entry = entry?;
        // It may be gone by now.
        let Ok(modified) = entry.metadata().and_then(|metadata| metadata.modified()) else { continue };
        let at = modified.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        if let Ok(name) = entry.file_name().into_string() {
            found.push((name, Timestamp::default().plus(at)));
        }
    }
    Ok(found)
}

/// Does work that waits for a disk, where nobody else waits for it.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}
