//! `/api/calls`: the calls of one's rooms, and what pages need to link up.

use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::get,
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    app::App,
    calls::{IceServers, RosterFields},
    error::Result,
    web::{Caller, Json, answer::ErrorBody},
};

pub(super) fn router() -> Router<App> {
    Router::new().route("/api/calls", get(list)).route("/api/calls/ice", get(ice))
}

/// Calls that are going on.
#[derive(Serialize, ToSchema)]
pub struct CallsBody<'a> {
    calls: Vec<RosterFields<'a>>,
}

/// The calls that are going on in the rooms one is in.
#[utoipa::path(
    get, path = "/api/calls", tag = "calls",
    responses((status = 200, body = CallsBody), (status = "default", body = ErrorBody))
)]
pub async fn list(State(app): State<App>, caller: Caller) -> Result<Response> {
    let rooms = app.chat.rooms_of(caller.user).await?;
    let calls = app.calls.of(rooms.iter().map(|listing| listing.listed.room.id));
    let calls = calls.iter().map(|call| RosterFields::from(&**call)).collect();
    Ok(Json(CallsBody { calls }).into_response())
}

/// Servers by which a page finds ways to others, with names and proofs that are good for a while.
#[utoipa::path(
    get, path = "/api/calls/ice", tag = "calls",
    responses((status = 200, body = IceServers), (status = "default", body = ErrorBody))
)]
pub async fn ice(State(app): State<App>, caller: Caller) -> Result<Json<IceServers>> {
    Ok(Json(app.calls.ice(caller.user)))
}
