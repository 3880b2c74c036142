//! Uploads: begun, added to piece by piece, cut off at any byte and gone on with on any node, given up.

use std::{fmt::Display, time::Duration};

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::{
    Files, failed,
    parts::{Part, Shut},
};
use crate::{
    error::{Code, Error, Result},
    model::{FileId, StoredFile, Timestamp, Upload, UserId, file::Said},
    store::Taken,
};

/// Unfinished uploads that a person may have.
const UNFINISHED: u64 = 200;
/// How long to wait for the next bytes before what came is all that comes.
const SILENCE: Duration = Duration::from_secs(30);
/// When to ask again for an upload that somebody else adds to.
const BUSY: Duration = Duration::from_secs(1);

/// Where an upload stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// How many bytes have arrived.
    pub offset: u64,
    /// How many there are in all.
    pub length: u64,
    /// When it is given up; none once its file is there.
    pub expires: Option<Timestamp>,
}

/// How the length of an upload is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    /// Exactly: it is complete when so many bytes are there.
    Exactly(u64),
    /// At most so many bytes come.
    AtMost(u64),
}

impl Files {
    /// Begins an upload.
    ///
    /// # Errors
    /// `TooLarge`, `OverQuota`, `StorageFull`, `TooMany`.
    pub async fn begin(&self, owner: UserId, length: Length, said: Said) -> Result<Upload> {
        let inner = &self.inner;
        let (Length::Exactly(bytes) | Length::AtMost(bytes)) = length;
        if bytes > inner.limits.file {
            return Err(Error::new(Code::TooLarge));
        }
        let expires = Timestamp::now().plus(inner.limits.kept);
        let upload = Upload { id: FileId::new(), owner, length: bytes, expires, said };
        // Noted first and counted then: of two who begin at once, both count both.
        inner.store.begin_upload(&upload).await?;
        let begun = async {
            self.must_fit(owner).await?;
            inner.parts.begin(upload.id).await.map_err(failed)
        };
        if let Err(error) = begun.await {
            self.let_go(upload.id).await;
            return Err(error);
        }
        Ok(upload)
    }

    /// Refuses when more is kept, or on its way, than may be.
    async fn must_fit(&self, owner: UserId) -> Result<()> {
        let inner = &self.inner;
        let Taken { files, uploads, count } = inner.store.taken(owner).await?;
        if count > UNFINISHED {
            return Err(Error::new(Code::TooMany));
        }
        if files.saturating_add(uploads) > inner.limits.person {
            return Err(Error::new(Code::OverQuota));
        }
        match inner.limits.server {
            Some(most) if inner.store.taken_by_all().await? > most => Err(Error::new(Code::StorageFull)),
            _ => Ok(()),
        }
    }

    /// How many bytes somebody has taken up of what they may.
    ///
    /// # Errors
    /// When the store can't say.
    pub async fn taken(&self, owner: UserId) -> Result<u64> {
        let taken = self.inner.store.taken(owner).await?;
        Ok(taken.files.saturating_add(taken.uploads))
    }

    /// Where an upload of one's own stands. One whose last byte came, but whose file wasn't made, is finished by this.
    ///
    /// # Errors
    /// `NotFound` when it isn't there, or is somebody else's.
    pub async fn standing(&self, owner: UserId, id: FileId) -> Result<Standing> {
        let Some(upload) = self.upload_of(owner, id).await? else {
            let file = self.own(owner, id).await?;
            return Ok(Standing { offset: file.about.size, length: file.about.size, expires: None });
        };
        let offset = self.inner.parts.length(id).await.map_err(failed)?;
        let offset = offset.ok_or_else(|| Error::new(Code::NotFound))?;
        if offset == upload.length {
            self.add(owner, id, offset, futures_util::stream::empty::<Result<Bytes, Error>>()).await?;
        }
        Ok(Standing { offset, length: upload.length, expires: Some(upload.expires) })
    }

    async fn upload_of(&self, owner: UserId, id: FileId) -> Result<Option<Upload>> {
        let upload = self.inner.store.upload(id).await?;
        match upload {
            Some(upload) if upload.owner != owner => Err(Error::new(Code::NotFound)),
            upload => Ok(upload.filter(|upload| upload.expires > Timestamp::now())),
        }
    }

    /// Adds bytes to an upload, which stands at `offset`; returns where it stands then. When that is its end, its file is
    /// there. What came before `bytes` broke off is kept.
    ///
    /// # Errors
    /// `WrongOffset`, `Locked`, `NotFound`; `Malformed` when the bytes break off or are too many; `StorageFull`, which
    /// takes the upload out.
    pub async fn add<E: Display>(
        &self,
        owner: UserId,
        id: FileId,
        offset: u64,
        bytes: impl Stream<Item = Result<Bytes, E>>,
    ) -> Result<u64> {
        let upload = self.upload_of(owner, id).await?.ok_or_else(|| Error::new(Code::NotFound))?;
        let turn = Turn::take(self, id);
        let mut part = self.lock(id).await?;
        if part.length() != offset {
            return Err(Error::says(Code::WrongOffset, format!("The upload stands at {}.", part.length())));
        }
        let taken = tokio::select! {
            taken = self.take_in(&mut part, bytes, upload.length) => taken,
            () = turn.over.cancelled() => Err(Error::new(Code::Locked)),
        };
        self.settle(id, &mut part, taken).await?;
        let offset = part.length();
        if offset == upload.length {
            self.make(upload, part).await?;
        }
        Ok(offset)
    }

