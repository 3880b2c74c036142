//! Where bytes are kept once they are all there. Local disk today ([`super::disk`]); whatever can move a file in, give
//! a stretch of it and list what it holds will do.

use std::{fmt, io, path::Path, str::FromStr};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;

use crate::model::{PictureId, Place, Timestamp};

/// How many shelves there are: what is kept is spread over them evenly, and listed one at a time.
pub const SHELVES: u16 = 256;

/// One thing that is kept.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Spot {
    /// A file's content.
    Content(Place),
    /// A smaller copy of a picture, by what its longer side is at most.
    Thumb(Place, u32),
    /// A person's or a room's picture, by its side.
    Picture(PictureId, u32),
}

impl Spot {
    /// On which shelf it lies.
    pub fn shelf(&self) -> u8 {
        match self {
            Spot::Content(place) | Spot::Thumb(place, _) => place.hash.0[0],
            Spot::Picture(id, _) => id.shelf(),
        }
    }
}

impl fmt::Display for Spot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Spot::Content(place) => place.fmt(f),
            Spot::Thumb(place, side) => write!(f, "{place}-{side}.webp"),
            Spot::Picture(id, side) => write!(f, "{}-{side}.webp", id.as_str()),
        }
    }
}

impl FromStr for Spot {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(place) = text.parse() {
            return Ok(Spot::Content(place));
        }
        let unknown = || format!("nothing of ours: {text:?}");
        let (of, side) =
            text.strip_suffix(".webp").and_then(|text| text.rsplit_once('-')).ok_or_else(unknown)?;
        let side = side.parse().map_err(|_| unknown())?;
        let thumb = of.parse().map(|place| Spot::Thumb(place, side));
        thumb.or_else(|_| of.parse().map(|id| Spot::Picture(id, side))).map_err(|_| unknown())
    }
}

/// A stretch of what is kept, as it comes.
pub type Stretch = BoxStream<'static, io::Result<Bytes>>;

/// What keeps bytes. What is kept never changes.
#[async_trait]
pub trait Storage: Send + Sync + 'static {
    /// Takes a finished local file, which is gone from where it was then. It survives a crash when this returns.
    async fn keep(&self, file: &Path, spot: &Spot) -> io::Result<()>;

    /// Keeps these bytes. They survive a crash when this returns.
    async fn put(&self, spot: &Spot, bytes: Bytes) -> io::Result<()>;

    /// `length` bytes from `from` on, which must be there; none when nothing lies at the spot.
    async fn read(&self, spot: &Spot, from: u64, length: u64) -> io::Result<Option<Stretch>>;

    /// How many bytes lie at a spot; none when nothing does.
    async fn size(&self, spot: &Spot) -> io::Result<Option<u64>>;

    /// Takes out what lies at a spot, if something does.
    async fn remove(&self, spot: &Spot) -> io::Result<()>;

    /// What lies on a shelf, with when it was put there.
    async fn shelf(&self, shelf: u8) -> io::Result<Vec<(Spot, Timestamp)>>;
}
