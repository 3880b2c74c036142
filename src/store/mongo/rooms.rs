//! Rooms, members, messages, read marks and drafts.

use std::collections::HashMap;

use async_trait::async_trait;
use mongodb::bson::{Binary, Document, doc};
use serde::{Deserialize, Serialize};

use super::{
    MongoStore,
    bson::{binary, int, message_key, pair, room_id, uint, user_id},
    errors::{BATCH, PATIENCE, bounded, refused},
    people,
    projection::EVERYONE,
};
use crate::{
    model::{
        FileId, FileKind, Head, Membership, Message, Person, Room, RoomId, Seq, SessionId, Stream, Timestamp,
        UserId, text::folded,
    },
    store::{AccountStore, Arrival, Listed, LogStore, Page, RoomStore, StoreError},
};

/// Rooms whose mentions are counted in one query. Each is a branch of its own in it, so that none is read past its
/// unread part.
const COUNTED: usize = 100;

/// A read mark.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Mark {
    #[serde(rename = "_id")]
    pub(super) key: Binary,
    pub(super) room: RoomId,
    pub(super) seq: i64,
}

/// An unsent text.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Draft {
    #[serde(rename = "_id")]
    pub(super) key: Binary,
    pub(super) room: RoomId,
    pub(super) text: String,
}

/// How many messages of a room mention somebody.
#[derive(Debug, Deserialize)]
struct Mentions {
    #[serde(rename = "_id")]
    room: RoomId,
    count: i64,
}

/// The first `limit` of what was asked for, one more than that.
pub(super) fn page<T>(mut items: Vec<T>, limit: usize) -> Page<T> {
    let more = items.len() > limit;
    items.truncate(limit);
    Page { items, more }
}

/// One more than `limit`, to see whether there is more.
pub(super) fn one_more(limit: usize) -> i64 {
    int(limit as u64).saturating_add(1)
}

/// Keys of a person's things in rooms: all, or of one room.
fn of_user(user: UserId, room: Option<RoomId>) -> Document {
    match room {
        Some(room) => doc! { "_id": pair(user.as_bytes(), room.as_bytes()) },
        None => doc! { "_id": {
            "$gte": pair(user.as_bytes(), &[0; 16]),
            "$lte": pair(user.as_bytes(), &[0xff; 16]),
        } },
    }
}

/// What is searched for within a name, as a regular expression.
fn literally(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut regex, c| {
        if c.is_ascii() && !c.is_ascii_alphanumeric() {
            regex.push('\\');
        }
        regex.push(c);
        regex
    })
}

impl MongoStore {
    /// How many unread messages mention `user`, by room, in the rooms of `listed`.
    async fn mentions(&self, user: UserId, listed: &[Listed]) -> Result<HashMap<RoomId, u32>, StoreError> {
        let unread: Vec<_> = listed.iter().filter(|listed| listed.room.seq > listed.read).collect();
        let counts = unread.chunks(COUNTED).map(|some| {
            let branches: Vec<Document> = some
                .iter()
                .map(|listed| {
                    doc! {
                        "room": room_id(listed.room.id),
                        "mentioned": { "$in": [user_id(user), EVERYONE] },
                        "seq": { "$gt": int(listed.read.0) },
                        "by": { "$ne": user_id(user) },
                    }
                })
                .collect();
            let pipeline = vec![
                doc! { "$match": { "$or": branches } },
                doc! { "$group": { "_id": "$room", "count": { "$sum": 1_i64 } } },
            ];
            let query = self.collections.messages.aggregate(pipeline).with_type::<Mentions>();
            self.collections.read(query.batch_size(BATCH).max_time(PATIENCE))
        });
        let counts = futures_util::future::try_join_all(counts).await?;
        Ok(counts
            .into_iter()
            .flatten()
            .map(|found| (found.room, u32::try_from(found.count).unwrap_or(u32::MAX)))
            .collect())
    }
}

#[async_trait]
impl RoomStore for MongoStore {
    async fn rooms(&self, rooms: &[RoomId]) -> Result<Vec<Room>, StoreError> {
        let ids: Vec<_> = rooms.iter().copied().map(room_id).collect();
        self.collections
            .read(
                self.collections
                    .rooms
                    .find(doc! { "_id": { "$in": ids } })
                    .batch_size(BATCH)
                    .max_time(PATIENCE),
            )
            .await
    }

