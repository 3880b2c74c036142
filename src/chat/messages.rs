//! Messages: post, edit, delete, react, pin; and what they look like.
//!
//! What changes a message is on its way when a function here returns: in the order of asking, and made when what it
//! returned comes to its end.

use std::{collections::HashMap, sync::Arc};

use super::{
    Chat,
    people::{markup, named},
};
use crate::{
    error::Result,
    log::Pending,
    model::{
        Actor, Message, Nonce, Person, Rev, RoomCommand, RoomId, Seq, UserId,
        command::Mentions,
        markdown::{self, SanitizedHtml},
        text::{Emoji, MessageText},
    },
};

impl Chat {
    /// Replaces the words of one's own message, or takes them away where files are left; `base` is the rev of the text
    /// they are based on.
    pub async fn edit(
        &self,
        actor: Actor,
        room: RoomId,
        nonce: &Nonce,
        seq: Seq,
        base: Rev,
        text: Option<MessageText>,
    ) -> Result<Pending> {
        self.floods.check(actor.user)?;
        let mentions = match &text {
            Some(text) => self.mentions(text).await?,
            None => Mentions::default(),
        };
        self.begin(room, actor, nonce, RoomCommand::Edit { seq, base, text, mentions }).await
    }

    /// Takes a message back.
    pub async fn delete(&self, actor: Actor, room: RoomId, nonce: &Nonce, seq: Seq) -> Result<Pending> {
        self.floods.check(actor.user)?;
        self.loosen(room, seq).await?;
        self.begin(room, actor, nonce, RoomCommand::Delete { seq }).await
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
    ) -> Result<Pending> {
        self.floods.check(actor.user)?;
        self.begin(room, actor, nonce, RoomCommand::React { seq, emoji, on }).await
    }

    /// Pins or unpins a message.
    pub async fn pin(
        &self,
        actor: Actor,
        room: RoomId,
        nonce: &Nonce,
        seq: Seq,
        on: bool,
    ) -> Result<Pending> {
        self.floods.check(actor.user)?;
        self.begin(room, actor, nonce, RoomCommand::Pin { seq, on }).await
    }

    /// Everybody whom showing these messages has to do with.
    pub async fn people_of(&self, messages: &[&Message]) -> Result<HashMap<UserId, Arc<Person>>> {
        Ok(self.people.get(messages.iter().flat_map(|message| named(message)).collect()).await?)
    }

    /// The markup of a message's words, with the people of [`Chat::people_of`].
    pub fn markup(&self, message: &Message, people: &HashMap<UserId, Arc<Person>>) -> SanitizedHtml {
        markup(message, people)
    }

    pub(super) async fn mentions(&self, text: &MessageText) -> Result<Mentions> {
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
