//! A room: its state, who is in it, its messages; and the rules of what may happen there.

mod decide;
mod fold;
mod view;

#[cfg(test)]
mod tests;

pub use decide::{MAX_DISTINCT_REACTIONS, MAX_GROUP, MAX_REACTIONS};
pub use view::{RoomView, Touches};

use serde::{Deserialize, Serialize};

use super::{
    entry::SystemLine,
    file::{Attachment, PictureId},
    ids::{Rev, RoomId, Seq, Timestamp, UserId},
};

/// Who may find a room, and how people come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoomKind {
    /// Anyone who is logged in may find, read and join it.
    Public,
    /// The same, and its call is always there to step into.
    Voice,
    /// Members alone see it, and let others in.
    Private,
    /// A message to several people; it has no owner.
    Group,
    /// Two people, for ever.
    Direct,
}

impl RoomKind {
    /// The kind as it is named on the wire and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            RoomKind::Public => "public",
            RoomKind::Voice => "voice",
            RoomKind::Private => "private",
            RoomKind::Group => "group",
            RoomKind::Direct => "direct",
        }
    }

    /// Whether anyone who is logged in may find, read and join it.
    pub fn is_open(self) -> bool {
        matches!(self, RoomKind::Public | RoomKind::Voice)
    }

    /// Whether it is a direct or group message: named after its people, and without an owner.
    pub fn is_talk(self) -> bool {
        matches!(self, RoomKind::Group | RoomKind::Direct)
    }
}

/// What a member may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// May rename the room, remove members and delete others' messages.
    Owner,
    /// May read, write, and add people.
    Member,
}

/// A room's own state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Room {
    /// Which.
    pub id: RoomId,
    /// Rev of the room's last entry.
    pub rev: Rev,
    /// Who may find it.
    pub kind: RoomKind,
    /// Empty for direct and group messages.
    pub name: String,
    /// What it is about.
    pub topic: String,
    /// When it came to be.
    pub created: Timestamp,
    /// When its last entry was made.
    pub at: Timestamp,
    /// Its last message.
    pub seq: Seq,
    /// How many members it has.
    pub members: u32,
    /// How many of them are owners.
    pub owners: u32,
    /// Its people, where it is named after them (direct and group messages).
    pub people: Vec<UserId>,
    /// Its picture, when it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub picture: Option<PictureId>,
}

/// Somebody's place in a room. Who is gone stays as a tombstone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// In which room.
    pub room: RoomId,
    /// Whose.
    pub user: UserId,
    /// Rev of the entry that changed it last.
    pub rev: Rev,
    /// None when they are no longer a member.
    pub role: Option<Role>,
    /// The room's last message when they joined: nothing before it counts as unread.
    pub since: Seq,
}

/// What a message says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Body {
    /// Somebody's words.
    Text {
        /// Markdown.
        text: String,
        /// People it mentions.
        mentions: Vec<UserId>,
        /// Whether it mentions everyone.
        everyone: bool,
        /// Files that come with the words, which may then be empty.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        files: Vec<Attachment>,
    },
    /// Words that were taken back.
    Deleted,
    /// A line that nobody wrote.
    System(SystemLine),
}

/// An emoji and who reacted with it, in the order they did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reaction {
    /// Which.
    pub emoji: String,
    /// At least one.
    pub users: Vec<UserId>,
}

/// A message as it is now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// In which room.
    pub room: RoomId,
    /// Its place in the timeline.
    pub seq: Seq,
    /// Rev of the last entry that changed it.
    pub rev: Rev,
    /// Rev of the entry that brought its present text.
    pub base: Rev,
    /// Who wrote it, or brought the line about.
    pub by: UserId,
    /// When it was posted.
    pub at: Timestamp,
    /// When its text was last replaced.
    pub edited: Option<Timestamp>,
    /// What it says.
    pub body: Body,
    /// The message it answers.
    pub reply_to: Option<Seq>,
    /// Reactions, in the order of the first of each.
    pub reactions: Vec<Reaction>,
    /// Whether it is pinned.
    pub pinned: bool,
    /// The author's nonce, by which their client finds its pending message.
    pub nonce: String,
}

impl Message {
    /// People whom it mentions by name, for as long as its words stand.
    pub fn mentions(&self) -> &[UserId] {
        match &self.body {
            Body::Text { mentions, .. } => mentions,
            _ => &[],
        }
    }

    /// The files that come with it, for as long as it stands.
    pub fn files(&self) -> &[Attachment] {
        match &self.body {
            Body::Text { files, .. } => files,
            _ => &[],
        }
    }

    /// Whether it mentions everyone in the room.
    pub fn everyone(&self) -> bool {
        matches!(self.body, Body::Text { everyone: true, .. })
    }
}
