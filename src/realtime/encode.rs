//! From what was committed to the frames that readers get: each entry encoded once for all readers of a format.

use std::collections::HashMap;

use super::{
    Format,
    frame::Frame,
    frames::{Line, PersonChange, RoomChange, RoomHead, ServerFrame, Shown},
};
use crate::{
    bus::Committed,
    chat::{Chat, MessageFields, PictureFields},
    error::{Error, Result},
    model::{Doc, Entry, Message, RoomId, Seq, Tag, UserId, What},
    web::fragment,
};

/// The frames of a room's append, one an entry, for readers of `format`.
pub(super) async fn room(
    chat: &Chat,
    room: RoomId,
    committed: &Committed,
    format: Format,
) -> Result<Vec<Frame>> {
    let messages: Vec<Message> = committed.docs.iter().filter_map(message).cloned().collect();
    let shown = Messages::show(chat, &messages, format).await?;
    let tag = committed.append.tag;
    let frames = committed.append.entries.iter().map(|entry| Some(shown.frame(room, tag, entry)?.encode()));
    let frames: Option<Vec<_>> = frames.collect();
    frames.ok_or_else(|| Error::unavailable("a message of the append is not at hand"))
}

fn message(doc: &Doc) -> Option<&Message> {
    match doc {
        Doc::Message(message) => Some(message),
        _ => None,
    }
}

/// Messages, as readers of one format get them.
pub(super) struct Messages<'a> {
    by_seq: HashMap<Seq, (&'a Message, How<'a>)>,
}

enum How<'a> {
    Html(String),
    Fields(Box<MessageFields<'a>>),
}

impl<'a> Messages<'a> {
    /// Renders them.
    pub(super) async fn show(chat: &Chat, messages: &'a [Message], format: Format) -> Result<Self> {
        let mut by_seq = HashMap::with_capacity(messages.len());
        match format {
            Format::Html => {
                for (message, view) in messages.iter().zip(fragment::views(chat, messages).await?) {
                    by_seq.insert(message.seq, (message, How::Html(fragment::html(view)?)));
                }
            }
            Format::Json => {
                let people = chat.people_of(&messages.iter().collect::<Vec<_>>()).await?;
                for message in messages {
                    let fields = MessageFields::of(message, &people);
                    by_seq.insert(message.seq, (message, How::Fields(Box::new(fields))));
                }
            }
        }
        Ok(Self { by_seq })
    }

    /// One of them, to be put into a frame.
    pub(super) fn get(&self, seq: Seq) -> Option<(&'a Message, Shown<'_>)> {
        let (message, how) = self.by_seq.get(&seq)?;
        Some((
            message,
            match how {
                How::Html(html) => Shown::Html(html),
                How::Fields(fields) => Shown::Message(fields.clone()),
            },
        ))
    }

    /// The frame of an entry; none when its message is not among these.
    fn frame<'b>(&'b self, room: RoomId, tag: Tag, entry: &'b Entry) -> Option<ServerFrame<'b>> {
        let rev = entry.rev;
        let changed = |change: &'static str, seq: Seq| {
            let (message, shown) = self.get(seq)?;
            Some(ServerFrame::Message {
                room,
                rev,
                tag,
                change,
                seq,
                author: message.by,
                nonce: &message.nonce,
                mentions: message.mentions(),
                everyone: message.everyone(),
                shown,
            })
        };
        let about = |change: RoomChange<'b>, line: Option<Seq>| {
            let line = match line {
                Some(seq) => Some(Line { seq, shown: self.get(seq)?.1 }),
                None => None,
            };
            Some(ServerFrame::Room { room, rev, tag, change, by: entry.by, line })
        };
        match &entry.what {
            What::Posted { seq, .. } => changed("posted", *seq),
            What::Edited { seq, .. } => changed("edited", *seq),
            What::Deleted { seq } => changed("deleted", *seq),
            What::Pinned { seq, on: true } => changed("pinned", *seq),
            What::Pinned { seq, on: false } => changed("unpinned", *seq),
            What::Reacted { seq, emoji, on } => {
                Some(ServerFrame::Reaction { room, rev, tag, seq: *seq, emoji, user: entry.by, on: *on })
            }
            What::Renamed { name, line } => about(RoomChange::Renamed { name }, Some(*line)),
            What::Topic { topic, line } => about(RoomChange::Topic { topic }, Some(*line)),
            What::Pictured { picture } => {
                about(RoomChange::Picture { picture: picture.as_ref().map(PictureFields::from) }, None)
            }
            What::Joined { user, role, line, .. } => {
                about(RoomChange::Joined { user: *user, role: *role }, *line)
            }
            What::Called { call, line, .. } => about(RoomChange::Called { call: *call }, Some(*line)),
            What::Left { line, .. } => about(RoomChange::Left { user: entry.by }, *line),
            What::Removed { user, line, .. } => about(RoomChange::Removed { user: *user }, *line),
            What::Role { user, role, .. } => about(RoomChange::Role { user: *user, role: *role }, None),
            _ => about(RoomChange::Created, None),
        }
    }
}

/// The frame of an entry of somebody's own stream. What is a value in a projection is looked up, so it is at least as new as
/// the entry.
pub(super) async fn person(chat: &Chat, user: UserId, tag: Tag, entry: &Entry) -> Result<Frame> {
    let mut text = String::new();
    let change = match &entry.what {
        What::RoomAdded { room } => {
            let head = chat.room_of(user, *room).await?.as_ref().map(RoomHead::from);
            PersonChange::RoomAdded { room: *room, head }
        }
        What::RoomGone { room } => PersonChange::RoomGone { room: *room },
        What::Read { room } => {
            let listing = chat.room_of(user, *room).await?;
            let (read, mentions) = listing.map(|l| (l.listed.read, l.listed.mentions)).unwrap_or_default();
            PersonChange::Read { room: *room, read, mentions }
        }
        What::Draft { room } => {
            let drafts = chat.log().store().drafts(user).await?;
            text = drafts.into_iter().find(|(of, _)| of == room).map(|(_, text)| text).unwrap_or_default();
            PersonChange::Draft { room: *room, text: &text }
        }
        What::Profile { display, bio } => PersonChange::Profile { display, bio },
        What::Pictured { picture } => {
            PersonChange::Picture { picture: picture.as_ref().map(PictureFields::from) }
        }
        What::Status { status } => PersonChange::Status { status: status.as_ref() },
        What::SessionEnded { session } => PersonChange::SessionEnded { session: *session },
        _ => PersonChange::Registered,
    };
    let frame = ServerFrame::Person { rev: entry.rev, tag, change }.encode();
    drop(text);
    Ok(frame)
}
