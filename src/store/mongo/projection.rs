//! Projected documents as BSON: the whole state as the model has it, an `_id`, and what indexes need.

use mongodb::bson::{Binary, RawArrayBuf, RawDocumentBuf, cstr, rawdoc, serialize_to_raw_document_buf};
use serde::Serialize;

use super::{
    bson::{binary, int, message_key, pair},
    errors::broken,
    schema::Collections,
};
use crate::{
    model::{Doc, Membership, Message, Person, Room, text::folded},
    store::StoreError,
};

/// Stands among the mentioned of a message that mentions everyone.
pub(super) const EVERYONE: &str = "everyone";

/// A collection of projections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Room,
    Member,
    Message,
    Person,
}

impl Kind {
    /// All of them.
    pub(super) const ALL: [Kind; 4] = [Kind::Room, Kind::Member, Kind::Message, Kind::Person];

    /// The collection's name.
    pub(super) fn collection(self, collections: &Collections) -> &str {
        match self {
            Kind::Room => collections.rooms.name(),
            Kind::Member => collections.members.name(),
            Kind::Message => collections.messages.name(),
            Kind::Person => collections.people.name(),
        }
    }
}

/// A document, ready to be written.
#[derive(Debug)]
pub(super) struct Projected {
    pub(super) kind: Kind,
    /// Whether it is a message that nothing has happened to, and so most likely isn't there yet.
    pub(super) fresh: bool,
    key: Binary,
    rev: i64,
    /// All of it.
    pub(super) body: RawDocumentBuf,
}

impl Projected {
    /// How `doc` is kept.
    pub(super) fn new(doc: &Doc) -> Result<Self, StoreError> {
        match doc {
            Doc::Room(room) => Self::room(room),
            Doc::Member(member) => Self::member(member),
            Doc::Message(message) => Self::message(message),
            Doc::Person(person) => Self::person(person),
        }
    }

    /// The statement that replaces it where it is of a lower rev. With `upsert` it is also put where there is none;
    /// then a duplicate key says that there is one, of whatever rev.
    pub(super) fn statement(&self, upsert: bool) -> RawDocumentBuf {
        let Binary { subtype, bytes } = &self.key;
        let key = Binary { subtype: *subtype, bytes: bytes.clone() };
        rawdoc! {
            "q": { "_id": key, "rev": { "$lt": self.rev } },
            "u": self.body.clone(),
            "upsert": upsert,
        }
    }

    fn whole(kind: Kind, key: Binary, rev: u64, state: &impl Serialize) -> Result<Self, StoreError> {
        let unwritable = |error| broken(format!("a document can't be written as BSON: {error}"));
        let mut body = serialize_to_raw_document_buf(state).map_err(unwritable)?;
        body.append(cstr!("_id"), key.clone());
        Ok(Self { kind, fresh: false, key, rev: int(rev), body })
    }

    fn room(room: &Room) -> Result<Self, StoreError> {
        let mut kept = Self::whole(Kind::Room, binary(room.id.as_bytes()), room.rev.0, room)?;
        kept.body.append(cstr!("folded"), folded(&room.name));
        kept.body.append(cstr!("open"), room.kind.is_open());
        Ok(kept)
    }

    fn member(member: &Membership) -> Result<Self, StoreError> {
        let key = pair(member.room.as_bytes(), member.user.as_bytes());
        let mut kept = Self::whole(Kind::Member, key, member.rev.0, member)?;
        kept.body.append(cstr!("present"), member.role.is_some());
        Ok(kept)
    }

    fn message(message: &Message) -> Result<Self, StoreError> {
        let key = message_key(message.room, message.seq);
        let mut kept = Self::whole(Kind::Message, key, message.rev.0, message)?;
        if message.everyone() || !message.mentions().is_empty() {
            let mut mentioned = RawArrayBuf::new();
            for user in message.mentions() {
                mentioned.push(binary(user.as_bytes()));
            }
            if message.everyone() {
                mentioned.push(EVERYONE);
            }
            kept.body.append(cstr!("mentioned"), mentioned);
        }
        if !message.files().is_empty() {
            let mut attached = RawArrayBuf::new();
            for file in message.files() {
                attached.push(rawdoc! { "file": binary(file.id.as_bytes()), "kind": file.kind.as_str() });
            }
            kept.body.append(cstr!("attached"), attached);
        }
        kept.fresh = message.rev == message.base && message.edited.is_none();
        Ok(kept)
    }

    fn person(person: &Person) -> Result<Self, StoreError> {
        let mut kept = Self::whole(Kind::Person, binary(person.id.as_bytes()), person.rev.0, person)?;
        kept.body.append(cstr!("folded"), folded(&person.display));
        Ok(kept)
    }
}
