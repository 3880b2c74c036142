//! What a client sends.

use serde::Deserialize;

use crate::{
    error::Error,
    model::{Nonce, Rev, RoomId, Seq, Tag},
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
