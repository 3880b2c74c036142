//! `/api/invites`: invitations to the server, which its owner makes.

use axum::{
    Router,
    extract::State,
    http::StatusCode,
    routing::{delete, get},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    app::App,
    error::Error,
    model::{InviteId, Timestamp, account::Invite},
    web::{Caller, Json, Path, answer::ErrorBody},
};

pub(super) fn router() -> Router<App> {
    Router::new().route("/api/invites", get(list).post(make)).route("/api/invites/{id}", delete(end))
}

/// Invitations that are good.
#[derive(Serialize, ToSchema)]
pub struct InvitesBody {
    /// The newest first.
    invites: Vec<InviteBody>,
}

/// An invitation.
#[derive(Serialize, ToSchema)]
pub struct InviteBody {
    /// By which it is ended.
    #[schema(value_type = uuid::Uuid)]
    id: InviteId,
    /// When it was made, in milliseconds since 1970.
    #[schema(value_type = i64)]
    created: Timestamp,
    /// When it runs out.
    #[schema(value_type = i64)]
    expires: Timestamp,
    /// How many more accounts may be made with it.
    uses_left: u32,
    /// Where its holder registers; told once, to who made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
}

impl InviteBody {
    fn new(invite: Invite, url: Option<String>) -> Self {
        let Invite { id, created, expires, uses, .. } = invite;
        Self { id, created, expires, uses_left: uses, url }
    }
}

/// An invitation to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewInviteBody {
    /// How many days it lasts, 1 to 365.
    #[serde(default = "a_week")]
    #[schema(default = 7)]
    days: u32,
    /// How many accounts may be made with it, 1 to 1,000.
    #[serde(default = "one")]
    #[schema(default = 1)]
    uses: u32,
}

fn a_week() -> u32 {
    7
}

fn one() -> u32 {
    1
}

/// All invitations that are good.
#[utoipa::path(
    get, path = "/api/invites", tag = "invites",
    responses((status = 200, body = InvitesBody), (status = "default", body = ErrorBody))
)]
pub async fn list(State(app): State<App>, caller: Caller) -> Result<Json<InvitesBody>, Error> {
    let invites = app.accounts.invites(caller.actor).await?.into_iter();
    Ok(Json(InvitesBody { invites: invites.map(|invite| InviteBody::new(invite, None)).collect() }))
}

/// Make an invitation.
#[utoipa::path(
    post, path = "/api/invites", tag = "invites", request_body = NewInviteBody,
    responses((status = 201, body = InviteBody), (status = "default", body = ErrorBody))
)]
pub async fn make(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<NewInviteBody>,
) -> Result<(StatusCode, Json<InviteBody>), Error> {
    let made = app.accounts.invite(caller.actor, body.days, body.uses).await?;
    Ok((StatusCode::CREATED, Json(InviteBody::new(made.invite, Some(made.url)))))
}

/// End an invitation.
#[utoipa::path(
    delete, path = "/api/invites/{id}", tag = "invites",
    params(("id" = String, Path, description = "Its id")),
    responses((status = 204), (status = "default", body = ErrorBody))
)]
pub async fn end(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<InviteId>,
) -> Result<StatusCode, Error> {
    app.accounts.end_invite(caller.actor, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
