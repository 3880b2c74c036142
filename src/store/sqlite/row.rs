//! Between the columns of a row and the model.

use rusqlite::{Row, types::Type};
use serde::{Serialize, de::DeserializeOwned};

use super::failure::Failure;
use crate::model::{Head, Rev, Tag};

/// A count or place as SQLite keeps it.
pub(super) fn int(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// And back.
pub(super) fn nat(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

/// A place in a list as SQLite counts it.
pub(super) fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The head in two columns, from `column` on.
pub(super) fn head(row: &Row<'_>, column: usize) -> rusqlite::Result<Head> {
    let (rev, tag): (i64, i64) = (row.get(column)?, row.get(column + 1)?);
    Ok(Head { rev: Rev(nat(rev)), tag: Tag(tag.cast_unsigned()) })
}

/// An id in a column.
pub(super) fn id<T>(row: &Row<'_>, column: usize, from_bytes: fn([u8; 16]) -> T) -> rusqlite::Result<T> {
    row.get(column).map(from_bytes)
}

/// What a column holds as JSON.
pub(super) fn json<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    serde_json::from_slice(row.get_ref(column)?.as_blob()?)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(column, Type::Blob, Box::new(error)))
}

/// A value as JSON. Most take some hundred bytes; a buffer that grows to that would be copied several times.
pub(super) fn to_json(value: &impl Serialize) -> Result<Vec<u8>, Failure> {
    let mut json = Vec::with_capacity(1024);
    serde_json::to_writer(&mut json, value)?;
    Ok(json)
}

/// A word of ours (a role, a kind) as a column holds it.
pub(super) fn word(value: &impl Serialize) -> Result<String, Failure> {
    match serde_json::to_value(value)? {
        serde_json::Value::String(word) => Ok(word),
        other => Err(Failure::Broken(format!("not a word: {other}"))),
    }
}

/// And back.
pub(super) fn from_word<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    let word = row.get_ref(column)?.as_str()?;
    serde_json::from_value(serde_json::Value::from(word))
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error)))
}
