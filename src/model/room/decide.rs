//! Deciding: may this be done here and now, and which entries does it bring.

use super::{Body, Message, Role, Room, RoomKind, RoomView};
use crate::model::{
    Rev, RoomCommand, Seq, UserId, What,
    command::{Actor, Mentions, Refusal},
    file::Attachment,
    text::{Emoji, MessageText},
};

/// The most different emoji on a message.
pub const MAX_DISTINCT_REACTIONS: usize = 20;
/// The most reactions on a message, of all people together.
pub const MAX_REACTIONS: usize = 2_000;
/// The most people in a group message.
pub const MAX_GROUP: usize = 20;

impl RoomView {
    /// The entries that `command` brings to the room as it is: none when it is so already.
    pub fn decide(&self, actor: Actor, command: &RoomCommand) -> Result<Vec<What>, Refusal> {
        if let RoomCommand::Create { kind, name, topic, people } = command {
            let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
            let name = text(name.as_ref().map(|name| name.as_str()));
            let topic = text(topic.as_ref().map(|topic| topic.as_str()));
            return self.create(actor, *kind, name, topic, people);
        }
        let room = self.room.as_ref().ok_or(Refusal::NotFound)?;
        if let RoomCommand::Call { call, outcome, length_ms, people } = command {
            // The server says it, not the one whose call it was: they may have left since.
            return Ok(vec![What::Called {
                call: *call,
                outcome: *outcome,
                length_ms: *length_ms,
                people: people.clone(),
                line: room.seq.next(),
            }]);
        }
        if !room.kind.is_open() && self.member(actor.user).is_none() {
            return Err(Refusal::NotFound);
        }
        match command {
            RoomCommand::Create { .. } | RoomCommand::Call { .. } => Ok(vec![]),
            RoomCommand::Join => self.join(room, actor.user),
            RoomCommand::Add { user } => self.add(room, actor, *user),
            RoomCommand::Leave => self.leave(room, actor.user),
            RoomCommand::Remove { user } => self.remove(room, actor, *user),
            RoomCommand::SetRole { user, role } => self.set_role(room, actor, *user, *role),
            RoomCommand::Rename { name } => {
                self.may_change(room, actor)?;
                let what = What::Renamed { name: name.as_str().to_owned(), line: room.seq.next() };
                Ok(if room.name == name.as_str() { vec![] } else { vec![what] })
            }
            RoomCommand::SetTopic { topic } => {
                self.may_change(room, actor)?;
                let what = What::Topic { topic: topic.as_str().to_owned(), line: room.seq.next() };
                Ok(if room.topic == topic.as_str() { vec![] } else { vec![what] })
            }
            RoomCommand::SetPicture { picture } => {
                self.may_change(room, actor)?;
                let what = What::Pictured { picture: picture.clone() };
                Ok(if room.picture == *picture { vec![] } else { vec![what] })
            }
            RoomCommand::Post { text, reply_to, mentions, attachments, .. } => {
                let words = words_of(text.as_ref(), attachments)?;
                self.post(room, actor, words, *reply_to, mentions, attachments)
            }
            RoomCommand::Edit { seq, base, text, mentions } => {
                self.edit(actor, *seq, *base, text.as_ref(), mentions)
            }
            RoomCommand::Delete { seq } => self.delete(actor, room, *seq),
            RoomCommand::React { seq, emoji, on } => self.react(actor.user, *seq, emoji, *on),
            RoomCommand::Pin { seq, on } => self.pin(actor.user, *seq, *on),
        }
    }

