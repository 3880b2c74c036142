//! Files and what is on its way to become one. Where messages hold files is told by the messages themselves
//! ([`super::RoomStore`]).

use async_trait::async_trait;

use super::StoreError;
use crate::model::{
    Attachment, FileId, Place, RoomId, StoredFile, Timestamp, Upload, UserId, file::ContentHash,
};

/// How much somebody keeps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Taken {
    /// Bytes of their files.
    pub files: u64,
    /// Bytes that their unfinished uploads will have.
    pub uploads: u64,
    /// How many unfinished uploads they have.
    pub count: u64,
}

/// What is known of files. Their bytes lie elsewhere.
///
/// A content is kept once for all files that have it. One that comes in while the same is being taken out gets another
/// [`Place`], so nothing that anybody uses is ever at a place that [`FileStore::drop_content`] has named.
#[async_trait]
pub trait FileStore: Send + Sync + 'static {
    /// Notes an upload that begins.
    async fn begin_upload(&self, upload: &Upload) -> Result<(), StoreError>;

    /// An upload that isn't finished.
    async fn upload(&self, id: FileId) -> Result<Option<Upload>, StoreError>;

    /// Forgets an upload; false when it wasn't there.
    async fn end_upload(&self, id: FileId) -> Result<bool, StoreError>;

    /// Uploads that were given up before `now`; at most `limit`.
    async fn expired_uploads(&self, now: Timestamp, limit: usize) -> Result<Vec<Upload>, StoreError>;

    /// Keeps a file, and forgets its upload. Returns where its content lies: at `file.place`, or where the same content
    /// has been lying already, and then `file.place` isn't used. A repeat returns the same.
    async fn keep_file(&self, file: &StoredFile) -> Result<Place, StoreError>;

    /// Files by id, in no particular order; those that don't exist are left out.
    async fn files(&self, ids: &[FileId]) -> Result<Vec<StoredFile>, StoreError>;

    /// How much somebody keeps.
    async fn taken(&self, owner: UserId) -> Result<Taken, StoreError>;

    /// Bytes of all files and unfinished uploads together.
    async fn taken_by_all(&self) -> Result<u64, StoreError>;

    /// Notes that `owner` is about to post these files of theirs to a room, and that they are not to be looked at before
    /// `due`. Returns those that are there and theirs; the others were not noted.
    async fn attach(
        &self,
        owner: UserId,
        ids: &[FileId],
        room: RoomId,
        due: Timestamp,
    ) -> Result<Vec<Attachment>, StoreError>;

    /// Has somebody look at `due` whether anything uses these files.
    async fn loosen(&self, ids: &[FileId], due: Timestamp) -> Result<(), StoreError>;

    /// Files that are to be looked at by `now`, the longest due first; at most `limit`.
    async fn due_files(&self, now: Timestamp, limit: usize) -> Result<Vec<StoredFile>, StoreError>;

    /// Notes that something uses a file that was due at `due`; nothing when that has changed meanwhile.
    async fn settle(&self, id: FileId, due: Timestamp) -> Result<(), StoreError>;

    /// Forgets a file that is due at `due`; false when that has changed meanwhile, or the file is gone.
    async fn remove_file(&self, id: FileId, due: Timestamp) -> Result<bool, StoreError>;

    /// Forgets a content that no file has any more, and returns where it lies: it can be taken out there. None when a file
    /// has it, or it isn't known.
    async fn drop_content(&self, hash: ContentHash) -> Result<Option<Place>, StoreError>;

    /// Where these contents lie; those that aren't known are left out.
    async fn places(&self, hashes: &[ContentHash]) -> Result<Vec<Place>, StoreError>;
}
