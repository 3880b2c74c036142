//! `/api/uploads`: uploads that can be cut off and gone on with, by the protocol tus 1.0.0.

use std::time::Duration;

use axum::{
    Router,
    body::{Body, BodyDataStream},
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    middleware::map_response,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use futures_util::StreamExt;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    app::App,
    error::{Code, Error, Result},
    files::{Length, Standing},
    model::{
        FileId, Timestamp,
        file::{FileName, MAX_FILES, MAX_NAME, Pixels, Said},
    },
    web::{Caller, Json, Path, answer::ErrorBody},
};

const VERSION: &str = "1.0.0";
const EXTENSIONS: &str = "creation,creation-with-upload,termination,expiration";
/// The media type of an upload's bytes.
const BYTES: &str = "application/offset+octet-stream";
/// How much of a refused body is let come, and for how long.
const DRAINED: usize = 64 << 20;
pub(super) const DRAINED_WITHIN: Duration = Duration::from_secs(5);
/// The largest side of a film that is believed.
const MAX_SIDE: u32 = 16_384;

const TUS_RESUMABLE: HeaderName = HeaderName::from_static("tus-resumable");
const TUS_VERSION: HeaderName = HeaderName::from_static("tus-version");
const TUS_EXTENSION: HeaderName = HeaderName::from_static("tus-extension");
const TUS_MAX_SIZE: HeaderName = HeaderName::from_static("tus-max-size");
const UPLOAD_OFFSET: HeaderName = HeaderName::from_static("upload-offset");
const UPLOAD_LENGTH: HeaderName = HeaderName::from_static("upload-length");
const UPLOAD_EXPIRES: HeaderName = HeaderName::from_static("upload-expires");

pub(in crate::web) fn router() -> Router<App> {
    Router::new()
        .route("/api/uploads", post(begin).options(options))
        .route("/api/uploads/limits", get(limits))
        .route(
            "/api/uploads/{upload}",
            axum::routing::head(standing).patch(add).delete(cancel).options(options),
        )
        .layer(map_response(async |mut answer: Response| {
            answer.headers_mut().insert(TUS_RESUMABLE, HeaderValue::from_static(VERSION));
            answer
        }))
}

/// What may be uploaded.
#[derive(Serialize, ToSchema)]
pub struct LimitsBody {
    /// The most bytes of a file.
    file_bytes: u64,
    /// The most bytes of all files that one keeps.
    person_bytes: u64,
    /// How many of them are taken up.
    person_used: u64,
    /// The most files of a message.
    files_per_message: usize,
    /// The most bytes of a file's name.
    name_bytes: usize,
}

/// What may be uploaded, and how much room is left.
#[utoipa::path(
    get, path = "/api/uploads/limits", tag = "files",
    responses((status = 200, body = LimitsBody), (status = "default", body = ErrorBody))
)]
pub async fn limits(State(app): State<App>, caller: Caller) -> Result<Json<LimitsBody>> {
    let limits = app.files.limits();
    Ok(Json(LimitsBody {
        file_bytes: limits.file,
        person_bytes: limits.person,
        person_used: app.files.taken(caller.user).await?,
        files_per_message: MAX_FILES,
        name_bytes: MAX_NAME,
    }))
}

async fn options(State(app): State<App>) -> Response {
    let max = app.files.limits().file.to_string();
    let told =
        [(TUS_VERSION, VERSION.to_owned()), (TUS_EXTENSION, EXTENSIONS.to_owned()), (TUS_MAX_SIZE, max)];
    (StatusCode::NO_CONTENT, told).into_response()
}