    fn create(
        &self,
        actor: Actor,
        kind: RoomKind,
        name: String,
        topic: String,
        people: &[UserId],
    ) -> Result<Vec<What>, Refusal> {
        if self.room.is_some() {
            return Ok(vec![]);
        }
        let first = if kind.is_talk() { Role::Member } else { Role::Owner };
        let mut joined = vec![actor.user];
        for user in people {
            if !joined.contains(user) {
                joined.push(*user);
            }
        }
        if joined.len() > MAX_GROUP {
            return Err(Refusal::TooMany);
        }
        let members = joined.into_iter().map(|user| {
            let role = if user == actor.user { first } else { Role::Member };
            What::Joined { user, role, since: Seq::default(), line: None }
        });
        Ok(std::iter::once(What::Created { kind, name, topic }).chain(members).collect())
    }

    fn join(&self, room: &Room, user: UserId) -> Result<Vec<What>, Refusal> {
        if self.member(user).is_some() {
            return Ok(vec![]);
        }
        // Who joins a room that all owners left, owns it.
        let role = if room.owners == 0 { Role::Owner } else { Role::Member };
        Ok(vec![What::Joined { user, role, since: room.seq, line: None }])
    }

    fn add(&self, room: &Room, actor: Actor, user: UserId) -> Result<Vec<What>, Refusal> {
        self.must_be_member(actor.user)?;
        if room.kind == RoomKind::Direct {
            return Err(Refusal::Forbidden);
        }
        if self.member(user).is_some() {
            return Ok(vec![]);
        }
        if room.kind == RoomKind::Group && room.people.len() >= MAX_GROUP {
            return Err(Refusal::TooMany);
        }
        let line = room.seq.next();
        Ok(vec![What::Joined { user, role: Role::Member, since: line, line: Some(line) }])
    }

    fn leave(&self, room: &Room, user: UserId) -> Result<Vec<What>, Refusal> {
        if room.kind == RoomKind::Direct {
            return Err(Refusal::Forbidden);
        }
        let Some(was) = self.role(user) else { return Ok(vec![]) };
        if was == Role::Owner && room.owners == 1 && room.members > 1 {
            return Err(Refusal::LastOwner);
        }
        Ok(vec![What::Left { was, line: leaving_line(room) }])
    }

    fn remove(&self, room: &Room, actor: Actor, user: UserId) -> Result<Vec<What>, Refusal> {
        self.must_own(room, actor)?;
        if user == actor.user {
            return Err(Refusal::Forbidden);
        }
        let Some(was) = self.role(user) else { return Ok(vec![]) };
        if was == Role::Owner && room.owners == 1 && room.members > 1 {
            return Err(Refusal::LastOwner);
        }
        Ok(vec![What::Removed { user, was, line: leaving_line(room) }])
    }

    fn set_role(&self, room: &Room, actor: Actor, user: UserId, role: Role) -> Result<Vec<What>, Refusal> {
        self.must_own(room, actor)?;
        let was = self.role(user).ok_or(Refusal::NotFound)?;
        if was == role {
            return Ok(vec![]);
        }
        if role == Role::Member && room.owners == 1 {
            return Err(Refusal::LastOwner);
        }
        Ok(vec![What::Role { user, was, role }])
    }

    fn post(
        &self,
        room: &Room,
        actor: Actor,
        text: String,
        reply_to: Option<Seq>,
        mentions: &Mentions,
        files: &[Attachment],
    ) -> Result<Vec<What>, Refusal> {
        self.must_be_member(actor.user)?;
        if let Some(seq) = reply_to {
            self.words(seq)?;
        }
        Ok(vec![What::Posted {
            seq: room.seq.next(),
            text,
            reply_to,
            mentions: mentions.people.clone(),
            everyone: mentions.everyone,
            files: files.to_vec(),
        }])
    }

    fn edit(
        &self,
        actor: Actor,
        seq: Seq,
        base: Rev,
        text: Option<&MessageText>,
        mentions: &Mentions,
    ) -> Result<Vec<What>, Refusal> {
        self.must_be_member(actor.user)?;
        let message = self.words(seq)?;
        if message.by != actor.user {
            return Err(Refusal::Forbidden);
        }
        if message.base != base {
            return Err(Refusal::StaleEdit);
        }
        let text = words_of(text, message.files())?;
        if matches!(&message.body, Body::Text { text: before, .. } if *before == text) {
            return Ok(vec![]);
        }
        Ok(vec![What::Edited { seq, text, mentions: mentions.people.clone(), everyone: mentions.everyone }])
    }