    /// Takes in a whole file at once, of at most as many bytes as were said when it began. Where that fails, nothing of it
    /// is left.
    ///
    /// # Errors
    /// As [`Files::add`], and `TooLarge`.
    pub async fn take<E: Display>(
        &self,
        upload: Upload,
        bytes: impl Stream<Item = Result<Bytes, E>>,
    ) -> Result<StoredFile> {
        let id = upload.id;
        let taken = async {
            let mut part = self.lock(id).await?;
            self.take_in(&mut part, bytes, upload.length).await.map_err(|error| match error.code() {
                Code::Malformed if part.length() == upload.length => Error::new(Code::TooLarge),
                _ => error,
            })?;
            part.flush().await.map_err(failed)?;
            self.make(upload, part).await
        };
        match taken.await {
            Ok(file) => Ok(file),
            Err(error) => {
                self.let_go(id).await;
                Err(error)
            }
        }
    }

    async fn lock(&self, id: FileId) -> Result<Part> {
        let hashed = self.inner.hashes.get(&id);
        self.inner.parts.lock(id, hashed).await.map_err(|shut| match shut {
            Shut::Gone => Error::new(Code::NotFound),
            Shut::Locked => Error::locked(BUSY),
            Shut::Failed(error) => failed(error),
        })
    }

    async fn take_in<E: Display>(
        &self,
        part: &mut Part,
        bytes: impl Stream<Item = Result<Bytes, E>>,
        length: u64,
    ) -> Result<()> {
        let mut bytes = std::pin::pin!(bytes);
        loop {
            let next = timeout(SILENCE, bytes.next()).await;
            let next = next.map_err(|_| Error::malformed("Nothing came for too long."))?;
            let Some(next) = next else { return Ok(()) };
            let mut next =
                next.map_err(|why| Error::malformed("The body broke off.").because(why.to_string()))?;
            let room = length.saturating_sub(part.length());
            let more = next.len() as u64 > room;
            if more {
                next.truncate(usize::try_from(room).unwrap_or_default());
            }
            part.add(next).await.map_err(failed)?;
            if more {
                return Err(Error::malformed("There are more bytes than the upload was said to have."));
            }
        }
    }

    /// Writes what came, and remembers its hash. Where the disk is full, nothing is left.
    async fn settle(&self, id: FileId, part: &mut Part, taken: Result<()>) -> Result<()> {
        let settled = match taken {
            Err(error) if error.code() == Code::StorageFull => Err(error),
            taken => part.flush().await.map_err(failed).and(taken),
        };
        match part.hashed() {
            Some(hashed) => self.inner.hashes.insert(id, hashed),
            None => self.inner.hashes.invalidate(&id),
        }
        if settled.as_ref().is_err_and(|error| error.code() == Code::StorageFull) {
            self.let_go(id).await;
        }
        settled
    }

    /// Gives up an upload, or takes back a file that wasn't posted.
    ///
    /// # Errors
    /// `NotFound` when it isn't there, or is somebody else's; `Forbidden` when it was posted.
    pub async fn cancel(&self, owner: UserId, id: FileId) -> Result<()> {
        if self.inner.store.upload(id).await?.is_some_and(|upload| upload.owner == owner) {
            let _turn = Turn::take(self, id);
            self.let_go(id).await;
            return Ok(());
        }
        self.take_back(owner, id).await
    }

    /// Takes out what there is of an upload. What can't be taken out now is swept.
    pub(super) async fn let_go(&self, id: FileId) {
        self.inner.hashes.invalidate(&id);
        if let Err(error) = self.inner.parts.abandon(id).await {
            tracing::warn!(%id, %error, "an upload could not be taken out");
        }
        if let Err(error) = self.inner.store.end_upload(id).await {
            tracing::warn!(%id, %error, "an upload could not be forgotten");
        }
    }
}

/// The turn to add to an upload; who takes it ends the one before.
struct Turn<'a> {
    files: &'a Files,
    id: FileId,
    over: CancellationToken,
}

impl<'a> Turn<'a> {
    fn take(files: &'a Files, id: FileId) -> Self {
        let over = CancellationToken::new();
        if let Some(before) = files.inner.adding().insert(id, over.clone()) {
            before.cancel();
        }
        Self { files, id, over }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        // Whoever came after has put their own.
        if !self.over.is_cancelled() {
            self.files.inner.adding().remove(&self.id);
        }
    }
}
