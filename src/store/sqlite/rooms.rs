//! The projections of rooms: what pages read.

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{
    SqliteStore,
    failure::Failure,
    files, log, people,
    row::{count, from_word, id, int, json, nat},
    sessions,
};
use crate::{
    model::{
        FileId, FileKind, Membership, Message, Person, Rev, Room, RoomId, Seq, SessionId, Stream, Timestamp,
        UserId,
    },
    store::{Arrival, Listed, Page, RoomStore, StoreError},
};

/// Present members of the room ?1 after the user ?2; as many as ?3.
pub(super) const MEMBERS: &str = "
    SELECT room, user, rev, role, since FROM members INDEXED BY members_present
    WHERE room = ?1 AND role IS NOT NULL AND user > ?2 ORDER BY user LIMIT ?3";

/// Pinned messages of the room ?1 before the seq ?2; as many as ?3.
pub(super) const PINNED: &str = "
    SELECT doc FROM messages INDEXED BY messages_pinned
    WHERE room = ?1 AND pinned = 1 AND seq < ?2 ORDER BY seq DESC LIMIT ?3";

/// Public rooms whose name holds ?1, after the room with the name ?2 and the id ?3; as many as ?4.
pub(super) const PUBLIC: &str = "
    SELECT doc FROM rooms WHERE public = 1 AND (folded, id) > (?2, ?3) AND instr(folded, ?1) > 0
    ORDER BY folded, id LIMIT ?4";

/// The rooms of the user ?1, with what they have read and how often they are mentioned after that.
pub(super) const LISTED: &str = "
    SELECT place.*, rooms.doc,
        (SELECT count(*) FROM mentions
         WHERE mentions.user = place.user AND mentions.room = place.room AND mentions.seq > place.read)
        + (SELECT count(*) FROM everyone
           WHERE everyone.room = place.room AND everyone.seq > place.read AND everyone.author <> place.user)
    FROM (
        SELECT members.room, members.user, members.rev, members.role, members.since,
            max(members.since, coalesce(reads.seq, 0)) AS read
        FROM members LEFT JOIN reads ON reads.user = members.user AND reads.room = members.room
        WHERE members.user = ?1 AND members.role IS NOT NULL
    ) AS place JOIN rooms ON rooms.id = place.room";

#[async_trait]
impl RoomStore for SqliteStore {
    async fn rooms(&self, rooms: &[RoomId]) -> Result<Vec<Room>, StoreError> {
        let ids: Vec<_> = rooms.iter().map(|room| *room.as_bytes()).collect();
        Ok(self.look_up(move |db| by_keys(db, "SELECT doc FROM rooms WHERE id = ?1", &ids)).await?)
    }

    async fn public_rooms(
        &self,
        query: &str,
        after: Option<RoomId>,
        limit: usize,
    ) -> Result<Page<Room>, StoreError> {
        let query = query.to_owned();
        Ok(self.query(move |db| public_rooms(db, &query, after, limit)).await?)
    }

    async fn listed(&self, user: UserId, room: Option<RoomId>) -> Result<Vec<Listed>, StoreError> {
        Ok(self.look_up(move |db| listed(db, user, room)).await?)
    }

    async fn arrival(&self, user: UserId, session: SessionId, now: Timestamp) -> Result<Arrival, StoreError> {
        let work = move |db: &Connection| {
            let session = sessions::by_id(db, session, now)?;
            let head = log::head_of(db, Stream::Person(user))?;
            Ok(Arrival { session, head, listed: listed(db, user, None)? })
        };
        Ok(self.look_up(work).await?)
    }

    async fn memberships(&self, room: RoomId, users: &[UserId]) -> Result<Vec<Membership>, StoreError> {
        let users = users.to_vec();
        let work = move |db: &Connection| {
            let mut query = db.prepare_cached(
                "SELECT room, user, rev, role, since FROM members WHERE room = ?1 AND user = ?2",
            )?;
            let mut found = Vec::with_capacity(users.len());
            for user in users {
                found.extend(
                    query.query_row(params![room.as_bytes(), user.as_bytes()], membership).optional()?,
                );
            }
            Ok(found)
        };
        Ok(self.look_up(work).await?)
    }

