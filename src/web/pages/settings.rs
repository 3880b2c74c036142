//! One's own settings.

use axum::{Router, extract::State, response::Response, routing::get};

use super::{Visitor, fill, frame, show};
use crate::{
    app::App,
    error::Result,
    model::account::SessionKind,
    web::views::{InviteView, SessionView, SettingsPage},
};

pub(super) fn router() -> Router<App> {
    Router::new().route("/settings", get(page))
}

async fn page(State(app): State<App>, Visitor(caller): Visitor) -> Result<Response> {
    let mut sessions: Vec<SessionView> = app
        .accounts
        .sessions(caller.user)
        .await?
        .into_iter()
        .map(|session| SessionView {
            id: session.id.to_string(),
            kind: match session.kind {
                SessionKind::Browser => "browser".to_owned(),
                SessionKind::Program => "program".to_owned(),
            },
            current: session.id == caller.session,
            agent: session.agent,
            created_iso: session.created.iso(),
            seen_iso: session.seen.iso(),
        })
        .collect();
    sessions.sort_by_key(|session| !session.current);
    let invites = match caller.actor.owns_server {
        true => Some(app.accounts.invites(caller.actor).await?),
        false => None,
    };
    let invites = invites.map(|invites| {
        let view = |invite: crate::model::account::Invite| InviteView {
            id: invite.id.to_string(),
            created_iso: invite.created.iso(),
            expires_iso: invite.expires.iso(),
            uses_left: invite.uses.into(),
        };
        invites.into_iter().map(view).collect()
    });
    show(&SettingsPage { frame: frame(&app), me: fill::me(&app, &caller).await?, sessions, invites })
}
