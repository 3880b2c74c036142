//! Names of things: ids, places in a log, nonces, times.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest, Sha256};
use uuid::Uuid;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// A new one; ids made later sort later (UUID version 7).
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }

            /// The one that follows from `parts`: the same parts give the same id.
            pub fn derived(parts: &[&[u8]]) -> Self {
                Self(derive(stringify!($name), parts))
            }

            /// Its 16 bytes.
            pub fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }

            /// The id with these 16 bytes.
            pub fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self::new()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::try_parse(text).map(Self)
            }
        }
    };
}

id!(
    /// A person.
    UserId
);
id!(
    /// A room, whatever its kind.
    RoomId
);
id!(
    /// A login of a browser or a program.
    SessionId
);
id!(
    /// An invitation to the server.
    InviteId
);

id!(
    /// A call.
    CallId
);

id!(
    /// A file, and the upload that it came by.
    FileId
);

impl RoomId {
    /// The room that everybody joins.
    pub fn general() -> Self {
        Self::derived(&[b"general"])
    }

    /// The room that `creator` made with `nonce`.
    pub fn created(creator: UserId, nonce: &Nonce) -> Self {
        Self::derived(&[b"created", creator.as_bytes(), nonce.as_str().as_bytes()])
    }

    /// The direct messages of two people, whoever begins.
    pub fn direct(one: UserId, other: UserId) -> Self {
        let (a, b) = if one < other { (one, other) } else { (other, one) };
        Self::derived(&[b"direct", a.as_bytes(), b.as_bytes()])
    }
}

fn derive(kind: &str, parts: &[&[u8]]) -> Uuid {
    let mut hash = Sha256::new();
    for part in std::iter::once(kind.as_bytes()).chain(parts.iter().copied()) {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.finalize()[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

/// A log of its own: a room's or a person's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stream {
    /// What happens in a room.
    Room(RoomId),
    /// What happens to a person, on all of their devices.
    Person(UserId),
}

impl Stream {
    /// 17 bytes that name it in a store.
    pub fn key(&self) -> [u8; 17] {
        let (kind, id) = match self {
            Stream::Room(room) => (b'r', room.as_bytes()),
            Stream::Person(user) => (b'p', user.as_bytes()),
        };
        let mut key = [kind; 17];
        key[1..].copy_from_slice(id);
        key
    }

    /// The stream with this [`Stream::key`].
    pub fn from_key(key: &[u8]) -> Option<Self> {
        let (kind, id) = key.split_first()?;
        let id = <[u8; 16]>::try_from(id).ok()?;
        match kind {
            b'r' => Some(Stream::Room(RoomId::from_bytes(id))),
            b'p' => Some(Stream::Person(UserId::from_bytes(id))),
            _ => None,
        }
    }
}

impl fmt::Display for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Stream::Room(room) => write!(f, "room:{room}"),
            Stream::Person(user) => write!(f, "user:{user}"),
        }
    }
}

impl FromStr for Stream {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let stream = match text.split_once(':') {
            Some(("room", id)) => id.parse().ok().map(Stream::Room),
            Some(("user", id)) => id.parse().ok().map(Stream::Person),
            _ => None,
        };
        stream.ok_or_else(|| format!("not a stream: {text:?}"))
    }
}

impl Serialize for Stream {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Stream {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

macro_rules! place {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl $name {
            /// The one right after.
            pub fn next(self) -> Self {
                // A client may name any number.
                Self(self.0.saturating_add(1))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

place!(
    /// Place of an entry in its stream, from 1; 0 stands before the first.
    Rev
);
place!(
    /// Place of a message in its room's timeline, from 1; 0 stands before the first.
    Seq
);

place!(
    /// How often a call changed hands between nodes: who has the newest has the call.
    Term
);
place!(
    /// The number under which a page came into a call; never used twice in it, rising with the order of coming.
    Arrival
);

/// Random mark of one append, borne by its entries: two histories that part have other tags at the same rev.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Tag(pub u64);

impl Tag {
    /// A new random one, never the zero that stands before the first entry.
    pub fn random() -> Self {
        Self(getrandom::u64().unwrap_or_else(|_| Uuid::new_v4().as_u64_pair().1) | 1)
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl FromStr for Tag {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.len() == 16 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let number = digits.then(|| u64::from_str_radix(text, 16).ok()).flatten();
        number.map(Self).ok_or_else(|| "a tag is 16 hex digits".to_owned())
    }
}

impl Serialize for Tag {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Tag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// One process among those that serve a community; made anew at each start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NodeId(pub Tag);

/// Somebody's place in a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PeerId(pub Tag);

/// Milliseconds since 1970-01-01 UTC.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// What the machine's clock says.
    pub fn now() -> Self {
        Self(jiff::Timestamp::now().as_millisecond())
    }

    /// This much later.
    pub fn plus(self, span: std::time::Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }

    /// This much earlier.
    pub fn minus(self, span: std::time::Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }

    /// ISO 8601 in UTC, for `<time datetime>`.
    pub fn iso(self) -> String {
        jiff::Timestamp::from_millisecond(self.0).map(|time| time.to_string()).unwrap_or_default()
    }
}

/// What a client calls one change of its own: 1 to 64 of `A-Z a-z 0-9 _ -`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Nonce(Box<str>);

impl Nonce {
    /// The most characters one may have.
    pub const MAX: usize = 64;

    /// The nonce as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A random one, for changes that the server itself begins.
    pub fn random() -> Self {
        Self(Uuid::now_v7().simple().to_string().into())
    }
}

impl FromStr for Nonce {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fits = (1..=Self::MAX).contains(&text.len());
        if fits && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-')) {
            Ok(Self(text.into()))
        } else {
            Err("a nonce is 1 to 64 of A-Z a-z 0-9 _ -".to_owned())
        }
    }
}

impl<'de> Deserialize<'de> for Nonce {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// What makes an entry unique within its stream: its author and nonce, or where the server made it, what it
/// follows from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NonceKey(pub Box<str>);

impl NonceKey {
    /// Of a change that `author` asked for with `nonce`.
    pub fn asked(author: UserId, nonce: &Nonce) -> Self {
        Self(format!("{author}/{}", nonce.as_str()).into())
    }

    /// Of the `n`th further entry (from 1) of the change with this key.
    pub fn further(&self, n: usize) -> Self {
        Self(format!("{}/{n}", self.0).into())
    }

    /// Of what follows in another stream from the entry at `rev` of `stream`.
    pub fn following(stream: Stream, rev: Rev) -> Self {
        Self(format!("{stream}/{rev}").into())
    }

    /// The nonce as the author's client made it, where a client did.
    pub fn nonce(&self) -> &str {
        self.0.split('/').nth(1).unwrap_or_default()
    }

    /// When the nonce was made, where it says so, as a UUID of version 7 does: milliseconds since 1970, the highest byte first.
    pub fn made(&self) -> Option<[u8; 6]> {
        let id = Uuid::try_parse(self.nonce()).ok().filter(|id| id.get_version_num() == 7)?;
        id.as_bytes().first_chunk().copied()
    }
}
