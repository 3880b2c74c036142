//! Sessions: found by the hash of a secret, never by a secret.

use mongodb::bson::{Binary, DateTime, Document, doc};
use serde::{Deserialize, Serialize};

use super::{
    bson::{binary, hash_of, user_id},
    errors::{PATIENCE, bounded, refused},
    schema::Collections,
};
use crate::{
    model::{
        SessionId, Timestamp, UserId,
        account::{Session, SessionKind},
    },
    store::StoreError,
};

/// A session.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct SessionDocument {
    #[serde(rename = "_id")]
    id: SessionId,
    user: UserId,
    kind: SessionKind,
    secret: Binary,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    used: Option<Binary>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    used_at: Option<Timestamp>,
    agent: String,
    created: Timestamp,
    seen: Timestamp,
    /// As a date: by it, the server takes out by itself what is over.
    expires: DateTime,
}

impl SessionDocument {
    pub(super) fn new(session: &Session) -> Self {
        Self {
            id: session.id,
            user: session.user,
            kind: session.kind,
            secret: binary(&session.secret),
            used: session.used.map(|(secret, _)| binary(&secret)),
            used_at: session.used.map(|(_, at)| at),
            agent: session.agent.clone(),
            created: session.created,
            seen: session.seen,
            expires: date(session.expires),
        }
    }

    pub(super) fn into_session(self) -> Result<Session, StoreError> {
        let used = self.used.as_ref().map(hash_of).transpose()?;
        Ok(Session {
            id: self.id,
            user: self.user,
            kind: self.kind,
            secret: hash_of(&self.secret)?,
            used: used.zip(self.used_at),
            agent: self.agent,
            created: self.created,
            seen: self.seen,
            expires: Timestamp(self.expires.timestamp_millis()),
        })
    }
}

fn date(at: Timestamp) -> DateTime {
    DateTime::from_millis(at.0)
}

fn key(id: SessionId) -> Document {
    doc! { "_id": binary(id.as_bytes()) }
}

/// The one that a unique key finds, if it is not over. Whether it is over isn't asked of the server, which might go through
/// all that are not.
async fn one(
    collections: &Collections,
    filter: Document,
    now: Timestamp,
) -> Result<Option<Session>, StoreError> {
    let found = collections.read(collections.sessions.find_one(filter).max_time(PATIENCE)).await?;
    let session = found.map(SessionDocument::into_session).transpose()?;
    Ok(session.filter(|session| session.expires > now))
}

/// Keeps one; false when one with its id or secret is there.
pub(super) async fn create(collections: &Collections, session: &Session) -> Result<bool, StoreError> {
    Ok(!refused(collections.sessions.insert_one(SessionDocument::new(session))).await?)
}

/// The one that this secret proves, current or used last.
pub(super) async fn by_secret(
    collections: &Collections,
    secret: &[u8; 32],
    now: Timestamp,
) -> Result<Option<Session>, StoreError> {
    let either = [doc! { "secret": binary(secret) }, doc! { "used": binary(secret) }];
    one(collections, doc! { "$or": either }, now).await
}

/// The one with this id.
pub(super) async fn by_id(
    collections: &Collections,
    id: SessionId,
    now: Timestamp,
) -> Result<Option<Session>, StoreError> {
    one(collections, key(id), now).await
}

/// A person's, the last used first.
pub(super) async fn of(
    collections: &Collections,
    user: UserId,
    now: Timestamp,
) -> Result<Vec<Session>, StoreError> {
    let find = collections.sessions.find(doc! { "user": user_id(user) }).sort(doc! { "seen": -1 });
    let found =
        collections.read(find.max_time(PATIENCE)).await?.into_iter().map(SessionDocument::into_session);
    found.filter(|session| session.as_ref().map_or(true, |session| session.expires > now)).collect()
}

/// Notes that one was used.
pub(super) async fn touch(
    collections: &Collections,
    id: SessionId,
    seen: Timestamp,
    expires: Timestamp,
) -> Result<(), StoreError> {
    let update = doc! { "$set": { "seen": seen.0, "expires": date(expires) } };
    bounded(collections.sessions.update_one(key(id), update)).await.map(drop)
}

/// The replacing of a session's secret.
pub(super) struct Turn<'a> {
    pub(super) id: SessionId,
    pub(super) from: &'a [u8; 32],
    pub(super) to: &'a [u8; 32],
    pub(super) now: Timestamp,
    pub(super) expires: Timestamp,
}

impl Turn<'_> {
    /// False when another was faster.
    pub(super) async fn take(self, collections: &Collections) -> Result<bool, StoreError> {
        let mut filter = key(self.id);
        filter.insert("secret", binary(self.from));
        let update = doc! { "$set": {
            "secret": binary(self.to),
            "used": binary(self.from),
            "used_at": self.now.0,
            "seen": self.now.0,
            "expires": date(self.expires),
        } };
        let update = collections.sessions.update_one(filter, update).into_future();
        let mut turned = false;
        let taken = refused(async { update.await.map(|done| turned = done.matched_count > 0) }).await?;
        Ok(turned && !taken)
    }
}

/// Ends one; false when it wasn't there.
pub(super) async fn end(collections: &Collections, id: SessionId) -> Result<bool, StoreError> {
    Ok(bounded(collections.sessions.delete_one(key(id))).await?.deleted_count > 0)
}

/// Takes out those that are over, should the server's own clock be behind.
pub(super) async fn sweep(collections: &Collections, now: Timestamp) -> Result<(), StoreError> {
    bounded(collections.sessions.delete_many(doc! { "expires": { "$lt": date(now) } })).await.map(drop)
}
