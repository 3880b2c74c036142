//! The part of a room's state that a piece of work looks at.

use std::collections::{BTreeSet, HashMap};

use super::{Membership, Message, Room};
use crate::model::{Doc, Entry, RoomCommand, RoomId, Seq, UserId, command::Actor};

/// A room, and those of its members and messages that are looked at. What is decided or folded needs what it
/// touches to be here; what isn't there was looked up and doesn't exist, or doesn't matter to who looks.
#[derive(Debug, Clone)]
pub struct RoomView {
    /// Which room.
    pub id: RoomId,
    /// The room, when it exists.
    pub room: Option<Room>,
    /// People looked up, members or not.
    pub members: HashMap<UserId, Option<Membership>>,
    /// Messages looked up.
    pub messages: HashMap<Seq, Option<Message>>,
    pub(super) changed: Touches,
}

/// People and messages that a change has to do with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Touches {
    /// People.
    pub members: BTreeSet<UserId>,
    /// Messages.
    pub messages: BTreeSet<Seq>,
}

impl Touches {
    /// What deciding upon `command` looks at.
    pub fn of_command(actor: Actor, command: &RoomCommand) -> Self {
        let mut touches = Self::default();
        touches.members.insert(actor.user);
        match command {
            RoomCommand::Create { people, .. } => touches.members.extend(people),
            RoomCommand::Add { user } | RoomCommand::Remove { user } | RoomCommand::SetRole { user, .. } => {
                touches.members.insert(*user);
            }
            RoomCommand::Post { reply_to, .. } => touches.messages.extend(reply_to),
            RoomCommand::Edit { seq, .. }
            | RoomCommand::Delete { seq }
            | RoomCommand::React { seq, .. }
            | RoomCommand::Pin { seq, .. } => {
                touches.messages.insert(*seq);
            }
            RoomCommand::Join
            | RoomCommand::Leave
            | RoomCommand::Call { .. }
            | RoomCommand::Rename { .. }
            | RoomCommand::SetPicture { .. }
            | RoomCommand::SetTopic { .. } => {}
        }
        touches
    }

    /// What folding `entry` looks at and changes.
    pub fn of_entry(entry: &Entry) -> Self {
        Self {
            members: entry.member().into_iter().collect(),
            messages: entry.what.message().into_iter().collect(),
        }
    }

    /// Both.
    pub fn merge(&mut self, other: Self) {
        self.members.extend(other.members);
        self.messages.extend(other.messages);
    }
}

impl RoomView {
    /// Of a room that nothing is known of yet.
    pub fn new(id: RoomId) -> Self {
        Self {
            id,
            room: None,
            members: HashMap::new(),
            messages: HashMap::new(),
            changed: Touches::default(),
        }
    }

    /// What of `touches` was not looked up yet.
    pub fn lacks(&self, mut touches: Touches) -> Touches {
        touches.members.retain(|user| !self.members.contains_key(user));
        touches.messages.retain(|seq| !self.messages.contains_key(seq));
        touches
    }

    /// The membership of `user`, when they are a member now.
    pub fn member(&self, user: UserId) -> Option<&Membership> {
        self.members.get(&user)?.as_ref().filter(|member| member.role.is_some())
    }

    /// The message at `seq`, when it exists and was looked up.
    pub fn message(&self, seq: Seq) -> Option<&Message> {
        self.messages.get(&seq)?.as_ref()
    }

    /// All documents that changed since this was last asked.
    pub fn take_changed(&mut self) -> Vec<Doc> {
        let changed = std::mem::take(&mut self.changed);
        let messages =
            changed.messages.iter().filter_map(|seq| self.message(*seq)).cloned().map(Doc::Message);
        let members =
            changed.members.iter().filter_map(|user| self.members.get(user)?.clone()).map(Doc::Member);
        self.room.iter().cloned().map(Doc::Room).chain(members).chain(messages).collect()
    }
}
