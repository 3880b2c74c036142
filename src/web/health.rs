//! What machines ask: is it alive, may people be sent here.

use axum::{Router, extract::State, routing::get};

use crate::{
    app::App,
    error::{Code, Error},
};

pub(super) fn router() -> Router<App> {
    Router::new().route("/healthz", get(alive)).route("/readyz", get(ready))
}

/// The process answers.
async fn alive() -> &'static str {
    "ok\n"
}

/// The store answers, other nodes are in reach, and the node isn't going down.
async fn ready(State(app): State<App>) -> Result<&'static str, Error> {
    if app.stopping.is_cancelled() {
        return Err(Error::says(Code::Unavailable, "Going down."));
    }
    app.store.owner().await.map_err(Error::unavailable)?;
    if !app.bus.connected() {
        return Err(Error::says(Code::Unavailable, "Other nodes are out of reach."));
    }
    Ok("ready\n")
}
