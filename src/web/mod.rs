//! The edge: what comes in by HTTP.
//!
//! A request passes, from outside in: [`answer::finish`] (its id, its errors, its line in the log), [`pass`] (its address,
//! whether it is for us and ours, what its answer tells browsers), a limit on its time and its body (files and sockets
//! aside), and the session; then its handler: extract, call one function of a capability, answer.

pub mod answer;
pub mod api;
mod assets;
pub mod attachments;
pub mod caller;
pub mod client;
mod download;
pub mod extract;
pub mod fragment;
mod headers;
mod health;
mod live;
mod metrics;
pub mod origin;
mod pages;
pub mod session;
mod upgrade;
pub mod views;

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request, State},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
};
use tower_http::compression::CompressionLayer;

pub use answer::RequestId;
pub use caller::Caller;
pub use client::{Address, Connection};
pub use extract::{Form, IdempotencyKey, Json, Path, Query};

use crate::{
    app::App,
    error::{Code, Error},
};

/// All paths, behind all layers.
pub fn router(app: &App) -> Router {
    let session = || session::layer(app.accounts.clone(), &app.config.public_url);
    // Files come and go at their own pace, each with limits of its own, and as they are; sockets last.
    let lasting = Router::new()
        .merge(api::lasting())
        .merge(download::router())
        .merge(live::router())
        .method_not_allowed_fallback(nothing_here)
        .layer(session())
        .layer(DefaultBodyLimit::disable());
    Router::new()
        .merge(api::router())
        .merge(health::router())
        .merge(metrics::router())
        .merge(pages::router())
        .merge(assets::router())
        .fallback(nothing_here)
        .method_not_allowed_fallback(nothing_here)
        .layer(session())
        .layer(DefaultBodyLimit::max(app.config.max_body))
        .layer(from_fn_with_state(app.clone(), in_time))
        .layer(CompressionLayer::new())
        .merge(lasting)
        .layer(from_fn_with_state(app.clone(), pass))
        .layer(from_fn_with_state(app.clone(), answer::finish))
        .with_state(app.clone())
}

/// What every request passes, and every answer.
async fn pass(State(app): State<App>, mut request: Request, next: Next) -> Response {
    client::locate(&app, &mut request);
    let refused = origin::host(&app, &request).or_else(|| origin::guard(&app, &request));
    let mut answer = match refused {
        Some(refused) => refused,
        None => next.run(request).await,
    };
    headers::protect(&app, &mut answer);
    answer
}

async fn nothing_here() -> Error {
    Error::new(Code::NotFound)
}

/// A client that sends its body too slowly is let go, and so is a handler that hangs.
async fn in_time(State(app): State<App>, request: Request, next: Next) -> Response {
    match tokio::time::timeout(app.config.request_timeout, next.run(request)).await {
        Ok(answer) => answer,
        Err(_) => Error::says(Code::Unavailable, "This took too long.").into_response(),
    }
}