/// Begin an upload.
#[utoipa::path(
    post, path = "/api/uploads", tag = "files", request_body(content = [u8], content_type = BYTES),
    params(
        ("Tus-Resumable" = String, Header, description = "1.0.0"),
        ("Upload-Length" = u64, Header, description = "In bytes"),
        ("Upload-Metadata" = Option<String>, Header, description = "filename, filetype, voice, size; values in base64"),
    ),
    responses((status = 201, description = "Location: where it goes on"), (status = "default", body = ErrorBody))
)]
pub async fn begin(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<Response> {
    speaks_tus(&headers)?;
    let length = number(&headers, &UPLOAD_LENGTH)?;
    let said = said(text(&headers, &HeaderName::from_static("upload-metadata")).unwrap_or_default())?;
    let upload = app.files.begin(caller.user, Length::Exactly(length), said).await?;
    let mut offset = 0;
    // An empty file is complete at once.
    if length == 0 || brings_bytes(&headers) {
        let mut bytes = body.into_data_stream();
        let added = app.files.add(caller.user, upload.id, 0, &mut bytes).await;
        if added.is_err() {
            drain(bytes).await;
        }
        // Where it stands is told by HEAD; that it began, by this.
        match added {
            Ok(stands) => offset = stands,
            Err(error) if error.code() == Code::StorageFull => return Err(error),
            Err(error) => tracing::debug!(%error, "an upload began and broke off"),
        }
    }
    let told = [
        (header::LOCATION, format!("/api/uploads/{}", upload.id)),
        (UPLOAD_OFFSET, offset.to_string()),
        (UPLOAD_EXPIRES, http_date(upload.expires)),
    ];
    Ok((StatusCode::CREATED, told).into_response())
}

/// Where an upload stands.
async fn standing(
    State(app): State<App>,
    caller: Caller,
    Path(upload): Path<FileId>,
    headers: HeaderMap,
) -> Result<Response> {
    speaks_tus(&headers)?;
    let Standing { offset, length, expires } = app.files.standing(caller.user, upload).await?;
    let mut answer =
        [(UPLOAD_OFFSET, offset.to_string()), (UPLOAD_LENGTH, length.to_string())].into_response();
    if let Some(expires) = expires.and_then(|at| HeaderValue::from_str(&http_date(at)).ok()) {
        answer.headers_mut().insert(UPLOAD_EXPIRES, expires);
    }
    Ok(answer)
}

/// Add to an upload. When its last byte is in, the file is there: `GET /api/files/{file}` with the same id.
#[utoipa::path(
    patch, path = "/api/uploads/{upload}", tag = "files", request_body(content = [u8], content_type = BYTES),
    params(
        ("upload" = uuid::Uuid, Path),
        ("Tus-Resumable" = String, Header, description = "1.0.0"),
        ("Upload-Offset" = u64, Header, description = "Where it stands"),
    ),
    responses((status = 204, description = "Upload-Offset: where it stands"), (status = "default", body = ErrorBody))
)]
pub async fn add(
    State(app): State<App>,
    caller: Caller,
    Path(upload): Path<FileId>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response> {
    speaks_tus(&headers)?;
    if !brings_bytes(&headers) {
        return Err(Error::malformed(format!("Expected Content-Type: {BYTES}.")));
    }
    let offset = number(&headers, &UPLOAD_OFFSET)?;
    let mut bytes = body.into_data_stream();
    let added = app.files.add(caller.user, upload, offset, &mut bytes).await;
    if added.is_err() {
        drain(bytes).await;
    }
    let offset = added?;
    Ok((StatusCode::NO_CONTENT, [(UPLOAD_OFFSET, offset.to_string())]).into_response())
}

/// Give up an upload, or take back its file while no message has it.
#[utoipa::path(
    delete, path = "/api/uploads/{upload}", tag = "files",
    params(("upload" = uuid::Uuid, Path), ("Tus-Resumable" = String, Header, description = "1.0.0")),
    responses((status = 204), (status = "default", body = ErrorBody))
)]
pub async fn cancel(
    State(app): State<App>,
    caller: Caller,
    Path(upload): Path<FileId>,
    headers: HeaderMap,
) -> Result<StatusCode> {
    speaks_tus(&headers)?;
    app.files.cancel(caller.user, upload).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lets go of the rest of a refused body, up to some amount: who still sends when the connection closes doesn't hear
/// why.
async fn drain(mut bytes: BodyDataStream) {
    let drained = async {
        let mut left = DRAINED;
        while let Some(Ok(next)) = bytes.next().await {
            left = left.saturating_sub(next.len());
            if left == 0 {
                return;
            }
        }
    };
    // Who sends more, or more slowly, is cut off.
    let _ = tokio::time::timeout(DRAINED_WITHIN, drained).await;
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn speaks_tus(headers: &HeaderMap) -> Result<()> {
    match text(headers, &TUS_RESUMABLE) {
        Some(VERSION) => Ok(()),
        _ => Err(Error::new(Code::TusVersion)),
    }
}

fn brings_bytes(headers: &HeaderMap) -> bool {
    text(headers, &header::CONTENT_TYPE) == Some(BYTES)
}

fn number(headers: &HeaderMap, name: &HeaderName) -> Result<u64> {
    let number = text(headers, name).and_then(|value| value.parse().ok());
    number.ok_or_else(|| Error::malformed(format!("Expected a number of bytes in {name}.")))
}

/// What the uploader says: names and values in base64, with commas between.
fn said(metadata: &str) -> Result<Said> {
    let mut said = Said::default();
    for pair in metadata.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once(' ').unwrap_or((pair, ""));
        let wrong = || Error::malformed(format!("Upload-Metadata: {name:?} has no value in base64."));
        let value = BASE64_STANDARD.decode(value.trim()).map_err(|_| wrong())?;
        let value = String::from_utf8_lossy(&value);
        match name {
            "filename" => said.name = FileName::clean(&value),
            "filetype" => said.sound = value.starts_with("audio/"),
            "voice" => {
                let voice = serde_json::from_str(&value).ok().filter(crate::model::file::Voice::fits);
                said.voice = Some(voice.ok_or_else(|| {
                    Error::invalid("voice", "Expected duration and peaks within their bounds.")
                })?);
            }
            "size" => said.pixels = pixels(&value),
            _ => {}
        }
    }
    Ok(said)
}

/// `1920x1080`.
fn pixels(text: &str) -> Option<Pixels> {
    let (width, height) = text.split_once('x')?;
    let side = |text: &str| text.parse().ok().filter(|side| (1..=MAX_SIDE).contains(side));
    Some(Pixels { width: side(width)?, height: side(height)? })
}

/// As HTTP writes times.
fn http_date(at: Timestamp) -> String {
    let at = jiff::Timestamp::from_millisecond(at.0).unwrap_or_default();
    at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::file::Voice;

    #[test]
    fn metadata_is_read() -> Result<()> {
        let encoded = |text: &str| BASE64_STANDARD.encode(text);
        let name = encoded("../Grüße.webm");
        let voice = encoded(r#"{"duration":1200,"peaks":[0,50,100]}"#);
        let all = format!(
            "filename {name}, filetype {},voice {voice},size {},more",
            encoded("audio/webm"),
            encoded("20x10")
        );
        let said = said(&all)?;
        assert_eq!(said.name.as_str(), "Grüße.webm");
        assert_eq!(said.voice, Some(Voice { duration: 1_200, peaks: vec![0, 50, 100] }));
        assert_eq!((said.sound, said.pixels), (true, Some(Pixels { width: 20, height: 10 })));
        for wrong in [
            "filename ?",
            &format!("voice {}", encoded("{}")),
            &format!("voice {}", encoded(r#"{"duration":1,"peaks":[101]}"#)),
        ] {
            assert!(super::said(wrong).is_err(), "{wrong}");
        }
        Ok(())
    }

    #[test]
    fn a_time_is_written_as_http_does() {
        assert_eq!(http_date(Timestamp(784_111_777_000)), "Sun, 06 Nov 1994 08:49:37 GMT");
    }

    proptest! {
        #[test]
        fn no_metadata_breaks_it(text in any::<String>(), value in any::<Vec<u8>>(), name in "filename|filetype|voice|size|x") {
            let _ = said(&text);
            let _ = said(&format!("{name} {}", BASE64_STANDARD.encode(value)));
        }
    }
}
