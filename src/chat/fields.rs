//! A message as programs get it: the fields of `docs/protocol.md`.

use std::{collections::HashMap, sync::Arc};

use serde::Serialize;

use super::people::markup;
use crate::model::{
    Attachment, FileId, FileKind, Message, Person, PictureId, Reaction, Rev, Seq, SystemLine, Timestamp,
    UserId, room::Body,
};

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
    /// The same, but `file` where files come with the words.
    #[serde(rename = "messageType")]
    pub message_type: &'static str,
    /// Its words as written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<&'a str>,
    /// Sanitised markup of its words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub html: Option<String>,
    /// Its files.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<FileFields<'a>>,
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
            message_type: if message.files().is_empty() { kind } else { "file" },
            files: message.files().iter().map(FileFields::of).collect(),
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

/// A file's fields, by the names that they have in the wild.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FileFields<'a> {
    /// Which.
    #[schema(value_type = uuid::Uuid)]
    pub id: FileId,
    /// Path of its address.
    pub file_url: String,
    /// What it is called.
    pub file_name: &'a str,
    /// In bytes.
    pub file_size: u64,
    /// Its media type, found by looking into it.
    pub file_type: &'a str,
    /// `image`, `video`, `audio`, `voice`, `text`, `pdf`, `archive` or `other`.
    #[schema(value_type = String)]
    pub kind: FileKind,
    /// In pixels, as it is shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// In pixels, as it is shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
    /// A thumbhash, in base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub placeholder: Option<&'a str>,
    /// Smaller copies, the smallest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub thumbs: Vec<ThumbFields>,
    /// Of a voice message, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration: Option<u32>,
    /// Of a voice message: how loud it is along its way, each 0 to 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peaks: Option<&'a [u8]>,
}

/// A smaller copy of a picture.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct ThumbFields {
    /// Path of its address.
    pub url: String,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
}

impl<'a> FileFields<'a> {
    /// The fields of `file`.
    pub fn of(file: &'a Attachment) -> Self {
        let thumbs = file.thumbs.iter().map(|thumb| ThumbFields {
            url: file.thumb_url(thumb),
            width: thumb.pixels.width,
            height: thumb.pixels.height,
        });
        Self {
            id: file.id,
            file_url: file.url(),
            file_name: file.name.as_str(),
            file_size: file.size,
            file_type: &file.mime,
            kind: file.kind,
            width: file.pixels.map(|pixels| pixels.width),
            height: file.pixels.map(|pixels| pixels.height),
            placeholder: file.placeholder.as_deref(),
            thumbs: thumbs.collect(),
            duration: file.voice.as_ref().map(|voice| voice.duration),
            peaks: file.voice.as_ref().map(|voice| voice.peaks.as_slice()),
        }
    }
}

/// A picture of a person or a room: the paths of its sizes.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct PictureFields {
    /// Its id.
    #[schema(value_type = String)]
    pub id: PictureId,
    /// 64 pixels.
    pub small: String,
    /// 128 pixels.
    pub medium: String,
    /// 512 pixels.
    pub large: String,
}

impl From<&PictureId> for PictureFields {
    fn from(id: &PictureId) -> Self {
        let [small, medium, large] = PictureId::SIDES.map(|side| id.url(side));
        Self { id: id.clone(), small, medium, large }
    }
}
