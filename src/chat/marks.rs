//! Read marks and drafts: values in a projection; their owner's stream says only that they changed.

use super::Chat;
use crate::{
    error::Result,
    model::{
        Actor, Change, Command, Done, Nonce, NonceKey, PersonCommand, Refusal, RoomId, Seq, Stream, What,
        text::{DraftText, Invalid},
    },
};

impl Chat {
    /// Moves one's read mark in a room forward; it never goes back.
    pub async fn read(&self, actor: Actor, room: RoomId, nonce: &Nonce, seq: Seq) -> Result<Done> {
        let listing = self.log.listing(actor.user, Some(room)).await?.pop().ok_or(Refusal::NotFound)?;
        if seq > listing.listed.room.seq {
            let why = format!("The room's last message is {}.", listing.listed.room.seq);
            return Err(Invalid { field: "seq", why }.into());
        }
        if seq < listing.listed.read {
            return Ok(Done::UNCHANGED);
        }
        self.log.store().mark_read(actor.user, room, seq).await?;
        self.note(actor, nonce, What::Read { room }).await
    }

    /// Keeps an unsent text for all of one's devices.
    pub async fn draft(&self, actor: Actor, room: RoomId, nonce: &Nonce, text: DraftText) -> Result<Done> {
        self.floods.check(actor.user)?;
        if self.readable(actor.user, room).await?.member.is_none() {
            return Err(Refusal::JoinFirst.into());
        }
        self.log.store().set_draft(actor.user, room, text.as_str()).await?;
        self.note(actor, nonce, What::Draft { room }).await
    }

    async fn note(&self, actor: Actor, nonce: &Nonce, what: What) -> Result<Done> {
        let change = Change {
            stream: Stream::Person(actor.user),
            actor,
            nonce: NonceKey::asked(actor.user, nonce),
            command: Command::Person(PersonCommand::Note(what)),
        };
        Ok(self.log.submit(change).await?)
    }
}
