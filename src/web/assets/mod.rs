//! Style, script and pictures, built into the program. Their addresses bear a hash of them all, so that browsers keep them for
//! ever, and modules import each other by relative paths. Each is compressed once, when it is first asked for.

mod packed;
mod slim;

use std::{collections::HashMap, sync::LazyLock};

use axum::{
    Router,
    extract::Path,
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
    routing::get,
};
use rust_embed::RustEmbed;
use sha2::{Digest, Sha256};

use self::{
    packed::{Asset, Packing},
    slim::slim,
};
use super::headers::Plain;
use crate::{
    app::App,
    error::{Code, Error},
};

#[derive(RustEmbed)]
#[folder = "static/"]
struct Files;

/// All there are, by their paths.
static ASSETS: LazyLock<HashMap<String, Asset>> = LazyLock::new(|| {
    let found = Files::iter().filter_map(|path| {
        let kind = mime_guess::from_path(&*path).first_or_octet_stream();
        let content = Files::get(&path)?.data;
        let content = match std::str::from_utf8(&content) {
            Ok(source) if path.ends_with(".js") || path.ends_with(".css") => slim(source).into_bytes().into(),
            _ => content,
        };
        Some((path.to_string(), Asset::new(&kind, content)))
    });
    found.collect()
});

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
        .route(
            "/favicon.ico",
            get(|headers: HeaderMap| async move { file("img/mark.svg", false, &headers).await }),
        )
        .route("/sw.js", get(worker))
}

async fn asset(Path((hash, path)): Path<(String, String)>, headers: HeaderMap) -> Result<Response, Error> {
    let current = PREFIX.strip_prefix("/assets/") == Some(hash.as_str());
    file(&path, current, &headers).await
}

/// A file; for ever under its present address, else only until the next look.
async fn file(path: &str, for_ever: bool, asked: &HeaderMap) -> Result<Response, Error> {
    let asset = ASSETS.get(path).ok_or_else(|| Error::new(Code::NotFound))?;
    let (packing, body) = asset.packed(Packing::wanted(asked)).await;
    let mut answer = body.into_response();
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, asset.kind.clone());
    let keep = if for_ever { "public, max-age=31536000, immutable" } else { "no-cache" };
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(keep));
    if let Some(packing) = packing {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(packing.name()));
    }
    if asset.is_text() {
        headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    }
    answer.extensions_mut().insert(Plain);
    Ok(answer)
}

/// The service worker. Its address never changes, and its words do with the assets: so browsers find the new one.
async fn worker() -> Response {
    let headers = [(header::CONTENT_TYPE, "text/javascript"), (header::CACHE_CONTROL, "no-cache")];
    (headers, WORKER.as_str()).into_response()
}

static WORKER: LazyLock<String> = LazyLock::new(|| {
    let mut files: Vec<&String> = ASSETS.keys().filter(|path| of_a_page(path)).collect();
    files.sort_unstable();
    let files = serde_json::json!(files);
    format!("self.PREFIX = \"{0}\";\nself.FILES = {files};\nimportScripts(\"{0}/js/worker.js\");\n", *PREFIX)
});

/// Whether an open page may need it, connected or not: style, script, drawings. Lists of emoji are large; they are kept
/// when they are used.
fn of_a_page(path: &str) -> bool {
    [".css", ".js", ".svg"].iter().any(|end| path.ends_with(end)) && !path.starts_with("js/emoji/")
}