    async fn members(
        &self,
        room: RoomId,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<Page<Membership>, StoreError> {
        let work = move |db: &Connection| {
            let mut query = db.prepare_cached(MEMBERS)?;
            let after: &[u8] = after.as_ref().map_or(&[], |user| user.as_bytes());
            let found = query.query_map(params![room.as_bytes(), after, one_more(limit)], membership)?;
            Ok(page(found.collect::<rusqlite::Result<_>>()?, limit))
        };
        Ok(self.look_up(work).await?)
    }

    async fn messages(
        &self,
        room: RoomId,
        from: Seq,
        to: Seq,
        limit: usize,
        last: bool,
    ) -> Result<Vec<Message>, StoreError> {
        let work = move |db: &Connection| {
            let mut query = db.prepare_cached(if last {
                "SELECT doc FROM messages WHERE room = ?1 AND seq BETWEEN ?2 AND ?3 ORDER BY seq DESC LIMIT ?4"
            } else {
                "SELECT doc FROM messages WHERE room = ?1 AND seq BETWEEN ?2 AND ?3 ORDER BY seq LIMIT ?4"
            })?;
            let range = params![room.as_bytes(), int(from.0), int(to.0), count(limit)];
            let found = query.query_map(range, |row| json(row, 0))?;
            let mut messages: Vec<Message> = found.collect::<rusqlite::Result<_>>()?;
            if last {
                messages.reverse();
            }
            Ok(messages)
        };
        Ok(self.look_up(work).await?)
    }

    async fn messages_at(&self, room: RoomId, seqs: &[Seq]) -> Result<Vec<Message>, StoreError> {
        let seqs = seqs.to_vec();
        let work = move |db: &Connection| {
            let mut query = db.prepare_cached("SELECT doc FROM messages WHERE room = ?1 AND seq = ?2")?;
            let mut found = Vec::with_capacity(seqs.len());
            for seq in seqs {
                let place = params![room.as_bytes(), int(seq.0)];
                found.extend(query.query_row(place, |row| json::<Message>(row, 0)).optional()?);
            }
            Ok(found)
        };
        Ok(self.look_up(work).await?)
    }

    async fn messages_with(
        &self,
        room: RoomId,
        file: FileId,
        limit: usize,
    ) -> Result<Vec<Message>, StoreError> {
        Ok(self.query(move |db| files::holding(db, room, file, limit)).await?)
    }

    async fn messages_with_files(
        &self,
        room: RoomId,
        kinds: &[FileKind],
        before: Seq,
        limit: usize,
    ) -> Result<Page<Message>, StoreError> {
        let kinds = kinds.to_vec();
        Ok(self.query(move |db| files::with_files(db, room, &kinds, before, limit)).await?)
    }

    async fn pinned(
        &self,
        room: RoomId,
        before: Option<Seq>,
        limit: usize,
    ) -> Result<Page<Message>, StoreError> {
        let work = move |db: &Connection| {
            let mut query = db.prepare_cached(PINNED)?;
            let before = before.map_or(i64::MAX, |seq| int(seq.0));
            let found =
                query.query_map(params![room.as_bytes(), before, one_more(limit)], |row| json(row, 0))?;
            Ok(page(found.collect::<rusqlite::Result<_>>()?, limit))
        };
        Ok(self.query(work).await?)
    }

    async fn mark_read(&self, user: UserId, room: RoomId, seq: Seq) -> Result<bool, StoreError> {
        let work = move |db: &Connection| {
            let moved = db
                .prepare_cached(
                    "INSERT INTO reads (user, room, seq) SELECT ?1, ?2, ?3 WHERE ?3 > 0
                     ON CONFLICT DO UPDATE SET seq = ?3 WHERE seq < ?3",
                )?
                .execute(params![user.as_bytes(), room.as_bytes(), int(seq.0)])?;
            Ok(moved == 1)
        };
        Ok(self.commit(work).await?)
    }

    async fn set_draft(&self, user: UserId, room: RoomId, text: &str) -> Result<(), StoreError> {
        let text = text.to_owned();
        let work = move |db: &Connection| {
            if text.is_empty() {
                db.prepare_cached("DELETE FROM drafts WHERE user = ?1 AND room = ?2")?
                    .execute(params![user.as_bytes(), room.as_bytes()])?;
            } else {
                db.prepare_cached("INSERT OR REPLACE INTO drafts (user, room, text) VALUES (?1, ?2, ?3)")?
                    .execute(params![user.as_bytes(), room.as_bytes(), text])?;
            }
            Ok(())
        };
        Ok(self.commit(work).await?)
    }

    async fn drafts(&self, user: UserId) -> Result<Vec<(RoomId, String)>, StoreError> {
        let work = move |db: &Connection| {
            let mut query = db.prepare_cached("SELECT room, text FROM drafts WHERE user = ?1")?;
            let found = query
                .query_map([user.as_bytes()], |row| Ok((id(row, 0, RoomId::from_bytes)?, row.get(1)?)))?;
            Ok(found.collect::<rusqlite::Result<_>>()?)
        };
        Ok(self.look_up(work).await?)
    }

    async fn people(&self, users: &[UserId]) -> Result<Vec<Person>, StoreError> {
        let ids: Vec<_> = users.iter().map(|user| *user.as_bytes()).collect();
        Ok(self.look_up(move |db| by_keys(db, "SELECT doc FROM people WHERE id = ?1", &ids)).await?)
    }

    async fn people_named(&self, names: &[String]) -> Result<Vec<Person>, StoreError> {
        let names = names.to_vec();
        Ok(self.look_up(move |db| by_keys(db, "SELECT doc FROM people WHERE name = ?1", &names)).await?)
    }

    async fn find_people(
        &self,
        query: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<Person>, StoreError> {
        let (query, after) = (query.to_owned(), after.unwrap_or_default().to_owned());
        Ok(self.query(move |db| people::find(db, &query, &after, limit)).await?)
    }
}

/// The documents that `sql` finds by each of these keys.
fn by_keys<T: serde::de::DeserializeOwned>(
    db: &Connection,
    sql: &str,
    keys: &[impl rusqlite::ToSql],
) -> Result<Vec<T>, Failure> {
    let mut query = db.prepare_cached(sql)?;
    let mut found = Vec::with_capacity(keys.len());
    for key in keys {
        found.extend(query.query_row([key], |row| json(row, 0)).optional()?);
    }
    Ok(found)
}

fn public_rooms(
    db: &Connection,
    text: &str,
    after: Option<RoomId>,
    limit: usize,
) -> Result<Page<Room>, Failure> {
    let mut name = db.prepare_cached("SELECT folded FROM rooms WHERE id = ?1")?;
    let after_name: Option<String> = match &after {
        Some(room) => name.query_row([room.as_bytes()], |row| row.get(0)).optional()?,
        None => None,
    };
    let after_id: &[u8] = after.as_ref().map_or(&[], |room| room.as_bytes());
    let mut query = db.prepare_cached(PUBLIC)?;
    let found = query
        .query_map(params![text, after_name.unwrap_or_default(), after_id, one_more(limit)], |row| {
            json(row, 0)
        })?;
    Ok(page(found.collect::<rusqlite::Result<_>>()?, limit))
}

fn listed(db: &Connection, user: UserId, room: Option<RoomId>) -> Result<Vec<Listed>, Failure> {
    let mut read = |row: &Row<'_>| {
        let room: Room = json(row, 6)?;
        let head = log::head_of(db, Stream::Room(room.id))?;
        let (member, read, mentions) = (membership(row)?, Seq(nat(row.get(5)?)), row.get(7)?);
        Ok(Listed { room, member, read, mentions, head })
    };
    let found: rusqlite::Result<Vec<_>> = match room {
        None => db.prepare_cached(LISTED)?.query_map([user.as_bytes()], &mut read)?.collect(),
        Some(room) => db
            .prepare_cached(&format!("{LISTED} WHERE place.room = ?2"))?
            .query_map(params![user.as_bytes(), room.as_bytes()], &mut read)?
            .collect(),
    };
    Ok(found?)
}

/// A membership in the first five columns.
pub(super) fn membership(row: &Row<'_>) -> rusqlite::Result<Membership> {
    let gone = row.get_ref(3)? == rusqlite::types::ValueRef::Null;
    Ok(Membership {
        room: id(row, 0, RoomId::from_bytes)?,
        user: id(row, 1, UserId::from_bytes)?,
        rev: Rev(nat(row.get(2)?)),
        role: if gone { None } else { Some(from_word(row, 3)?) },
        since: Seq(nat(row.get(4)?)),
    })
}

/// How many to look for, to know whether there are more than `limit`.
pub(super) fn one_more(limit: usize) -> i64 {
    count(limit).saturating_add(1)
}

/// The page of `limit` of these, and whether there are more.
pub(super) fn page<T>(mut items: Vec<T>, limit: usize) -> Page<T> {
    let more = items.len() > limit;
    items.truncate(limit);
    Page { items, more }
}
