//! Many updates or deletions in one command.
//!
//! The driver has none of its own for servers before 8.0, so the command and its answer are put together and taken apart
//! here.

use mongodb::{
    Database,
    bson::{Document, RawArrayBuf, RawDocumentBuf, cstr, raw::CStr, rawdoc},
};
use serde::Deserialize;

use super::errors::{PATIENCE, Refused, bounded, broken, by_code};
use crate::store::StoreError;

/// The most statements in one command.
const MAX_STATEMENTS: usize = 1_000;
/// The most bytes of statements in one command, if it is more than one; a command has at most 16 MiB.
const MAX_BYTES: usize = 8 << 20;

/// What became of the statements.
#[derive(Debug, Default)]
pub(super) struct Done {
    /// How many documents were found, or put.
    pub(super) count: u64,
    /// Statements that a unique index refused.
    pub(super) duplicates: Vec<usize>,
}

/// What the server answers to a command of many statements.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    n: i64,
    #[serde(default)]
    write_errors: Vec<Failed>,
    write_concern_error: Option<Failed>,
}

#[derive(Debug, Deserialize)]
struct Failed {
    #[serde(default)]
    index: usize,
    code: i32,
    #[serde(default)]
    errmsg: String,
}

/// Runs update statements, each on its own.
pub(super) async fn update(
    database: &Database,
    collection: &str,
    statements: Vec<RawDocumentBuf>,
) -> Result<Done, StoreError> {
    run(database, cstr!("update"), cstr!("updates"), collection, statements).await
}

/// Runs delete statements, each on its own.
pub(super) async fn delete(
    database: &Database,
    collection: &str,
    statements: Vec<RawDocumentBuf>,
) -> Result<Done, StoreError> {
    run(database, cstr!("delete"), cstr!("deletes"), collection, statements).await
}

async fn run(
    database: &Database,
    name: &CStr,
    field: &CStr,
    collection: &str,
    statements: Vec<RawDocumentBuf>,
) -> Result<Done, StoreError> {
    let mut done = Done::default();
    let mut rest = statements.as_slice();
    while !rest.is_empty() {
        let offset = statements.len() - rest.len();
        let (now, later) = rest.split_at(fitting(rest));
        rest = later;
        let mut command = RawDocumentBuf::new();
        command.append(name, collection);
        let mut list = RawArrayBuf::new();
        now.iter().for_each(|statement| list.push(statement.clone()));
        command.append(field, list);
        command.append(cstr!("ordered"), false);
        command.append(cstr!("maxTimeMS"), millis());
        command.append(cstr!("writeConcern"), rawdoc! { "w": "majority", "j": true, "wtimeout": millis() });
        let answer: Document = bounded(database.run_raw_command(command)).await?;
        let answer = mongodb::bson::deserialize_from_document::<Answer>(answer)
            .map_err(|error| broken(format!("an answer can't be read: {error}")))?;
        if let Some(concern) = answer.write_concern_error {
            // Of whatever code: these may yet be rolled back.
            return Err(StoreError::Away(concern.errmsg));
        }
        for failed in answer.write_errors {
            match Refused::by(failed.code) {
                Refused::Duplicate => done.duplicates.push(offset + failed.index),
                _ => return Err(by_code(failed.code, failed.errmsg)),
            }
        }
        done.count += u64::try_from(answer.n).unwrap_or_default();
    }
    Ok(done)
}

fn millis() -> i64 {
    i64::try_from(PATIENCE.as_millis()).unwrap_or(i64::MAX)
}

/// How many of them, from the first, go in one command.
fn fitting(statements: &[RawDocumentBuf]) -> usize {
    let mut bytes = 0;
    let more = statements.iter().take(MAX_STATEMENTS).take_while(|next| {
        bytes += next.as_bytes().len();
        bytes <= MAX_BYTES
    });
    more.count().max(1)
}
