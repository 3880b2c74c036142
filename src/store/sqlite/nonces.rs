//! What is known of nonces: which entry bears one, or how its change ended without an entry.

use std::collections::HashSet;

use rusqlite::{Connection, OptionalExtension, params};
use sha2::{Digest, Sha256};

use super::{
    failure::Failure,
    log::{append, holding, stream_id},
    row::{int, json},
};
use crate::{
    model::{Append, Entry, NonceKey, Stream, Timestamp},
    store::Found,
};

/// How many bytes of a nonce's SHA-256 stand for it.
const HASHED: usize = 16;

/// Nonces of changes that ended before ?1; taken out before [`FORGET_ENDED`].
pub(super) const FORGET_NONCES: &str =
    "DELETE FROM nonces WHERE (nonce, stream) IN (SELECT nonce, stream FROM ended WHERE at < ?1)";

/// How changes ended before ?1.
pub(super) const FORGET_ENDED: &str = "DELETE FROM ended WHERE at < ?1";

/// Stands for the rev of a nonce whose change ended without an entry.
const ENDED: i64 = 0;

/// What stands for a nonce in its table: a hash. A nonce that says when it was made has that time in front: posts of one
/// moment then write to one page, and not each to another.
pub(super) fn digest(nonce: &NonceKey) -> Vec<u8> {
    let made = nonce.made();
    let mut digest = Vec::with_capacity(made.map_or(0, |made| made.len()) + HASHED);
    digest.extend(made.iter().flatten());
    digest.extend_from_slice(&Sha256::digest(nonce.0.as_bytes())[..HASHED]);
    digest
}

/// Fills the table of nonces from the log.
pub(super) fn note_nonces(db: &Connection) -> rusqlite::Result<()> {
    let mut log = db.prepare("SELECT stream, entries FROM log ORDER BY id")?;
    let mut note = db.prepare("INSERT INTO nonces (nonce, stream, rev) VALUES (?1, ?2, ?3)")?;
    let mut rows = log.query([])?;
    while let Some(row) = rows.next()? {
        let (stream, entries): (i64, Vec<Entry>) = (row.get(0)?, json(row, 1)?);
        for entry in entries {
            note.execute(params![digest(&entry.nonce), stream, int(entry.rev.0)])?;
        }
    }
    Ok(())
}

/// What is known of these in a stream.
pub(super) fn find(db: &Connection, stream: Stream, nonces: &[NonceKey]) -> Result<Vec<Found>, Failure> {
    let Some(id) = stream_id(db, stream)? else { return Ok(vec![]) };
    let mut place = db.prepare_cached("SELECT rev FROM nonces WHERE stream = ?1 AND nonce = ?2")?;
    let mut ended = db.prepare_cached("SELECT how FROM ended WHERE stream = ?1 AND nonce = ?2")?;
    let (mut revs, mut found) = (vec![], vec![]);
    for nonce in nonces {
        let nonce = digest(nonce);
        match place.query_row(params![id, nonce], |row| row.get(0)).optional()? {
            Some(ENDED) => found.push(Found::Ended(ended.query_row(params![id, nonce], |row| json(row, 0))?)),
            rev => revs.extend(rev),
        }
    }
    revs.sort_unstable();
    revs.dedup();
    let wanted: HashSet<_> = nonces.iter().collect();
    let mut query = holding(db)?;
    let mut held: Option<Append> = None;
    for rev in revs {
        if held.as_ref().is_none_or(|append| int(append.head().rev.0) < rev) {
            held = query.query_row(params![id, rev], |row| append(stream, row)).optional()?;
        }
        let Some(append) = &held else { continue };
        let entry =
            append.entries.iter().find(|entry| int(entry.rev.0) == rev && wanted.contains(&entry.nonce));
        found.extend(entry.map(|entry: &Entry| Found::Entry { entry: entry.clone(), tag: append.tag }));
    }
    Ok(found)
}

/// Keeps how changes ended whose nonces aren't known yet.
pub(super) fn note_ended(
    db: &Connection,
    stream: Stream,
    at: Timestamp,
    ended: &[(Vec<u8>, Vec<u8>)],
) -> Result<(), Failure> {
    let Some(id) = stream_id(db, stream)? else { return Ok(()) };
    let mut know = db.prepare_cached(
        "INSERT INTO nonces (stream, nonce, rev) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
    )?;
    let mut keep = db.prepare_cached("INSERT INTO ended (stream, nonce, at, how) VALUES (?1, ?2, ?3, ?4)")?;
    for (nonce, how) in ended {
        if know.execute(params![id, nonce, ENDED])? == 1 {
            keep.execute(params![id, nonce, at.0, how])?;
        }
    }
    Ok(())
}

/// Lets go of how changes ended before then.
pub(super) fn forget_ended(db: &Connection, before: Timestamp) -> Result<(), Failure> {
    db.prepare_cached(FORGET_NONCES)?.execute([before.0])?;
    db.prepare_cached(FORGET_ENDED)?.execute([before.0])?;
    Ok(())
}
