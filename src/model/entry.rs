//! Entries of a log, and the appends that bring them.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{
    call::Outcome,
    file::{Attachment, PictureId},
    ids::{CallId, NonceKey, Rev, RoomId, Seq, SessionId, Stream, Tag, Timestamp, UserId},
    room::{Role, RoomKind},
    status::Status,
};

/// The most entries that one append may hold.
pub const MAX_ENTRIES: usize = 256;
/// The most bytes of entries, as JSON, that one append may hold.
pub const MAX_BYTES: usize = 1 << 20;

/// Where a stream stands: its last entry's place, and the tag of the append that brought it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Place of the last entry; 0 when there is none.
    pub rev: Rev,
    /// Tag of the last append; zero when there is none.
    pub tag: Tag,
}

/// A fingerprint of what a client asked for, to tell a repeat from another request with the same nonce.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RequestHash(Tag);

impl RequestHash {
    /// Of a request, as it was asked for.
    pub fn of(request: &impl Serialize) -> Self {
        let text = serde_json::to_vec(request).unwrap_or_default();
        let hash = Sha256::digest(&text);
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&hash[..8]);
        Self(Tag(u64::from_be_bytes(bytes)))
    }
}

/// One thing that happened in a stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its place.
    pub rev: Rev,
    /// When, never before the entry in front of it.
    pub at: Timestamp,
    /// Who did it.
    pub by: UserId,
    /// What makes it unique within the stream.
    pub nonce: NonceKey,
    /// What was asked for.
    pub request: RequestHash,
    /// What happened.
    pub what: What,
}

/// What can happen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    // In a room.
    /// The room came to be.
    Created {
        /// Its kind.
        kind: RoomKind,
        /// Its name; empty for direct and group messages.
        name: String,
        /// What it is about.
        topic: String,
    },
    /// A message.
    Posted {
        /// Its place in the timeline.
        seq: Seq,
        /// Markdown.
        text: String,
        /// The message it answers.
        reply_to: Option<Seq>,
        /// People it mentions.
        mentions: Vec<UserId>,
        /// Whether it mentions everyone.
        everyone: bool,
        /// The files that come with it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        files: Vec<Attachment>,
    },
    /// A message's text was replaced.
    Edited {
        /// Which.
        seq: Seq,
        /// Markdown.
        text: String,
        /// People it mentions now.
        mentions: Vec<UserId>,
        /// Whether it mentions everyone now.
        everyone: bool,
    },
    /// A message was taken back.
    Deleted {
        /// Which.
        seq: Seq,
    },
    /// Somebody's reaction came or went.
    Reacted {
        /// To which message.
        seq: Seq,
        /// Which emoji.
        emoji: String,
        /// Came, or went.
        on: bool,
    },
    /// A message was pinned, or unpinned.
    Pinned {
        /// Which.
        seq: Seq,
        /// Pinned, or unpinned.
        on: bool,
    },
    /// Somebody became a member: by themselves, or added by the entry's author.
    Joined {
        /// Who.
        user: UserId,
        /// As what.
        role: Role,
        /// The room's last message then: nothing up to it counts as unread for them.
        since: Seq,
        /// Its line in the timeline, where it has one.
        line: Option<Seq>,
    },
    /// Somebody left.
    Left {
        /// What they were.
        was: Role,
        /// Its line in the timeline, where it has one.
        line: Option<Seq>,
    },
    /// Somebody was removed by the entry's author.
    Removed {
        /// Who.
        user: UserId,
        /// What they were.
        was: Role,
        /// Its line in the timeline, where it has one.
        line: Option<Seq>,
    },
    /// A member's role changed.
    Role {
        /// Whose.
        user: UserId,
        /// What they were.
        was: Role,
        /// To what.
        role: Role,
    },
    /// The room has another name.
    Renamed {
        /// The name.
        name: String,
        /// Its line in the timeline.
        line: Seq,
    },
    /// The room has another topic.
    Topic {
        /// The topic.
        topic: String,
        /// Its line in the timeline.
        line: Seq,
    },
    /// A call that the entry's author began is over.
    Called {
        /// Which.
        call: CallId,
        /// How it ended.
        outcome: Outcome,
        /// How long it was.
        length_ms: u64,
        /// Who was in it, in the order of coming.
        people: Vec<UserId>,
        /// Its line in the timeline.
        line: Seq,
    },

    // In a room, or to a person.
    /// It has another picture, or none any more.
    Pictured {
        /// Which.
        picture: Option<PictureId>,
    },

    // To a person.
    /// The person came to be.
    Registered {
        /// The name they log in with.
        name: String,
        /// The name that others see.
        display: String,
    },
    /// The public profile changed.
    Profile {
        /// The name that others see.
        display: String,
        /// A few words about themselves.
        bio: String,
    },
    /// What the person says of the moment changed.
    Status {
        /// What it is now.
        status: Option<Status>,
    },
    /// A room joined the room list.
    RoomAdded {
        /// Which.
        room: RoomId,
    },
    /// A room left the room list.
    RoomGone {
        /// Which.
        room: RoomId,
    },
    /// The read mark of a room moved; its value is in the projection.
    Read {
        /// Which room's.
        room: RoomId,
    },
    /// The draft in a room changed; its text is in the projection.
    Draft {
        /// Which room's.
        room: RoomId,
    },
    /// A session ended, by logout or by hand.
    SessionEnded {
        /// Which.
        session: SessionId,
    },
}

