//! From bytes that are all there to a file: looked into, previewed, moved to where it stays, noted.

use std::{path::PathBuf, time::Duration};

use bytes::Bytes;

use super::{
    Files,
    disk::blocking,
    failed,
    inspect::{Inspected, inspect},
    parts::Part,
    picture::{Form, Preview, preview},
    sniff::Sniffed,
    storage::Spot,
};
use crate::{
    error::{Code, Error, Result},
    model::{
        Attachment, FileKind, Place, StoredFile, Timestamp, Upload,
        file::{Pixels, Thumb},
    },
    store::StoreError,
};

/// How long a picture's turn and its decoding may take together. One that takes longer is a file like any other.
const SEEN_WITHIN: Duration = Duration::from_secs(30);

/// The pauses between tries to note a file: the first, doubled up to the last.
const PAUSE: Duration = Duration::from_millis(100);
const LAST_PAUSE: Duration = Duration::from_millis(3_200);

impl Files {
    /// Makes the file of an upload that is complete. It is made whether or not anybody waits for it.
    pub(super) async fn make(&self, upload: Upload, part: Part) -> Result<StoredFile> {
        let files = self.clone();
        let made = self.inner.tasks.spawn(async move {
            let id = upload.id;
            let made = files.make_now(upload, part).await;
            if made.as_ref().is_err_and(|error| is_final(error.code())) {
                files.let_go(id).await;
            }
            made
        });
        made.await.map_err(Error::unavailable)?
    }

    /// `part` is locked until this ends.
    async fn make_now(&self, upload: Upload, part: Part) -> Result<StoredFile> {
        let inner = &self.inner;
        let Upload { id, owner, said, .. } = upload;
        let (path, clean, hash) = (inner.parts.path(id), inner.parts.clean_path(id), part.hash());
        let looked = said.clone();
        let found = blocking(move || inspect(&path, &clean, hash, &looked)).await.map_err(failed)?;
        let seen = match found.form {
            Some(form) => self.see(form, found.path.clone()).await,
            None => None,
        };
        let place = Place::new(found.hash);
        let (about, small) =
            describe(&upload_name(&said, &found, seen.is_some()), id, &found, said.pixels, seen);
        let about = Attachment { voice: said.voice.filter(|_| about.kind == FileKind::Voice), ..about };
        let kept = async {
            inner.storage.keep(&found.path, &Spot::Content(place.clone())).await?;
            for (side, webp) in small {
                inner.storage.put(&Spot::Thumb(place.clone(), side), webp).await?;
            }
            // Of a picture, what arrived is still there.
            inner.parts.abandon(id).await
        };
        let sides: Vec<u32> = about.thumbs.iter().map(|thumb| thumb.side).collect();
        if let Err(error) = kept.await {
            self.take_out(&place, &sides).await;
            return Err(failed(error));
        }
        let now = Timestamp::now();
        let due = Some(now.plus(inner.limits.kept));
        let mut file = StoredFile { about, owner, place, created: now, due, rooms: vec![] };
        let lies = self.note(&file).await?;
        inner.hashes.invalidate(&id);
        if lies != file.place {
            // The same content is there already.
            self.take_out(&file.place, &sides).await;
            file.place = lies;
        }
        Ok(file)
    }

    /// Notes a file in the store, in a few tries. Where it isn't known whether it went in, its content stays for the sweep
    /// to decide upon.
    async fn note(&self, file: &StoredFile) -> Result<Place> {
        let mut pause = PAUSE;
        loop {
            match self.inner.store.keep_file(file).await {
                Err(StoreError::Away(why)) if pause <= LAST_PAUSE => {
                    tracing::warn!(why, "a file has to wait to be noted");
                    tokio::time::sleep(pause).await;
                    pause *= 2;
                }
                noted => return Ok(noted?),
            }
        }
    }

    /// Decodes a picture, off the threads that serve, a few at a time; none when it can't be, or takes too long.
    async fn see(&self, form: Form, path: PathBuf) -> Option<Preview> {
        let decoding = self.inner.decoding.clone();
        let seen = async move {
            let turn = decoding.acquire_owned().await.ok()?;
            let seen = tokio::task::spawn_blocking(move || {
                let _turn = turn;
                preview(form, &path)
            });
            match seen.await {
                Ok(Ok(seen)) => Some(seen),
                Ok(Err(error)) => {
                    tracing::debug!(%error, "a picture that can't be shown");
                    None
                }
                Err(error) => {
                    tracing::warn!(%error, "decoding a picture broke off");
                    None
                }
            }
        };
        tokio::time::timeout(SEEN_WITHIN, seen).await.ok().flatten()
    }

    /// Takes out a content and its smaller copies. What can't be taken out now is swept.
    pub(super) async fn take_out(&self, place: &Place, sides: &[u32]) {
        let thumbs = sides.iter().map(|side| Spot::Thumb(place.clone(), *side));
        for spot in thumbs.chain([Spot::Content(place.clone())]) {
            if let Err(error) = self.inner.storage.remove(&spot).await {
                tracing::warn!(%spot, %error, "could not be taken out");
            }
        }
    }
}

/// Whether asking again won't help.
fn is_final(code: Code) -> bool {
    matches!(code, Code::StorageFull | Code::OverQuota | Code::TooLarge)
}

/// What a file is called and seems to be. A picture that can't be shown is nothing in particular.
struct Named {
    sniffed: Sniffed,
    name: crate::model::file::FileName,
    ending: String,
}

fn upload_name(said: &crate::model::file::Said, found: &Inspected, seen: bool) -> Named {
    let shown = found.sniffed.kind != FileKind::Image || seen;
    let sniffed = if shown { found.sniffed } else { Sniffed::NOTHING };
    let own = said.name.ending();
    let usual = if sniffed.kind == FileKind::Text { "txt" } else { "bin" };
    let ending = sniffed.ending.map(str::to_owned).or(own).unwrap_or_else(|| usual.to_owned());
    Named { sniffed, name: said.name.clone(), ending }
}

/// What others see of a file, and the smaller copies by their sides.
fn describe(
    named: &Named,
    id: crate::model::FileId,
    found: &Inspected,
    said: Option<Pixels>,
    seen: Option<Preview>,
) -> (Attachment, Vec<(u32, Bytes)>) {
    let film = said.filter(|_| named.sniffed.kind == FileKind::Video);
    let (pixels, placeholder, small) = match seen {
        Some(Preview { pixels, placeholder, small }) => (Some(pixels), Some(placeholder), small),
        None => (film, None, vec![]),
    };
    let thumbs: Vec<Thumb> = small.iter().map(|small| small.thumb).collect();
    let small = small.into_iter().map(|small| (small.thumb.side, Bytes::from(small.webp))).collect();
    let about = Attachment {
        id,
        name: named.name.clone(),
        ending: named.ending.clone(),
        size: found.size,
        mime: named.sniffed.mime.to_owned(),
        kind: named.sniffed.kind,
        pixels,
        placeholder,
        thumbs,
        voice: None,
    };
    (about, small)
}
