//! `/api/rooms/{room}/messages`: saying and reading things; read marks and drafts.

use axum::{
    Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post, put},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    people::PersonBody,
    rooms::{MAX_ROWS, ROWS},
};
use crate::{
    app::App,
    chat::{MessageFields, NewMessage, words},
    error::{Code, Error, Result},
    log::Span,
    model::{Done, FileId, Message, Rev, RoomId, Seq, Tag},
    web::{Caller, IdempotencyKey, Json, Path, Query, answer::ErrorBody},
};

pub(super) fn router() -> Router<App> {
    Router::new()
        .route("/api/rooms/{room}/messages", get(list).post(post_message))
        .route("/api/rooms/{room}/messages/{seq}", get(one).patch(edit).delete(delete))
        .route("/api/rooms/{room}/messages/{seq}/reactions/{emoji}", put(react).delete(unreact))
        .route("/api/rooms/{room}/messages/{seq}/pin", put(pin).delete(unpin))
        .route("/api/rooms/{room}/read", put(read))
        .route("/api/rooms/{room}/draft", get(draft).put(set_draft))
        .route("/api/rooms/{room}/typing", post(typing))
}

/// Which messages: those before, after or around one; the last where none is named.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Which {
    #[param(value_type = Option<u64>)]
    before: Option<Seq>,
    #[param(value_type = Option<u64>)]
    after: Option<Seq>,
    #[param(value_type = Option<u64>)]
    around: Option<Seq>,
    /// At most 100.
    limit: Option<usize>,
}

/// Messages of a room.
#[derive(Serialize, ToSchema)]
pub struct MessagesBody<'a> {
    #[schema(value_type = u64)]
    rev: Rev,
    #[schema(value_type = String)]
    tag: Tag,
    /// The room's last message.
    #[schema(value_type = u64)]
    seq: Seq,
    #[schema(value_type = Vec<Object>)]
    messages: Vec<MessageFields<'a>>,
    /// Their authors.
    people: Vec<PersonBody>,
}

/// Something to say.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PostBody {
    /// Markdown, 1 to 4,000 characters; may be empty or absent where there are files.
    #[serde(default)]
    text: String,
    /// The message it answers.
    #[schema(value_type = Option<u64>)]
    reply_to: Option<Seq>,
    /// One's own uploaded files that come with it, at most 10.
    #[serde(default)]
    #[schema(value_type = Vec<uuid::Uuid>)]
    files: Vec<FileId>,
}

/// New words for one's own message.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EditBody {
    /// Markdown, 1 to 4,000 characters; may be empty where there are files.
    text: String,
    /// Rev of the text that it is based on.
    #[schema(value_type = u64)]
    base: Rev,
}

/// A change that is stored.
#[derive(Serialize, ToSchema)]
pub struct DoneBody {
    /// Absent when nothing had to change.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>)]
    rev: Option<Rev>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    tag: Option<Tag>,
    #[schema(value_type = u64)]
    seq: Seq,
}

impl DoneBody {
    fn new(done: Done, seq: Seq) -> Json<Self> {
        Json(Self { rev: done.rev, tag: done.tag, seq: done.seq.unwrap_or(seq) })
    }
}

/// The last message that was read.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReadBody {
    #[schema(value_type = u64)]
    seq: Seq,
}

/// Where reading stands.
#[derive(Serialize, ToSchema)]
pub struct ReadState {
    #[schema(value_type = u64)]
    read: Seq,
    mentions: u32,
}

/// An unsent text.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DraftBody {
    /// At most 4,000 characters; may be empty.
    text: String,
}

/// Messages of a room.
#[utoipa::path(
    get, path = "/api/rooms/{room}/messages", tag = "messages", params(("room" = uuid::Uuid, Path), Which),
    responses((status = 200, body = MessagesBody), (status = "default", body = ErrorBody))
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
    let span = match (which.before, which.after, which.around) {
        (None, None, None) => Span::Last,
        (Some(seq), None, None) => Span::Before(seq),
        (None, Some(seq), None) => Span::After(seq),
        (None, None, Some(seq)) => Span::Around(seq),
        _ => return Err(Error::malformed("Name at most one of before, after and around.")),
    };
    let readable = app.chat.readable(caller.user, room).await?;
    let timeline = app.chat.timeline(&readable, span, limit).await?;
    let people = app.chat.people_of(&timeline.messages.iter().collect::<Vec<_>>()).await?;
    let messages = timeline.messages.iter().map(|message| MessageFields::of(message, &people)).collect();
    let mut people: Vec<PersonBody> = people.values().map(|person| person.as_ref().into()).collect();
    people.sort_by_key(PersonBody::id);
    let (rev, tag, seq) = (timeline.head.rev, timeline.head.tag, timeline.room.seq);
    Ok(Json(MessagesBody { rev, tag, seq, messages, people }).into_response())
}

