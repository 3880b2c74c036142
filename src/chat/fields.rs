//! A message as programs get it: the fields of `docs/protocol.md`.

use std::{collections::HashMap, sync::Arc};

use serde::Serialize;

use super::people::markup;
use crate::model::{Message, Person, Reaction, Rev, Seq, SystemLine, Timestamp, UserId, room::Body};

/// A message's fields.
#[derive(Debug, Clone, Serialize)]
pub struct MessageFields<'a> {
    /// Its place in the timeline.
    pub seq: Seq,
    /// Rev of its last entry.
    pub rev: Rev,
    /// Who wrote it, or brought the line about.
    pub author: UserId,
    /// When it was posted.
    pub at: Timestamp,
    /// `text`, `deleted` or `system`.
    pub kind: &'static str,
    /// Its words as written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<&'a str>,
    /// Sanitised markup of its words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub html: Option<String>,
    /// What happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system: Option<LineFields<'a>>,
    /// Rev of its text, to be named by an edit.
    pub base: Rev,
    /// When its text was last replaced.
    pub edited_at: Option<Timestamp>,
    /// The message it answers.
    pub reply_to: Option<Seq>,
    /// People it mentions.
    pub mentions: &'a [UserId],
    /// Whether it mentions everyone.
    pub everyone: bool,
    /// Whether it is pinned.
    pub pinned: bool,
    /// Reactions, in the order of the first of each.
    pub reactions: &'a [Reaction],
    /// The author's own nonce.
    pub nonce: &'a str,
}

/// A system line's fields.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub struct LineFields<'a>(pub &'a SystemLine);

impl<'a> MessageFields<'a> {
    /// The fields of `message`; `people` knows those it mentions.
    pub fn of(message: &'a Message, people: &HashMap<UserId, Arc<Person>>) -> Self {
        let (kind, text, system) = match &message.body {
            Body::Text { text, .. } => ("text", Some(text.as_str()), None),
            Body::Deleted => ("deleted", None, None),
            Body::System(line) => ("system", None, Some(LineFields(line))),
        };
        Self {
            seq: message.seq,
            rev: message.rev,
            author: message.by,
            at: message.at,
            kind,
            text,
            html: text.map(|_| markup(message, people).into_string()),
            system,
            base: message.base,
            edited_at: message.edited,
            reply_to: message.reply_to,
            mentions: message.mentions(),
            everyone: message.everyone(),
            pinned: message.pinned,
            reactions: &message.reactions,
            nonce: &message.nonce,
        }
    }
}
