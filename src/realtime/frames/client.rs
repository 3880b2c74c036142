//! What a client sends.

use serde::Deserialize;

use crate::{
    calls::Return,
    error::Error,
    model::{
        CallId, FileId, Nonce, PeerId, Rev, RoomId, Seq, Tag, UserId,
        call::{Candidates, Link, Media, PageId, Sdp, Shares, number},
    },
};

/// The most characters of what is wrong with a frame: it may repeat what the frame says.
const MAX_WHY: usize = 500;

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
        /// Markdown; may be empty where there are files.
        text: String,
        /// The message it answers.
        #[serde(default)]
        reply_to: Option<Seq>,
        /// Files that come with it.
        #[serde(default)]
        files: Vec<FileId>,
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
    /// Come into a room's call.
    CallJoin {
        /// Which room's.
        room: RoomId,
        /// To find the answer by.
        nonce: Nonce,
        /// What the page calls itself.
        page: PageId,
        /// The place to come back to.
        #[serde(default)]
        place: Option<Return>,
        /// What one sends.
        #[serde(default)]
        media: Media,
    },
    /// Leave a call.
    CallLeave {
        /// In which room.
        room: RoomId,
        /// Which.
        call: CallId,
        /// To find the answer by.
        nonce: Nonce,
    },
    /// Don't come where one is rung.
    CallDecline {
        /// In which room.
        room: RoomId,
        /// To which call.
        call: CallId,
        /// To find the answer by.
        nonce: Nonce,
    },
    /// Ring somebody.
    CallRing {
        /// In which room.
        room: RoomId,
        /// For which call.
        call: CallId,
        /// To find the answer by.
        nonce: Nonce,
        /// Whom.
        user: UserId,
    },
    /// Say what one sends, all of it.
    CallMedia {
        /// In which call.
        call: CallId,
        /// The microphone is off.
        muted: bool,
        /// One hears nothing.
        deafened: bool,
        /// The camera is on.
        camera: bool,
        /// The streams of the screens that one shares.
        shares: Shares,
        /// One's hand is up.
        hand: bool,
        /// One has no microphone.
        #[serde(default)]
        listening: bool,
    },
    /// Say that one is heard, or not any more.
    CallSpeaking {
        /// In which call.
        call: CallId,
        /// Heard, or not.
        on: bool,
    },
    /// A description of a link that asks for an answer.
    WebrtcOffer {
        /// In which call.
        call: CallId,
        /// Whom it is for.
        to: PeerId,
        /// Which link.
        link: Link,
        /// The frame's number.
        #[serde(deserialize_with = "number")]
        n: u32,
        /// The description.
        sdp: Sdp,
    },
    /// The answer to it.
    WebrtcAnswer {
        /// In which call.
        call: CallId,
        /// Whom it is for.
        to: PeerId,
        /// Which link.
        link: Link,
        /// The frame's number.
        #[serde(deserialize_with = "number")]
        n: u32,
        /// The description.
        sdp: Sdp,
    },
    /// Ways to be reached.
    WebrtcIce {
        /// In which call.
        call: CallId,
        /// Whom it is for.
        to: PeerId,
        /// Which link.
        link: Link,
        /// The frame's number.
        #[serde(deserialize_with = "number")]
        n: u32,
        /// The ways.
        candidates: Candidates,
    },
    /// All frames of a link up to a number have come.
    WebrtcAck {
        /// In which call.
        call: CallId,
        /// Whom it is for.
        to: PeerId,
        /// Which link.
        link: Link,
        /// The number; 0 for none yet.
        n: u32,
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
            | ClientFrame::Draft { nonce, .. }
            | ClientFrame::CallJoin { nonce, .. }
            | ClientFrame::CallLeave { nonce, .. }
            | ClientFrame::CallDecline { nonce, .. }
            | ClientFrame::CallRing { nonce, .. } => Some(nonce.as_str()),
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
