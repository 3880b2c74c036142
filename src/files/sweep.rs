//! Letting go: of uploads that were given up, of files that nothing uses, of what a node that died left on the disk.

use super::{
    Files, failed,
    storage::{SHELVES, Spot},
};
use crate::{
    error::{Code, Error, Result},
    model::{FileId, Place, StoredFile, Timestamp, UserId, file::Pictured},
};

/// Rows that are looked at in one go.
const TOGETHER: usize = 100;

impl Files {
    /// Takes back a file of one's own that wasn't posted.
    pub(super) async fn take_back(&self, owner: UserId, id: FileId) -> Result<()> {
        let file = self.own(owner, id).await?;
        if self.is_used(&file).await? || !file.rooms.is_empty() {
            return Err(Error::new(Code::Forbidden));
        }
        let due = file.due.unwrap_or(file.created);
        // Who posts it at this moment finds it gone, or moves its time on, so that it stays.
        if !self.inner.store.remove_file(id, due).await? {
            return Err(Error::new(Code::Forbidden));
        }
        self.drop_content(&file).await
    }

    /// Lets go of uploads that were given up before `now`, and of files that are due and that nothing uses.
    ///
    /// # Errors
    /// When the store or the disk can't; what is left is for the next time.
    pub async fn sweep(&self, now: Timestamp) -> Result<()> {
        loop {
            let expired = self.inner.store.expired_uploads(now, TOGETHER).await?;
            for upload in &expired {
                self.inner.parts.abandon(upload.id).await.map_err(failed)?;
                self.inner.store.end_upload(upload.id).await?;
                self.inner.hashes.invalidate(&upload.id);
            }
            if expired.len() < TOGETHER {
                break;
            }
        }
        loop {
            let due = self.inner.store.due_files(now, TOGETHER).await?;
            for file in &due {
                self.look_at(file).await?;
            }
            if due.len() < TOGETHER {
                return Ok(());
            }
        }
    }

    /// Settles a due file that is used, and removes another.
    async fn look_at(&self, file: &StoredFile) -> Result<()> {
        let (id, due) = (file.about.id, file.due.unwrap_or_default());
        if self.is_used(file).await? {
            return Ok(self.inner.store.settle(id, due).await?);
        }
        if self.inner.store.remove_file(id, due).await? {
            tracing::debug!(%id, "let go of a file that nothing uses");
            self.drop_content(file).await?;
        }
        Ok(())
    }

    /// Takes out a removed file's content, unless another file has it.
    async fn drop_content(&self, file: &StoredFile) -> Result<()> {
        if let Some(place) = self.inner.store.drop_content(file.place.hash).await? {
            let sides: Vec<u32> = file.about.thumbs.iter().map(|thumb| thumb.side).collect();
            self.take_out(&place, &sides).await;
        }
        Ok(())
    }

    /// Lets go of what lies on the disk since before an upload of `now` could have begun, and that nothing knows of: a
    /// node died between two steps.
    ///
    /// # Errors
    /// When the store or the disk can't; what is left is for the next time.
    pub async fn sweep_disk(&self, now: Timestamp) -> Result<()> {
        let before = now.minus(self.inner.limits.kept);
        for (path, id, at) in self.inner.parts.all().await.map_err(failed)? {
            if at < before && !self.is_arriving(id).await? {
                let gone = tokio::fs::remove_file(&path).await;
                super::disk::gone(gone).map_err(failed)?;
            }
        }
        for shelf in 0..SHELVES {
            let Ok(shelf) = u8::try_from(shelf) else { break };
            let lies = self.inner.storage.shelf(shelf).await.map_err(failed)?;
            let old: Vec<Spot> =
                lies.into_iter().filter(|(_, at)| *at < before).map(|(spot, _)| spot).collect();
            for spots in old.chunks(TOGETHER) {
                self.sweep_spots(spots).await?;
            }
        }
        Ok(())
    }

    async fn is_arriving(&self, id: Option<FileId>) -> Result<bool> {
        Ok(match id {
            Some(id) => self.inner.store.upload(id).await?.is_some(),
            None => false,
        })
    }

    async fn sweep_spots(&self, spots: &[Spot]) -> Result<()> {
        let hashes: Vec<_> = spots
            .iter()
            .filter_map(|spot| match spot {
                Spot::Content(place) | Spot::Thumb(place, _) => Some(place.hash),
                Spot::Picture(..) => None,
            })
            .collect();
        let mut known: Vec<Place> = self.inner.store.places(&hashes).await?;
        // A content that lost its last file when a node died: the store lets go of it only if none has it.
        let mut free = vec![];
        for place in &known {
            free.extend(self.inner.store.drop_content(place.hash).await?);
        }
        known.retain(|place| !free.contains(place));
        for spot in spots {
            let used = match spot {
                Spot::Content(place) | Spot::Thumb(place, _) => known.contains(place),
                Spot::Picture(id, _) => self.is_shown(id).await?,
            };
            if !used {
                tracing::info!(%spot, "let go of what nothing knows of");
                self.inner.storage.remove(spot).await.map_err(failed)?;
            }
        }
        Ok(())
    }

    /// Whether a picture is that of whom it names.
    async fn is_shown(&self, id: &crate::model::PictureId) -> Result<bool> {
        let shown = match id.whose() {
            Some(Pictured::Person(user)) => self.shown_of_person(user).await?,
            Some(Pictured::Room(room)) => self.shown_of_room(room).await?,
            None => None,
        };
        Ok(shown.as_ref() == Some(id))
    }

    pub(super) async fn shown_of_person(&self, user: UserId) -> Result<Option<crate::model::PictureId>> {
        Ok(self.inner.store.people(&[user]).await?.pop().and_then(|person| person.picture))
    }

    pub(super) async fn shown_of_room(
        &self,
        room: crate::model::RoomId,
    ) -> Result<Option<crate::model::PictureId>> {
        Ok(self.inner.store.rooms(&[room]).await?.pop().and_then(|room| room.picture))
    }
}
