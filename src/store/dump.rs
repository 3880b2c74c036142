//! All that a store keeps, in a form that is no store's own, so that it can be carried from one into another.
//!
//! A [`Collection`] is read in the order of its keys, which is the same in every store, a batch at a time; whoever stops
//! can go on from the last key. What only serves to find things follows from the records, and each store makes it anew
//! as they come in. A store that is being filled says so ([`Underway`]), and isn't served until all is there.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{CallRecord, StoreError};
use crate::model::{
    Append, Doc, Head, Place, RoomId, Seq, StoredFile, Stream, Timestamp, Upload, UserId,
    account::{Account, Invite, Session},
};

/// The most records of a batch.
pub(super) const BATCH: usize = 500;
/// From how many bytes on a batch is full, however few its records are: an append has up to 1 MiB.
pub(super) const BATCH_BYTES: usize = 4 << 20;

/// What is kept, by kind. They are carried in this order: what stands on something comes after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Collection {
    /// Appends, by stream and first rev.
    Log,
    /// Where each stream stands, and how far it is folded.
    Streams,
    /// Rooms.
    Rooms,
    /// Memberships and tombstones, by room and user.
    Members,
    /// Messages, by room and seq.
    Messages,
    /// Profiles.
    People,
    /// Read marks, by user and room.
    Marks,
    /// Unsent texts, by user and room.
    Drafts,
    /// Accounts.
    Accounts,
    /// Sessions, with the hashes of what proves them.
    Sessions,
    /// Invitations.
    Invites,
    /// Where contents lie, by their hash.
    Contents,
    /// Files, with the rooms that they were posted to.
    Files,
    /// Uploads that aren't finished.
    Uploads,
    /// Calls that are going on, by room.
    Calls,
}

impl Collection {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::Log,
        Self::Streams,
        Self::Rooms,
        Self::Members,
        Self::Messages,
        Self::People,
        Self::Marks,
        Self::Drafts,
        Self::Accounts,
        Self::Sessions,
        Self::Invites,
        Self::Contents,
        Self::Files,
        Self::Uploads,
        Self::Calls,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::Streams => "streams",
            Self::Rooms => "rooms",
            Self::Members => "members",
            Self::Messages => "messages",
            Self::People => "people",
            Self::Marks => "marks",
            Self::Drafts => "drafts",
            Self::Accounts => "accounts",
            Self::Sessions => "sessions",
            Self::Invites => "invites",
            Self::Contents => "contents",
            Self::Files => "files",
            Self::Uploads => "uploads",
            Self::Calls => "calls",
        }
    }
}

/// One thing that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// Of the log.
    Append(Append),
    /// Where a stream stands, and how far it is folded.
    Standing {
        /// Which.
        stream: Stream,
        /// Its head.
        head: Head,
        /// Its watermark.
        folded: Head,
    },
    /// A room, a member, a message or a person.
    Doc(Doc),
    /// A read mark.
    Mark {
        /// Whose.
        user: UserId,
        /// In which room.
        room: RoomId,
        /// The last message that they read.
        seq: Seq,
    },
    /// An unsent text.
    Draft {
        /// Whose.
        user: UserId,
        /// In which room.
        room: RoomId,
        /// What it says.
        text: String,
    },
    /// An account.
    Account(Account),
    /// A session.
    Session(Session),
    /// An invitation.
    Invite(Invite),
    /// A content.
    Content(Place),
    /// A file.
    File(StoredFile),
    /// An upload.
    Upload(Upload),
    /// A call.
    Call(CallRecord),
}

impl Record {
    /// What it is one of.
    pub fn collection(&self) -> Collection {
        match self {
            Self::Append(_) => Collection::Log,
            Self::Standing { .. } => Collection::Streams,
            Self::Doc(Doc::Room(_)) => Collection::Rooms,
            Self::Doc(Doc::Member(_)) => Collection::Members,
            Self::Doc(Doc::Message(_)) => Collection::Messages,
            Self::Doc(Doc::Person(_)) => Collection::People,
            Self::Mark { .. } => Collection::Marks,
            Self::Draft { .. } => Collection::Drafts,
            Self::Account(_) => Collection::Accounts,
            Self::Session(_) => Collection::Sessions,
            Self::Invite(_) => Collection::Invites,
            Self::Content(_) => Collection::Contents,
            Self::File(_) => Collection::Files,
            Self::Upload(_) => Collection::Uploads,
            Self::Call(_) => Collection::Calls,
        }
    }

    /// Its key in its collection; all keys of one are as long, and sort as their records do.
    pub fn key(&self) -> Vec<u8> {
        match self {
            Self::Append(append) => [&append.stream.key()[..], &append.first().0.to_be_bytes()].concat(),
            Self::Standing { stream, .. } => stream.key().to_vec(),
            Self::Doc(Doc::Room(room)) => room.id.as_bytes().to_vec(),
            Self::Doc(Doc::Member(member)) => [*member.room.as_bytes(), *member.user.as_bytes()].concat(),
            Self::Doc(Doc::Message(message)) => {
                [&message.room.as_bytes()[..], &message.seq.0.to_be_bytes()].concat()
            }
            Self::Doc(Doc::Person(person)) => person.id.as_bytes().to_vec(),
            Self::Mark { user, room, .. } | Self::Draft { user, room, .. } => {
                [*user.as_bytes(), *room.as_bytes()].concat()
            }
            Self::Account(account) => account.id.as_bytes().to_vec(),
            Self::Session(session) => session.id.as_bytes().to_vec(),
            Self::Invite(invite) => invite.id.as_bytes().to_vec(),
            Self::Content(place) => place.hash.0.to_vec(),
            Self::File(file) => file.about.id.as_bytes().to_vec(),
            Self::Upload(upload) => upload.id.as_bytes().to_vec(),
            Self::Call(call) => call.room.as_bytes().to_vec(),
        }
    }

    /// Whether a store may take it out at any time by itself: MongoDB does so with sessions that are over.
    pub fn is_over(&self, now: Timestamp) -> bool {
        matches!(self, Self::Session(session) if session.expires <= now)
    }
}

/// How far a store is filled from another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Underway {
    /// From where.
    pub from: String,
    /// The key of the last record that is in, and of which collection; those before it are in whole.
    pub last: Option<(Collection, Vec<u8>)>,
}

/// What a store does to be filled, and to fill another.
#[async_trait]
pub trait Dump: Send + Sync + 'static {
    /// About how many records there are.
    async fn count(&self, collection: Collection) -> Result<u64, StoreError>;

    /// The first batch of records after this key (from the beginning, when it is empty), by key; none when there is no more.
    async fn batch(&self, collection: Collection, after: &[u8]) -> Result<Vec<Record>, StoreError>;

    /// Puts a batch of records, all of one collection, and notes how far that is. What is cut short can be put again.
    async fn put(&self, records: Vec<Record>, underway: &Underway) -> Result<(), StoreError>;

    /// How far it is filled; none when it isn't being filled.
    async fn underway(&self) -> Result<Option<Underway>, StoreError>;

    /// Notes that all is there: from now on it may be served.
    async fn finish(&self) -> Result<(), StoreError>;
}
