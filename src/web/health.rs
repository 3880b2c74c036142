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

/// The store answers, and the node isn't going down. While other nodes are out of reach, people are served all the
/// same: every node is in that state at once when Redis is away, and none would be left to serve them.
async fn ready(State(app): State<App>) -> Result<&'static str, Error> {
    if app.stopping.is_cancelled() {
        return Err(Error::says(Code::Unavailable, "Going down."));
    }
    app.store.owner().await.map_err(Error::unavailable)?;
    if !app.bus.connected() {
        return Ok("ready; other nodes are out of reach\n");
    }
    Ok("ready\n")
}
