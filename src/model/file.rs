//! Files: what is known of one, what it may be called, where its bytes lie.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, de};

use super::{
    ids::{FileId, RoomId, Timestamp, UserId},
    text::Invalid,
};

/// The most files of a message.
pub const MAX_FILES: usize = 10;
/// The most bytes of a file's name: what file systems take.
pub const MAX_NAME: usize = 255;
/// The most bars of a voice message's wave.
pub const MAX_PEAKS: usize = 64;
/// The longest voice message, in milliseconds: an hour.
pub const MAX_DURATION: u32 = 3_600_000;

/// SHA-256 of a content, as this server computed it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContentHash(pub [u8; 32]);

impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Where a content lies in the storage: its hash, and a random part. A content that is being taken out and the same
/// one that comes in again at that moment have other places, so neither can harm the other.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Of what lies there.
    pub hash: ContentHash,
    mark: u64,
}

impl Place {
    /// A new one, for a content that came in.
    pub fn new(hash: ContentHash) -> Self {
        Self { hash, mark: super::Tag::random().0 }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{:016x}", self.hash, self.mark)
    }
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let read = || {
            let (hash, mark) = text.split_once('-')?;
            let lower = |text: &str| text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
            let mark =
                u64::from_str_radix(Some(mark).filter(|mark| mark.len() == 16 && lower(mark))?, 16).ok()?;
            let mut bytes = [0; 32];
            hex::decode_to_slice(Some(hash).filter(|hash| lower(hash))?, &mut bytes).ok()?;
            Some(Self { hash: ContentHash(bytes), mark })
        };
        read().ok_or_else(|| format!("not a place: {text:?}"))
    }
}

/// How a file is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FileKind {
    /// A picture that browsers show.
    Image,
    /// A film.
    Video,
    /// A sound.
    Audio,
    /// A sound that was recorded to be sent.
    Voice,
    /// Text of any kind, code among it.
    Text,
    /// A PDF.
    Pdf,
    /// A packed archive.
    Archive,
    /// Anything else.
    Other,
}

impl FileKind {
    /// All there are.
    pub const ALL: [FileKind; 8] = [
        FileKind::Image,
        FileKind::Video,
        FileKind::Audio,
        FileKind::Voice,
        FileKind::Text,
        FileKind::Pdf,
        FileKind::Archive,
        FileKind::Other,
    ];

    /// The kind's name on the wire and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            FileKind::Image => "image",
            FileKind::Video => "video",
            FileKind::Audio => "audio",
            FileKind::Voice => "voice",
            FileKind::Text => "text",
            FileKind::Pdf => "pdf",
            FileKind::Archive => "archive",
            FileKind::Other => "other",
        }
    }

    /// Whether a browser may show it in its place; all else is to be saved.
    pub fn is_shown(self) -> bool {
        matches!(self, FileKind::Image | FileKind::Video | FileKind::Audio | FileKind::Voice)
    }
}

impl FromStr for FileKind {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|kind| kind.as_str()).collect();
            Invalid { field: "kind", why: format!("Expected some of {}.", names.join(", ")) }
        })
    }
}

/// Width and height, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pixels {
    /// From side to side.
    pub width: u32,
    /// From top to bottom.
    pub height: u32,
}

/// A smaller copy of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thumb {
    /// The size it was made for: what its longer side is at most.
    pub side: u32,
    /// Its own.
    pub pixels: Pixels,
}

/// What the recorder of a voice message says of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Voice {
    /// In milliseconds, at most [`MAX_DURATION`].
    pub duration: u32,
    /// How loud it is along its way, each 0 to 100; at most [`MAX_PEAKS`].
    pub peaks: Vec<u8>,
}

impl Voice {
    /// Whether all its numbers are within their bounds.
    pub fn fits(&self) -> bool {
        (1..=MAX_DURATION).contains(&self.duration)
            && self.peaks.len() <= MAX_PEAKS
            && self.peaks.iter().all(|peak| *peak <= 100)
    }
}

/// A file as all who may have it see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// Which.
    pub id: FileId,
    /// What it is called.
    pub name: FileName,
    /// What its address ends with: 1 to 8 of `a-z 0-9`.
    pub ending: String,
    /// In bytes.
    pub size: u64,
    /// Its media type, found by looking into it.
    pub mime: String,
    /// How it is shown.
    pub kind: FileKind,
    /// Of a picture as it is shown; of a film, as its uploader said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pixels: Option<Pixels>,
    /// A thumbhash of a picture, in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub placeholder: Option<String>,
    /// Smaller copies of a picture, the smallest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub thumbs: Vec<Thumb>,
    /// Of a voice message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub voice: Option<Voice>,
}

impl Attachment {
    /// The path of its address.
    pub fn url(&self) -> String {
        format!("/files/{}.{}", self.id, self.ending)
    }

