//! Who may have a file: members of a room where a message holds it; its uploader alone before it was posted.

use super::Files;
use crate::{
    error::{Code, Error, Result},
    model::{FileId, StoredFile, UserId},
};

impl Files {
    /// A file, for somebody who may have it.
    ///
    /// # Errors
    /// `NotFound`, the same whether it isn't there or isn't open to them.
    pub async fn readable(&self, user: UserId, id: FileId) -> Result<StoredFile> {
        let file = self.inner.store.files(&[id]).await?.pop().ok_or_else(|| Error::new(Code::NotFound))?;
        if file.owner == user && file.rooms.is_empty() {
            return Ok(file);
        }
        for room in &file.rooms {
            if self.inner.log.holds(*room, id, Some(user)).await? {
                return Ok(file);
            }
        }
        Err(Error::new(Code::NotFound))
    }

    /// A file of one's own.
    pub(super) async fn own(&self, owner: UserId, id: FileId) -> Result<StoredFile> {
        let file = self.inner.store.files(&[id]).await?.pop();
        file.filter(|file| file.owner == owner).ok_or_else(|| Error::new(Code::NotFound))
    }

    /// Whether a message holds a file.
    pub(super) async fn is_used(&self, file: &StoredFile) -> Result<bool> {
        for room in &file.rooms {
            if self.inner.log.holds(*room, file.about.id, None).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
