//! What every answer tells a browser it may not do.

use axum::{
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::Response,
};

use crate::app::App;

/// Nothing but our own files; no script or style in the page itself; in nobody's frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; \
     connect-src 'self'; font-src 'self'; media-src 'self' blob:; form-action 'self'; base-uri 'none'; \
     frame-ancestors 'none'; manifest-src 'self'; worker-src 'self'";

/// Of what a browser could do for a page, ours needs these alone.
const PERMISSIONS: &str = "camera=(self), microphone=(self), display-capture=(self), fullscreen=(self), \
     autoplay=(self), clipboard-write=(self), geolocation=(), payment=(), usb=(), serial=(), midi=(), browsing-topics=()";

static ALWAYS: [(HeaderName, &str); 3] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    // Answers are somebody's own unless they say otherwise.
    (header::CACHE_CONTROL, "no-store"),
];

static OF_DOCUMENTS: [(HeaderName, &str); 4] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("permissions-policy"), PERMISSIONS),
];

/// Marks an answer that is no document, but one of our own files: there are dozens to a page, and each would weigh as much
/// again by what only a document heeds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plain;

/// Two years, as browsers' lists ask for. Neighbouring hosts aren't ours to decide for.
const TLS_ONLY: &str = "max-age=63072000";

/// Adds them where an answer hasn't its own.
pub(super) fn protect(app: &App, answer: &mut Response) {
    if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
        // What follows is no page.
        return;
    }
    let plain = answer.extensions().get::<Plain>().is_some();
    let headers = answer.headers_mut();
    for (name, value) in &ALWAYS {
        add(headers, name, value);
    }
    if plain {
        return;
    }
    for (name, value) in &OF_DOCUMENTS {
        add(headers, name, value);
    }
    if app.config.public_url.is_secure() {
        add(headers, &header::STRICT_TRANSPORT_SECURITY, TLS_ONLY);
    }
}

fn add(headers: &mut HeaderMap, name: &HeaderName, value: &'static str) {
    if !headers.contains_key(name) {
        headers.insert(name, HeaderValue::from_static(value));
    }
}
