//! Style, script and pictures, built into the program. Their addresses bear a hash of them all, so that browsers keep them for
//! ever, and modules import each other by relative paths.

use std::sync::LazyLock;

use axum::{
    Router,
    extract::Path,
    http::{HeaderName, header},
    response::{IntoResponse, Response},
    routing::get,
};
use rust_embed::RustEmbed;
use sha2::{Digest, Sha256};

use crate::{
    app::App,
    error::{Code, Error},
};

#[derive(RustEmbed)]
#[folder = "static/"]
struct Files;

/// Prefix of all assets' addresses, without a slash at its end.
pub(super) static PREFIX: LazyLock<String> = LazyLock::new(|| {
    let mut hash = Sha256::new();
    let mut names: Vec<_> = Files::iter().collect();
    names.sort_unstable();
    for name in names {
        hash.update(name.as_bytes());
        if let Some(file) = Files::get(&name) {
            hash.update(file.metadata.sha256_hash());
        }
    }
    format!("/assets/{}", hex::encode(&hash.finalize()[..8]))
});

pub(super) fn router() -> Router<App> {
    Router::new()
        .route("/assets/{hash}/{*path}", get(asset))
        .route("/favicon.ico", get(|| file("img/mark.svg", false)))
}

async fn asset(Path((hash, path)): Path<(String, String)>) -> Result<Response, Error> {
    let current = PREFIX.strip_prefix("/assets/") == Some(hash.as_str());
    file(&path, current).await
}

/// A file; for ever under its present address, else only until the next look.
async fn file(path: &str, for_ever: bool) -> Result<Response, Error> {
    let file = Files::get(path).ok_or_else(|| Error::new(Code::NotFound))?;
    let kind = mime_guess::from_path(path).first_or_octet_stream();
    let keep = if for_ever { "public, max-age=31536000, immutable" } else { "no-cache" };
    let headers: [(HeaderName, String); 2] =
        [(header::CONTENT_TYPE, kind.to_string()), (header::CACHE_CONTROL, keep.to_owned())];
    Ok((headers, file.data).into_response())
}
