//! A browser's session: a cookie whose value is kept hashed, with the accounts' sessions behind `tower-sessions`.
//!
//! Only logins have sessions, so a visitor who isn't logged in gets no cookie, and a cookie that somebody planted
//! before the login names nothing.

use std::sync::Arc;

use async_trait::async_trait;
use axum::http::{HeaderMap, header};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use tower_sessions::{
    Expiry, SessionManagerLayer, SessionStore,
    cookie::{Cookie, SameSite},
    session::{Id, Record},
    session_store::{Error as Failed, Result},
};

use crate::{
    accounts::{Accounts, IDLE, SEEN_STEP},
    config::PublicUrl,
    error::Error,
    model::{
        SessionId, Timestamp, UserId,
        account::{Account, Session, SessionKind},
    },
};

/// What the record of a session is kept under.
const KEY: &str = "session";

/// What of a session travels with a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Known {
    pub(super) id: SessionId,
    pub(super) user: UserId,
    agent: String,
    created: Timestamp,
    seen: Timestamp,
}

/// The cookie's name. `__Host-` makes browsers refuse one that a neighbouring host has set.
fn cookie_name(url: &PublicUrl) -> &'static str {
    if url.is_secure() { "__Host-parlor" } else { "parlor" }
}

/// Whether a request shows the cookie, whatever it is worth.
pub(super) fn shows_cookie(headers: &HeaderMap, url: &PublicUrl) -> bool {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut cookies = lines.flat_map(Cookie::split_parse).filter_map(std::result::Result::ok);
    cookies.any(|cookie| cookie.name() == cookie_name(url))
}

/// Finds a request's session, and sets the cookie where there is a new one.
pub(super) fn layer(accounts: Arc<Accounts>, url: &PublicUrl) -> SessionManagerLayer<Browsers> {
    SessionManagerLayer::new(Browsers { accounts })
        .with_name(cookie_name(url))
        .with_secure(url.is_secure())
        .with_same_site(SameSite::Lax)
        .with_expiry(idle())
}

fn idle() -> Expiry {
    Expiry::OnInactivity(time::Duration::seconds(IDLE.as_secs().cast_signed()))
}

/// Logs a browser in, and returns the session's id. Its cookie gets a new value, and the session it showed before ends.
pub(super) async fn begin(
    session: &tower_sessions::Session,
    account: &Account,
    agent: String,
) -> crate::error::Result<SessionId> {
    session.cycle_id().await.map_err(Error::unavailable)?;
    let now = Timestamp::now();
    let id = SessionId::new();
    let known = Known { id, user: account.id, agent, created: now, seen: now };
    session.insert(KEY, known).await.map_err(Error::unavailable)?;
    session.save().await.map_err(Error::unavailable)?;
    Ok(id)
}

/// Logs a browser out.
pub(super) async fn end(session: &tower_sessions::Session) -> crate::error::Result<()> {
    session.flush().await.map_err(Error::unavailable)
}

/// The session that a request's cookie proves.
pub(super) async fn find(session: &tower_sessions::Session) -> crate::error::Result<Option<Known>> {
    let known: Option<Known> = session.get(KEY).await.map_err(Error::unavailable)?;
    let stale = known.as_ref().is_some_and(|known| Timestamp::now() >= known.seen.plus(SEEN_STEP));
    if stale {
        // Makes the layer save it on the way out, and send the cookie with a fresh lifetime.
        session.set_expiry(Some(idle()));
    }
    Ok(known)
}

/// The accounts' sessions as `tower-sessions` wants them.
#[derive(Debug, Clone)]
pub(super) struct Browsers {
    accounts: Arc<Accounts>,
}

fn secret(id: &Id) -> [u8; 32] {
    Sha256::digest(id.0.to_le_bytes()).into()
}

fn failed(error: Error) -> Failed {
    Failed::Backend(format!("{error:?}"))
}

fn known(record: &Record) -> Result<Known> {
    let value =
        record.data.get(KEY).cloned().ok_or_else(|| Failed::Encode("nobody is logged in".to_owned()))?;
    serde_json::from_value(value).map_err(|error| Failed::Decode(error.to_string()))
}

fn record(id: Id, session: Session) -> Result<Record> {
    let Session { user, agent, created, seen, expires, .. } = session;
    let known = Known { id: session.id, user, agent, created, seen };
    let value = serde_json::to_value(known).map_err(|error| Failed::Encode(error.to_string()))?;
    let expiry_date = OffsetDateTime::from_unix_timestamp(expires.0.div_euclid(1000));
    let expiry_date = expiry_date.map_err(|error| Failed::Decode(error.to_string()))?;
    Ok(Record { id, data: [(KEY.to_owned(), value)].into(), expiry_date })
}

#[async_trait]
impl SessionStore for Browsers {
    async fn create(&self, record: &mut Record) -> Result<()> {
        let Known { id, user, agent, .. } = known(record)?;
        self.accounts.begin_browser(id, user, secret(&record.id), agent).await.map_err(failed)
    }

    async fn save(&self, record: &Record) -> Result<()> {
        let Known { id, user, agent, created, seen } = known(record)?;
        let session = Session {
            id,
            user,
            kind: SessionKind::Browser,
            secret: secret(&record.id),
            used: None,
            agent,
            created,
            seen,
            expires: Timestamp(record.expiry_date.unix_timestamp().saturating_mul(1000)),
        };
        self.accounts.touch(&session, Timestamp::now()).await.map_err(failed)
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        let found = self.accounts.browser(&secret(id)).await.map_err(failed)?;
        found.map(|session| record(*id, session)).transpose()
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        match self.accounts.browser(&secret(id)).await.map_err(failed)? {
            Some(session) => self.accounts.end(session.user, session.id).await.map_err(failed),
            None => Ok(()),
        }
    }
}
