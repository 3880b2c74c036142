//! `/api/sessions`: where one is logged in.

use axum::{
    Router,
    extract::State,
    http::StatusCode,
    routing::{delete, get},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    app::App,
    error::Error,
    model::{SessionId, Timestamp, account::SessionKind},
    web::{Caller, Json, Path, answer::ErrorBody},
};

pub(super) fn router() -> Router<App> {
    Router::new()
        .route("/api/sessions", get(list).delete(end_others))
        .route("/api/sessions/{session}", delete(end))
}

/// Where one is logged in.
#[derive(Serialize, ToSchema)]
pub struct SessionsBody {
    /// The last used first.
    sessions: Vec<SessionBody>,
}

/// A login of a browser or a program.
#[derive(Serialize, ToSchema)]
pub struct SessionBody {
    /// By which it is ended.
    #[schema(value_type = uuid::Uuid)]
    id: SessionId,
    /// `browser` or `program`.
    #[schema(value_type = String)]
    kind: SessionKind,
    /// What the client called itself.
    agent: String,
    /// When it began, in milliseconds since 1970.
    #[schema(value_type = i64)]
    created: Timestamp,
    /// When it was last used, to within a few minutes.
    #[schema(value_type = i64)]
    seen: Timestamp,
    /// Whether it is the one that asks.
    current: bool,
}

/// All of one's sessions.
#[utoipa::path(
    get, path = "/api/sessions", tag = "sessions",
    responses((status = 200, body = SessionsBody), (status = "default", body = ErrorBody))
)]
pub async fn list(State(app): State<App>, caller: Caller) -> Result<Json<SessionsBody>, Error> {
    let sessions = app.accounts.sessions(caller.user).await?.into_iter();
    let sessions = sessions.map(|session| SessionBody {
        id: session.id,
        kind: session.kind,
        agent: session.agent,
        created: session.created,
        seen: session.seen,
        current: session.id == caller.session,
    });
    Ok(Json(SessionsBody { sessions: sessions.collect() }))
}

/// End one of one's sessions; its sockets close.
#[utoipa::path(
    delete, path = "/api/sessions/{session}", tag = "sessions",
    params(("session" = String, Path, description = "Its id")),
    responses((status = 204), (status = "default", body = ErrorBody))
)]
pub async fn end(
    State(app): State<App>,
    caller: Caller,
    Path(session): Path<SessionId>,
) -> Result<StatusCode, Error> {
    app.accounts.end_own(caller.user, session).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// End all of one's sessions but this one.
#[utoipa::path(
    delete, path = "/api/sessions", tag = "sessions",
    responses((status = 204), (status = "default", body = ErrorBody))
)]
pub async fn end_others(State(app): State<App>, caller: Caller) -> Result<StatusCode, Error> {
    app.accounts.end_others(caller.user, caller.session).await?;
    Ok(StatusCode::NO_CONTENT)
}