    /// The path of a smaller copy's address.
    pub fn thumb_url(&self, thumb: &Thumb) -> String {
        format!("/files/{}-{}.webp", self.id, thumb.side)
    }
}

/// A file that is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFile {
    /// What others see of it.
    pub about: Attachment,
    /// Who uploaded it.
    pub owner: UserId,
    /// Where its bytes lie.
    pub place: Place,
    /// When it was complete.
    pub created: Timestamp,
    /// When to look whether anything uses it; none while something is known to.
    pub due: Option<Timestamp>,
    /// Rooms that it was posted to, or was about to be.
    pub rooms: Vec<RoomId>,
}

/// A file that is on its way in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upload {
    /// Its file will have the same.
    pub id: FileId,
    /// Who uploads it.
    pub owner: UserId,
    /// How many bytes it will have; where that isn't known, how many are set aside for it.
    pub length: u64,
    /// When it is given up.
    pub expires: Timestamp,
    /// What is said of it.
    pub said: Said,
}

/// What an uploader says of a file; nothing of it is believed where looking into the file tells.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// What it is called.
    pub name: FileName,
    /// Whether it is a sound, where its form holds sounds and films alike.
    pub sound: bool,
    /// Of a voice message.
    pub voice: Option<Voice>,
    /// Of a film.
    pub pixels: Option<Pixels>,
}

/// A file's name, made harmless: one path segment of at most [`MAX_NAME`] bytes without control or invisible
/// characters that is no device's name anywhere, and not empty.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct FileName(String);

impl FileName {
    /// What is left of any text.
    pub fn clean(text: &str) -> Self {
        // Some browsers and programs send the whole path.
        let last = text.rsplit(['/', '\\']).find(|part| !part.trim().is_empty()).unwrap_or_default();
        let kept: String =
            last.chars().filter(|c| !deceives(*c)).map(|c| if forbidden(c) { '_' } else { c }).collect();
        let mut name = kept.trim().trim_end_matches(trails).to_owned();
        // Hidden files stay visible, and `..` is nothing.
        if name.starts_with('.') {
            name = format!("_{}", name.trim_start_matches('.'));
        }
        if name.is_empty() || name == "_" {
            name = "file".to_owned();
        }
        let stem = name.split('.').next().unwrap_or_default().trim();
        if is_device(stem) {
            name.insert(0, '_');
        }
        Self(shorten(name))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands after its last dot, in lower case, when that is 1 to 8 of `a-z 0-9`.
    pub fn ending(&self) -> Option<String> {
        let (_, ending) = self.0.rsplit_once('.')?;
        let fits = (1..=8).contains(&ending.len()) && ending.bytes().all(|b| b.is_ascii_alphanumeric());
        fits.then(|| ending.to_ascii_lowercase())
    }
}

impl Default for FileName {
    fn default() -> Self {
        Self("file".to_owned())
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<'de> Deserialize<'de> for FileName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self::clean(&text))
    }
}

/// What makes a name look like another, or isn't seen at all; joiners, which emoji need, may stay.
fn deceives(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0001}')
}

/// What some file systems let fall off a name's end.
fn trails(c: char) -> bool {
    c == '.' || c.is_whitespace()
}

/// What some file system takes for something else.
fn forbidden(c: char) -> bool {
    matches!(c, '<' | '>' | ':' | '"' | '|' | '?' | '*')
}

fn is_device(stem: &str) -> bool {
    let stem = stem.to_ascii_lowercase();
    let numbered = |name: &str| {
        stem.strip_prefix(name).is_some_and(|n| n.len() == 1 && n.bytes().all(|b| b.is_ascii_digit()))
    };
    matches!(stem.as_str(), "con" | "prn" | "aux" | "nul" | "conin$" | "conout$")
        || numbered("com")
        || numbered("lpt")
}

/// At most [`MAX_NAME`] bytes, with its ending where it has a short one.
fn shorten(name: String) -> String {
    if name.len() <= MAX_NAME {
        return name;
    }
    let (stem, ending) = match name.rsplit_once('.') {
        Some((stem, ending)) if ending.len() <= 16 => (stem, format!(".{ending}")),
        _ => (name.as_str(), String::new()),
    };
    let stem = &stem[..stem.floor_char_boundary(MAX_NAME - ending.len())];
    // A joiner joins nothing there.
    format!("{}{ending}", stem.trim_end_matches(|c| trails(c) || c == '\u{200d}'))
}

/// A picture of a person or a room. It names whose it is, and is never used again, so whoever has it may keep it for
/// ever.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct PictureId(Box<str>);

/// Whose picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Pictured {
    /// A person's.
    Person(UserId),
    /// A room's.
    Room(RoomId),
}

