//! What the server sends.

use serde::Serialize;

use super::super::frame::Frame;
use crate::{
    calls::{self, IceServers, RosterFields},
    chat::{MessageFields, PictureFields},
    error::Error,
    log::{Listing, Why},
    model::{
        Arrival, CallId, Head, PeerId, Rev, Role, RoomId, RoomKind, Seq, SessionId, Status, Tag, Term,
        UserId,
        call::{Candidates, Link, Sdp, Signal, Signalled},
    },
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
        calls: Vec<RosterFields<'a>>,
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
        picture: Option<PictureFields>,
        status: Option<&'a Status>,
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
    Call(RosterFields<'a>),
    CallOver {
        room: RoomId,
        call: CallId,
        term: Term,
        n: u64,
    },
    CallJoined {
        nonce: &'a str,
        room: RoomId,
        peer: PeerId,
        entry: Arrival,
        moved: bool,
        call: RosterFields<'a>,
        ice: &'a IceServers,
    },
    CallLeft {
        room: RoomId,
        call: CallId,
        peer: PeerId,
        why: calls::Why,
    },
    CallSpeaking {
        room: RoomId,
        call: CallId,
        peer: PeerId,
        on: bool,
    },
    WebrtcOffer {
        #[serde(flatten)]
        way: Way<'a>,
        sdp: &'a Sdp,
    },
    WebrtcAnswer {
        #[serde(flatten)]
        way: Way<'a>,
        sdp: &'a Sdp,
    },
    WebrtcIce {
        #[serde(flatten)]
        way: Way<'a>,
        candidates: &'a Candidates,
    },
    WebrtcAck(Way<'a>),
    Reach {
        others: bool,
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
    Picture { picture: Option<PictureFields> },
    Joined { user: UserId, role: Role },
    Left { user: UserId },
    Removed { user: UserId },
    Role { user: UserId, role: Role },
    Called { call: CallId },
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
    Picture {
        picture: Option<PictureFields>,
    },
    Status {
        status: Option<&'a Status>,
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
    pub(in crate::realtime) picture: Option<PictureFields>,
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
    pub(in crate::realtime) picture: Option<PictureFields>,
    pub(in crate::realtime) status: Option<&'a Status>,
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
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "answers", rename_all = "lowercase")]
enum Answers {
    /// The resume of this stream: a room's, or without one, one's own.
    Resume {
        /// The room.
        #[serde(skip_serializing_if = "Option::is_none")]
        room: Option<RoomId>,
    },
    /// A signal.
    Signal {
        /// In which call.
        call: CallId,
        /// Whom it was for.
        to: PeerId,
        /// Of which link.
        link: Link,
        /// Its number.
        n: u32,
    },
    /// What one said of oneself.
    Call {
        /// In which call.
        call: CallId,
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

    /// What `error` says to a signal: of which call, for whom, of which link, which number.
    pub(in crate::realtime) fn of_signal(
        error: &Error,
        (call, to, link, n): (CallId, PeerId, Link, u32),
    ) -> Self {
        Self { answers: Some(Answers::Signal { call, to, link, n }), ..Self::new(error, None) }
    }

    /// What `error` says to a word about oneself in a call.
    pub(in crate::realtime) fn of_call(error: &Error, call: CallId) -> Self {
        Self { answers: Some(Answers::Call { call }), ..Self::new(error, None) }
    }
}

/// From whom to whom a signal goes, and what it is about.
#[derive(Debug, Clone, Copy, Serialize)]
pub(in crate::realtime) struct Way<'a> {
    room: RoomId,
    call: CallId,
    from: PeerId,
    entry: Arrival,
    to: PeerId,
    link: &'a Link,
    n: u32,
}

impl<'a> ServerFrame<'a> {
    /// A signal, as its receiver gets it.
    pub(in crate::realtime) fn signal(signal: &'a Signal) -> Self {
        let Signal { room, call, from, entry, to, ref link, n, ref says } = *signal;
        let way = Way { room, call, from, entry, to, link, n };
        match says {
            Signalled::Offer(sdp) => ServerFrame::WebrtcOffer { way, sdp },
            Signalled::Answer(sdp) => ServerFrame::WebrtcAnswer { way, sdp },
            Signalled::Ice(candidates) => ServerFrame::WebrtcIce { way, candidates },
            Signalled::Ack => ServerFrame::WebrtcAck(way),
        }
    }
}

impl ServerFrame<'_> {
    /// The frame as it goes over the wire, to be shared by all its receivers.
    pub(in crate::realtime) fn encode(&self) -> Frame {
        Frame::text(|payload| {
            // None of the types can fail to serialize: no maps with other keys than strings, no failing impls.
            let _ = serde_json::to_writer(payload, self);
        })
    }
}
