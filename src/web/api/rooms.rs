//! `/api/rooms`: rooms and their people.

use axum::{
    Router,
    extract::State,
    http::StatusCode,
    routing::{get, patch, post},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::people::PersonBody;
use crate::{
    app::App,
    chat::{NewRoom, PictureFields},
    error::{Code, Error, Result},
    log::Listing,
    model::{Head, Rev, Role, Room, RoomId, RoomKind, Seq, Tag, UserId},
    web::{Caller, IdempotencyKey, Json, Path, Query, answer::ErrorBody},
};

/// Rows of a list, where the request doesn't say.
pub(super) const ROWS: usize = 50;
/// The most rows of a list.
pub(super) const MAX_ROWS: usize = 100;

pub(super) fn router() -> Router<App> {
    Router::new()
        .route("/api/rooms", get(mine).post(create))
        .route("/api/rooms/public", get(public))
        .route("/api/rooms/{room}", get(one).patch(change))
        .route("/api/rooms/{room}/join", post(join))
        .route("/api/rooms/{room}/leave", post(leave))
        .route("/api/rooms/{room}/members", get(members).post(add))
        .route("/api/rooms/{room}/members/{user}", patch(set_role).delete(remove))
}

/// A room, as one person sees it.
#[derive(Serialize, ToSchema)]
pub struct RoomBody {
    #[schema(value_type = uuid::Uuid)]
    room: RoomId,
    #[schema(value_type = String, example = "public")]
    kind: RoomKind,
    /// Empty for direct messages, and for groups that nobody named.
    name: String,
    topic: String,
    /// How many members it has.
    members: u32,
    /// Its picture.
    picture: Option<PictureFields>,
    /// `owner` or `member`; null for somebody who isn't in it.
    #[schema(value_type = Option<String>)]
    role: Option<Role>,
    #[schema(value_type = u64)]
    rev: Rev,
    #[schema(value_type = String)]
    tag: Tag,
    /// Its last message.
    #[schema(value_type = u64)]
    seq: Seq,
    /// The last one that was read.
    #[schema(value_type = u64)]
    read: Seq,
    /// Unread ones that mention this person.
    mentions: u32,
    /// The people of direct and group messages.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<uuid::Uuid>)]
    people: Vec<UserId>,
}

impl RoomBody {
    fn new(room: Room, head: Head, role: Option<Role>, read: Seq, mentions: u32) -> Self {
        Self {
            room: room.id,
            kind: room.kind,
            name: room.name,
            topic: room.topic,
            members: room.members,
            picture: room.picture.as_ref().map(PictureFields::from),
            role,
            rev: head.rev,
            tag: head.tag,
            seq: room.seq,
            read,
            mentions,
            people: room.people,
        }
    }
}

impl From<Listing> for RoomBody {
    fn from(Listing { head, listed }: Listing) -> Self {
        Self::new(listed.room, head, listed.member.role, listed.read, listed.mentions)
    }
}

/// Rooms of one person.
#[derive(Serialize, ToSchema)]
pub struct RoomsBody {
    rooms: Vec<RoomBody>,
}

/// A public room in the list of all.
#[derive(Serialize, ToSchema)]
pub struct PublicRoomBody {
    #[schema(value_type = uuid::Uuid)]
    room: RoomId,
    name: String,
    topic: String,
    members: u32,
    /// Whether the one who asks is in it.
    joined: bool,
    /// Its picture.
    picture: Option<PictureFields>,
}

/// Public rooms.
#[derive(Serialize, ToSchema)]
pub struct PublicRoomsBody {
    rooms: Vec<PublicRoomBody>,
    /// To be sent as `after`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<uuid::Uuid>)]
    next: Option<RoomId>,
}

/// A room to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRoomBody {
    #[schema(value_type = String, example = "public")]
    kind: RoomKind,
    /// 1 to 80 characters; public and private rooms need one.
    name: Option<String>,
    /// At most 250 characters.
    topic: Option<String>,
    /// Others who are in it from the start; exactly one for direct messages.
    #[serde(default)]
    #[schema(value_type = Vec<uuid::Uuid>)]
    people: Vec<UserId>,
}

/// What to change of a room: one of them.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RoomChangeBody {
    name: Option<String>,
    topic: Option<String>,
}

/// A person.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UserBody {
    #[schema(value_type = uuid::Uuid)]
    user: UserId,
}

/// A role.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RoleBody {
    /// `owner` or `member`.
    #[schema(value_type = String)]
    role: Role,
}

/// A member of a room.
#[derive(Serialize, ToSchema)]
pub struct MemberBody {
    #[serde(flatten)]
    person: PersonBody,
    #[schema(value_type = String)]
    role: Role,
}

/// Members of a room.
#[derive(Serialize, ToSchema)]
pub struct MembersBody {
    members: Vec<MemberBody>,
    /// To be sent as `after`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<uuid::Uuid>)]
    next: Option<UserId>,
}

