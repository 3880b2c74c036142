//! `/api/auth`: how a program gets in, stays in, and gets out.

use axum::{Router, extract::State, http::StatusCode, routing::post};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    accounts::{ACCESS, Client, Newcomer, Pass, Password},
    app::App,
    error::Error,
    model::{Nonce, SessionId, UserId},
    web::{Caller, IdempotencyKey, Json, answer::ErrorBody},
};

pub(super) fn router() -> Router<App> {
    Router::new()
        .route("/api/auth/register", post(register))
        .route("/api/auth/login", post(login))
        .route("/api/auth/refresh", post(refresh))
        .route("/api/auth/logout", post(logout))
}

/// Who wants an account.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterBody {
    /// 2 to 32 of `a-z 0-9 _ . -`; unique.
    name: String,
    /// The name that others see, 1 to 64 characters; the same as `name` where none is given.
    display: Option<String>,
    /// 8 to 256 characters, hard to guess.
    password: String,
    /// The secret of an invitation's link.
    invite: Option<String>,
}

/// Who wants in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LoginBody {
    /// The name, in any case.
    name: String,
    /// The password.
    password: String,
}

/// What keeps a program in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefreshBody {
    /// The last one that was given.
    refresh_token: String,
}

/// What a program gets.
#[derive(Serialize, ToSchema)]
pub struct PassBody {
    /// Who.
    #[schema(value_type = uuid::Uuid)]
    user: UserId,
    /// The session, which the tokens belong to.
    #[schema(value_type = uuid::Uuid)]
    session: SessionId,
    /// To be sent as `Authorization: Bearer …`.
    access_token: String,
    /// Always `Bearer`.
    token_type: &'static str,
    /// Seconds for which the access token is good.
    expires_in: u64,
    /// Good for one use.
    refresh_token: String,
}

impl From<Pass> for PassBody {
    fn from(pass: Pass) -> Self {
        Self {
            user: pass.user,
            session: pass.session,
            access_token: pass.access,
            token_type: "Bearer",
            expires_in: ACCESS.as_secs(),
            refresh_token: pass.refresh,
        }
    }
}

/// Make an account, and log in. With the same `Idempotency-Key`, name and password, the same account.
#[utoipa::path(
    post, path = "/api/auth/register", tag = "auth", request_body = RegisterBody, security(()),
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes a repeat harmless")),
    responses((status = 201, body = PassBody), (status = "default", body = ErrorBody))
)]
pub async fn register(
    State(app): State<App>,
    client: Client,
    key: Option<IdempotencyKey>,
    Json(body): Json<RegisterBody>,
) -> Result<(StatusCode, Json<PassBody>), Error> {
    let newcomer = Newcomer {
        name: body.name.parse()?,
        display: body.display.map(|display| display.parse()).transpose()?,
        password: Password::typed("password", body.password)?,
        invite: body.invite,
    };
    let nonce = key.map_or_else(Nonce::random, |key| key.0);
    let account = app.accounts.register(newcomer, &nonce, &client).await?;
    let pass = app.accounts.begin_program(&account, &client).await?;
    Ok((StatusCode::CREATED, Json(pass.into())))
}

/// Log in by name and password.
#[utoipa::path(
    post, path = "/api/auth/login", tag = "auth", request_body = LoginBody, security(()),
    responses((status = 200, body = PassBody), (status = "default", body = ErrorBody))
)]
pub async fn login(
    State(app): State<App>,
    client: Client,
    Json(body): Json<LoginBody>,
) -> Result<Json<PassBody>, Error> {
    let password = Password::typed("password", body.password)?;
    let account = app.accounts.login(&body.name, password, &client).await?;
    Ok(Json(app.accounts.begin_program(&account, &client).await?.into()))
}

/// Get a new pair of tokens. The refresh token that is shown is used up; shown again later, it ends the session.
#[utoipa::path(
    post, path = "/api/auth/refresh", tag = "auth", request_body = RefreshBody, security(()),
    responses((status = 200, body = PassBody), (status = "default", body = ErrorBody))
)]
pub async fn refresh(State(app): State<App>, Json(body): Json<RefreshBody>) -> Result<Json<PassBody>, Error> {
    Ok(Json(app.accounts.refresh(&body.refresh_token).await?.into()))
}

/// End this session.
#[utoipa::path(
    post, path = "/api/auth/logout", tag = "auth",
    responses((status = 204), (status = "default", body = ErrorBody))
)]
pub async fn logout(State(app): State<App>, caller: Caller) -> Result<StatusCode, Error> {
    app.accounts.end(caller.user, caller.session).await?;
    Ok(StatusCode::NO_CONTENT)
}
