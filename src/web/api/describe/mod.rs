//! What the API is, said by the API: for machines at `/api/openapi.json`, for people at `/api/docs`.

mod page;

use std::sync::LazyLock;

use axum::{
    Router,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
    routing::get,
};
use bytes::Bytes;
use serde_json::Value;
use utoipa::{
    Modify, OpenApi,
    openapi::{
        PathItem,
        path::Operation,
        security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme},
    },
};

use super::{auth, calls, files, invites, me, messages, people, pictures, pins, rooms, sessions, uploads};
use crate::{app::App, error::Result};

pub(super) fn router() -> Router<App> {
    Router::new().route("/api/openapi.json", get(machine_readable)).route("/api/docs", get(readable))
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Parlor",
        description = "Everything the page can do, a program can do, by the same rules. What is live comes over the \
            socket at /ws; docs/protocol.md describes it."
    ),
    tags(
        (name = "auth", description = "How a program gets in, stays in, and gets out."),
        (name = "me", description = "Oneself."),
        (name = "sessions", description = "Where one is logged in."),
        (name = "people", description = "Everybody's public profiles."),
        (name = "rooms", description = "Rooms and who is in them."),
        (name = "messages", description = "What is said in rooms, and how far one has read."),
        (name = "calls", description = "Calls that are going on, and what pages need to link up."),
        (name = "files", description = "What is uploaded, and posted in rooms."),
        (name = "invites", description = "Invitations to the server, which its owner makes."),
    ),
    paths(
        auth::register, auth::login, auth::refresh, auth::logout,
        me::me, me::edit, me::set_status, me::clear_status, me::change_password,
        sessions::list, sessions::end, sessions::end_others,
        people::find, people::one,
        rooms::mine, rooms::public, rooms::create, rooms::one, rooms::change, rooms::join, rooms::leave,
        rooms::members, rooms::add, rooms::set_role, rooms::remove,
        messages::list, messages::one, messages::post_message, messages::edit, messages::delete,
        messages::react, messages::unreact, messages::pin, messages::unpin, messages::read,
        messages::draft, messages::set_draft, messages::typing, pins::list,
        calls::list, calls::ice,
        uploads::begin, uploads::add, uploads::cancel, uploads::limits,
        files::upload, files::one, files::take_back, files::of_room,
        pictures::set_mine, pictures::drop_mine, pictures::set_of_room, pictures::drop_of_room,
        invites::list, invites::make, invites::end,
    ),
    modifiers(&Token, &Names)
)]
struct Api;

/// All but what gets one in needs an access token.
struct Token;

impl Modify for Token {
    fn modify(&self, api: &mut utoipa::openapi::OpenApi) {
        let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        api.components.get_or_insert_default().add_security_scheme("token", scheme);
        api.security = Some(vec![SecurityRequirement::new("token", Vec::<String>::new())]);
    }
}

/// An operation's name, unique as it has to be: `post_rooms_room_join`.
struct Names;

impl Modify for Names {
    fn modify(&self, api: &mut utoipa::openapi::OpenApi) {
        for (path, item) in &mut api.paths.paths {
            let rest = path.strip_prefix("/api/").unwrap_or(path);
            let words: String = rest.chars().filter(|c| !matches!(c, '{' | '}')).collect();
            for (method, operation) in operations(item) {
                operation.operation_id = Some(format!("{method}_{}", words.replace('/', "_")));
            }
        }
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = (&'static str, &mut Operation)> {
    let PathItem { get, put, post, delete, patch, .. } = item;
    let all = [("get", get), ("post", post), ("put", put), ("patch", patch), ("delete", delete)];
    all.into_iter().filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

/// The description; it never changes while the program runs.
static DESCRIPTION: LazyLock<Value> =
    LazyLock::new(|| serde_json::to_value(Api::openapi()).unwrap_or_default());
static TEXT: LazyLock<Bytes> = LazyLock::new(|| DESCRIPTION.to_string().into());

async fn machine_readable() -> Response {
    ([(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-cache")], TEXT.clone())
        .into_response()
}

async fn readable(State(app): State<App>) -> Result<Response> {
    page::show(&app, &DESCRIPTION)
}

#[cfg(test)]
mod tests;
