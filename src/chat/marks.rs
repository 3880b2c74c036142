//! Read marks and drafts: values in a projection; their owner's stream says only that they changed.

use super::Chat;
use crate::{
    error::Result,
    model::{
        Actor, Change, Command, Done, Nonce, NonceKey, PersonCommand, Refusal, RoomId, Seq, Stream,
        text::{DraftText, Invalid},
    },
};

impl Chat {
    /// Moves one's read mark in a room forward; it never goes back.
    pub async fn read(&self, actor: Actor, room: RoomId, nonce: &Nonce, seq: Seq) -> Result<Done> {
        let note = note(actor, nonce, PersonCommand::Read { room, seq });
        if let Some(done) = self.log.first_result(&note).await? {
            return Ok(done);
        }
        let listing = self.log.listing(actor.user, Some(room)).await?.pop().ok_or(Refusal::NotFound)?;
        if seq > listing.listed.room.seq {
            let why = format!("The room's last message is {}.", listing.listed.room.seq);
            return Err(Invalid { field: "seq", why }.into());
        }
        if seq < listing.listed.read {
            return Ok(Done::UNCHANGED);
        }
        if seq == listing.listed.read {
            // Marks that move end with the room's messages; one that stays could be set for ever.
            self.floods.check(actor.user)?;
        }
        self.log.store().mark_read(actor.user, room, seq).await?;
        Ok(self.log.submit(note).await?)
    }

    /// Keeps an unsent text for all of one's devices.
    pub async fn draft(&self, actor: Actor, room: RoomId, nonce: &Nonce, text: DraftText) -> Result<Done> {
        self.floods.check(actor.user)?;
        let note = note(actor, nonce, PersonCommand::Draft { room, text: text.clone() });
        // A repeat must not bring an old text back over a newer one.
        if let Some(done) = self.log.first_result(&note).await? {
            return Ok(done);
        }
        if self.readable(actor.user, room).await?.member.is_none() {
            return Err(Refusal::JoinFirst.into());
        }
        self.log.store().set_draft(actor.user, room, text.as_str()).await?;
        Ok(self.log.submit(note).await?)
    }
}

/// The entry that tells of it.
fn note(actor: Actor, nonce: &Nonce, command: PersonCommand) -> Change {
    Change {
        stream: Stream::Person(actor.user),
        actor,
        nonce: NonceKey::asked(actor.user, nonce),
        command: Command::Person(command),
    }
}
