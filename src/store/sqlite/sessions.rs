//! Sessions: found by the hash of a secret, never by a secret.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{
    failure::Failure,
    row::{from_word, id, word},
};
use crate::model::{SessionId, Timestamp, UserId, account::Session};

pub(super) const SESSION: &str =
    "SELECT id, user, kind, secret, used, used_at, agent, created, seen, expires FROM sessions";

pub(super) fn session(row: &Row<'_>) -> rusqlite::Result<Session> {
    let used: (Option<[u8; 32]>, Option<i64>) = (row.get(4)?, row.get(5)?);
    Ok(Session {
        id: id(row, 0, SessionId::from_bytes)?,
        user: id(row, 1, UserId::from_bytes)?,
        kind: from_word(row, 2)?,
        secret: row.get(3)?,
        used: used.0.zip(used.1.map(Timestamp)),
        agent: row.get(6)?,
        created: Timestamp(row.get(7)?),
        seen: Timestamp(row.get(8)?),
        expires: Timestamp(row.get(9)?),
    })
}

/// Keeps it; a conflict when one with its id or secret is there.
pub(super) fn create(db: &Connection, session: &Session) -> Result<(), Failure> {
    db.prepare_cached(
        "INSERT INTO sessions (id, user, kind, secret, used, used_at, agent, created, seen, expires)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?
    .execute(params![
        session.id.as_bytes(),
        session.user.as_bytes(),
        word(&session.kind)?,
        session.secret,
        session.used.map(|(secret, _)| secret),
        session.used.map(|(_, at)| at.0),
        session.agent,
        session.created.0,
        session.seen.0,
        session.expires.0,
    ])?;
    Ok(())
}

pub(super) fn by_secret(
    db: &Connection,
    secret: &[u8; 32],
    now: Timestamp,
) -> Result<Option<Session>, Failure> {
    for column in ["secret", "used"] {
        let mut query = db.prepare_cached(&format!("{SESSION} WHERE {column} = ?1 AND expires > ?2"))?;
        if let Some(found) = query.query_row(params![secret, now.0], session).optional()? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

pub(super) fn by_id(db: &Connection, id: SessionId, now: Timestamp) -> Result<Option<Session>, Failure> {
    let mut query = db.prepare_cached(&format!("{SESSION} WHERE id = ?1 AND expires > ?2"))?;
    Ok(query.query_row(params![id.as_bytes(), now.0], session).optional()?)
}

pub(super) fn of(db: &Connection, user: UserId, now: Timestamp) -> Result<Vec<Session>, Failure> {
    let mut query =
        db.prepare_cached(&format!("{SESSION} WHERE user = ?1 AND expires > ?2 ORDER BY seen DESC"))?;
    Ok(query.query_map(params![user.as_bytes(), now.0], session)?.collect::<rusqlite::Result<_>>()?)
}

pub(super) fn touch(
    db: &Connection,
    id: SessionId,
    seen: Timestamp,
    expires: Timestamp,
) -> Result<(), Failure> {
    db.prepare_cached("UPDATE sessions SET seen = ?2, expires = ?3 WHERE id = ?1")?.execute(params![
        id.as_bytes(),
        seen.0,
        expires.0
    ])?;
    Ok(())
}

/// The replacing of a session's secret.
pub(super) struct Turn {
    pub(super) id: SessionId,
    pub(super) from: [u8; 32],
    pub(super) to: [u8; 32],
    pub(super) now: Timestamp,
    pub(super) expires: Timestamp,
}

impl Turn {
    /// False when another was faster.
    pub(super) fn take(&self, db: &Connection) -> Result<bool, Failure> {
        let turned = db
            .prepare_cached(
                "UPDATE sessions SET secret = ?3, used = ?2, used_at = ?4, seen = ?4, expires = ?5
                 WHERE id = ?1 AND secret = ?2",
            )?
            .execute(params![self.id.as_bytes(), self.from, self.to, self.now.0, self.expires.0])?;
        Ok(turned == 1)
    }
}

pub(super) fn end(db: &Connection, id: SessionId) -> Result<bool, Failure> {
    Ok(db.prepare_cached("DELETE FROM sessions WHERE id = ?1")?.execute([id.as_bytes()])? == 1)
}

pub(super) fn sweep(db: &Connection, now: Timestamp) -> Result<(), Failure> {
    db.prepare_cached("DELETE FROM sessions WHERE expires < ?1")?.execute([now.0])?;
    Ok(())
}
