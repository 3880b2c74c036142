//! Who asks: by an access token, or by a browser's cookie. A handler that takes a [`Caller`] needs one who is logged in.

use axum::{
    extract::{FromRequestParts, OptionalFromRequestParts},
    http::{header, request::Parts},
};

use super::session;
use crate::{
    accounts::Login,
    app::App,
    error::{Code, Error},
    model::{Actor, SessionId, Timestamp, UserId, account::SessionKind},
};

/// Somebody who is logged in, and asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller {
    /// Who.
    pub user: UserId,
    /// By which session.
    pub session: SessionId,
    /// As who they ask for a change.
    pub actor: Actor,
    /// Whether they showed a cookie or a token.
    pub kind: SessionKind,
    /// When the token runs out; none for a cookie.
    pub until: Option<Timestamp>,
}

impl Caller {
    /// As the accounts know them.
    pub fn login(&self) -> Login {
        let Self { user, session, actor, kind, until } = *self;
        Login { user, session, kind, owns_server: actor.owns_server, until }
    }
}

impl From<Login> for Caller {
    fn from(login: Login) -> Self {
        let actor = login.actor();
        Self { user: login.user, session: login.session, actor, kind: login.kind, until: login.until }
    }
}

impl OptionalFromRequestParts<App> for Caller {
    type Rejection = Error;

    /// None when nothing is shown, or a cookie that is worth nothing; a token that isn't good is refused.
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Option<Self>, Error> {
        if let Some(value) = parts.headers.get(header::AUTHORIZATION) {
            let token = value.to_str().ok().and_then(bearer);
            let token =
                token.ok_or_else(|| Error::says(Code::Unauthenticated, "Expected a Bearer token."))?;
            return Ok(Some(app.accounts.token_login(token).await?.into()));
        }
        let Some(cookie) = parts.extensions.get::<tower_sessions::Session>().cloned() else {
            return Ok(None);
        };
        let Some(known) = session::find(&cookie).await? else { return Ok(None) };
        Ok(Some(app.accounts.browser_login(known.id, known.user).await?.into()))
    }
}

impl FromRequestParts<App> for Caller {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        let caller = <Self as OptionalFromRequestParts<App>>::from_request_parts(parts, app).await?;
        caller.ok_or_else(|| Error::new(Code::Unauthenticated))
    }
}

/// The token in an `Authorization` header.
pub(super) fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
