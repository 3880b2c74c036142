//! How an answer goes out: with a request id, with errors rendered in one place, a line in the log, and no panic beyond.

use std::{any::Any, sync::Arc, time::Instant};

use axum::{
    Json,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, Uri, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures_util::FutureExt;
use serde::Serialize;
use tracing::Instrument;
use uuid::Uuid;

use super::headers::Plain;
use crate::{
    app::App,
    error::{Code, Error},
    metrics::metrics,
};

const REQUEST_ID: &str = "x-request-id";

/// The name of a request, by which its lines in the log are found.
#[derive(Debug, Clone)]
pub struct RequestId(pub Arc<str>);

/// The error that an answer is about; the body is made from it on the way out.
#[derive(Debug, Clone)]
struct Told(Arc<Error>);

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let mut answer = self.code().status().into_response();
        answer.extensions_mut().insert(Told(Arc::new(self)));
        answer
    }
}

/// An error as JSON, `docs/api.md` says how.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ErrorBody<'a> {
    error: ErrorFields<'a>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct ErrorFields<'a> {
    /// Stable.
    code: &'a str,
    /// For people.
    message: &'a str,
    /// As in the header X-Request-Id.
    request: &'a str,
    /// The field at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'a str>,
    /// Whether the same may be asked for again, with the same key.
    retry: bool,
}

impl<'a> ErrorBody<'a> {
    fn new(error: &'a Error, request: &'a str) -> Self {
        let (code, message) = (error.code().as_str(), error.message());
        Self { error: ErrorFields { code, message, request, field: error.field(), retry: error.retry() } }
    }
}

/// Names the request, catches a panic, makes an error's body, and writes the line in the log.
pub async fn finish(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let id: Arc<str> = Uuid::now_v7().to_string().into();
    request.extensions_mut().insert(RequestId(Arc::clone(&id)));
    let asked = Asked::of(&request);
    let span = tracing::info_span!("request", id = %id);
    async {
        let begun = Instant::now();
        let answer = std::panic::AssertUnwindSafe(next.run(request)).catch_unwind().await;
        let answer = answer.unwrap_or_else(|panic| Error::internal(said(&*panic)).into_response());
        let mut answer = match answer.extensions().get::<Told>().cloned() {
            Some(Told(error)) => tell(&app, &error, &asked, &id, answer),
            None => answer,
        };
        let plain = answer.extensions().get::<Plain>().is_some();
        if let Some(id) = HeaderValue::from_str(&id).ok().filter(|_| !plain) {
            answer.headers_mut().insert(REQUEST_ID, id);
        }
        log(&asked, &answer, begun);
        answer
    }
    .instrument(span)
    .await
}

/// What of a request is needed for its answer and for the log. Never its query: there may be a secret in it.
struct Asked {
    method: Method,
    uri: Uri,
    wants_page: bool,
}

impl Asked {
    fn of(request: &Request) -> Self {
        let (method, uri) = (request.method().clone(), request.uri().clone());
        Self { method, wants_page: wants_page(&uri, request.headers()), uri }
    }
}

/// Whether a person looks at the answer: then an error is a page, too.
pub fn wants_page(uri: &Uri, headers: &HeaderMap) -> bool {
    let accepts = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accepts.contains("text/html") && !uri.path().starts_with("/api/")
}

fn tell(app: &App, error: &Error, asked: &Asked, id: &str, bare: Response) -> Response {
    if let Some(cause) = error.cause() {
        match error.code() {
            Code::Internal => tracing::error!(code = error.code().as_str(), %cause, "request failed"),
            Code::Unavailable | Code::StorageFull => {
                tracing::warn!(code = error.code().as_str(), %cause, "request failed");
            }
            code => tracing::debug!(code = code.as_str(), %cause, "request refused"),
        }
    }
    let body = if asked.wants_page {
        super::pages::error(app, error, id)
    } else {
        Json(ErrorBody::new(error, id)).into_response()
    };
    let (_, body) = body.into_parts();
    let (mut parts, _) = bare.into_parts();
    let kind = if asked.wants_page { "text/html; charset=utf-8" } else { "application/json" };
    parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    parts.headers.remove(header::CONTENT_LENGTH);
    if let Some(wait) = error.retry_after() {
        parts.headers.insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs_f64().ceil() as u64));
    }
    if error.code() == Code::Unauthenticated || error.code() == Code::TokenExpired {
        parts.headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    Response::from_parts(parts, body)
}

fn log(asked: &Asked, answer: &Response, begun: Instant) {
    let (method, path, status) = (&asked.method, asked.uri.path(), answer.status().as_u16());
    let ms = begun.elapsed().as_millis();
    metrics().answered(status, begun);
    if answer.status().is_server_error() {
        tracing::warn!(%method, path, status, ms, "answered");
    } else {
        tracing::debug!(%method, path, status, ms, "answered");
    }
}

/// What a panic said, as far as it said something.
fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    format!("panic: {}", text.unwrap_or_default())
}
