//! The pages: each gathers what its template needs, and renders it.

mod door;
mod fill;
mod kept;
mod lists;
mod packed;
mod pieces;
mod room;
mod roster;
mod settings;

use askama::Template;
use axum::{
    Router,
    extract::{FromRequestParts, OptionalFromRequestParts, State},
    http::{Uri, header, request::Parts},
    response::{Html, IntoResponse, Redirect, Response},
    routing::get,
};

use super::{
    Caller,
    answer::wants_page,
    assets,
    views::{ErrorPage, Frame, OfflinePage},
};
use crate::{
    app::App,
    error::{Code, Error, Result},
};

pub(super) fn router() -> Router<App> {
    Router::new()
        .route("/offline", get(offline))
        .merge(door::router())
        .merge(room::router())
        .merge(lists::router())
        .merge(settings::router())
}

/// What a browser keeps, to be shown when there is no network. It is nobody's own.
async fn offline(State(app): State<App>) -> Result<Response> {
    show(&OfflinePage { frame: frame(&app) })
}

/// What every whole document needs.
pub(super) fn frame(app: &App) -> Frame {
    Frame { assets: assets::PREFIX.clone(), server: app.config.name.clone(), lang: "en".to_owned() }
}

/// An error, to somebody who asked for a page.
pub(super) fn error(app: &App, error: &Error, request: &str) -> Response {
    let status = error.code().status().as_u16();
    let page = ErrorPage { frame: frame(app), status, error: error.into(), request: request.to_owned() };
    // Without the page, the status says it.
    Html(page.render().unwrap_or_default()).into_response()
}

/// Renders a page or a fragment. It is one person's, and as old as this moment.
fn show(template: &impl Template) -> Result<Response> {
    let markup = template.render().map_err(Error::internal)?;
    Ok(([(header::CACHE_CONTROL, "no-store")], Html(markup)).into_response())
}

/// Somebody who is logged in; who isn't, and asks for a page, is sent to log in and comes back.
struct Visitor(Caller);

impl FromRequestParts<App> for Visitor {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let caller = <Caller as OptionalFromRequestParts<App>>::from_request_parts(parts, app).await;
        match caller {
            Ok(Some(caller)) => Ok(Self(caller)),
            Ok(None) if wants_page(&parts.uri, &parts.headers) => Err(to_login(&parts.uri)),
            Ok(None) => Err(Error::new(Code::Unauthenticated).into_response()),
            Err(error) => Err(error.into_response()),
        }
    }
}

fn to_login(uri: &Uri) -> Response {
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    if path == "/" {
        return Redirect::to("/login").into_response();
    }
    let mut query = String::new();
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' => query.push(byte.into()),
            other => query.push_str(&format!("%{other:02X}")),
        }
    }
    Redirect::to(&format!("/login?next={query}")).into_response()
}
