//! The JSON API, under `/api`.

pub mod auth;
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
        .merge(auth::router())
        .merge(me::router())
        .merge(sessions::router())
        .merge(invites::router())
        .merge(rooms::router())
        .merge(messages::router())
        .merge(people::router())
}
