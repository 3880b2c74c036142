//! The JSON API, under `/api`.

pub mod auth;
mod describe;
pub mod invites;
pub mod me;
pub mod messages;
pub mod people;
pub mod rooms;
pub mod sessions;

use axum::Router;

use crate::app::App;

pub(super) fn router() -> Router<App> {
    Router::new()
        .merge(describe::router())
        .merge(auth::router())
        .merge(me::router())
        .merge(sessions::router())
        .merge(invites::router())
        .merge(rooms::router())
        .merge(messages::router())
        .merge(people::router())
}
