//! Messages: post, edit, delete, react, pin; and what they look like.

use std::{collections::HashMap, sync::Arc};

use super::{
    Chat,
    people::{markup, named},
};
use crate::{
    error::Result,
    model::{
        Actor, Done, Message, Nonce, Person, Rev, RoomCommand, RoomId, Seq, UserId,
        command::Mentions,
        markdown::{self, SanitizedHtml},
        text::{Emoji, MessageText},
    },
};

impl Chat {
    /// Says something in a room.
    pub async fn post(
        &self,
        actor: Actor,
        room: RoomId,
        nonce: &Nonce,
        text: MessageText,
        reply_to: Option<Seq>,
    ) -> Result<Done> {
        self.floods.check(actor.user)?;
        let mentions = self.mentions(&text).await?;
        self.change(room, actor, nonce, RoomCommand::Post { text, reply_to, mentions }).await
    }

    /// Replaces the words of one's own message; `base` is the rev of the text they are based on.
    pub async fn edit(
        &self,
        actor: Actor,
        room: RoomId,
        nonce: &Nonce,
        seq: Seq,
        base: Rev,
        text: MessageText,
    ) -> Result<Done> {
        self.floods.check(actor.user)?;
        let mentions = self.mentions(&text).await?;
        self.change(room, actor, nonce, RoomCommand::Edit { seq, base, text, mentions }).await
    }

    /// Takes a message back.
    pub async fn delete(&self, actor: Actor, room: RoomId, nonce: &Nonce, seq: Seq) -> Result<Done> {
        self.floods.check(actor.user)?;
        self.change(room, actor, nonce, RoomCommand::Delete { seq }).await
    }

    /// Adds or removes one's reaction.
    pub async fn react(
        &self,
        actor: Actor,
        room: RoomId,
        nonce: &Nonce,
        seq: Seq,
        emoji: Emoji,
        on: bool,
    ) -> Result<Done> {
        self.floods.check(actor.user)?;
        self.change(room, actor, nonce, RoomCommand::React { seq, emoji, on }).await
    }

    /// Pins or unpins a message.
    pub async fn pin(&self, actor: Actor, room: RoomId, nonce: &Nonce, seq: Seq, on: bool) -> Result<Done> {
        self.floods.check(actor.user)?;
        self.change(room, actor, nonce, RoomCommand::Pin { seq, on }).await
    }

    /// Everybody whom showing these messages has to do with.
    pub async fn people_of(&self, messages: &[&Message]) -> Result<HashMap<UserId, Arc<Person>>> {
        Ok(self.people.get(messages.iter().flat_map(|message| named(message)).collect()).await?)
    }

    /// The markup of a message's words, with the people of [`Chat::people_of`].
    pub fn markup(&self, message: &Message, people: &HashMap<UserId, Arc<Person>>) -> SanitizedHtml {
        markup(message, people)
    }

    async fn mentions(&self, text: &MessageText) -> Result<Mentions> {
        let names = markdown::names(text.as_str());
        let people = match names.people.is_empty() {
            true => vec![],
            false => self.log.store().people_named(&names.people).await?,
        };
        Ok(Mentions {
            people: people.into_iter().map(|person| person.id).collect(),
            everyone: names.everyone,
        })
    }
}
