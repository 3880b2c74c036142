//! `GET /metrics`: what the node counts, for Prometheus.

use axum::{
    Extension, Router,
    extract::State,
    http::{HeaderMap, HeaderName, header},
    response::{IntoResponse, Response},
    routing::get,
};
use subtle::ConstantTimeEq;

use super::{Connection, caller::bearer};
use crate::{
    app::App,
    config::{host_of, is_loopback_host},
    error::{Code, Error, Result},
    metrics::metrics,
};

/// Prometheus' text format.
const FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";
/// What a proxy adds to what it passes on.
const FORWARDED: [HeaderName; 4] = [
    header::FORWARDED,
    header::VIA,
    HeaderName::from_static("x-forwarded-for"),
    HeaderName::from_static("x-real-ip"),
];

pub(super) fn router() -> Router<App> {
    Router::new().route("/metrics", get(page))
}

/// For this machine itself, and for who shows the token.
async fn page(
    State(app): State<App>,
    Extension(Connection { peer }): Extension<Connection>,
    headers: HeaderMap,
) -> Result<Response> {
    let local = peer.is_loopback() && is_direct(&headers);
    if !local && !shows_token(&app, &headers) {
        return Err(Error::says(
            Code::Unauthenticated,
            "Metrics are for the server's own machine, or for who shows PARLOR_METRICS_TOKEN as Bearer.",
        ));
    }
    metrics().stands("parlor_sockets", app.hub.sockets() as f64);
    metrics().stands("parlor_streams_read", app.hub.streams() as f64);
    metrics().stands("parlor_bus_connected", f64::from(u8::from(app.bus.connected())));
    if let Some(turn) = &app.turn {
        metrics().stands("parlor_turn_allocations", turn.allocations() as f64);
        metrics().stands("parlor_turn_connections", turn.connections() as f64);
    }
    Ok(([(header::CONTENT_TYPE, FORMAT)], metrics().page()).into_response())
}

/// Whether no proxy stands between: none says so, and the server was asked for by a name that only this machine has,
/// which nobody's page can be made to have either.
fn is_direct(headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).and_then(|value| value.to_str().ok());
    host.is_some_and(|host| is_loopback_host(host_of(host)))
        && !FORWARDED.iter().any(|name| headers.contains_key(name))
}

fn shows_token(app: &App, headers: &HeaderMap) -> bool {
    let shown = headers.get(header::AUTHORIZATION).and_then(|value| bearer(value.to_str().ok()?));
    let wanted = app.config.metrics_token.as_ref();
    wanted.zip(shown).is_some_and(|(wanted, shown)| wanted.reveal().as_bytes().ct_eq(shown.as_bytes()).into())
}