/// Which rows of a list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Rows {
    /// What names must hold.
    #[serde(default)]
    pub(super) q: String,
    /// `next` of the page before.
    pub(super) after: Option<String>,
    /// At most 100.
    pub(super) limit: Option<usize>,
}

impl Rows {
    pub(super) fn limit(&self) -> Result<usize> {
        match self.limit {
            Some(0) => Err(Error::invalid("limit", format!("Expected 1 to {MAX_ROWS}; found 0."))),
            Some(limit) if limit > MAX_ROWS => {
                Err(Error::invalid("limit", format!("Expected 1 to {MAX_ROWS}; found {limit}.")))
            }
            limit => Ok(limit.unwrap_or(ROWS)),
        }
    }

    pub(super) fn after<T: std::str::FromStr>(&self) -> Result<Option<T>> {
        let after = self.after.as_deref().map(str::parse).transpose();
        after.map_err(|_| Error::invalid("after", "Expected what a page gave as next."))
    }
}

/// The rooms one is in.
#[utoipa::path(
    get, path = "/api/rooms", tag = "rooms",
    responses((status = 200, body = RoomsBody), (status = "default", body = ErrorBody))
)]
pub async fn mine(State(app): State<App>, caller: Caller) -> Result<Json<RoomsBody>> {
    let rooms = app.chat.rooms_of(caller.user).await?;
    Ok(Json(RoomsBody { rooms: rooms.into_iter().map(RoomBody::from).collect() }))
}

/// Public rooms, by name.
#[utoipa::path(
    get, path = "/api/rooms/public", tag = "rooms", params(Rows),
    responses((status = 200, body = PublicRoomsBody), (status = "default", body = ErrorBody))
)]
pub async fn public(
    State(app): State<App>,
    caller: Caller,
    Query(rows): Query<Rows>,
) -> Result<Json<PublicRoomsBody>> {
    let page = app.chat.public_rooms(&rows.q, rows.after()?, rows.limit()?).await?;
    let mine = app.chat.rooms_of(caller.user).await?;
    let next = page.items.last().filter(|_| page.more).map(|room| room.id);
    let rooms = page.items.into_iter().map(|room| PublicRoomBody {
        joined: mine.iter().any(|listing| listing.listed.room.id == room.id),
        picture: room.picture.as_ref().map(PictureFields::from),
        room: room.id,
        name: room.name,
        topic: room.topic,
        members: room.members,
    });
    Ok(Json(PublicRoomsBody { rooms: rooms.collect(), next }))
}

/// Make a room, or find the direct messages that are there already.
#[utoipa::path(
    post, path = "/api/rooms", tag = "rooms", request_body = NewRoomBody,
    params(("Idempotency-Key" = String, Header, description = "Makes a repeat harmless")),
    responses(
        (status = 201, body = RoomBody), (status = 200, body = RoomBody, description = "It was there already"),
        (status = "default", body = ErrorBody)
    )
)]
pub async fn create(
    State(app): State<App>,
    caller: Caller,
    IdempotencyKey(nonce): IdempotencyKey,
    Json(body): Json<NewRoomBody>,
) -> Result<(StatusCode, Json<RoomBody>)> {
    let new = NewRoom {
        kind: body.kind,
        name: body.name.map(|name| name.parse()).transpose()?,
        topic: body.topic.map(|topic| topic.parse()).transpose()?,
        people: body.people,
    };
    let (room, is_new) = app.chat.create(caller.actor, &nonce, new).await?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(body_of(&app, &caller, room).await?)))
}

/// A room.
#[utoipa::path(
    get, path = "/api/rooms/{room}", tag = "rooms", params(("room" = uuid::Uuid, Path)),
    responses((status = 200, body = RoomBody), (status = "default", body = ErrorBody))
)]
pub async fn one(State(app): State<App>, caller: Caller, Path(room): Path<RoomId>) -> Result<Json<RoomBody>> {
    Ok(Json(body_of(&app, &caller, room).await?))
}

/// Give a room another name or topic.
#[utoipa::path(
    patch, path = "/api/rooms/{room}", tag = "rooms", request_body = RoomChangeBody,
    params(
        ("room" = uuid::Uuid, Path), ("Idempotency-Key" = String, Header, description = "Makes a repeat harmless")
    ),
    responses((status = 200, body = RoomBody), (status = "default", body = ErrorBody))
)]
pub async fn change(
    State(app): State<App>,
    caller: Caller,
    Path(room): Path<RoomId>,
    IdempotencyKey(nonce): IdempotencyKey,
    Json(body): Json<RoomChangeBody>,
) -> Result<Json<RoomBody>> {
    match body {
        RoomChangeBody { name: Some(name), topic: None } => {
            app.chat.rename(caller.actor, room, &nonce, name.parse()?).await?
        }
        RoomChangeBody { name: None, topic: Some(topic) } => {
            app.chat.set_topic(caller.actor, room, &nonce, topic.parse()?).await?
        }
        _ => return Err(Error::malformed("Name either name or topic.")),
    };
    Ok(Json(body_of(&app, &caller, room).await?))
}

