//! `/api/rooms/{room}/pins`: what a room keeps in view. Pinning itself is a message's, see [`super::messages`].

use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::get,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    people::PersonBody,
    rooms::{MAX_ROWS, ROWS},
};
use crate::{
    app::App,
    chat::MessageFields,
    error::{Error, Result},
    model::{RoomId, Seq},
    web::{Caller, Json, Path, Query, answer::ErrorBody},
};

pub(super) fn router() -> Router<App> {
    Router::new().route("/api/rooms/{room}/pins", get(list))
}

/// Which of them.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Which {
    /// `next` of the page before.
    #[param(value_type = Option<u64>)]
    after: Option<Seq>,
    /// At most 100.
    limit: Option<usize>,
}

/// Pinned messages.
#[derive(Serialize, ToSchema)]
pub struct PinsBody<'a> {
    /// The newest first.
    #[schema(value_type = Vec<Object>)]
    messages: Vec<MessageFields<'a>>,
    /// Their authors, and whom they name.
    people: Vec<PersonBody>,
    /// To be sent as `after`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>)]
    next: Option<Seq>,
}

/// Pinned messages of a room, the newest first.
#[utoipa::path(
    get, path = "/api/rooms/{room}/pins", tag = "messages", params(("room" = uuid::Uuid, Path), Which),
    responses((status = 200, body = PinsBody), (status = "default", body = ErrorBody))
)]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    Path(room): Path<RoomId>,
    Query(which): Query<Which>,
) -> Result<Response> {
    let limit = which.limit.unwrap_or(ROWS);
    if !(1..=MAX_ROWS).contains(&limit) {
        return Err(Error::invalid("limit", format!("Expected 1 to {MAX_ROWS}; found {limit}.")));
    }
    let readable = app.chat.readable(caller.user, room).await?;
    let page = app.chat.pinned(&readable, which.after, limit).await?;
    let known = app.chat.people_of(&page.items.iter().collect::<Vec<_>>()).await?;
    let messages = page.items.iter().map(|message| MessageFields::of(message, &known)).collect();
    let mut people: Vec<PersonBody> = known.values().map(|person| person.as_ref().into()).collect();
    people.sort_by_key(PersonBody::id);
    let next = page.items.last().filter(|_| page.more).map(|message| message.seq);
    Ok(Json(PinsBody { messages, people, next }).into_response())
}
