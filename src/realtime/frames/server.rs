//! What the server sends.

use axum::extract::ws::Utf8Bytes;
use serde::Serialize;

use crate::{
    chat::MessageFields,
    error::Error,
    log::{Listing, Why},
    model::{Head, Rev, Role, RoomId, RoomKind, Seq, SessionId, Tag, UserId},
};

/// What the server sends.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub(in crate::realtime) enum ServerFrame<'a> {
    Heads {
        user: UserId,
        session: SessionId,
        person: Head,
        rooms: Vec<RoomHead>,
    },
    Message {
        room: RoomId,
        rev: Rev,
        tag: Tag,
        change: &'static str,
        seq: Seq,
        author: UserId,
        #[serde(skip_serializing_if = "str::is_empty")]
        nonce: &'a str,
        mentions: &'a [UserId],
        everyone: bool,
        #[serde(flatten)]
        shown: Shown<'a>,
    },
    Reaction {
        room: RoomId,
        rev: Rev,
        tag: Tag,
        seq: Seq,
        emoji: &'a str,
        user: UserId,
        on: bool,
    },
    Room {
        room: RoomId,
        rev: Rev,
        tag: Tag,
        #[serde(flatten)]
        change: RoomChange<'a>,
        by: UserId,
        #[serde(skip_serializing_if = "Option::is_none")]
        line: Option<Line<'a>>,
    },
    Person {
        rev: Rev,
        tag: Tag,
        #[serde(flatten)]
        change: PersonChange<'a>,
    },
    Ack {
        nonce: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        room: Option<RoomId>,
        #[serde(skip_serializing_if = "Option::is_none")]
        rev: Option<Rev>,
        #[serde(skip_serializing_if = "Option::is_none")]
        tag: Option<Tag>,
        #[serde(skip_serializing_if = "Option::is_none")]
        seq: Option<Seq>,
    },
    Resumed {
        #[serde(skip_serializing_if = "Option::is_none")]
        room: Option<RoomId>,
        rev: Rev,
        tag: Tag,
        #[serde(flatten)]
        state: Resumed<'a>,
    },
    Reload {
        #[serde(skip_serializing_if = "Option::is_none")]
        room: Option<RoomId>,
        why: Why,
    },
    Profile {
        user: UserId,
        name: &'a str,
        display: &'a str,
    },
    Typing {
        room: RoomId,
        user: UserId,
    },
    Presence {
        #[serde(skip_serializing_if = "Option::is_none")]
        room: Option<RoomId>,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        full: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        people: Option<Vec<Here>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        count: Option<usize>,
    },
    Error(ErrorFrame),
    Pong,
    Bye {
        after_ms: u64,
        why: &'static str,
    },
}

/// A message as its receiver wants it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::realtime) enum Shown<'a> {
    Html(&'a str),
    Message(Box<MessageFields<'a>>),
}

/// A line of the timeline that a change of the room makes.
#[derive(Debug, Serialize)]
pub(in crate::realtime) struct Line<'a> {
    pub(in crate::realtime) seq: Seq,
    #[serde(flatten)]
    pub(in crate::realtime) shown: Shown<'a>,
}

/// A change of a room.
#[derive(Debug, Serialize)]
#[serde(tag = "change", rename_all = "kebab-case")]
pub(in crate::realtime) enum RoomChange<'a> {
    Created,
    Renamed { name: &'a str },
    Topic { topic: &'a str },
    Joined { user: UserId, role: Role },
    Left { user: UserId },
    Removed { user: UserId },
    Role { user: UserId, role: Role },
}

/// A change of a person's own.
#[derive(Debug, Serialize)]
#[serde(tag = "change", rename_all = "kebab-case")]
pub(in crate::realtime) enum PersonChange<'a> {
    RoomAdded {
        room: RoomId,
        #[serde(skip_serializing_if = "Option::is_none")]
        head: Option<RoomHead>,
    },
    RoomGone {
        room: RoomId,
    },
    Read {
        room: RoomId,
        read: Seq,
        mentions: u32,
    },
    Draft {
        room: RoomId,
        text: &'a str,
    },
    Profile {
        display: &'a str,
        bio: &'a str,
    },
    SessionEnded {
        session: SessionId,
    },
    Registered,
}