/// Join a public room.
#[utoipa::path(
    post, path = "/api/rooms/{room}/join", tag = "rooms",
    params(
        ("room" = uuid::Uuid, Path), ("Idempotency-Key" = String, Header, description = "Makes a repeat harmless")
    ),
    responses((status = 200, body = RoomBody), (status = "default", body = ErrorBody))
)]
pub async fn join(
    State(app): State<App>,
    caller: Caller,
    Path(room): Path<RoomId>,
    IdempotencyKey(nonce): IdempotencyKey,
) -> Result<Json<RoomBody>> {
    app.chat.join(caller.actor, room, &nonce).await?;
    Ok(Json(body_of(&app, &caller, room).await?))
}

/// Leave a room.
#[utoipa::path(
    post, path = "/api/rooms/{room}/leave", tag = "rooms",
    params(
        ("room" = uuid::Uuid, Path), ("Idempotency-Key" = String, Header, description = "Makes a repeat harmless")
    ),
    responses((status = 204), (status = "default", body = ErrorBody))
)]
pub async fn leave(
    State(app): State<App>,
    caller: Caller,
    Path(room): Path<RoomId>,
    IdempotencyKey(nonce): IdempotencyKey,
) -> Result<StatusCode> {
    app.chat.leave(caller.actor, room, &nonce).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The people of a room.
#[utoipa::path(
    get, path = "/api/rooms/{room}/members", tag = "rooms", params(("room" = uuid::Uuid, Path), Rows),
    responses((status = 200, body = MembersBody), (status = "default", body = ErrorBody))
)]
pub async fn members(
    State(app): State<App>,
    caller: Caller,
    Path(room): Path<RoomId>,
    Query(rows): Query<Rows>,
) -> Result<Json<MembersBody>> {
    let readable = app.chat.readable(caller.user, room).await?;
    let page = app.chat.members(&readable, rows.after()?, rows.limit()?).await?;
    let people = app.chat.people().get(page.items.iter().map(|member| member.user).collect()).await?;
    let next = page.items.last().filter(|_| page.more).map(|member| member.user);
    let members = page.items.iter().filter_map(|member| {
        Some(MemberBody { person: people.get(&member.user)?.as_ref().into(), role: member.role? })
    });
    Ok(Json(MembersBody { members: members.collect(), next }))
}

/// Let somebody into a room that one is in.
#[utoipa::path(
    post, path = "/api/rooms/{room}/members", tag = "rooms", request_body = UserBody,
    params(
        ("room" = uuid::Uuid, Path), ("Idempotency-Key" = String, Header, description = "Makes a repeat harmless")
    ),
    responses((status = 204), (status = "default", body = ErrorBody))
)]
pub async fn add(
    State(app): State<App>,
    caller: Caller,
    Path(room): Path<RoomId>,
    IdempotencyKey(nonce): IdempotencyKey,
    Json(UserBody { user }): Json<UserBody>,
) -> Result<StatusCode> {
    app.chat.add(caller.actor, room, &nonce, user).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Give a member another role.
#[utoipa::path(
    patch, path = "/api/rooms/{room}/members/{user}", tag = "rooms", request_body = RoleBody,
    params(
        ("room" = uuid::Uuid, Path), ("user" = uuid::Uuid, Path),
        ("Idempotency-Key" = String, Header, description = "Makes a repeat harmless")
    ),
    responses((status = 204), (status = "default", body = ErrorBody))
)]
pub async fn set_role(
    State(app): State<App>,
    caller: Caller,
    Path((room, user)): Path<(RoomId, UserId)>,
    IdempotencyKey(nonce): IdempotencyKey,
    Json(RoleBody { role }): Json<RoleBody>,
) -> Result<StatusCode> {
    app.chat.set_role(caller.actor, room, &nonce, user, role).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Remove somebody from a room that one owns.
#[utoipa::path(
    delete, path = "/api/rooms/{room}/members/{user}", tag = "rooms",
    params(
        ("room" = uuid::Uuid, Path), ("user" = uuid::Uuid, Path),
        ("Idempotency-Key" = String, Header, description = "Makes a repeat harmless")
    ),
    responses((status = 204), (status = "default", body = ErrorBody))
)]
pub async fn remove(
    State(app): State<App>,
    caller: Caller,
    Path((room, user)): Path<(RoomId, UserId)>,
    IdempotencyKey(nonce): IdempotencyKey,
) -> Result<StatusCode> {
    app.chat.remove(caller.actor, room, &nonce, user).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A room as it is now for who asks.
async fn body_of(app: &App, caller: &Caller, room: RoomId) -> Result<RoomBody> {
    if let Some(listing) = app.chat.room_of(caller.user, room).await? {
        return Ok(listing.into());
    }
    let readable = app.chat.readable(caller.user, room).await?;
    if readable.member.is_some() {
        return Err(Error::new(Code::Unavailable));
    }
    let (head, room) = (readable.head, readable.room);
    let read = room.seq;
    Ok(RoomBody::new(room, head, None, read, 0))
}
