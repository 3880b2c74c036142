//! The opening handshake of a socket (RFC 6455, section 4.2), by HTTP/1.1.

use axum::{
    extract::FromRequestParts,
    http::{
        HeaderMap, HeaderName, HeaderValue, Method, StatusCode,
        header::{CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE},
        request::Parts,
    },
    response::{IntoResponse, Response},
};
use hyper::upgrade::OnUpgrade;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::error::{Error, Result};

/// A request that asks for a socket as it should.
pub(super) struct Upgrade {
    accept: HeaderValue,
    connection: OnUpgrade,
}

impl<S: Sync> FromRequestParts<S> for Upgrade {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        let missing = |what: &str| Error::malformed(format!("Expected a WebSocket: {what}."));
        let headers = &parts.headers;
        if parts.method != Method::GET {
            return Err(missing("it is asked for by GET"));
        }
        if !names(headers, CONNECTION, "upgrade") {
            return Err(missing("`Connection` has to say `upgrade`"));
        }
        if !names(headers, UPGRADE, "websocket") {
            return Err(missing("`Upgrade` has to say `websocket`"));
        }
        if headers.get(SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
            return Err(missing("`Sec-WebSocket-Version` has to be 13"));
        }
        let key = headers.get(SEC_WEBSOCKET_KEY).ok_or_else(|| missing("there is no `Sec-WebSocket-Key`"))?;
        let accept = HeaderValue::try_from(derive_accept_key(key.as_bytes()))
            .map_err(|_| missing("its key isn't one"))?;
        let connection = parts.extensions.remove::<OnUpgrade>();
        let connection = connection.ok_or_else(|| missing("it goes over HTTP/1.1"))?;
        Ok(Self { accept, connection })
    }
}

/// Whether a header names this token among others.
fn names(headers: &HeaderMap, header: HeaderName, token: &str) -> bool {
    let values = headers.get_all(header).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|one| one.trim().eq_ignore_ascii_case(token))
}

impl Upgrade {
    /// The answer that makes the connection a socket, and the connection, which comes once that is out.
    pub(super) fn answer(self) -> (Response, OnUpgrade) {
        let headers = [
            (CONNECTION, HeaderValue::from_static("upgrade")),
            (UPGRADE, HeaderValue::from_static("websocket")),
            (SEC_WEBSOCKET_ACCEPT, self.accept),
        ];
        ((StatusCode::SWITCHING_PROTOCOLS, headers).into_response(), self.connection)
    }
}
