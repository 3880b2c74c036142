//! Rooms: making them, finding them, coming and going.

use super::{Chat, Readable};
use crate::{
    error::{Code, Error, Result},
    log::{Arrival, Listing},
    model::{
        Actor, Done, Nonce, Person, PictureId, Refusal, Role, Room, RoomCommand, RoomId, RoomKind, SessionId,
        UserId,
        file::Pictured,
        room::{Membership, Touches},
        text::{Invalid, RoomName, Topic, folded},
    },
    store::Page,
};

/// A room to be made.
#[derive(Debug, Clone)]
pub struct NewRoom {
    /// Its kind.
    pub kind: RoomKind,
    /// Its name: needed for public and private rooms, possible for groups.
    pub name: Option<RoomName>,
    /// What it is about.
    pub topic: Option<Topic>,
    /// Others who are in it from the start: exactly one for direct messages.
    pub people: Vec<UserId>,
}

impl Chat {
    /// Makes a room, or finds the direct messages that are there already. Says which, and whether it is new.
    pub async fn create(&self, actor: Actor, nonce: &Nonce, new: NewRoom) -> Result<(RoomId, bool)> {
        self.floods.check(actor.user)?;
        let NewRoom { kind, name, topic, mut people } = new;
        people.retain(|user| *user != actor.user);
        people.sort_unstable();
        people.dedup();
        let invalid = |field, why: &str| Err(Invalid { field, why: why.to_owned() }.into());
        let direct = kind == RoomKind::Direct;
        if direct && name.is_some() {
            return invalid("name", "A direct message is named after its people.");
        }
        if direct && topic.is_some() {
            return invalid("topic", "A direct message has no topic.");
        }
        let id = match (kind, people.as_slice()) {
            (RoomKind::Direct, [other]) => RoomId::direct(actor.user, *other),
            (RoomKind::Direct, _) => return invalid("people", "A direct message is with one other person."),
            (RoomKind::Group, []) => return invalid("people", "Name at least one other person."),
            (RoomKind::Public | RoomKind::Voice | RoomKind::Private, _) if name.is_none() => {
                return invalid("name", "A room needs a name.");
            }
            _ => RoomId::created(actor.user, nonce),
        };
        self.must_exist(&people).await?;
        let done = self.change(id, actor, nonce, RoomCommand::Create { kind, name, topic, people }).await?;
        Ok((id, done.rev.is_some()))
    }

    /// Joins a public room.
    pub async fn join(&self, actor: Actor, room: RoomId, nonce: &Nonce) -> Result<Done> {
        self.floods.check(actor.user)?;
        self.change(room, actor, nonce, RoomCommand::Join).await
    }

    /// Leaves a room.
    pub async fn leave(&self, actor: Actor, room: RoomId, nonce: &Nonce) -> Result<Done> {
        self.floods.check(actor.user)?;
        self.change(room, actor, nonce, RoomCommand::Leave).await
    }

    /// Lets somebody into a room that one is in.
    pub async fn add(&self, actor: Actor, room: RoomId, nonce: &Nonce, user: UserId) -> Result<Done> {
        self.floods.check(actor.user)?;
        self.must_exist(&[user]).await?;
        self.change(room, actor, nonce, RoomCommand::Add { user }).await
    }

    /// Removes somebody from a room that one owns.
    pub async fn remove(&self, actor: Actor, room: RoomId, nonce: &Nonce, user: UserId) -> Result<Done> {
        self.floods.check(actor.user)?;
        self.change(room, actor, nonce, RoomCommand::Remove { user }).await
    }

    /// Gives a member another role.
    pub async fn set_role(
        &self,
        actor: Actor,
        room: RoomId,
        nonce: &Nonce,
        user: UserId,
        role: Role,
    ) -> Result<Done> {
        self.floods.check(actor.user)?;
        self.change(room, actor, nonce, RoomCommand::SetRole { user, role }).await
    }

