//! Accounts: how one is made without transactions.
//!
//! A name and the ownership are unique indexes of `accounts`, so one insert decides on both: an account is there in whole
//! or not at all. Only an invitation's use lies elsewhere. The steps are:
//!
//! 1. Look for what is there: a repeat gets its account, a taken name or ownership is said.
//! 2. Take a use of the invitation, and note for whom, in one update: it is *held*. A repeat finds the hold, and takes
//!    no other use.
//! 3. Insert the account. This is the point at which it is made.
//! 4. Let go of the hold; had another taken the name since step 1, with the use given back.
//!
//! Who dies after step 2 leaves a hold without an account: the same request again goes on from there, and
//! [`super::invites::settle`] gives back uses that were held for an hour in vain. Who dies after step 3 leaves an account
//! with a hold, which is let go of by the same; its use stays used up. What else makes an account whole (its stream, its
//! first rooms) is told by `complete`.

use async_trait::async_trait;
use mongodb::bson::doc;
use serde::{Deserialize, Serialize};

use super::{
    MongoStore,
    bson::user_id,
    errors::{PATIENCE, bounded, refused},
    invites, sessions,
};
use crate::{
    model::{
        InviteId, SessionId, Timestamp, UserId,
        account::{Account, Invite, NewAccount, Session},
    },
    store::{AccountError, AccountStore, StoreError},
};

/// An account.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct AccountDocument {
    #[serde(rename = "_id")]
    id: UserId,
    name: String,
    password: String,
    owner: bool,
    complete: bool,
    created: Timestamp,
}

impl From<AccountDocument> for Account {
    fn from(document: AccountDocument) -> Self {
        let AccountDocument { id, name, password, owner, complete, created } = document;
        Account { id, name, password, owner, complete, created }
    }
}

impl From<&Account> for AccountDocument {
    fn from(account: &Account) -> Self {
        let Account { id, name, password, owner, complete, created } = account.clone();
        Self { id, name, password, owner, complete, created }
    }
}

impl MongoStore {
    async fn account_where(&self, filter: mongodb::bson::Document) -> Result<Option<Account>, StoreError> {
        let found =
            self.collections.read(self.collections.accounts.find_one(filter).max_time(PATIENCE)).await?;
        Ok(found.map(Account::from))
    }

    /// The account that `new` asks for, if it is there, or what stands in its way.
    async fn there(&self, new: &NewAccount) -> Result<Option<Account>, AccountError> {
        match self.account_named(new.name.as_str()).await? {
            Some(there) if there.id == new.id => return Ok(Some(there)),
            Some(_) => return Err(AccountError::NameTaken),
            None => {}
        }
        if new.owner && self.owner().await?.is_some() {
            return Err(AccountError::OwnerTaken);
        }
        Ok(None)
    }

    /// Puts an account; false when a unique index refused it.
    async fn put_account(&self, account: &Account) -> Result<bool, StoreError> {
        Ok(!refused(self.collections.accounts.insert_one(AccountDocument::from(account))).await?)
    }
}

#[async_trait]
impl AccountStore for MongoStore {
    async fn create_account(&self, new: NewAccount) -> Result<Account, AccountError> {
        if let Some(there) = self.there(&new).await? {
            return Ok(there);
        }
        if let Some(secret) = &new.invite
            && !invites::hold(&self.collections, secret, new.id, new.created).await?
        {
            return Err(AccountError::InviteInvalid);
        }
        let account = Account {
            id: new.id,
            name: new.name.as_str().to_owned(),
            password: new.password.clone(),
            owner: new.owner,
            complete: false,
            created: new.created,
        };
        // Whether it went in isn't known after an error: the hold stays, and the same request again finds out.
        let made = self.put_account(&account).await?;
        let outcome = if made { Ok(Some(account)) } else { self.there(&new).await };
        if let Some(secret) = &new.invite {
            let give_back = !matches!(outcome, Ok(Some(_)));
            invites::let_go(&self.collections, secret, new.id, give_back).await?;
        }
        // Refused, and yet nothing is in the way: its id has another name.
        outcome?.ok_or(AccountError::NameTaken)
    }

    async fn account_named(&self, name: &str) -> Result<Option<Account>, StoreError> {
        self.account_where(doc! { "name": name }).await
    }

    async fn account(&self, user: UserId) -> Result<Option<Account>, StoreError> {
        self.account_where(doc! { "_id": user_id(user) }).await
    }

    async fn owner(&self) -> Result<Option<Account>, StoreError> {
        self.account_where(doc! { "owner": true }).await
    }

    async fn complete_account(&self, user: UserId) -> Result<(), StoreError> {
        let update = doc! { "$set": { "complete": true } };
        bounded(self.collections.accounts.update_one(doc! { "_id": user_id(user) }, update)).await.map(drop)
    }

    async fn set_password(&self, user: UserId, password: &str) -> Result<(), StoreError> {
        let update = doc! { "$set": { "password": password } };
        bounded(self.collections.accounts.update_one(doc! { "_id": user_id(user) }, update)).await.map(drop)
    }

    async fn create_session(&self, session: &Session) -> Result<bool, StoreError> {
        sessions::create(&self.collections, session).await
    }

    async fn session_by_secret(
        &self,
        secret: &[u8; 32],
        now: Timestamp,
    ) -> Result<Option<Session>, StoreError> {
        sessions::by_secret(&self.collections, secret, now).await
    }

    async fn session(&self, id: SessionId, now: Timestamp) -> Result<Option<Session>, StoreError> {
        sessions::by_id(&self.collections, id, now).await
    }

    async fn sessions_of(&self, user: UserId, now: Timestamp) -> Result<Vec<Session>, StoreError> {
        sessions::of(&self.collections, user, now).await
    }

    async fn touch_session(
        &self,
        id: SessionId,
        seen: Timestamp,
        expires: Timestamp,
    ) -> Result<(), StoreError> {
        sessions::touch(&self.collections, id, seen, expires).await
    }

    async fn rotate_session(
        &self,
        id: SessionId,
        from: &[u8; 32],
        to: &[u8; 32],
        now: Timestamp,
        expires: Timestamp,
    ) -> Result<bool, StoreError> {
        let turn = sessions::Turn { id, from, to, now, expires };
        turn.take(&self.collections).await
    }

    async fn end_session(&self, id: SessionId) -> Result<bool, StoreError> {
        sessions::end(&self.collections, id).await
    }

    async fn sweep_accounts(&self, now: Timestamp) -> Result<(), StoreError> {
        sessions::sweep(&self.collections, now).await?;
        invites::settle(&self.collections, now).await?;
        invites::sweep(&self.collections, now).await
    }

    async fn create_invite(&self, invite: &Invite) -> Result<(), StoreError> {
        invites::create(&self.collections, invite).await
    }

    async fn invite(&self, secret: &[u8; 32], now: Timestamp) -> Result<Option<Invite>, StoreError> {
        invites::good(&self.collections, secret, now).await
    }

    async fn invites(&self, now: Timestamp) -> Result<Vec<Invite>, StoreError> {
        invites::all_good(&self.collections, now).await
    }

    async fn end_invite(&self, id: InviteId) -> Result<bool, StoreError> {
        invites::end(&self.collections, id).await
    }
}