/// One message.
#[utoipa::path(
    get, path = "/api/rooms/{room}/messages/{seq}", tag = "messages",
    params(("room" = uuid::Uuid, Path), ("seq" = u64, Path)),
    responses((status = 200, body = Object), (status = "default", body = ErrorBody))
)]
pub async fn one(
    State(app): State<App>,
    caller: Caller,
    Path((room, seq)): Path<(RoomId, Seq)>,
) -> Result<Response> {
    let readable = app.chat.readable(caller.user, room).await?;
    let message: Option<Message> = app.chat.messages_at(&readable, &[seq]).await?.pop();
    let message = message.ok_or_else(|| Error::new(Code::NotFound))?;
    let people = app.chat.people_of(&[&message]).await?;
    Ok(Json(MessageFields::of(&message, &people)).into_response())
}

/// Say something.
#[utoipa::path(
    post, path = "/api/rooms/{room}/messages", tag = "messages", request_body = PostBody,
    params(
        ("room" = uuid::Uuid, Path), ("Idempotency-Key" = String, Header, description = "Makes a repeat harmless")
    ),
    responses((status = 201, body = DoneBody), (status = "default", body = ErrorBody))
)]
pub async fn post_message(
    State(app): State<App>,
    caller: Caller,
    Path(room): Path<RoomId>,
    IdempotencyKey(nonce): IdempotencyKey,
    Json(body): Json<PostBody>,
) -> Result<(StatusCode, Json<DoneBody>)> {
    let new = NewMessage::new(&body.text, body.reply_to, body.files)?;
    let done = app.chat.post(caller.actor, room, &nonce, new).await?.await?;
    Ok((StatusCode::CREATED, DoneBody::new(done, Seq::default())))
}

/// Replace the words of one's own message.
#[utoipa::path(
    patch, path = "/api/rooms/{room}/messages/{seq}", tag = "messages", request_body = EditBody,
    params(
        ("room" = uuid::Uuid, Path), ("seq" = u64, Path),
        ("Idempotency-Key" = String, Header, description = "Makes a repeat harmless")
    ),
    responses((status = 200, body = DoneBody), (status = "default", body = ErrorBody))
)]
pub async fn edit(
    State(app): State<App>,
    caller: Caller,
    Path((room, seq)): Path<(RoomId, Seq)>,
    IdempotencyKey(nonce): IdempotencyKey,
    Json(body): Json<EditBody>,
) -> Result<Json<DoneBody>> {
    let text = words(&body.text)?;
    let done = app.chat.edit(caller.actor, room, &nonce, seq, body.base, text).await?.await?;
    Ok(DoneBody::new(done, seq))
}

/// Take a message back.
#[utoipa::path(
    delete, path = "/api/rooms/{room}/messages/{seq}", tag = "messages",
    params(
        ("room" = uuid::Uuid, Path), ("seq" = u64, Path),
        ("Idempotency-Key" = String, Header, description = "Makes a repeat harmless")
    ),
    responses((status = 200, body = DoneBody), (status = "default", body = ErrorBody))
)]
pub async fn delete(
    State(app): State<App>,
    caller: Caller,
    Path((room, seq)): Path<(RoomId, Seq)>,
    IdempotencyKey(nonce): IdempotencyKey,
) -> Result<Json<DoneBody>> {
    Ok(DoneBody::new(app.chat.delete(caller.actor, room, &nonce, seq).await?.await?, seq))
}

/// Add one's reaction.
#[utoipa::path(
    put, path = "/api/rooms/{room}/messages/{seq}/reactions/{emoji}", tag = "messages",
    params(
        ("room" = uuid::Uuid, Path), ("seq" = u64, Path), ("emoji" = String, Path),
        ("Idempotency-Key" = String, Header, description = "Makes a repeat harmless")
    ),
    responses((status = 200, body = DoneBody), (status = "default", body = ErrorBody))
)]
pub async fn react(
    State(app): State<App>,
    caller: Caller,
    Path((room, seq, emoji)): Path<(RoomId, Seq, String)>,
    IdempotencyKey(nonce): IdempotencyKey,
) -> Result<Json<DoneBody>> {
    Ok(DoneBody::new(
        app.chat.react(caller.actor, room, &nonce, seq, emoji.parse()?, true).await?.await?,
        seq,
    ))
}

/// Remove one's reaction.
#[utoipa::path(
    delete, path = "/api/rooms/{room}/messages/{seq}/reactions/{emoji}", tag = "messages",
    params(
        ("room" = uuid::Uuid, Path), ("seq" = u64, Path), ("emoji" = String, Path),
        ("Idempotency-Key" = String, Header, description = "Makes a repeat harmless")
    ),
    responses((status = 200, body = DoneBody), (status = "default", body = ErrorBody))
)]
pub async fn unreact(
    State(app): State<App>,
    caller: Caller,
    Path((room, seq, emoji)): Path<(RoomId, Seq, String)>,
    IdempotencyKey(nonce): IdempotencyKey,
) -> Result<Json<DoneBody>> {
    Ok(DoneBody::new(
        app.chat.react(caller.actor, room, &nonce, seq, emoji.parse()?, false).await?.await?,
        seq,
    ))
}

