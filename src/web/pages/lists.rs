//! Finding rooms and people.

use std::collections::HashSet;

use axum::{Router, extract::State, response::Response, routing::get};
use serde::Deserialize;

use super::{Visitor, fill, frame, show};
use crate::{
    app::App,
    error::{Code, Error, Result},
    model::{RoomId, UserId},
    web::{
        Caller, Path, Query, fragment,
        views::{BrowsePage, CardFragment, FindPage, NewRoomPage, PublicRoom},
    },
};

/// Rows of a page.
const ROWS: usize = 50;

pub(super) fn router() -> Router<App> {
    Router::new()
        .route("/browse", get(browse))
        .route("/new", get(new_room))
        .route("/people", get(find))
        .route("/people/{user}/card", get(card))
}

#[derive(Deserialize)]
struct Search<T> {
    #[serde(default)]
    q: String,
    after: Option<T>,
}

async fn browse(
    State(app): State<App>,
    Visitor(caller): Visitor,
    Query(search): Query<Search<RoomId>>,
) -> Result<Response> {
    let page = app.chat.public_rooms(&search.q, search.after, ROWS).await?;
    let mine: HashSet<RoomId> =
        app.chat.rooms_of(caller.user).await?.iter().map(|listing| listing.listed.room.id).collect();
    let next = page.items.last().filter(|_| page.more).map(|room| room.id.to_string());
    let rooms = page.items.into_iter().map(|room| PublicRoom {
        room: room.id.to_string(),
        joined: mine.contains(&room.id),
        picture: fragment::picture_of(&room.picture),
        name: room.name,
        topic: room.topic,
        members: room.members.into(),
    });
    let rooms = rooms.collect();
    let rail = fill::rail(&app, &caller, None).await?;
    show(&BrowsePage { frame: frame(&app), rail, q: search.q, rooms, next })
}

#[derive(Deserialize)]
struct Kind {
    kind: Option<String>,
}

async fn new_room(
    State(app): State<App>,
    Visitor(caller): Visitor,
    Query(Kind { kind }): Query<Kind>,
) -> Result<Response> {
    let kind = kind.filter(|kind| matches!(kind.as_str(), "public" | "voice" | "private" | "group"));
    let kind = kind.unwrap_or_else(|| "public".to_owned());
    show(&NewRoomPage { frame: frame(&app), rail: fill::rail(&app, &caller, None).await?, kind })
}

async fn find(
    State(app): State<App>,
    Visitor(caller): Visitor,
    Query(search): Query<Search<String>>,
) -> Result<Response> {
    let page = app.chat.find_people(&search.q, search.after.as_deref(), ROWS).await?;
    let next = page.items.last().filter(|_| page.more).map(|person| person.name.clone());
    let people = page.items.iter().map(|person| fill::person(&app, person)).collect();
    let rail = fill::rail(&app, &caller, None).await?;
    show(&FindPage { frame: frame(&app), rail, q: search.q, people, next })
}

async fn card(State(app): State<App>, caller: Caller, Path(user): Path<UserId>) -> Result<Response> {
    let person = app.chat.people().one(user).await?.ok_or_else(|| Error::new(Code::NotFound))?;
    show(&CardFragment {
        person: fill::person(&app, &person),
        me: user == caller.user,
        since_iso: Some(person.created.iso()),
    })
}
