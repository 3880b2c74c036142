//! `/api/files`: whole uploads by one request, and what is known of a file; `/api/rooms/{room}/files`: a room's.

use axum::{
    Router,
    extract::{FromRequest, Multipart, Request, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    rooms::{MAX_ROWS, ROWS},
    uploads::DRAINED_WITHIN,
};
use crate::{
    app::App,
    chat::FileFields,
    error::{Error, Result},
    files::Length,
    model::{
        FileId, FileKind, RoomId, Seq, StoredFile, Timestamp, UserId,
        file::{FileName, MAX_FILES, Said},
    },
    web::{Caller, Json, Path, Query, answer::ErrorBody},
};

pub(super) fn router() -> Router<App> {
    Router::new()
        .route("/api/files/{file}", get(one).delete(take_back))
        .route("/api/rooms/{room}/files", get(of_room))
}

/// What takes as long as it takes.
pub(in crate::web) fn lasting() -> Router<App> {
    Router::new().route("/api/files", post(upload))
}

/// Files to be uploaded.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it only describes a form")]
pub struct FilesForm {
    /// Up to 10 files, in fields of any name.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
}

/// Upload files in one go: `curl -F file=@name`.
#[utoipa::path(
    post, path = "/api/files", tag = "files", request_body(content = FilesForm, content_type = "multipart/form-data"),
    responses(
        (status = 201, body = FileFields, description = "Of several files, a list"),
        (status = "default", body = ErrorBody)
    )
)]
pub async fn upload(State(app): State<App>, caller: Caller, request: Request) -> Result<Response> {
    let length =
        request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    let mut form = Multipart::from_request(request, &())
        .await
        .map_err(|error| Error::malformed("Expected a form of files: multipart/form-data.").because(error))?;
    // So many bytes at most does any of the files have.
    let at_most = length.unwrap_or(u64::MAX).min(app.files.limits().file);
    let files = take_all(&app, &caller, &mut form, at_most).await;
    if files.is_err() {
        // Who still sends when the connection closes doesn't hear why.
        let drained = async { while let Ok(Some(_)) = form.next_field().await {} };
        let _ = tokio::time::timeout(DRAINED_WITHIN, drained).await;
    }
    let files = files?;
    let fields: Vec<_> = files.iter().map(|file| FileFields::of(&file.about)).collect();
    match fields.as_slice() {
        [] => Err(Error::invalid("file", "There is no file in this form.")),
        [only] => Ok((StatusCode::CREATED, Json(only)).into_response()),
        _ => Ok((StatusCode::CREATED, Json(fields)).into_response()),
    }
}

/// The files of a form, each of at most so many bytes.
async fn take_all(app: &App, caller: &Caller, form: &mut Multipart, at_most: u64) -> Result<Vec<StoredFile>> {
    let mut files: Vec<StoredFile> = vec![];
    loop {
        let field = form.next_field().await;
        let field = field.map_err(|error| Error::malformed("The body broke off.").because(error))?;
        let Some(field) = field else { return Ok(files) };
        let Some(name) = field.file_name() else { continue };
        if files.len() == MAX_FILES {
            return Err(Error::invalid("file", format!("At most {MAX_FILES} files at once.")));
        }
        let sound = field.content_type().is_some_and(|kind| kind.starts_with("audio/"));
        let said = Said { name: FileName::clean(name), sound, ..Said::default() };
        let upload = app.files.begin(caller.user, Length::AtMost(at_most), said).await?;
        files.push(app.files.take(upload, field).await?);
    }
}

/// What is known of a file.
#[utoipa::path(
    get, path = "/api/files/{file}", tag = "files", params(("file" = uuid::Uuid, Path)),
    responses((status = 200, body = FileFields), (status = "default", body = ErrorBody))
)]
pub async fn one(State(app): State<App>, caller: Caller, Path(file): Path<FileId>) -> Result<Response> {
    let file = app.files.readable(caller.user, file).await?;
    Ok(Json(FileFields::of(&file.about)).into_response())
}

/// Take back a file of one's own that wasn't posted.
#[utoipa::path(
    delete, path = "/api/files/{file}", tag = "files", params(("file" = uuid::Uuid, Path)),
    responses((status = 204), (status = "default", body = ErrorBody))
)]
pub async fn take_back(
    State(app): State<App>,
    caller: Caller,
    Path(file): Path<FileId>,
) -> Result<StatusCode> {
    app.files.cancel(caller.user, file).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Which of a room's files.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Which {
    /// Some of `image`, `video`, `audio`, `voice`, `text`, `pdf`, `archive`, `other`, with commas between.
    #[serde(default)]
    kind: String,
    /// Of messages before this one.
    #[param(value_type = Option<u64>)]
    before: Option<Seq>,
    /// Of so many messages; at most 100.
    limit: Option<usize>,
}

/// A file, and the message that has it.
#[derive(Serialize, ToSchema)]
pub struct PostedFile<'a> {
    #[serde(flatten)]
    file: FileFields<'a>,
    /// The message's place.
    #[schema(value_type = u64)]
    seq: Seq,
    /// Who posted it.
    #[schema(value_type = uuid::Uuid)]
    author: UserId,
    /// When.
    #[schema(value_type = i64)]
    at: Timestamp,
}

/// Files of a room, the newest first.
#[derive(Serialize, ToSchema)]
pub struct PostedFiles<'a> {
    files: Vec<PostedFile<'a>>,
    /// To be sent as `before`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>)]
    next: Option<Seq>,
}

/// A room's files.
#[utoipa::path(
    get, path = "/api/rooms/{room}/files", tag = "files", params(("room" = uuid::Uuid, Path), Which),
    responses((status = 200, body = PostedFiles), (status = "default", body = ErrorBody))
)]
pub async fn of_room(
    State(app): State<App>,
    caller: Caller,
    Path(room): Path<RoomId>,
    Query(which): Query<Which>,
) -> Result<Response> {
    let limit = which.limit.unwrap_or(ROWS);
    if !(1..=MAX_ROWS).contains(&limit) {
        return Err(Error::invalid("limit", format!("Expected 1 to {MAX_ROWS}; found {limit}.")));
    }
    let kinds = which.kind.split(',').map(str::trim).filter(|kind| !kind.is_empty());
    let kinds: Vec<FileKind> = kinds.map(str::parse).collect::<Result<_, _>>()?;
    let readable = app.chat.readable(caller.user, room).await?;
    let (messages, next) = app.chat.messages_with_files(&readable, &kinds, which.before, limit).await?;
    let files = messages.iter().flat_map(|message| message.files().iter().map(move |file| (message, file)));
    let files = files.filter(|(_, file)| kinds.is_empty() || kinds.contains(&file.kind));
    let files = files.map(|(message, file)| PostedFile {
        file: FileFields::of(file),
        seq: message.seq,
        author: message.by,
        at: message.at,
    });
    Ok(Json(PostedFiles { files: files.collect(), next }).into_response())
}
