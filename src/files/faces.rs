//! Pictures of people and rooms: made here, in three sizes; whose they are is told by their streams.

use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::{
    Files, failed,
    picture::{Form, squares},
    sniff::{HEAD, sniff},
    storage::Spot,
};
use crate::{
    error::{Code, Error, Result},
    model::{
        FileKind, Nonce, PictureId,
        file::{Pictured, Said},
    },
};

/// The most bytes of a picture that becomes one.
pub const MAX_FACE: usize = 8 << 20;

impl Files {
    /// Makes the picture of a person or a room. The same of a repeat.
    ///
    /// # Errors
    /// `NotAPicture` when it can't be decoded, or is too large to be.
    pub async fn make_face(&self, whose: Pictured, nonce: &Nonce, bytes: Bytes) -> Result<PictureId> {
        let sniffed = sniff(&bytes[..bytes.len().min(HEAD)], &Said::default());
        let form = Form::of(sniffed.mime).filter(|_| sniffed.kind == FileKind::Image);
        let form = form.ok_or_else(|| Error::new(Code::NotAPicture))?;
        let hash =
            Sha256::new().chain_update(nonce.as_str()).chain_update(b"/").chain_update(&bytes).finalize();
        let mut mark = [0; 8];
        mark.copy_from_slice(&hash[..8]);
        let id = PictureId::new(whose, u64::from_be_bytes(mark));
        let turn = self.inner.decoding.clone().acquire_owned().await.map_err(Error::unavailable)?;
        let made = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            squares(form, &bytes)
        });
        let made = made.await.map_err(Error::unavailable)?;
        let made = made.map_err(|error| Error::new(Code::NotAPicture).because(error))?;
        for (side, webp) in made {
            self.inner.storage.put(&Spot::Picture(id.clone(), side), webp.into()).await.map_err(failed)?;
        }
        Ok(id)
    }

    /// Takes out a picture, unless it is that of whom it names: one that was replaced, or refused.
    pub async fn drop_face(&self, id: &PictureId) {
        let shown = match id.whose() {
            Some(Pictured::Person(user)) => self.shown_of_person(user).await,
            Some(Pictured::Room(room)) => self.shown_of_room(room).await,
            None => return,
        };
        if shown.is_ok_and(|shown| shown.as_ref() != Some(id)) {
            for side in PictureId::SIDES {
                if let Err(error) = self.inner.storage.remove(&Spot::Picture(id.clone(), side)).await {
                    tracing::warn!(id = id.as_str(), %error, "a picture could not be taken out");
                }
            }
        }
    }
}
