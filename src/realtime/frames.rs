//! The frames of `docs/protocol.md`, each a variant of one enum a direction.

use axum::extract::ws::Utf8Bytes;
use serde::{Deserialize, Serialize};

use crate::{
    chat::MessageFields,
    error::Error,
    log::{Listing, Why},
    model::{Head, Nonce, Rev, Role, RoomId, RoomKind, Seq, SessionId, Tag, UserId},
};

/// The most characters of what is wrong with a frame: it may repeat what the frame says.
const MAX_WHY: usize = 300;

/// What a client sends.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", deny_unknown_fields)]
pub enum ClientFrame {
    /// Say something.
    Message {
        /// Where.
        room: RoomId,
        /// Its nonce.
        nonce: Nonce,
        /// Markdown.
        text: String,
        /// The message it answers.
        #[serde(default)]
        reply_to: Option<Seq>,
    },
    /// Replace the words of one's own message.
    Edit {
        /// Where.
        room: RoomId,
        /// Its nonce.
        nonce: Nonce,
        /// Which.
        seq: Seq,
        /// Rev of the text that the new one is based on.
        base: Rev,
        /// Markdown.
        text: String,
    },
    /// Take a message back.
    Delete {
        /// Where.
        room: RoomId,
        /// Its nonce.
        nonce: Nonce,
        /// Which.
        seq: Seq,
    },
    /// Add or remove a reaction.
    React {
        /// Where.
        room: RoomId,
        /// Its nonce.
        nonce: Nonce,
        /// To which message.
        seq: Seq,
        /// Which.
        emoji: String,
        /// Add, or remove.
        on: bool,
    },
    /// Pin or unpin a message.
    Pin {
        /// Where.
        room: RoomId,
        /// Its nonce.
        nonce: Nonce,
        /// Which.
        seq: Seq,
        /// Pin, or unpin.
        on: bool,
    },
    /// Move the read mark.
    Read {
        /// Where.
        room: RoomId,
        /// Its nonce.
        nonce: Nonce,
        /// To which message.
        seq: Seq,
    },
    /// Keep an unsent text.
    Draft {
        /// Where.
        room: RoomId,
        /// Its nonce.
        nonce: Nonce,
        /// The text; may be empty.
        text: String,
    },
    /// Continue a stream.
    Resume {
        /// The room; one's own stream when absent.
        #[serde(default)]
        room: Option<RoomId>,
        /// Where the client stands.
        rev: Rev,
        /// The tag there.
        tag: Tag,
    },
    /// Tell who is here of a room's people.
    Watch {
        /// Which; none any more when null.
        room: Option<RoomId>,
    },
    /// Tell the room that one writes.
    Typing {
        /// Which.
        room: RoomId,
    },
    /// Say whether one is at the screen.
    Presence {
        /// `online` or `idle`.
        state: Attention,
    },
    /// Bring a fresh access token.
    Token {
        /// The token.
        token: String,
    },
    /// A sign of life is wanted. (A variant without braces would let unknown fields pass.)
    Ping {},
}

/// Whether somebody is at their screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Attention {
    /// They are.
    Online,
    /// Not lately.
    Idle,
}

/// What the server sends.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub(super) enum ServerFrame<'a> {
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
pub(super) enum Shown<'a> {
    Html(&'a str),
    Message(Box<MessageFields<'a>>),
}

/// A line of the timeline that a change of the room makes.
#[derive(Debug, Serialize)]
pub(super) struct Line<'a> {
    pub(super) seq: Seq,
    #[serde(flatten)]
    pub(super) shown: Shown<'a>,
}

/// A change of a room.
#[derive(Debug, Serialize)]
#[serde(tag = "change", rename_all = "kebab-case")]
pub(super) enum RoomChange<'a> {
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
pub(super) enum PersonChange<'a> {
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
pub(super) struct RoomHead {
    pub(super) room: RoomId,
    pub(super) rev: Rev,
    pub(super) tag: Tag,
    pub(super) seq: Seq,
    pub(super) read: Seq,
    pub(super) mentions: u32,
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
pub(super) enum Resumed<'a> {
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
pub(super) struct RoomState<'a> {
    pub(super) name: &'a str,
    pub(super) topic: &'a str,
    pub(super) kind: RoomKind,
    pub(super) members: u32,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum ResumedMessage<'a> {
    Html { seq: Seq, html: &'a str },
    Fields(Box<MessageFields<'a>>),
}

#[derive(Debug, Serialize)]
pub(super) struct MemberState {
    pub(super) user: UserId,
    pub(super) role: Option<Role>,
}

/// An unsent text.
#[derive(Debug, Serialize)]
pub(super) struct DraftState<'a> {
    pub(super) room: RoomId,
    pub(super) text: &'a str,
}

#[derive(Debug, Serialize)]
pub(super) struct Profile<'a> {
    pub(super) display: &'a str,
    pub(super) bio: &'a str,
}

