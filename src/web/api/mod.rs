//! The JSON API, under `/api`.

pub mod auth;
pub mod calls;
mod describe;
pub mod files;
pub mod invites;
pub mod me;
pub mod messages;
pub mod people;
pub mod pictures;
pub mod pins;
pub mod rooms;
pub mod sessions;
pub mod uploads;

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
        .merge(pins::router())
        .merge(people::router())
        .merge(calls::router())
        .merge(files::router())
        .merge(pictures::router())
}

/// What brings files, and takes as long as it takes.
pub(super) fn lasting() -> Router<App> {
    Router::new().merge(files::lasting()).merge(uploads::router())
}
