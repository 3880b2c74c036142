//! Invitations: good until they are over or used up. How their uses are counted is told in [`super::accounts`].

use std::time::Duration;

use mongodb::bson::{Binary, Document, doc};
use serde::{Deserialize, Serialize};

use super::{
    bson::{binary, hash_of, user_id},
    errors::{PATIENCE, bounded},
    schema::Collections,
};
use crate::{
    model::{InviteId, Timestamp, UserId, account::Invite},
    store::StoreError,
};

/// After how long a use that was held for an account that never came is given back. Whoever makes one is done, or has
/// given up, within a minute.
const HELD_IN_VAIN: Duration = Duration::from_secs(3_600);

/// An invitation.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct InviteDocument {
    #[serde(rename = "_id")]
    id: InviteId,
    secret: Binary,
    by: Option<UserId>,
    created: Timestamp,
    expires: Timestamp,
    /// How many are left, those held not among them.
    uses: i64,
    /// Uses for accounts that are being made. Absent when there are none, so that the index has few.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    holds: Vec<Hold>,
}

/// A use of an invitation for an account that is being made.
#[derive(Debug, Serialize, Deserialize)]
struct Hold {
    user: UserId,
    at: Timestamp,
}

impl InviteDocument {
    pub(super) fn new(invite: &Invite) -> Self {
        Self {
            id: invite.id,
            secret: binary(&invite.secret),
            by: invite.by,
            created: invite.created,
            expires: invite.expires,
            uses: i64::from(invite.uses),
            holds: Vec::new(),
        }
    }

    fn into_invite(self) -> Result<Invite, StoreError> {
        Ok(Invite {
            id: self.id,
            secret: hash_of(&self.secret)?,
            by: self.by,
            created: self.created,
            expires: self.expires,
            uses: u32::try_from(self.uses).unwrap_or_default(),
        })
    }
}

fn key(id: InviteId) -> Document {
    doc! { "_id": binary(id.as_bytes()) }
}

/// Those that are good at `now`.
fn good_at(now: Timestamp) -> Document {
    doc! { "expires": { "$gt": now.0 }, "uses": { "$gt": 0 } }
}

/// Keeps one.
pub(super) async fn create(collections: &Collections, invite: &Invite) -> Result<(), StoreError> {
    bounded(collections.invites.insert_one(InviteDocument::new(invite))).await.map(drop)
}

/// The one with this secret, if it is good.
pub(super) async fn good(
    collections: &Collections,
    secret: &[u8; 32],
    now: Timestamp,
) -> Result<Option<Invite>, StoreError> {
    let mut filter = good_at(now);
    filter.insert("secret", binary(secret));
    let found = collections.read(collections.invites.find_one(filter).max_time(PATIENCE)).await?;
    found.map(InviteDocument::into_invite).transpose()
}

/// All that are good, the newest first.
pub(super) async fn all_good(collections: &Collections, now: Timestamp) -> Result<Vec<Invite>, StoreError> {
    let find = collections.invites.find(good_at(now)).sort(doc! { "created": -1 });
    collections.read(find.max_time(PATIENCE)).await?.into_iter().map(InviteDocument::into_invite).collect()
}

/// Takes a use for the account of `user`, or finds it taken for them; false when it isn't good.
pub(super) async fn hold(
    collections: &Collections,
    secret: &[u8; 32],
    user: UserId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let mut free = good_at(now);
    free.insert("secret", binary(secret));
    free.insert("holds.user", doc! { "$ne": user_id(user) });
    let take =
        doc! { "$inc": { "uses": -1_i64 }, "$push": { "holds": { "user": user_id(user), "at": now.0 } } };
    if bounded(collections.invites.update_one(free, take)).await?.matched_count > 0 {
        return Ok(true);
    }
    let held = doc! { "secret": binary(secret), "holds.user": user_id(user) };
    Ok(collections.read(collections.invites.find_one(held).max_time(PATIENCE)).await?.is_some())
}

/// Ends a hold, and gives the use back where nothing came of it. Whoever is second does nothing.
pub(super) async fn let_go(
    collections: &Collections,
    secret: &[u8; 32],
    user: UserId,
    give_back: bool,
) -> Result<(), StoreError> {
    let held = doc! { "secret": binary(secret), "holds.user": user_id(user) };
    let mut update = doc! { "$pull": { "holds": { "user": user_id(user) } } };
    if give_back {
        update.insert("$inc", doc! { "uses": 1_i64 });
    }
    bounded(collections.invites.update_one(held, update)).await.map(drop)
}

/// Ends holds that a node which died left behind.
pub(super) async fn settle(collections: &Collections, now: Timestamp) -> Result<(), StoreError> {
    let late = now.minus(HELD_IN_VAIN);
    let left = collections
        .read(collections.invites.find(doc! { "holds.at": { "$lt": late.0 } }).max_time(PATIENCE))
        .await?;
    for invite in left {
        let secret = hash_of(&invite.secret)?;
        for hold in invite.holds.iter().filter(|hold| hold.at < late) {
            let account =
                collections.accounts.find_one(doc! { "_id": user_id(hold.user) }).max_time(PATIENCE);
            let in_vain = collections.read(account).await?.is_none();
            let_go(collections, &secret, hold.user, in_vain).await?;
        }
    }
    Ok(())
}

/// As it is once nobody makes accounts any more: uses that were held for such as never came are given back.
pub(super) async fn at_rest(
    collections: &Collections,
    document: InviteDocument,
) -> Result<Invite, StoreError> {
    let held: Vec<_> = document.holds.iter().map(|hold| user_id(hold.user)).collect();
    let mut invite = document.into_invite()?;
    if !held.is_empty() {
        let made = doc! { "_id": { "$in": held.clone() } };
        let made = collections.read(collections.accounts.count_documents(made).max_time(PATIENCE)).await?;
        let in_vain = (held.len() as u64).saturating_sub(made);
        invite.uses = invite.uses.saturating_add(u32::try_from(in_vain).unwrap_or(u32::MAX));
    }
    Ok(invite)
}

/// Ends one; false when it wasn't there.
pub(super) async fn end(collections: &Collections, id: InviteId) -> Result<bool, StoreError> {
    Ok(bounded(collections.invites.delete_one(key(id))).await?.deleted_count > 0)
}

/// Takes out those that are over.
pub(super) async fn sweep(collections: &Collections, now: Timestamp) -> Result<(), StoreError> {
    bounded(collections.invites.delete_many(doc! { "expires": { "$lt": now.0 } })).await.map(drop)
}