/// Somebody's presence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct Here {
    pub(super) user: UserId,
    pub(super) state: Presence,
}

/// Whether somebody is here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Presence {
    /// At a screen.
    Online,
    /// Connected, but not at a screen lately.
    Idle,
    /// Not connected.
    Offline,
}

/// A refusal, or a failure.
#[derive(Debug, Serialize)]
pub struct ErrorFrame {
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
    pub fn new(error: &Error, nonce: Option<&str>) -> Self {
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
    pub(super) fn of_resume(error: &Error, room: Option<RoomId>) -> Self {
        Self { answers: Some(Answers::Resume { room }), ..Self::new(error, None) }
    }
}

impl ServerFrame<'_> {
    /// The frame as it goes over the wire, to be shared by all its receivers.
    pub(super) fn encode(&self) -> Utf8Bytes {
        // None of the types can fail to serialize: no maps with other keys than strings, no failing impls.
        serde_json::to_string(self).unwrap_or_default().into()
    }
}

impl ClientFrame {
    /// Reads a frame.
    ///
    /// # Errors
    /// What is wrong with it, with the frame's nonce, where one can be made out.
    pub fn parse(text: &str) -> Result<Self, (Error, Option<String>)> {
        #[derive(Deserialize)]
        struct OnlyNonce {
            nonce: Option<String>,
        }
        // A list of values in the order of the fields would be read as well.
        if !text.trim_start().starts_with('{') {
            return Err((Error::malformed("A frame is a JSON object."), None));
        }
        serde_json::from_str(text).map_err(|error| {
            let nonce = serde_json::from_str::<OnlyNonce>(text).ok().and_then(|only| only.nonce);
            let nonce = nonce.filter(|nonce| nonce.parse::<Nonce>().is_ok());
            let why: String = error.to_string().chars().filter(|c| !c.is_control()).take(MAX_WHY).collect();
            (Error::malformed(format!("This frame can't be understood: {why}.")), nonce)
        })
    }

    /// The nonce of a change.
    pub fn nonce(&self) -> Option<&str> {
        match self {
            ClientFrame::Message { nonce, .. }
            | ClientFrame::Edit { nonce, .. }
            | ClientFrame::Delete { nonce, .. }
            | ClientFrame::React { nonce, .. }
            | ClientFrame::Pin { nonce, .. }
            | ClientFrame::Read { nonce, .. }
            | ClientFrame::Draft { nonce, .. } => Some(nonce.as_str()),
            ClientFrame::Token { .. } => Some("token"),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_frame_is_read_or_named_wrong() {
        let room = RoomId::general();
        let good = format!(r#"{{"type":"message","room":"{room}","nonce":"n1","text":"hi"}}"#);
        assert!(matches!(ClientFrame::parse(&good), Ok(ClientFrame::Message { reply_to: None, .. })));
        for wrong in [
            "",
            "null",
            "[]",
            "{}",
            r#"{"type":"nonsense"}"#,
            r#"{"type":"ping","more":1}"#,
            &good.replace("hi\"", "hi\",\"more\":1"),
            &good.replace("\"hi\"", "5"),
            &good.replace("n1", "n 1"),
            &good.replace(&room.to_string(), "general"),
        ] {
            assert!(ClientFrame::parse(wrong).is_err(), "{wrong}");
        }
        let refused = ClientFrame::parse(&good.replace("\"hi\"", "5"));
        assert_eq!(refused.map_err(|(_, nonce)| nonce), Err(Some("n1".to_owned())));
    }

    proptest! {
        #[test]
        fn no_text_breaks_the_parser(text in any::<String>(), kind in "[a-z-]{0,12}", value in any::<i64>()) {
            let _ = ClientFrame::parse(&text);
            let _ = ClientFrame::parse(&format!(r#"{{"type":"{kind}","seq":{value},"rev":{value},"text":{text:?}}}"#));
        }
    }
}
