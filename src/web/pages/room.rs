//! A room on show: the whole page, and the fragments by which it changes.

use std::sync::Arc;

use askama::Template;
use axum::{
    Extension, Router,
    extract::State,
    http::{HeaderMap, header},
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use serde::Deserialize;

use super::{
    Visitor, fill, frame,
    kept::{Kept, MESSAGES, Opened},
    packed,
    pieces::{ICONS, Pieces, Shared, TOOLS},
    roster::Shown,
    show,
};
use crate::{
    app::App,
    chat::Readable,
    error::{Error, Result},
    log::Span,
    model::{RoomId, Seq, UserId},
    web::{
        Caller, Path, Query, fragment,
        views::{
            HistoryFragment, PeopleFragment, PinsFragment, RailFragment, RoomFragment, RoomPage,
            RoomSettingsPage, RoomView, mark,
        },
    },
};

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
        .route("/rooms/{room}/pins", get(pins))
        .route("/rooms/{room}/settings", get(settings))
        .layer(Extension(Kept::default()))
}

#[derive(Deserialize)]
struct At {
    at: Option<Seq>,
}

impl At {
    async fn open(&self, app: &App, kept: &Kept, readable: &Readable) -> Result<Arc<Opened>> {
        match self.at {
            Some(seq) => Ok(Arc::new(Opened::at(app, readable, Span::Around(seq), MESSAGES).await?)),
            None => kept.last(app, readable).await,
        }
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
    Extension(kept): Extension<Kept>,
    Visitor(caller): Visitor,
    Path(room): Path<RoomId>,
    Query(at): Query<At>,
    headers: HeaderMap,
) -> Result<Response> {
    let readable = app.chat.readable(caller.user, room).await?;
    let opened = at.open(&app, &kept, &readable).await?;
    let mine = app.chat.rooms_of(caller.user).await?;
    let place = mine.iter().find(|listing| listing.listed.room.id == room);
    let page = RoomPage {
        frame: frame(&app),
        rail: fill::rail_of(&app, &caller, Some(room), &mine).await?,
        room: fill::room(&app, &caller, &readable, &opened, place, at.at).await?,
    };
    let people = opened.roster.show(&app)?;
    let mut shared = vec![(mark::ICONS, &*ICONS)];
    shared.extend(shared_of(&page.room, &opened, &people));
    show_pieces(&page, &shared, &headers)
}

async fn view(
    State(app): State<App>,
    Extension(kept): Extension<Kept>,
    caller: Caller,
    Path(room): Path<RoomId>,
    Query(at): Query<At>,
    headers: HeaderMap,
) -> Result<Response> {
    let readable = app.chat.readable(caller.user, room).await?;
    let opened = at.open(&app, &kept, &readable).await?;
    let place = app.chat.room_of(caller.user, room).await?;
    let fragment =
        RoomFragment { room: fill::room(&app, &caller, &readable, &opened, place.as_ref(), at.at).await? };
    let people = opened.roster.show(&app)?;
    show_pieces(&fragment, &shared_of(&fragment.room, &opened, &people), &headers)
}

/// What of a room on show is the same for many, in the order of the template.
fn shared_of<'a>(room: &RoomView, opened: &'a Opened, people: &'a Shown) -> Vec<(&'static str, &'a Shared)> {
    let mut shared = vec![(mark::MESSAGES, &opened.messages)];
    shared.extend(room.writable().then_some((mark::TOOLS, &*TOOLS)));
    shared.push((mark::PEOPLE, &people.markup));
    shared
}

/// Shows what holds pieces that many are shown, compressed where that is wanted.
fn show_pieces(
    template: &impl Template,
    shared: &[(&str, &Shared)],
    headers: &HeaderMap,
) -> Result<Response> {
    let own = template.render().map_err(Error::internal)?;
    let pieces = Pieces::new(&own, shared)?;
    let told = [(header::CACHE_CONTROL, "no-store"), (header::CONTENT_TYPE, "text/html; charset=utf-8")];
    if !packed::is_wanted(headers) {
        return Ok((told, pieces.text()).into_response());
    }
    let how = [(header::CONTENT_ENCODING, "gzip"), (header::VARY, "accept-encoding")];
    Ok((told, how, pieces.packed()).into_response())
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
    show(&PeopleFragment { people: fill::roster(&app, &readable, after).await?.view(&app) })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Before {
    after: Option<Seq>,
}

async fn pins(
    State(app): State<App>,
    caller: Caller,
    Path(room): Path<RoomId>,
    Query(Before { after }): Query<Before>,
) -> Result<Response> {
    let readable = app.chat.readable(caller.user, room).await?;
    let page = app.chat.pinned(&readable, after, fill::PINS).await?;
    let next = page.items.last().filter(|_| page.more).map(|message| message.seq.0);
    let messages = fragment::views(&app.chat, &page.items).await?;
    show(&PinsFragment { messages, joined: readable.member.is_some(), next })
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
    let opened = Opened::at(&app, &readable, Span::Last, 1).await?;
    let place = app.chat.room_of(caller.user, room).await?;
    show(&RoomSettingsPage {
        frame: frame(&app),
        rail: fill::rail(&app, &caller, Some(room)).await?,
        room: fill::room(&app, &caller, &readable, &opened, place.as_ref(), None).await?,
        people: opened.roster.view(&app),
    })
}
