//! Documents: whole state, each replaced only by one of a higher rev.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension, params};

use super::{
    failure::Failure,
    files,
    row::{int, to_json, word},
};
use crate::model::{
    Body, Doc, FileId, FileKind, Membership, Message, Person, Room, RoomId, Seq, UserId, text::folded,
};

/// A document, ready to be written.
pub(super) struct Ready {
    rev: i64,
    doc: Vec<u8>,
    of: Of,
}

enum Of {
    Room {
        id: RoomId,
        public: bool,
        folded: String,
    },
    Member {
        room: RoomId,
        user: UserId,
        role: Option<String>,
        since: i64,
    },
    Message {
        place: Place,
        pinned: bool,
        mentioned: Mentioned,
        files: Vec<(FileId, FileKind)>,
        deleted: bool,
    },
    Person {
        id: UserId,
        name: String,
        display: String,
    },
}

impl Ready {
    /// Of each of these.
    pub(super) fn all(docs: &[Doc]) -> Result<Vec<Self>, Failure> {
        docs.iter().map(Self::new).collect()
    }

    /// Of this one.
    pub(super) fn new(doc: &Doc) -> Result<Self, Failure> {
        Ok(match doc {
            Doc::Room(room) => Self { rev: int(room.rev.0), doc: to_json(room)?, of: of_room(room) },
            Doc::Member(member) => Self { rev: int(member.rev.0), doc: vec![], of: of_member(member)? },
            Doc::Message(message) => {
                Self { rev: int(message.rev.0), doc: to_json(message)?, of: of_message(message) }
            }
            Doc::Person(person) => {
                Self { rev: int(person.rev.0), doc: to_json(person)?, of: of_person(person) }
            }
        })
    }

    /// Writes it, unless it is there with this or a higher rev.
    pub(super) fn write(&self, db: &Connection) -> Result<(), Failure> {
        match &self.of {
            Of::Room { id, public, folded } => self.write_room(db, *id, *public, folded),
            Of::Member { room, user, role, since } => {
                self.write_member(db, *room, *user, role.as_deref(), *since)
            }
            Of::Message { place, pinned, mentioned, files, deleted } => {
                self.write_message(db, *place, *pinned, mentioned, files, *deleted)
            }
            Of::Person { id, name, display } => self.write_person(db, *id, name, display),
        }
    }

    fn write_room(&self, db: &Connection, id: RoomId, public: bool, folded: &str) -> Result<(), Failure> {
        // Nearly always only the document is new; then the index isn't touched.
        let replaced = db
            .prepare_cached("UPDATE rooms SET rev = ?2, doc = ?5 WHERE id = ?1 AND rev < ?2 AND public = ?3 AND folded = ?4")?
            .execute(params![id.as_bytes(), self.rev, public, folded, self.doc])?;
        if replaced == 0 {
            db.prepare_cached(
                "INSERT INTO rooms (id, rev, public, folded, doc) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT DO UPDATE SET rev = ?2, public = ?3, folded = ?4, doc = ?5 WHERE rev < ?2",
            )?
            .execute(params![id.as_bytes(), self.rev, public, folded, self.doc])?;
        }
        Ok(())
    }

    fn write_member(
        &self,
        db: &Connection,
        room: RoomId,
        user: UserId,
        role: Option<&str>,
        since: i64,
    ) -> Result<(), Failure> {
        db.prepare_cached(
            "INSERT INTO members (room, user, rev, role, since) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT DO UPDATE SET rev = ?3, role = ?4, since = ?5 WHERE rev < ?3",
        )?
        .execute(params![room.as_bytes(), user.as_bytes(), self.rev, role, since])?;
        Ok(())
    }

    fn write_person(&self, db: &Connection, id: UserId, name: &str, display: &str) -> Result<(), Failure> {
        let replaced = db
            .prepare_cached("UPDATE people SET rev = ?2, doc = ?5 WHERE id = ?1 AND rev < ?2 AND name = ?3 AND display = ?4")?
            .execute(params![id.as_bytes(), self.rev, name, display, self.doc])?;
        if replaced == 0 {
            db.prepare_cached(
                "INSERT INTO people (id, rev, name, display, doc) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT DO UPDATE SET rev = ?2, name = ?3, display = ?4, doc = ?5 WHERE rev < ?2",
            )?
            .execute(params![id.as_bytes(), self.rev, name, display, self.doc])?;
        }
        Ok(())
    }

