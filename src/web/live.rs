//! `GET /ws`: from a request to a socket.

use std::sync::Arc;

use axum::{Router, extract::State, http::HeaderMap, response::Response, routing::get};
use serde::Deserialize;

use super::{Caller, Query, origin::has_our_origin, upgrade::Upgrade};
use crate::{
    app::App,
    error::{Code, Result},
    model::{Timestamp, account::SessionKind},
    realtime::{self, CheckToken, Entrance, Format},
};

pub(super) fn router() -> Router<App> {
    Router::new().route("/ws", get(open))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    #[serde(default)]
    format: Format,
}

/// A browser shows its cookie and our origin; a program its token, which no page of another site can send.
async fn open(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Query(wanted): Query<Wanted>,
    upgrade: Result<Upgrade>,
) -> Result<Response> {
    if caller.kind == SessionKind::Browser && !has_our_origin(&headers, &app.config.public_url) {
        return Err(Code::CrossSite.into());
    }
    let (answer, connection) = upgrade?.answer();
    let accounts = Arc::clone(&app.accounts);
    let check: CheckToken = Arc::new(move |token, session| {
        let access = accounts.tokens().check(token, Timestamp::now())?;
        if access.session != session {
            return Err(Code::Unauthenticated.into());
        }
        Ok(access.until)
    });
    let entrance = Entrance {
        actor: caller.actor,
        session: caller.session,
        until: caller.until,
        format: wanted.format,
        mailbox: app.config.mailbox,
        check,
    };
    app.tasks.spawn(realtime::serve(app.hub.clone(), connection, entrance));
    Ok(answer)
}