/// Where a room of somebody's list stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(in crate::realtime) struct RoomHead {
    pub(in crate::realtime) room: RoomId,
    pub(in crate::realtime) rev: Rev,
    pub(in crate::realtime) tag: Tag,
    pub(in crate::realtime) seq: Seq,
    pub(in crate::realtime) read: Seq,
    pub(in crate::realtime) mentions: u32,
}

impl From<&Listing> for RoomHead {
    fn from(listing: &Listing) -> Self {
        let listed = &listing.listed;
        Self {
            room: listed.room.id,
            rev: listing.head.rev,
            tag: listing.head.tag,
            seq: listed.room.seq,
            read: listed.read,
            mentions: listed.mentions,
        }
    }
}

/// What a resume answers.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(in crate::realtime) enum Resumed<'a> {
    Room {
        seq: Seq,
        read: Seq,
        mentions: u32,
        state: RoomState<'a>,
        messages: Vec<ResumedMessage<'a>>,
        members: Vec<MemberState>,
    },
    Person {
        person: Profile<'a>,
        rooms: Vec<RoomHead>,
        drafts: Vec<DraftState<'a>>,
    },
}

#[derive(Debug, Serialize)]
pub(in crate::realtime) struct RoomState<'a> {
    pub(in crate::realtime) name: &'a str,
    pub(in crate::realtime) topic: &'a str,
    pub(in crate::realtime) kind: RoomKind,
    pub(in crate::realtime) members: u32,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(in crate::realtime) enum ResumedMessage<'a> {
    Html { seq: Seq, html: &'a str },
    Fields(Box<MessageFields<'a>>),
}

#[derive(Debug, Serialize)]
pub(in crate::realtime) struct MemberState {
    pub(in crate::realtime) user: UserId,
    pub(in crate::realtime) role: Option<Role>,
}

/// An unsent text.
#[derive(Debug, Serialize)]
pub(in crate::realtime) struct DraftState<'a> {
    pub(in crate::realtime) room: RoomId,
    pub(in crate::realtime) text: &'a str,
}

#[derive(Debug, Serialize)]
pub(in crate::realtime) struct Profile<'a> {
    pub(in crate::realtime) display: &'a str,
    pub(in crate::realtime) bio: &'a str,
}

/// Somebody's presence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(in crate::realtime) struct Here {
    pub(in crate::realtime) user: UserId,
    pub(in crate::realtime) state: Presence,
}

/// Whether somebody is here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::realtime) enum Presence {
    /// At a screen.
    Online,
    /// Connected, but not at a screen lately.
    Idle,
    /// Not connected.
    Offline,
}

/// A refusal, or a failure.
#[derive(Debug, Serialize)]
pub(in crate::realtime) struct ErrorFrame {
    code: &'static str,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<String>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    answers: Option<Answers>,
    retry: bool,
    retry_after_ms: Option<u64>,
}

/// A request without a nonce that an error answers.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(tag = "answers", rename_all = "lowercase")]
enum Answers {
    /// The resume of this stream: a room's, or without one, one's own.
    Resume {
        /// The room.
        #[serde(skip_serializing_if = "Option::is_none")]
        room: Option<RoomId>,
    },
}

impl ErrorFrame {
    /// What `error` says to the frame with this nonce.
    pub(in crate::realtime) fn new(error: &Error, nonce: Option<&str>) -> Self {
        Self {
            code: error.code().as_str(),
            message: error.message().to_owned(),
            nonce: nonce.map(str::to_owned),
            answers: None,
            retry: error.retry(),
            retry_after_ms: error.retry_after().map(|after| after.as_millis().max(1) as u64),
        }
    }

    /// What `error` says to the resume of a stream.
    pub(in crate::realtime) fn of_resume(error: &Error, room: Option<RoomId>) -> Self {
        Self { answers: Some(Answers::Resume { room }), ..Self::new(error, None) }
    }
}

impl ServerFrame<'_> {
    /// The frame as it goes over the wire, to be shared by all its receivers.
    pub(in crate::realtime) fn encode(&self) -> Utf8Bytes {
        // None of the types can fail to serialize: no maps with other keys than strings, no failing impls.
        serde_json::to_string(self).unwrap_or_default().into()
    }
}