    async fn public_rooms(
        &self,
        query: &str,
        after: Option<RoomId>,
        limit: usize,
    ) -> Result<Page<Room>, StoreError> {
        // No name holds a NUL, and no regular expression can.
        if query.contains('\0') {
            return Ok(Page { items: Vec::new(), more: false });
        }
        let mut filter = doc! { "open": true };
        let mut name = Document::new();
        if !query.is_empty() {
            name.insert("$regex", literally(&folded(query)));
        }
        if let Some(after) = after
            && let Some(room) = self.rooms(&[after]).await?.pop()
        {
            let from = folded(&room.name);
            name.insert("$gte", &from);
            filter.insert(
                "$or",
                [doc! { "folded": { "$gt": from } }, doc! { "_id": { "$gt": room_id(after) } }],
            );
        }
        if !name.is_empty() {
            filter.insert("folded", name);
        }
        let find =
            self.collections.rooms.find(filter).sort(doc! { "folded": 1, "_id": 1 }).limit(one_more(limit));
        let index = mongodb::options::Hint::Keys(doc! { "open": 1, "folded": 1, "_id": 1 });
        Ok(page(self.collections.read(find.hint(index).max_time(PATIENCE)).await?, limit))
    }

    async fn listed(&self, user: UserId, room: Option<RoomId>) -> Result<Vec<Listed>, StoreError> {
        let mut filter = doc! { "user": user_id(user), "present": true };
        if let Some(room) = room {
            filter.insert("room", room_id(room));
        }
        let marks = self.collections.marks.clone_with_type::<Mark>();
        let (members, marks) = tokio::try_join!(
            self.collections.read(self.collections.members.find(filter).batch_size(BATCH).max_time(PATIENCE)),
            self.collections.read(marks.find(of_user(user, room)).batch_size(BATCH).max_time(PATIENCE)),
        )?;
        let ids: Vec<RoomId> = members.iter().map(|member| member.room).collect();
        let rooms = self.rooms(&ids).await?;
        let mut rooms: HashMap<RoomId, Room> = rooms.into_iter().map(|room| (room.id, room)).collect();
        let marks: HashMap<RoomId, i64> = marks.into_iter().map(|mark| (mark.room, mark.seq)).collect();
        let mut listed = Vec::with_capacity(members.len());
        for member in members {
            let Some(room) = rooms.remove(&member.room) else { continue };
            let read = Seq(uint(marks.get(&room.id).copied().unwrap_or_default())?).max(member.since);
            listed.push(Listed { room, member, read, mentions: 0, head: Head::default() });
        }
        let streams: Vec<Stream> = listed.iter().map(|listed| Stream::Room(listed.room.id)).collect();
        let (mentions, heads) = tokio::try_join!(self.mentions(user, &listed), self.heads(&streams))?;
        let heads: HashMap<Stream, Head> = heads.into_iter().collect();
        for listed in &mut listed {
            let room = listed.room.id;
            listed.mentions = mentions.get(&room).copied().unwrap_or_default();
            listed.head = heads.get(&Stream::Room(room)).copied().unwrap_or_default();
        }
        Ok(listed)
    }

    async fn arrival(&self, user: UserId, session: SessionId, now: Timestamp) -> Result<Arrival, StoreError> {
        let own = [Stream::Person(user)];
        // The list afterwards: it holds the rooms that the person's own entries up to the head tell of.
        let (session, heads) = tokio::try_join!(self.session(session, now), self.heads(&own))?;
        let listed = self.listed(user, None).await?;
        let head = heads.first().map(|(_, head)| *head).unwrap_or_default();
        Ok(Arrival { session, head, listed })
    }

    async fn memberships(&self, room: RoomId, users: &[UserId]) -> Result<Vec<Membership>, StoreError> {
        let keys: Vec<Binary> = users.iter().map(|user| pair(room.as_bytes(), user.as_bytes())).collect();
        self.collections
            .read(
                self.collections
                    .members
                    .find(doc! { "_id": { "$in": keys } })
                    .batch_size(BATCH)
                    .max_time(PATIENCE),
            )
            .await
    }

    async fn members(
        &self,
        room: RoomId,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<Page<Membership>, StoreError> {
        let mut filter = doc! { "room": room_id(room), "present": true };
        if let Some(after) = after {
            filter.insert("user", doc! { "$gt": user_id(after) });
        }
        let find = self.collections.members.find(filter).sort(doc! { "room": 1, "user": 1 });
        let find = find.limit(one_more(limit)).batch_size(BATCH);
        Ok(page(self.collections.read(find.max_time(PATIENCE)).await?, limit))
    }

    async fn messages(
        &self,
        room: RoomId,
        from: Seq,
        to: Seq,
        limit: usize,
        last: bool,
    ) -> Result<Vec<Message>, StoreError> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        let range = doc! { "_id": { "$gte": message_key(room, from), "$lte": message_key(room, to) } };
        let order = doc! { "_id": if last { -1 } else { 1 } };
        let find =
            self.collections.messages.find(range).sort(order).limit(int(limit as u64)).batch_size(BATCH);
        let mut messages = self.collections.read(find.max_time(PATIENCE)).await?;
        if last {
            messages.reverse();
        }
        Ok(messages)
    }

