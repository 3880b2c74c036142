//! Pictures of people and rooms.

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State, rejection::BytesRejection},
    routing::put,
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    app::App,
    chat::PictureFields,
    error::Result,
    files::MAX_FACE,
    model::{PictureId, RoomId, file::Pictured},
    web::{Caller, IdempotencyKey, Json, Path, answer::ErrorBody, extract::unread},
};

pub(super) fn router() -> Router<App> {
    Router::new()
        .route("/api/me/picture", put(set_mine).delete(drop_mine))
        .route("/api/rooms/{room}/picture", put(set_of_room).delete(drop_of_room))
        .layer(DefaultBodyLimit::max(MAX_FACE))
}

/// A picture of a person or a room, or none.
#[derive(Serialize, ToSchema)]
pub struct PictureBody {
    picture: Option<PictureFields>,
}

impl PictureBody {
    fn of(picture: Option<&PictureId>) -> Json<Self> {
        Json(Self { picture: picture.map(PictureFields::from) })
    }
}

/// Have another picture: a JPEG, PNG, GIF or WebP, of which the square in the middle is taken.
#[utoipa::path(
    put, path = "/api/me/picture", tag = "me", request_body(content = [u8], content_type = "image/*"),
    params(("Idempotency-Key" = String, Header, description = "Makes a repeat harmless")),
    responses((status = 200, body = PictureBody), (status = "default", body = ErrorBody))
)]
pub async fn set_mine(
    State(app): State<App>,
    caller: Caller,
    IdempotencyKey(nonce): IdempotencyKey,
    bytes: Result<Bytes, BytesRejection>,
) -> Result<Json<PictureBody>> {
    let bytes = bytes.map_err(unread)?;
    app.chat.may_write(caller.user)?;
    let before = app.accounts.me(&caller.login()).await?.picture;
    let made = app.files.make_face(Pictured::Person(caller.user), &nonce, bytes).await?;
    let set = app.accounts.set_picture(&caller.login(), &nonce, Some(made.clone())).await;
    let_go(&app, before, &made, set).await?;
    Ok(PictureBody::of(Some(&made)))
}

/// Have no picture any more.
#[utoipa::path(
    delete, path = "/api/me/picture", tag = "me",
    params(("Idempotency-Key" = String, Header, description = "Makes a repeat harmless")),
    responses((status = 200, body = PictureBody), (status = "default", body = ErrorBody))
)]
pub async fn drop_mine(
    State(app): State<App>,
    caller: Caller,
    IdempotencyKey(nonce): IdempotencyKey,
) -> Result<Json<PictureBody>> {
    let before = app.accounts.me(&caller.login()).await?.picture;
    app.accounts.set_picture(&caller.login(), &nonce, None).await?;
    if let Some(before) = before {
        app.files.drop_face(&before).await;
    }
    Ok(PictureBody::of(None))
}

/// Give a room another picture: a JPEG, PNG, GIF or WebP, of which the square in the middle is taken.
#[utoipa::path(
    put, path = "/api/rooms/{room}/picture", tag = "rooms", request_body(content = [u8], content_type = "image/*"),
    params(
        ("room" = uuid::Uuid, Path), ("Idempotency-Key" = String, Header, description = "Makes a repeat harmless")
    ),
    responses((status = 200, body = PictureBody), (status = "default", body = ErrorBody))
)]
pub async fn set_of_room(
    State(app): State<App>,
    caller: Caller,
    Path(room): Path<RoomId>,
    IdempotencyKey(nonce): IdempotencyKey,
    bytes: Result<Bytes, BytesRejection>,
) -> Result<Json<PictureBody>> {
    let bytes = bytes.map_err(unread)?;
    let before = app.chat.may_picture(caller.actor, room).await?;
    let made = app.files.make_face(Pictured::Room(room), &nonce, bytes).await?;
    let set = app.chat.set_picture(caller.actor, room, &nonce, Some(made.clone())).await.map(drop);
    let_go(&app, before, &made, set).await?;
    Ok(PictureBody::of(Some(&made)))
}

/// Take a room's picture away.
#[utoipa::path(
    delete, path = "/api/rooms/{room}/picture", tag = "rooms",
    params(
        ("room" = uuid::Uuid, Path), ("Idempotency-Key" = String, Header, description = "Makes a repeat harmless")
    ),
    responses((status = 200, body = PictureBody), (status = "default", body = ErrorBody))
)]
pub async fn drop_of_room(
    State(app): State<App>,
    caller: Caller,
    Path(room): Path<RoomId>,
    IdempotencyKey(nonce): IdempotencyKey,
) -> Result<Json<PictureBody>> {
    let before = app.chat.may_picture(caller.actor, room).await?;
    app.chat.set_picture(caller.actor, room, &nonce, None).await?;
    if let Some(before) = before {
        app.files.drop_face(&before).await;
    }
    Ok(PictureBody::of(None))
}

/// Lets go of the picture before, or of the one that was made when it was refused for good.
async fn let_go(app: &App, before: Option<PictureId>, made: &PictureId, set: Result<()>) -> Result<()> {
    let gone = match &set {
        Ok(()) => before.as_ref().filter(|before| *before != made),
        Err(error) => Some(made).filter(|_| !error.retry()),
    };
    if let Some(gone) = gone {
        app.files.drop_face(gone).await;
    }
    set
}
