//! A room on show: the whole page, and the fragments by which it changes.

use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use serde::Deserialize;

use super::{Visitor, fill, frame, show};
use crate::{
    app::App,
    error::{Error, Result},
    log::Span,
    model::{RoomId, Seq, UserId},
    web::{
        Caller, Path, Query,
        views::{HistoryFragment, PeopleFragment, RailFragment, RoomFragment, RoomPage, RoomSettingsPage},
    },
};

/// Messages that come with a room.
const FIRST: usize = 100;
/// Messages that come with each further look.
const MORE: usize = 50;

pub(super) fn router() -> Router<App> {
    Router::new()
        .route("/", get(home))
        .route("/rail", get(rail))
        .route("/rooms/{room}", get(page))
        .route("/rooms/{room}/view", get(view))
        .route("/rooms/{room}/messages", get(messages))
        .route("/rooms/{room}/people", get(people))
        .route("/rooms/{room}/settings", get(settings))
}

#[derive(Deserialize)]
struct At {
    at: Option<Seq>,
}

impl At {
    fn span(&self) -> Span {
        self.at.map_or(Span::Last, Span::Around)
    }
}

/// To where something happened last.
async fn home(State(app): State<App>, Visitor(caller): Visitor) -> Result<Response> {
    let rooms = app.chat.rooms_of(caller.user).await?;
    Ok(match rooms.first() {
        Some(listing) => Redirect::to(&format!("/rooms/{}", listing.listed.room.id)),
        None => Redirect::to("/browse"),
    }
    .into_response())
}

async fn page(
    State(app): State<App>,
    Visitor(caller): Visitor,
    Path(room): Path<RoomId>,
    Query(at): Query<At>,
) -> Result<Response> {
    let readable = app.chat.readable(caller.user, room).await?;
    show(&RoomPage {
        frame: frame(&app),
        rail: fill::rail(&app, &caller, Some(room)).await?,
        room: fill::room(&app, &caller, &readable, at.span(), FIRST).await?,
        people: fill::people(&app, &readable, None).await?,
    })
}

async fn view(
    State(app): State<App>,
    caller: Caller,
    Path(room): Path<RoomId>,
    Query(at): Query<At>,
) -> Result<Response> {
    let readable = app.chat.readable(caller.user, room).await?;
    show(&RoomFragment {
        room: fill::room(&app, &caller, &readable, at.span(), FIRST).await?,
        people: fill::people(&app, &readable, None).await?,
    })
}

/// Which further messages; exactly one of them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Further {
    before: Option<Seq>,
    after: Option<Seq>,
    around: Option<Seq>,
}

async fn messages(
    State(app): State<App>,
    caller: Caller,
    Path(room): Path<RoomId>,
    Query(further): Query<Further>,
) -> Result<Response> {
    let span = match further {
        Further { before: Some(seq), after: None, around: None } => Span::Before(seq),
        Further { before: None, after: Some(seq), around: None } => Span::After(seq),
        Further { before: None, after: None, around: Some(seq) } => Span::Around(seq),
        _ => return Err(Error::malformed("Name one of before, after and around.")),
    };
    let readable = app.chat.readable(caller.user, room).await?;
    let timeline = app.chat.timeline(&readable, span, MORE).await?;
    show(&HistoryFragment { history: fill::history(&app, &timeline).await? })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct After {
    after: Option<UserId>,
}

async fn people(
    State(app): State<App>,
    caller: Caller,
    Path(room): Path<RoomId>,
    Query(After { after }): Query<After>,
) -> Result<Response> {
    let readable = app.chat.readable(caller.user, room).await?;
    show(&PeopleFragment { people: fill::people(&app, &readable, after).await? })
}

#[derive(Deserialize)]
struct Current {
    current: Option<RoomId>,
}

async fn rail(State(app): State<App>, caller: Caller, Query(query): Query<Current>) -> Result<Response> {
    show(&RailFragment { rail: fill::rail(&app, &caller, query.current).await? })
}

async fn settings(
    State(app): State<App>,
    Visitor(caller): Visitor,
    Path(room): Path<RoomId>,
) -> Result<Response> {
    let readable = app.chat.readable(caller.user, room).await?;
    show(&RoomSettingsPage {
        frame: frame(&app),
        rail: fill::rail(&app, &caller, Some(room)).await?,
        room: fill::room(&app, &caller, &readable, Span::Last, 1).await?,
        people: fill::people(&app, &readable, None).await?,
    })
}
