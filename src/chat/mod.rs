//! What happens in rooms: making them, coming and going, saying things, reading.
//!
//! Everything that changes goes through the [`Log`]; what is read comes from it, after a look at who asks.

mod fields;
mod files;
mod flood;
mod marks;
mod messages;
mod people;
mod rooms;

pub use fields::{FileFields, LineFields, MessageFields, PictureFields};
pub use files::{NewMessage, words};
pub use flood::Floods;
pub use people::People;
pub use rooms::NewRoom;

use crate::{
    error::Result,
    log::{Log, Pending, Span, Timeline},
    model::{
        Actor, Change, Command, Done, Head, Membership, Message, Nonce, NonceKey, Refusal, Room, RoomCommand,
        RoomId, Seq, Stream, UserId,
    },
    store::Page,
};

/// A room that somebody may read: it came through the check.
#[derive(Debug, Clone)]
#[expect(clippy::manual_non_exhaustive, reason = "no other module of this crate may make one")]
pub struct Readable {
    /// Where the room stood when it was checked.
    pub head: Head,
    /// The room.
    pub room: Room,
    /// Who reads.
    pub user: UserId,
    /// Their place in it; none where they read a public room without being in it.
    pub member: Option<Membership>,
    checked: (),
}

/// What people can do in rooms.
#[derive(Debug, Clone)]
pub struct Chat {
    log: Log,
    people: People,
    floods: Floods,
}

impl Chat {
    /// Rooms as `log` has them.
    pub fn new(log: Log, floods: Floods) -> Self {
        let people = People::new(log.store().clone());
        Self { log, people, floods }
    }

    /// The log underneath.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// How many changes people may make.
    pub fn floods(&self) -> &Floods {
        &self.floods
    }

    /// Everybody's public profiles.
    pub fn people(&self) -> &People {
        &self.people
    }

    /// Takes one of the changes that a person may make.
    ///
    /// # Errors
    /// `SlowDown`.
    pub fn may_write(&self, user: UserId) -> Result<()> {
        self.floods.check(user)
    }

    /// A room, for somebody who may read it.
    ///
    /// # Errors
    /// `NotFound`, the same whether it isn't there or isn't theirs.
    pub async fn readable(&self, user: UserId, room: RoomId) -> Result<Readable> {
        let (head, room, member) = self.log.membership(room, user).await?.ok_or(Refusal::NotFound)?;
        if !room.kind.is_open() && member.is_none() {
            return Err(Refusal::NotFound.into());
        }
        Ok(Readable { head, room, user, member, checked: () })
    }

    /// At most `limit` messages of a room.
    pub async fn timeline(&self, room: &Readable, span: Span, limit: usize) -> Result<Timeline> {
        let () = room.checked;
        Ok(self.log.timeline(room.room.id, span, limit).await?.ok_or(Refusal::NotFound)?)
    }

    /// Messages of a room by their places.
    pub async fn messages_at(&self, room: &Readable, seqs: &[Seq]) -> Result<Vec<Message>> {
        let touches =
            crate::model::room::Touches { messages: seqs.iter().copied().collect(), ..Default::default() };
        let (_, view) = self.log.view(room.room.id, touches).await?.ok_or(Refusal::NotFound)?;
        Ok(seqs.iter().filter_map(|seq| view.message(*seq).cloned()).collect())
    }

    /// Pinned messages of a room, the newest first, before the message `before`.
    pub async fn pinned(&self, room: &Readable, before: Option<Seq>, limit: usize) -> Result<Page<Message>> {
        let () = room.checked;
        Ok(self.log.pinned(room.room.id, before, limit).await?)
    }

    /// Makes a change in a room.
    async fn change(&self, room: RoomId, actor: Actor, nonce: &Nonce, command: RoomCommand) -> Result<Done> {
        Ok(self.begin(room, actor, nonce, command).await?.await?)
    }

    /// Sets out to make a change in a room.
    async fn begin(
        &self,
        room: RoomId,
        actor: Actor,
        nonce: &Nonce,
        command: RoomCommand,
    ) -> Result<Pending> {
        let change = Change {
            stream: Stream::Room(room),
            actor,
            nonce: NonceKey::asked(actor.user, nonce),
            command: Command::Room(command),
        };
        Ok(self.log.enqueue(change).await?)
    }
}