    fn write_message(
        &self,
        db: &Connection,
        place: Place,
        pinned: bool,
        mentioned: &Mentioned,
        files: &[(FileId, FileKind)],
        deleted: bool,
    ) -> Result<(), Failure> {
        let (room, seq) = (place.room.as_bytes(), int(place.seq.0));
        let packed = mentioned.pack();
        let added = db
            .prepare_cached(
                "INSERT INTO messages (room, seq, rev, mentions, doc, pinned) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                 ON CONFLICT DO NOTHING",
            )?
            .execute(params![room, seq, self.rev, packed, self.doc, pinned])?;
        if added == 1 {
            files::note(db, room, seq, files)?;
            return mentioned.replace(&Mentioned::default(), db, place);
        }
        let before: Option<Vec<u8>> = db
            .prepare_cached("SELECT mentions FROM messages WHERE room = ?1 AND seq = ?2 AND rev < ?3")?
            .query_row(params![room, seq, self.rev], |row| row.get(0))
            .optional()?;
        let Some(before) = before else { return Ok(()) };
        db.prepare_cached(
            "UPDATE messages SET rev = ?3, mentions = ?4, doc = ?5, pinned = ?6 WHERE room = ?1 AND seq = ?2",
        )?
        .execute(params![room, seq, self.rev, packed, self.doc, pinned])?;
        // Nothing else takes files from a message, and nothing adds any.
        if deleted {
            files::forget(db, room, seq)?;
        }
        mentioned.replace(&Mentioned::unpack(&before), db, place)
    }
}

fn of_room(room: &Room) -> Of {
    Of::Room { id: room.id, public: room.kind.is_open(), folded: folded(&room.name) }
}

fn of_member(member: &Membership) -> Result<Of, Failure> {
    let role = member.role.as_ref().map(word).transpose()?;
    Ok(Of::Member { room: member.room, user: member.user, role, since: int(member.since.0) })
}

fn of_message(message: &Message) -> Of {
    let others = message.mentions().iter().copied().filter(|user| *user != message.by);
    let mentioned = Mentioned { people: others.collect(), everyone: message.everyone() };
    let place = Place { room: message.room, seq: message.seq, author: message.by };
    let files = message.files().iter().map(|file| (file.id, file.kind)).collect();
    Of::Message { place, pinned: message.pinned, mentioned, files, deleted: message.body == Body::Deleted }
}

fn of_person(person: &Person) -> Of {
    Of::Person { id: person.id, name: person.name.clone(), display: folded(&person.display) }
}

#[derive(Clone, Copy)]
struct Place {
    room: RoomId,
    seq: Seq,
    author: UserId,
}

/// Whom a message mentions: everyone, or others than its author by name.
#[derive(Debug, Default, PartialEq, Eq)]
struct Mentioned {
    people: BTreeSet<UserId>,
    everyone: bool,
}

impl Mentioned {
    /// As a column holds it: 16 bytes a person, one byte for everyone.
    fn pack(&self) -> Vec<u8> {
        if self.everyone { vec![1] } else { self.people.iter().flat_map(|user| *user.as_bytes()).collect() }
    }

    fn unpack(packed: &[u8]) -> Self {
        if packed.len() == 1 {
            return Self { people: BTreeSet::new(), everyone: true };
        }
        let (ids, _) = packed.as_chunks::<16>();
        Self { people: ids.iter().map(|id| UserId::from_bytes(*id)).collect(), everyone: false }
    }

    /// Who is to be found by name: nobody when everyone is mentioned, so that no message counts twice.
    fn by_name(&self) -> BTreeSet<UserId> {
        if self.everyone { BTreeSet::new() } else { self.people.clone() }
    }

    /// Notes the difference to what was mentioned `before`.
    fn replace(&self, before: &Self, db: &Connection, place: Place) -> Result<(), Failure> {
        let (room, seq) = (place.room.as_bytes(), int(place.seq.0));
        let (now, then) = (self.by_name(), before.by_name());
        for gone in then.difference(&now) {
            db.prepare_cached("DELETE FROM mentions WHERE user = ?1 AND room = ?2 AND seq = ?3")?
                .execute(params![gone.as_bytes(), room, seq])?;
        }
        for new in now.difference(&then) {
            db.prepare_cached("INSERT OR IGNORE INTO mentions (user, room, seq) VALUES (?1, ?2, ?3)")?
                .execute(params![new.as_bytes(), room, seq])?;
        }
        if self.everyone && !before.everyone {
            db.prepare_cached("INSERT OR IGNORE INTO everyone (room, seq, author) VALUES (?1, ?2, ?3)")?
                .execute(params![room, seq, place.author.as_bytes()])?;
        }
        if before.everyone && !self.everyone {
            db.prepare_cached("DELETE FROM everyone WHERE room = ?1 AND seq = ?2")?
                .execute(params![room, seq])?;
        }
        Ok(())
    }
}