/// Pin a message.
#[utoipa::path(
    put, path = "/api/rooms/{room}/messages/{seq}/pin", tag = "messages",
    params(
        ("room" = uuid::Uuid, Path), ("seq" = u64, Path),
        ("Idempotency-Key" = String, Header, description = "Makes a repeat harmless")
    ),
    responses((status = 200, body = DoneBody), (status = "default", body = ErrorBody))
)]
pub async fn pin(
    State(app): State<App>,
    caller: Caller,
    Path((room, seq)): Path<(RoomId, Seq)>,
    IdempotencyKey(nonce): IdempotencyKey,
) -> Result<Json<DoneBody>> {
    Ok(DoneBody::new(app.chat.pin(caller.actor, room, &nonce, seq, true).await?.await?, seq))
}

/// Unpin a message.
#[utoipa::path(
    delete, path = "/api/rooms/{room}/messages/{seq}/pin", tag = "messages",
    params(
        ("room" = uuid::Uuid, Path), ("seq" = u64, Path),
        ("Idempotency-Key" = String, Header, description = "Makes a repeat harmless")
    ),
    responses((status = 200, body = DoneBody), (status = "default", body = ErrorBody))
)]
pub async fn unpin(
    State(app): State<App>,
    caller: Caller,
    Path((room, seq)): Path<(RoomId, Seq)>,
    IdempotencyKey(nonce): IdempotencyKey,
) -> Result<Json<DoneBody>> {
    Ok(DoneBody::new(app.chat.pin(caller.actor, room, &nonce, seq, false).await?.await?, seq))
}

/// Move one's read mark forward.
#[utoipa::path(
    put, path = "/api/rooms/{room}/read", tag = "messages", request_body = ReadBody,
    params(
        ("room" = uuid::Uuid, Path), ("Idempotency-Key" = String, Header, description = "Makes a repeat harmless")
    ),
    responses((status = 200, body = ReadState), (status = "default", body = ErrorBody))
)]
pub async fn read(
    State(app): State<App>,
    caller: Caller,
    Path(room): Path<RoomId>,
    IdempotencyKey(nonce): IdempotencyKey,
    Json(ReadBody { seq }): Json<ReadBody>,
) -> Result<Json<ReadState>> {
    app.chat.read(caller.actor, room, &nonce, seq).await?;
    let listing = app.chat.room_of(caller.user, room).await?.ok_or_else(|| Error::new(Code::NotFound))?;
    Ok(Json(ReadState { read: listing.listed.read, mentions: listing.listed.mentions }))
}

/// One's unsent text in a room.
#[utoipa::path(
    get, path = "/api/rooms/{room}/draft", tag = "messages", params(("room" = uuid::Uuid, Path)),
    responses((status = 200, body = DraftBody), (status = "default", body = ErrorBody))
)]
pub async fn draft(
    State(app): State<App>,
    caller: Caller,
    Path(room): Path<RoomId>,
) -> Result<Json<DraftBody>> {
    app.chat.readable(caller.user, room).await?;
    let drafts = app.store.drafts(caller.user).await?;
    let text = drafts.into_iter().find(|(of, _)| *of == room).map(|(_, text)| text);
    Ok(Json(DraftBody { text: text.unwrap_or_default() }))
}

/// Keep an unsent text for all of one's devices.
#[utoipa::path(
    put, path = "/api/rooms/{room}/draft", tag = "messages", request_body = DraftBody,
    params(
        ("room" = uuid::Uuid, Path), ("Idempotency-Key" = String, Header, description = "Makes a repeat harmless")
    ),
    responses((status = 200, body = DraftBody), (status = "default", body = ErrorBody))
)]
pub async fn set_draft(
    State(app): State<App>,
    caller: Caller,
    Path(room): Path<RoomId>,
    IdempotencyKey(nonce): IdempotencyKey,
    Json(DraftBody { text }): Json<DraftBody>,
) -> Result<Json<DraftBody>> {
    app.chat.draft(caller.actor, room, &nonce, text.parse()?).await?;
    Ok(Json(DraftBody { text }))
}

/// Tell a room that one writes.
#[utoipa::path(
    post, path = "/api/rooms/{room}/typing", tag = "messages", params(("room" = uuid::Uuid, Path)),
    responses((status = 204), (status = "default", body = ErrorBody))
)]
pub async fn typing(State(app): State<App>, caller: Caller, Path(room): Path<RoomId>) -> Result<StatusCode> {
    if app.chat.readable(caller.user, room).await?.member.is_some() {
        app.hub.typing(room, caller.user);
    }
    Ok(StatusCode::NO_CONTENT)
}
