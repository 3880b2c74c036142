//! Folding: the state after an entry. What becomes of a document depends on nothing but that document and the entry:
//! whoever folds a log gets the same, also when some of its documents have been folded further before.

use super::{Body, Membership, Message, Reaction, Role, Room, RoomView};
use crate::model::{Entry, Rev, Seq, SystemLine, Timestamp, What};

impl RoomView {
    /// Folds `entry` into what is looked at. Documents that have it already, or that aren't looked at, stay as
    /// they are.
    pub fn apply(&mut self, entry: &Entry) {
        self.apply_to_room(entry);
        self.apply_to_members(entry);
        self.apply_to_messages(entry);
    }

    fn apply_to_room(&mut self, entry: &Entry) {
        if let (None, What::Created { kind, name, topic }) = (&self.room, &entry.what) {
            self.room = Some(Room {
                id: self.id,
                rev: Rev::default(),
                kind: *kind,
                name: name.clone(),
                topic: topic.clone(),
                created: entry.at,
                at: Timestamp::default(),
                seq: Seq::default(),
                members: 0,
                owners: 0,
                people: vec![],
                picture: None,
            });
        }
        let Some(room) = self.room.as_mut().filter(|room| room.rev < entry.rev) else { return };
        match &entry.what {
            What::Joined { user, role, .. } => {
                room.members += 1;
                room.owners += u32::from(*role == Role::Owner);
                if room.kind.is_talk() && !room.people.contains(user) {
                    room.people.push(*user);
                }
            }
            What::Left { was, .. } | What::Removed { was, .. } => {
                room.members = room.members.saturating_sub(1);
                room.owners = room.owners.saturating_sub(u32::from(*was == Role::Owner));
                room.people.retain(|user| Some(*user) != entry.member());
            }
            What::Role { role, was, .. } => {
                room.owners = room.owners.saturating_sub(u32::from(*was == Role::Owner));
                room.owners += u32::from(*role == Role::Owner);
            }
            What::Renamed { name, .. } => room.name.clone_from(name),
            What::Topic { topic, .. } => room.topic.clone_from(topic),
            What::Pictured { picture } => room.picture.clone_from(picture),
            _ => {}
        }
        room.seq = entry.what.new_seq().unwrap_or(room.seq);
        room.rev = entry.rev;
        room.at = entry.at;
    }

    fn apply_to_members(&mut self, entry: &Entry) {
        let Some(user) = entry.member() else { return };
        let Some(before) = self.members.get_mut(&user) else { return };
        if before.as_ref().is_some_and(|member| member.rev >= entry.rev) {
            return;
        }
        let role = match &entry.what {
            What::Joined { role, .. } | What::Role { role, .. } => Some(*role),
            _ => None,
        };
        let since = match &entry.what {
            What::Joined { since, .. } => *since,
            _ => before.as_ref().map(|member| member.since).unwrap_or_default(),
        };
        *before = Some(Membership { room: self.id, user, rev: entry.rev, role, since });
        self.changed.members.insert(user);
    }

    fn apply_to_messages(&mut self, entry: &Entry) {
        if let Some(seq) = entry.what.new_seq() {
            let slot = self.messages.entry(seq).or_default();
            if slot.is_none() {
                *slot = Some(new_message(self.id, seq, entry));
                self.changed.messages.insert(seq);
            }
            return;
        }
        let Some(seq) = entry.what.message() else { return };
        let Some(Some(message)) = self.messages.get_mut(&seq) else { return };
        if message.rev >= entry.rev {
            return;
        }
        match &entry.what {
            What::Edited { text, mentions, everyone, .. } => {
                // The files stay as they are.
                let files = message.files().to_vec();
                let (text, mentions) = (text.clone(), mentions.clone());
                message.body = Body::Text { text, mentions, everyone: *everyone, files };
                message.base = entry.rev;
                message.edited = Some(entry.at);
            }
            What::Deleted { .. } => {
                message.body = Body::Deleted;
                message.reactions.clear();
                message.pinned = false;
                message.edited = None;
            }
            What::Reacted { emoji, on, .. } => react(&mut message.reactions, emoji, entry, *on),
            What::Pinned { on, .. } => message.pinned = *on,
            _ => {}
        }
        message.rev = entry.rev;
        self.changed.messages.insert(seq);
    }
}

fn new_message(room: crate::model::RoomId, seq: Seq, entry: &Entry) -> Message {
    let (body, reply_to) = match &entry.what {
        What::Posted { text, reply_to, mentions, everyone, files, .. } => {
            let (text, mentions, files) = (text.clone(), mentions.clone(), files.clone());
            (Body::Text { text, mentions, everyone: *everyone, files }, *reply_to)
        }
        What::Renamed { name, .. } => (Body::System(SystemLine::Renamed { name: name.clone() }), None),
        What::Topic { topic, .. } => (Body::System(SystemLine::Topic { topic: topic.clone() }), None),
        What::Called { call, outcome, length_ms, people, .. } => {
            let (call, outcome, length_ms, people) = (*call, *outcome, *length_ms, people.clone());
            (Body::System(SystemLine::Call { call, outcome, length_ms, people }), None)
        }
        What::Joined { user, .. } => (Body::System(SystemLine::Joined { user: *user }), None),
        What::Removed { user, .. } => (Body::System(SystemLine::Removed { user: *user }), None),
        _ => (Body::System(SystemLine::Left { user: entry.by }), None),
    };
    Message {
        room,
        seq,
        rev: entry.rev,
        base: entry.rev,
        by: entry.by,
        at: entry.at,
        edited: None,
        body,
        reply_to,
        reactions: vec![],
        pinned: false,
        nonce: entry.nonce.nonce().to_owned(),
    }
}

fn react(reactions: &mut Vec<Reaction>, emoji: &str, entry: &Entry, on: bool) {
    let place = reactions.iter().position(|reaction| reaction.emoji == emoji);
    match (place, on) {
        (Some(place), true) => {
            let users = &mut reactions[place].users;
            if !users.contains(&entry.by) {
                users.push(entry.by);
            }
        }
        (None, true) => reactions.push(Reaction { emoji: emoji.to_owned(), users: vec![entry.by] }),
        (Some(place), false) => {
            reactions[place].users.retain(|user| *user != entry.by);
            if reactions[place].users.is_empty() {
                reactions.remove(place);
            }
        }
        (None, false) => {}
    }
}
