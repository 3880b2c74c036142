//! From what rooms and people are to what templates show.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use super::{kept::Opened, roster::Roster};
use crate::{
    app::App,
    chat::Readable,
    error::Result,
    log::{Listing, Timeline},
    model::{Person, Role, Room, RoomId, RoomKind, Seq, Timestamp, UserId},
    web::{
        Caller, fragment,
        views::{HistoryView, MessageView, PersonView, RailRoom, RailView, RoomView, StatusView, group},
    },
};

/// Members shown with a room; more are fetched.
const MEMBERS: usize = 100;
/// Pinned messages of a page of them; more aren't counted either.
pub(super) const PINS: usize = 20;

pub(super) type People = HashMap<UserId, Arc<Person>>;

pub(super) fn person(app: &App, person: &Person) -> PersonView {
    person_in(app.hub.state_of(person.id), person)
}

/// Somebody who is in this state.
pub(super) fn person_in(state: &str, person: &Person) -> PersonView {
    PersonView {
        user: person.id.to_string(),
        name: person.name.clone(),
        display: person.display.clone(),
        bio: person.bio.clone(),
        state: state.to_owned(),
        picture: fragment::picture_of(&person.picture),
        status: person.status_at(Timestamp::now()).map(|status| StatusView {
            emoji: status.emoji.clone(),
            text: status.text.clone(),
            busy: status.busy,
            until_ms: status.until.map(|until| until.0),
        }),
    }
}

/// Who looks.
pub(super) async fn me(app: &App, caller: &Caller) -> Result<PersonView> {
    let me = app.chat.people().one(caller.user).await?;
    Ok(me.map(|me| person(app, &me)).unwrap_or_default())
}

/// The room list and the person's own panel.
pub(super) async fn rail(app: &App, caller: &Caller, current: Option<RoomId>) -> Result<RailView> {
    rail_of(app, caller, current, &app.chat.rooms_of(caller.user).await?).await
}

/// The same, of the rooms that the person is in.
pub(super) async fn rail_of(
    app: &App,
    caller: &Caller,
    current: Option<RoomId>,
    listings: &[Listing],
) -> Result<RailView> {
    let talks = listings.iter().flat_map(|listing| listing.listed.room.people.iter().copied());
    let people = app.chat.people().get(talks.collect()).await?;
    let (mut direct, mut rooms) = (vec![], vec![]);
    for listing in listings {
        let row = rail_room(app, caller.user, listing, &people);
        if listing.listed.room.kind.is_talk() { direct.push(row) } else { rooms.push(row) }
    }
    rooms.sort_by_cached_key(|row| row.name.to_lowercase());
    Ok(RailView {
        rooms,
        direct,
        me: me(app, caller).await?,
        current: current.map(|room| room.to_string()),
        owner: caller.actor.owns_server,
    })
}

fn rail_room(app: &App, me: UserId, listing: &Listing, people: &People) -> RailRoom {
    let Listing { listed, .. } = listing;
    let room = &listed.room;
    RailRoom {
        room: room.id.to_string(),
        kind: room.kind.as_str().to_owned(),
        name: name(room, me, people),
        seq: room.seq.0,
        read: listed.read.0,
        mentions: listed.mentions.into(),
        partner: partner(room, me, people).map(|partner| person(app, partner)),
        picture: fragment::picture_of(&room.picture),
        members: room.members.into(),
    }
}

/// A room's name; of direct and group messages without one, the names of the others.
pub(super) fn name(room: &Room, me: UserId, people: &People) -> String {
    if !room.name.is_empty() {
        return room.name.clone();
    }
    let others = room.people.iter().filter(|user| **user != me).filter_map(|user| people.get(user));
    others.map(|person| person.display.as_str()).collect::<Vec<_>>().join(", ")
}

/// The other one of a direct message.
fn partner<'a>(room: &Room, me: UserId, people: &'a People) -> Option<&'a Arc<Person>> {
    let other = room.people.iter().find(|user| **user != me)?;
    people.get(other).filter(|_| room.kind == RoomKind::Direct)
}

/// A room that is opened at one of its messages, or at the last, with the person's place in it, if they have one.
pub(super) async fn room(
    app: &App,
    caller: &Caller,
    readable: &Readable,
    opened: &Opened,
    place: Option<&Listing>,
    at: Option<Seq>,
) -> Result<RoomView> {
    let drafts = match &readable.member {
        Some(_) => app.store.drafts(caller.user).await?,
        None => vec![],
    };
    let now = &opened.room;
    let people = app.chat.people().get(now.people.clone()).await?;
    let draft = drafts.into_iter().find(|(room, _)| *room == now.id).map(|(_, text)| text);
    Ok(RoomView {
        room: now.id.to_string(),
        kind: now.kind.as_str().to_owned(),
        name: name(now, caller.user, &people),
        topic: now.topic.clone(),
        archived: false,
        members: now.members.into(),
        role: readable.member.as_ref().and_then(|member| member.role).map_or("", role).to_owned(),
        rev: opened.head.rev.0,
        tag: opened.head.tag.to_string(),
        seq: now.seq.0,
        read: place.map_or(now.seq, |place| place.listed.read).0,
        mentions: place.map_or(0, |place| place.listed.mentions).into(),
        draft: draft.unwrap_or_default(),
        picture: fragment::picture_of(&now.picture),
        upload_max: app.files.limits().file,
        partner: partner(now, caller.user, &people).map(|partner| person(app, partner)),
        at: at.map(|at| at.0),
        more_before: opened.more_before,
        pins: opened.pins,
    })
}

/// A stretch of messages, grouped.
pub(super) async fn history(app: &App, timeline: &Timeline) -> Result<HistoryView> {
    let mut messages: Vec<MessageView> = fragment::views(&app.chat, &timeline.messages).await?;
    group(&mut messages);
    let first = timeline.messages.first().map_or(Seq(1), |message| message.seq);
    let last = timeline.messages.last().map_or(timeline.room.seq, |message| message.seq);
    Ok(HistoryView { messages, more_before: first > Seq(1), more_after: last < timeline.room.seq })
}

/// A page of a room's people.
pub(super) async fn roster(app: &App, readable: &Readable, after: Option<UserId>) -> Result<Roster> {
    let page = app.chat.members(readable, after, MEMBERS).await?;
    let mut known = app.chat.people().get(page.items.iter().map(|member| member.user).collect()).await?;
    let next = page.items.last().filter(|_| page.more).map(|member| member.user);
    let people = page.items.iter().filter_map(|member| Some((known.remove(&member.user)?, member.role?)));
    let (room, total) = (readable.room.id, readable.room.members);
    Ok(Roster { room, total, people: people.collect(), next, shown: Mutex::default() })
}

pub(super) fn role(role: Role) -> &'static str {
    match role {
        Role::Owner => "owner",
        Role::Member => "member",
    }
}
