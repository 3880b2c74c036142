//! What somebody asks for, and how it may end.

use serde::{Deserialize, Serialize};

use super::{
    call::Outcome,
    entry::{RequestHash, What},
    file::{Attachment, PictureId},
    ids::{CallId, FileId, NonceKey, Rev, RoomId, Seq, Stream, Tag, UserId},
    room::{Role, RoomKind},
    status::Status,
    text::{Bio, DisplayName, DraftText, Emoji, LoginName, MessageText, RoomName, Topic},
};

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Actor {
    /// The person.
    pub user: UserId,
    /// Whether they own the server, and so may do in public rooms what the room's owner may.
    pub owns_server: bool,
}

/// A change asked for in one stream.
#[derive(Debug, Clone)]
pub struct Change {
    /// Where.
    pub stream: Stream,
    /// Who asks.
    pub actor: Actor,
    /// What makes it unique: a repeat has the same.
    pub nonce: NonceKey,
    /// What is asked for.
    pub command: Command,
}

/// What is asked for.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub enum Command {
    /// In a room.
    Room(RoomCommand),
    /// Of one's own stream.
    Person(PersonCommand),
}

/// What is asked for in a room. What is found out for it (mentions) is not part of the request, and so not of its
/// fingerprint.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RoomCommand {
    /// Make the room.
    Create {
        /// Its kind.
        kind: RoomKind,
        /// Its name; empty for direct and group messages.
        name: Option<RoomName>,
        /// What it is about.
        topic: Option<Topic>,
        /// Others who are in it from the start.
        people: Vec<UserId>,
    },
    /// Become a member of a public room.
    Join,
    /// Let somebody in.
    Add {
        /// Who.
        user: UserId,
    },
    /// Leave.
    Leave,
    /// Remove somebody.
    Remove {
        /// Who.
        user: UserId,
    },
    /// Give a member another role.
    SetRole {
        /// Who.
        user: UserId,
        /// Which.
        role: Role,
    },
    /// Give the room another name.
    Rename {
        /// Which.
        name: RoomName,
    },
    /// Say what the room is about.
    SetTopic {
        /// What.
        topic: Topic,
    },
    /// Note that a call is over. The server asks for it, of itself.
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
    /// Give the room another picture, or none.
    SetPicture {
        /// Which.
        picture: Option<PictureId>,
    },
    /// Say something.
    Post {
        /// The words; none where files say it all.
        text: Option<MessageText>,
        /// The message it answers.
        reply_to: Option<Seq>,
        /// Whom the words mention.
        #[serde(skip)]
        mentions: Mentions,
        /// The files that come with them.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        files: Vec<FileId>,
        /// What is known of these.
        #[serde(skip)]
        attachments: Vec<Attachment>,
    },
    /// Replace the words of one's own message.
    Edit {
        /// Which.
        seq: Seq,
        /// Rev of the text that the new one is based on.
        base: Rev,
        /// The new words; none where files say it all.
        text: Option<MessageText>,
        /// Whom they mention.
        #[serde(skip)]
        mentions: Mentions,
    },
    /// Take a message back.
    Delete {
        /// Which.
        seq: Seq,
    },
    /// Add or remove one's reaction.
    React {
        /// To which message.
        seq: Seq,
        /// Which.
        emoji: Emoji,
        /// Add, or remove.
        on: bool,
    },
    /// Pin or unpin a message.
    Pin {
        /// Which.
        seq: Seq,
        /// Pin, or unpin.
        on: bool,
    },
}

/// Whom a text mentions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mentions {
    /// By name.
    pub people: Vec<UserId>,
    /// By `@everyone`.
    pub everyone: bool,
}

/// What is asked for in a person's own stream.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PersonCommand {
    /// Come to be.
    Register {
        /// The name to log in with.
        name: LoginName,
        /// The name that others see.
        display: DisplayName,
    },
    /// Change one's profile; what is absent stays.
    Profile {
        /// The name that others see.
        display: Option<DisplayName>,
        /// A few words about oneself.
        bio: Option<Bio>,
    },
    /// Have another picture, or none.
    Picture {
        /// Which.
        picture: Option<PictureId>,
    },
    /// Say something of the moment, or nothing any more.
    Status {
        /// What.
        status: Option<Status>,
    },
    /// Tell one's devices that a read mark moved.
    Read {
        /// Which room's.
        room: RoomId,
        /// To which message.
        seq: Seq,
    },
    /// Tell one's devices that an unsent text changed.
    Draft {
        /// Which room's.
        room: RoomId,
        /// The text.
        text: DraftText,
    },
    /// Tell one's devices about a thing that is stored elsewhere.
    Note(What),
}

/// A change that is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Done {
    /// Place of its entry (the first, where it made several); none when nothing had to change.
    pub rev: Option<Rev>,
    /// Tag of the append that brought it.
    pub tag: Option<Tag>,
    /// The message that it made.
    pub seq: Option<Seq>,
}

impl Done {
    /// Nothing had to change.
    pub const UNCHANGED: Done = Done { rev: None, tag: None, seq: None };
}

/// How a change ended that brought no entry. It is kept, so that the change never goes in by another way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// The change's.
    pub nonce: NonceKey,
    /// What it asked for.
    pub request: RequestHash,
    /// Why it was refused; none when nothing had to change.
    pub refusal: Option<Refusal>,
}

/// Why a change is refused for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// It isn't there, or isn't open to who asks.
    #[error("There is no such thing, or it isn't open to you.")]
    NotFound,
    /// It is there, and who asks may see it, but not do this.
    #[error("You may not do this here.")]
    Forbidden,
    /// One must join before.
    #[error("Join the room first.")]
    JoinFirst,
    /// The text was replaced since.
    #[error("Somebody changed this message before you.")]
    StaleEdit,
    /// A message says nothing.
    #[error("A message can't be empty.")]
    Empty,
    /// The message was taken back.
    #[error("This message was deleted.")]
    Deleted,
    /// The last owner can't go while others stay.
    #[error("Make somebody else an owner of this room first.")]
    LastOwner,
    /// A limit on how many is reached.
    #[error("There are too many already.")]
    TooMany,
    /// The nonce was used for another request.
    #[error("This nonce was used for another request.")]
    NonceReused,
}