/// What a line of the timeline says that nobody wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum SystemLine {
    /// The room has another name.
    Renamed {
        /// The name.
        name: String,
    },
    /// The room has another topic.
    Topic {
        /// The topic.
        topic: String,
    },
    /// Somebody joined, or was added by the line's author.
    Joined {
        /// Who.
        user: UserId,
    },
    /// Somebody left.
    Left {
        /// Who.
        user: UserId,
    },
    /// Somebody was removed by the line's author.
    Removed {
        /// Who.
        user: UserId,
    },
    /// A call that the line's author began is over.
    Call {
        /// Which.
        call: CallId,
        /// How it ended.
        outcome: Outcome,
        /// How long it was.
        length_ms: u64,
        /// Who was in it, in the order of coming.
        people: Vec<UserId>,
    },
}

impl What {
    /// The message of the timeline that this entry makes, where it makes one.
    pub fn new_seq(&self) -> Option<Seq> {
        match self {
            What::Posted { seq, .. }
            | What::Renamed { line: seq, .. }
            | What::Topic { line: seq, .. }
            | What::Called { line: seq, .. } => Some(*seq),
            What::Joined { line, .. } | What::Left { line, .. } | What::Removed { line, .. } => *line,
            _ => None,
        }
    }

    /// The message that this entry makes or changes.
    pub fn message(&self) -> Option<Seq> {
        match self {
            What::Edited { seq, .. }
            | What::Deleted { seq }
            | What::Reacted { seq, .. }
            | What::Pinned { seq, .. } => Some(*seq),
            other => other.new_seq(),
        }
    }
}

impl Entry {
    /// The person whose membership this entry changes.
    pub fn member(&self) -> Option<UserId> {
        match &self.what {
            What::Joined { user, .. } | What::Removed { user, .. } | What::Role { user, .. } => Some(*user),
            What::Left { .. } => Some(self.by),
            _ => None,
        }
    }

    /// What follows from this entry of a room in a person's stream.
    pub fn follows(&self, room: RoomId) -> Option<(UserId, What)> {
        match &self.what {
            What::Joined { user, .. } => Some((*user, What::RoomAdded { room })),
            What::Left { .. } => Some((self.by, What::RoomGone { room })),
            What::Removed { user, .. } => Some((*user, What::RoomGone { room })),
            _ => None,
        }
    }
}

/// Entries that went into a stream together, right after its head: all of them or none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Append {
    /// Where.
    pub stream: Stream,
    /// Random mark of this append.
    pub tag: Tag,
    /// Tag of the append before it; zero for the first.
    pub prev: Tag,
    /// At least one, at most [`MAX_ENTRIES`], revs rising by one.
    pub entries: Vec<Entry>,
}

impl Append {
    /// Place of its first entry.
    pub fn first(&self) -> Rev {
        self.entries.first().map(|entry| entry.rev).unwrap_or_default()
    }

    /// Where the stream stands after it.
    pub fn head(&self) -> Head {
        Head { rev: self.entries.last().map(|entry| entry.rev).unwrap_or_default(), tag: self.tag }
    }

    /// Where the stream must stand before it.
    pub fn base(&self) -> Head {
        Head { rev: Rev(self.first().0.saturating_sub(1)), tag: self.prev }
    }
}
