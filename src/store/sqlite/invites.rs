//! Invitations: good until they are over or used up.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{failure::Failure, row::id};
use crate::model::{InviteId, Timestamp, UserId, account::Invite};

pub(super) const INVITE: &str = "SELECT id, secret, author, created, expires, uses FROM invites";

pub(super) fn invite(row: &Row<'_>) -> rusqlite::Result<Invite> {
    Ok(Invite {
        id: id(row, 0, InviteId::from_bytes)?,
        secret: row.get(1)?,
        by: row.get::<_, Option<[u8; 16]>>(2)?.map(UserId::from_bytes),
        created: Timestamp(row.get(3)?),
        expires: Timestamp(row.get(4)?),
        uses: row.get(5)?,
    })
}

pub(super) fn create(db: &Connection, invite: &Invite) -> Result<(), Failure> {
    db.prepare_cached(
        "INSERT INTO invites (id, secret, author, created, expires, uses) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![
        invite.id.as_bytes(),
        invite.secret,
        invite.by.as_ref().map(UserId::as_bytes),
        invite.created.0,
        invite.expires.0,
        invite.uses,
    ])?;
    Ok(())
}

/// Takes one use of it; false when it isn't good.
pub(super) fn use_up(db: &Connection, secret: &[u8; 32], now: Timestamp) -> Result<bool, Failure> {
    let used = db
        .prepare_cached("UPDATE invites SET uses = uses - 1 WHERE secret = ?1 AND expires > ?2 AND uses > 0")?
        .execute(params![secret, now.0])?;
    Ok(used == 1)
}

pub(super) fn good(db: &Connection, secret: &[u8; 32], now: Timestamp) -> Result<Option<Invite>, Failure> {
    let mut query =
        db.prepare_cached(&format!("{INVITE} WHERE secret = ?1 AND expires > ?2 AND uses > 0"))?;
    Ok(query.query_row(params![secret, now.0], invite).optional()?)
}

pub(super) fn all_good(db: &Connection, now: Timestamp) -> Result<Vec<Invite>, Failure> {
    let mut query =
        db.prepare_cached(&format!("{INVITE} WHERE expires > ?1 AND uses > 0 ORDER BY created DESC"))?;
    Ok(query.query_map([now.0], invite)?.collect::<rusqlite::Result<_>>()?)
}

pub(super) fn end(db: &Connection, id: InviteId) -> Result<bool, Failure> {
    Ok(db.prepare_cached("DELETE FROM invites WHERE id = ?1")?.execute([id.as_bytes()])? == 1)
}

pub(super) fn sweep(db: &Connection, now: Timestamp) -> Result<(), Failure> {
    db.prepare_cached("DELETE FROM invites WHERE expires < ?1")?.execute([now.0])?;
    Ok(())
}