    async fn messages_at(&self, room: RoomId, seqs: &[Seq]) -> Result<Vec<Message>, StoreError> {
        let keys: Vec<Binary> = seqs.iter().map(|seq| message_key(room, *seq)).collect();
        let find = self.collections.messages.find(doc! { "_id": { "$in": keys } }).sort(doc! { "_id": 1 });
        self.collections.read(find.batch_size(BATCH).max_time(PATIENCE)).await
    }

    async fn messages_with(
        &self,
        room: RoomId,
        file: FileId,
        limit: usize,
    ) -> Result<Vec<Message>, StoreError> {
        let with = doc! {
            "attached": { "$exists": true }, "attached.file": binary(file.as_bytes()), "room": room_id(room),
        };
        let find = self.collections.messages.find(with).sort(doc! { "seq": -1 }).limit(int(limit as u64));
        self.collections.read(find.batch_size(BATCH).max_time(PATIENCE)).await
    }

    async fn messages_with_files(
        &self,
        room: RoomId,
        kinds: &[FileKind],
        before: Seq,
        limit: usize,
    ) -> Result<Page<Message>, StoreError> {
        let mut with = doc! {
            "attached": { "$exists": true }, "room": room_id(room), "seq": { "$lt": int(before.0) },
        };
        if !kinds.is_empty() {
            let kinds: Vec<_> = kinds.iter().map(|kind| kind.as_str()).collect();
            with.insert("attached.kind", doc! { "$in": kinds });
        }
        let find = self.collections.messages.find(with).sort(doc! { "seq": -1 }).limit(one_more(limit));
        Ok(page(self.collections.read(find.batch_size(BATCH).max_time(PATIENCE)).await?, limit))
    }

    async fn pinned(
        &self,
        room: RoomId,
        before: Option<Seq>,
        limit: usize,
    ) -> Result<Page<Message>, StoreError> {
        let mut filter = doc! { "room": room_id(room), "pinned": true };
        if let Some(before) = before {
            filter.insert("seq", doc! { "$lt": int(before.0) });
        }
        let find = self.collections.messages.find(filter).sort(doc! { "room": -1, "seq": -1 });
        let find = find.limit(one_more(limit)).batch_size(BATCH);
        Ok(page(self.collections.read(find.max_time(PATIENCE)).await?, limit))
    }

    async fn mark_read(&self, user: UserId, room: RoomId, seq: Seq) -> Result<bool, StoreError> {
        if seq == Seq::default() {
            return Ok(false);
        }
        let filter = doc! { "_id": pair(user.as_bytes(), room.as_bytes()), "seq": { "$lt": int(seq.0) } };
        let update = doc! { "$set": { "room": room_id(room), "seq": int(seq.0) } };
        let put = self.collections.marks.update_one(filter.clone(), update.clone()).upsert(true);
        if !refused(put).await? {
            return Ok(true);
        }
        // There is one: of as much or more, or put by another in between, of less perhaps.
        Ok(bounded(self.collections.marks.update_one(filter, update)).await?.matched_count > 0)
    }

    async fn set_draft(&self, user: UserId, room: RoomId, text: &str) -> Result<(), StoreError> {
        let filter = doc! { "_id": pair(user.as_bytes(), room.as_bytes()) };
        if text.is_empty() {
            return bounded(self.collections.drafts.delete_one(filter)).await.map(drop);
        }
        let update = doc! { "$set": { "room": room_id(room), "text": text } };
        bounded(self.collections.drafts.update_one(filter, update).upsert(true)).await.map(drop)
    }

    async fn drafts(&self, user: UserId) -> Result<Vec<(RoomId, String)>, StoreError> {
        let drafts = self.collections.drafts.clone_with_type::<Draft>();
        let drafts = self
            .collections
            .read(drafts.find(of_user(user, None)).batch_size(BATCH).max_time(PATIENCE))
            .await?;
        Ok(drafts.into_iter().map(|draft| (draft.room, draft.text)).collect())
    }

    async fn people(&self, users: &[UserId]) -> Result<Vec<Person>, StoreError> {
        people::by_id(&self.collections, users).await
    }

    async fn people_named(&self, names: &[String]) -> Result<Vec<Person>, StoreError> {
        people::by_name(&self.collections, names).await
    }

    async fn find_people(
        &self,
        query: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<Person>, StoreError> {
        people::find(&self.collections, query, after, limit).await
    }
}