    /// Gives a room another name.
    pub async fn rename(&self, actor: Actor, room: RoomId, nonce: &Nonce, name: RoomName) -> Result<Done> {
        self.floods.check(actor.user)?;
        self.change(room, actor, nonce, RoomCommand::Rename { name }).await
    }

    /// Says what a room is about.
    pub async fn set_topic(&self, actor: Actor, room: RoomId, nonce: &Nonce, topic: Topic) -> Result<Done> {
        self.floods.check(actor.user)?;
        self.change(room, actor, nonce, RoomCommand::SetTopic { topic }).await
    }

    /// Gives a room another picture, or none.
    pub async fn set_picture(
        &self,
        actor: Actor,
        room: RoomId,
        nonce: &Nonce,
        picture: Option<PictureId>,
    ) -> Result<Done> {
        self.change(room, actor, nonce, RoomCommand::SetPicture { picture }).await
    }

    /// A room's picture, for somebody who may replace it.
    ///
    /// # Errors
    /// Those of replacing it: so they are known before one is made.
    pub async fn may_picture(&self, actor: Actor, room: RoomId) -> Result<Option<PictureId>> {
        self.floods.check(actor.user)?;
        let touches = Touches { members: [actor.user].into(), ..Touches::default() };
        let (_, view) = self.log.view(room, touches).await?.ok_or(Refusal::NotFound)?;
        let any = PictureId::new(Pictured::Room(room), 0);
        view.decide(actor, &RoomCommand::SetPicture { picture: Some(any) })?;
        Ok(view.room.and_then(|room| room.picture))
    }

    /// The rooms that somebody is in, the one with the newest entry first.
    pub async fn rooms_of(&self, user: UserId) -> Result<Vec<Listing>> {
        let mut rooms = self.log.listing(user, None).await?;
        newest_first(&mut rooms);
        Ok(rooms)
    }

    /// What somebody who comes in by a session is told, with their rooms as [`Chat::rooms_of`] has them.
    ///
    /// # Errors
    /// `Unauthenticated` when the session isn't theirs, or has ended.
    pub async fn arrival(&self, user: UserId, session: SessionId) -> Result<Arrival> {
        let arrival = self.log.arrival(user, session).await?;
        let mut arrival = arrival.ok_or_else(|| Error::from(Code::Unauthenticated))?;
        newest_first(&mut arrival.rooms);
        Ok(arrival)
    }

    /// A room of somebody's list.
    pub async fn room_of(&self, user: UserId, room: RoomId) -> Result<Option<Listing>> {
        Ok(self.log.listing(user, Some(room)).await?.pop())
    }

    /// People whose login name or display name begins with `query`, by login name, after the one with the name `after`.
    pub async fn find_people(&self, query: &str, after: Option<&str>, limit: usize) -> Result<Page<Person>> {
        Ok(self.log.store().find_people(&folded(query.trim()), after, limit).await?)
    }

    /// Public rooms whose name holds `query`, by name.
    pub async fn public_rooms(&self, query: &str, after: Option<RoomId>, limit: usize) -> Result<Page<Room>> {
        if let Some(after) = after {
            // The place of a room that isn't open would tell its name.
            let known = self.log.store().rooms(&[after]).await?;
            if known.iter().all(|room| !room.kind.is_open()) {
                let why = "Expected what a page gave as next.".to_owned();
                return Err(Invalid { field: "after", why }.into());
            }
        }
        Ok(self.log.store().public_rooms(&folded(query.trim()), after, limit).await?)
    }

    /// Members of a room that one may read.
    pub async fn members(
        &self,
        room: &Readable,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<Page<Membership>> {
        Ok(self.log.members(room.room.id, after, limit).await?)
    }

    async fn must_exist(&self, people: &[UserId]) -> Result<()> {
        let found = self.people.get(people.to_vec()).await?;
        if found.len() < people.len() {
            return Err(Refusal::NotFound.into());
        }
        Ok(())
    }
}

fn newest_first(rooms: &mut [Listing]) {
    rooms.sort_by_key(|listing| (std::cmp::Reverse(listing.listed.room.at), listing.listed.room.id));
}