    fn delete(&self, actor: Actor, room: &Room, seq: Seq) -> Result<Vec<What>, Refusal> {
        self.must_be_member(actor.user)?;
        let message = self.message(seq).ok_or(Refusal::NotFound)?;
        match message.body {
            Body::Deleted => return Ok(vec![]),
            Body::System(_) => return Err(Refusal::Forbidden),
            Body::Text { .. } if message.by != actor.user => self.must_own(room, actor)?,
            Body::Text { .. } => {}
        }
        Ok(vec![What::Deleted { seq }])
    }

    fn react(&self, user: UserId, seq: Seq, emoji: &Emoji, on: bool) -> Result<Vec<What>, Refusal> {
        self.must_be_member(user)?;
        let message = self.words(seq)?;
        let given = message.reactions.iter().find(|reaction| reaction.emoji == emoji.as_str());
        if given.is_some_and(|reaction| reaction.users.contains(&user)) == on {
            return Ok(vec![]);
        }
        let all: usize = message.reactions.iter().map(|reaction| reaction.users.len()).sum();
        let one_more_kind = given.is_none() && message.reactions.len() >= MAX_DISTINCT_REACTIONS;
        if on && (one_more_kind || all >= MAX_REACTIONS) {
            return Err(Refusal::TooMany);
        }
        Ok(vec![What::Reacted { seq, emoji: emoji.as_str().to_owned(), on }])
    }

    fn pin(&self, user: UserId, seq: Seq, on: bool) -> Result<Vec<What>, Refusal> {
        self.must_be_member(user)?;
        let message = self.words(seq)?;
        Ok(if message.pinned == on { vec![] } else { vec![What::Pinned { seq, on }] })
    }

    /// The message at `seq`, when it holds somebody's words.
    fn words(&self, seq: Seq) -> Result<&Message, Refusal> {
        let message = self.message(seq).ok_or(Refusal::NotFound)?;
        match message.body {
            Body::Text { .. } => Ok(message),
            Body::Deleted => Err(Refusal::Deleted),
            Body::System(_) => Err(Refusal::Forbidden),
        }
    }

    fn role(&self, user: UserId) -> Option<Role> {
        self.member(user)?.role
    }

    fn must_be_member(&self, user: UserId) -> Result<(), Refusal> {
        self.member(user).map(|_| ()).ok_or(Refusal::JoinFirst)
    }

    fn must_own(&self, room: &Room, actor: Actor) -> Result<(), Refusal> {
        let owns = self.role(actor.user) == Some(Role::Owner);
        if owns || (actor.owns_server && room.kind.is_open()) { Ok(()) } else { Err(Refusal::Forbidden) }
    }

    /// A group message has no owner: any of its people may rename it.
    fn may_change(&self, room: &Room, actor: Actor) -> Result<(), Refusal> {
        match room.kind {
            RoomKind::Direct => Err(Refusal::Forbidden),
            RoomKind::Group => self.must_be_member(actor.user),
            RoomKind::Public | RoomKind::Voice | RoomKind::Private => self.must_own(room, actor),
        }
    }
}

/// A message's words; only files can do without.
fn words_of(text: Option<&MessageText>, files: &[Attachment]) -> Result<String, Refusal> {
    match text {
        Some(text) => Ok(text.as_str().to_owned()),
        None if files.is_empty() => Err(Refusal::Empty),
        None => Ok(String::new()),
    }
}

/// People come and go in open rooms without a word; elsewhere the others are told.
fn leaving_line(room: &Room) -> Option<Seq> {
    (!room.kind.is_open()).then(|| room.seq.next())
}