impl PictureId {
    /// The sides of the three sizes that there are of one, in pixels.
    pub const SIDES: [u32; 3] = [64, 128, 512];

    /// The one that `mark` distinguishes from others of the same.
    pub fn new(whose: Pictured, mark: u64) -> Self {
        let (kind, id) = match whose {
            Pictured::Person(user) => ('p', *user.as_bytes()),
            Pictured::Room(room) => ('r', *room.as_bytes()),
        };
        Self(format!("{kind}{}-{mark:016x}", hex::encode(id)).into())
    }

    /// A number that spreads pictures evenly.
    pub fn shelf(&self) -> u8 {
        self.0.get(48..).and_then(|digits| u8::from_str_radix(digits, 16).ok()).unwrap_or_default()
    }

    /// The id as text: `p` or `r`, 32 hex digits, a hyphen, 16 hex digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whose it is.
    pub fn whose(&self) -> Option<Pictured> {
        let mut id = [0; 16];
        hex::decode_to_slice(self.0.get(1..33)?, &mut id).ok()?;
        match self.0.as_bytes().first()? {
            b'p' => Some(Pictured::Person(UserId::from_bytes(id))),
            b'r' => Some(Pictured::Room(RoomId::from_bytes(id))),
            _ => None,
        }
    }

    /// The path of one size's address.
    pub fn url(&self, side: u32) -> String {
        format!("/pictures/{}-{side}.webp", self.0)
    }
}

impl FromStr for PictureId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let lower = |text: &str| text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let fits = text.is_ascii()
            && text.len() == 50
            && matches!(text.as_bytes()[0], b'p' | b'r')
            && lower(&text[1..33])
            && &text[33..34] == "-"
            && lower(&text[34..]);
        fits.then(|| Self(text.into())).ok_or_else(|| "not a picture's id".to_owned())
    }
}

impl<'de> Deserialize<'de> for PictureId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_is_made_harmless() {
        for (given, kept) in [
            ("holiday.jpg", "holiday.jpg"),
            ("../../etc/passwd", "passwd"),
            ("C:\\Users\\ann\\report.pdf", "report.pdf"),
            ("..", "file"),
            ("", "file"),
            (" . ", "file"),
            ("a\u{3000}.", "a"),
            (".htaccess", "_htaccess"),
            ("a\0b\r\n.txt", "ab.txt"),
            ("photo\u{202e}gpj.exe", "photogpj.exe"),
            ("CON", "_CON"),
            ("nul.txt", "_nul.txt"),
            ("com1.log", "_com1.log"),
            ("common.log", "common.log"),
            ("what?<is>\"it\".txt", "what__is__it_.txt"),
            ("dots...", "dots"),
            ("👩\u{200d}💻.png", "👩\u{200d}💻.png"),
            ("שלום.txt", "שלום.txt"),
        ] {
            assert_eq!(FileName::clean(given).as_str(), kept, "{given:?}");
        }
    }

    #[test]
    fn a_long_name_keeps_its_ending() {
        let name = FileName::clean(&format!("{}.png", "🦀".repeat(100)));
        assert!(name.as_str().len() <= MAX_NAME && name.as_str().ends_with("🦀.png"));
        assert_eq!(name.ending().as_deref(), Some("png"));
        assert_eq!(FileName::clean(&"x".repeat(999)).as_str().len(), MAX_NAME);
        assert_eq!(FileName::clean("a.tar.GZ").ending().as_deref(), Some("gz"));
        assert_eq!(FileName::clean("a.b c").ending(), None);
    }

    #[test]
    fn places_and_pictures_are_read_as_they_are_written() {
        let place = Place::new(ContentHash([7; 32]));
        assert_eq!(place.to_string().parse(), Ok(place.clone()));
        assert_ne!(place, Place::new(ContentHash([7; 32])));
        let (user, room) = (UserId::new(), RoomId::new());
        for whose in [Pictured::Person(user), Pictured::Room(room)] {
            let id = PictureId::new(whose, 0x1234);
            assert_eq!(id.shelf(), 0x34);
            assert_eq!(id.as_str().parse(), Ok(id.clone()));
            assert_eq!(id.whose(), Some(whose));
        }
        for wrong in ["", "../x", &"p".repeat(50), "é".repeat(25).as_str()] {
            assert!(wrong.parse::<PictureId>().is_err() && wrong.parse::<Place>().is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn no_name_leaves_its_folder(text in any::<String>()) {
            let name = FileName::clean(&text);
            let name = name.as_str();
            prop_assert!(!name.is_empty() && name.len() <= MAX_NAME);
            prop_assert!(!name.contains(['/', '\\', '\0', '"']) && !name.starts_with('.'));
            prop_assert!(!name.chars().any(deceives));
            let again = FileName::clean(name);
            prop_assert_eq!(again.as_str(), name);
        }
    }
}
