//! `/api/me`: oneself.

use axum::{
    Router,
    extract::State,
    http::StatusCode,
    routing::{get, post, put},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::people::StatusBody;
use crate::{
    accounts::{Client, NewStatus, Password, Profile},
    app::App,
    chat::PictureFields,
    error::Error,
    model::{SessionId, Timestamp, UserId},
    web::{Caller, IdempotencyKey, Json, answer::ErrorBody},
};

pub(super) fn router() -> Router<App> {
    Router::new()
        .route("/api/me", get(me).patch(edit))
        .route("/api/me/status", put(set_status).delete(clear_status))
        .route("/api/me/password", post(change_password))
}

/// Oneself.
#[derive(Serialize, ToSchema)]
pub struct MeBody {
    /// The id.
    #[schema(value_type = uuid::Uuid)]
    user: UserId,
    /// The name to log in with and to be mentioned by.
    name: String,
    /// The name that others see.
    display: String,
    /// A few words about oneself.
    bio: String,
    /// One's picture.
    picture: Option<PictureFields>,
    /// What one says of the moment; absent when that is nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<StatusBody>,
    /// Whether one owns the server.
    owner: bool,
    /// The session that asks.
    #[schema(value_type = uuid::Uuid)]
    session: SessionId,
}

/// What to change of one's profile; what is absent stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProfileBody {
    /// The name that others see, 1 to 64 characters.
    display: Option<String>,
    /// A few words about oneself, at most 500 characters.
    bio: Option<String>,
}

/// What to say of the moment; with nothing in it, as if taken away.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewStatusBody {
    /// One emoji.
    emoji: Option<String>,
    /// At most 100 characters.
    #[serde(default)]
    text: String,
    /// Whether one doesn't want to be disturbed.
    #[serde(default)]
    busy: bool,
    /// When it is over, in milliseconds since 1970, at most a year from now.
    #[schema(value_type = Option<i64>)]
    until: Option<Timestamp>,
}

/// A change of one's password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordBody {
    /// The present one.
    current: String,
    /// 8 to 256 characters, hard to guess.
    new: String,
}

/// Who asks.
#[utoipa::path(
    get, path = "/api/me", tag = "me", responses((status = 200, body = MeBody), (status = "default", body = ErrorBody))
)]
pub async fn me(State(app): State<App>, caller: Caller) -> Result<Json<MeBody>, Error> {
    let person = app.accounts.me(&caller.login()).await?;
    let status = StatusBody::of(&person);
    let picture = person.picture.as_ref().map(PictureFields::from);
    let (name, display, bio) = (person.name, person.display, person.bio);
    let owner = caller.actor.owns_server;
    let (user, session) = (caller.user, caller.session);
    Ok(Json(MeBody { user, name, display, bio, picture, status, owner, session }))
}

/// Change one's profile.
#[utoipa::path(
    patch, path = "/api/me", tag = "me", request_body = ProfileBody,
    params(("Idempotency-Key" = String, Header, description = "Makes a repeat harmless")),
    responses((status = 200, body = MeBody), (status = "default", body = ErrorBody))
)]
pub async fn edit(
    State(app): State<App>,
    caller: Caller,
    key: IdempotencyKey,
    Json(body): Json<ProfileBody>,
) -> Result<Json<MeBody>, Error> {
    let display = body.display.map(|display| display.parse()).transpose()?;
    let bio = body.bio.map(|bio| bio.parse()).transpose()?;
    app.accounts.edit_profile(&caller.login(), &key.0, Profile { display, bio }).await?;
    me(State(app), caller).await
}

/// Say something of the moment.
#[utoipa::path(
    put, path = "/api/me/status", tag = "me", request_body = NewStatusBody,
    params(("Idempotency-Key" = String, Header, description = "Makes a repeat harmless")),
    responses((status = 200, body = MeBody), (status = "default", body = ErrorBody))
)]
pub async fn set_status(
    State(app): State<App>,
    caller: Caller,
    key: IdempotencyKey,
    Json(body): Json<NewStatusBody>,
) -> Result<Json<MeBody>, Error> {
    let NewStatusBody { emoji, text, busy, until } = body;
    let emoji = emoji.map(|emoji| emoji.parse()).transpose()?;
    let status = NewStatus { emoji, text: text.parse()?, busy, until };
    app.accounts.set_status(&caller.login(), &key.0, status).await?;
    me(State(app), caller).await
}

/// Say nothing of the moment any more.
#[utoipa::path(
    delete, path = "/api/me/status", tag = "me",
    params(("Idempotency-Key" = String, Header, description = "Makes a repeat harmless")),
    responses((status = 204), (status = "default", body = ErrorBody))
)]
pub async fn clear_status(
    State(app): State<App>,
    caller: Caller,
    key: IdempotencyKey,
) -> Result<StatusCode, Error> {
    app.accounts.clear_status(&caller.login(), &key.0).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Change one's password, and end all of one's other sessions.
#[utoipa::path(
    post, path = "/api/me/password", tag = "me", request_body = PasswordBody,
    responses((status = 204), (status = "default", body = ErrorBody))
)]
pub async fn change_password(
    State(app): State<App>,
    caller: Caller,
    client: Client,
    Json(body): Json<PasswordBody>,
) -> Result<StatusCode, Error> {
    let current = Password::typed("current", body.current)?;
    let new = Password::typed("new", body.new)?;
    app.accounts.change_password(&caller.login(), current, new, &client).await?;
    Ok(StatusCode::NO_CONTENT)
}
