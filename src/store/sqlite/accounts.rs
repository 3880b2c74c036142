//! Accounts, sessions and invitations.

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{SqliteStore, failure::Failure, invites, row::id, sessions};
use crate::{
    model::{
        InviteId, SessionId, Timestamp, UserId,
        account::{Account, Invite, NewAccount, Session},
    },
    store::{AccountError, AccountStore, StoreError},
};

#[async_trait]
impl AccountStore for SqliteStore {
    async fn create_account(&self, account: NewAccount) -> Result<Account, AccountError> {
        self.commit(move |db| create(db, &account)).await.map_err(StoreError::from)?
    }

    async fn account_named(&self, name: &str) -> Result<Option<Account>, StoreError> {
        let name = name.to_owned();
        Ok(self.look_up(move |db| named(db, &name)).await?)
    }

    async fn account(&self, user: UserId) -> Result<Option<Account>, StoreError> {
        Ok(self.look_up(move |db| by_id(db, user)).await?)
    }

    async fn owner(&self) -> Result<Option<Account>, StoreError> {
        Ok(self.look_up(owner).await?)
    }

    async fn complete_account(&self, user: UserId) -> Result<(), StoreError> {
        let work = move |db: &Connection| {
            db.prepare_cached("UPDATE accounts SET complete = 1 WHERE id = ?1")?
                .execute([user.as_bytes()])?;
            Ok(())
        };
        Ok(self.commit(work).await?)
    }

    async fn set_password(&self, user: UserId, password: &str) -> Result<(), StoreError> {
        let password = password.to_owned();
        let work = move |db: &Connection| {
            db.prepare_cached("UPDATE accounts SET password = ?2 WHERE id = ?1")?
                .execute(params![user.as_bytes(), password])?;
            Ok(())
        };
        Ok(self.commit(work).await?)
    }

    async fn create_session(&self, session: &Session) -> Result<bool, StoreError> {
        let session = session.clone();
        match self.commit(move |db| sessions::create(db, &session)).await {
            Ok(()) => Ok(true),
            Err(Failure::Conflict(_)) => Ok(false),
            Err(failure) => Err(failure.into()),
        }
    }

    async fn session_by_secret(
        &self,
        secret: &[u8; 32],
        now: Timestamp,
    ) -> Result<Option<Session>, StoreError> {
        let secret = *secret;
        Ok(self.look_up(move |db| sessions::by_secret(db, &secret, now)).await?)
    }

    async fn session(&self, id: SessionId, now: Timestamp) -> Result<Option<Session>, StoreError> {
        Ok(self.look_up(move |db| sessions::by_id(db, id, now)).await?)
    }

    async fn sessions_of(&self, user: UserId, now: Timestamp) -> Result<Vec<Session>, StoreError> {
        Ok(self.look_up(move |db| sessions::of(db, user, now)).await?)
    }

    async fn touch_session(
        &self,
        id: SessionId,
        seen: Timestamp,
        expires: Timestamp,
    ) -> Result<(), StoreError> {
        Ok(self.commit(move |db| sessions::touch(db, id, seen, expires)).await?)
    }

    async fn rotate_session(
        &self,
        id: SessionId,
        from: &[u8; 32],
        to: &[u8; 32],
        now: Timestamp,
        expires: Timestamp,
    ) -> Result<bool, StoreError> {
        let turn = sessions::Turn { id, from: *from, to: *to, now, expires };
        match self.commit(move |db| turn.take(db)).await {
            Err(Failure::Conflict(_)) => Ok(false),
            other => Ok(other?),
        }
    }

    async fn end_session(&self, id: SessionId) -> Result<bool, StoreError> {
        Ok(self.commit(move |db| sessions::end(db, id)).await?)
    }

    async fn sweep_accounts(&self, now: Timestamp) -> Result<(), StoreError> {
        let work = move |db: &Connection| {
            sessions::sweep(db, now)?;
            invites::sweep(db, now)
        };
        Ok(self.commit(work).await?)
    }

    async fn create_invite(&self, invite: &Invite) -> Result<(), StoreError> {
        let invite = invite.clone();
        Ok(self.commit(move |db| invites::create(db, &invite)).await?)
    }

    async fn invite(&self, secret: &[u8; 32], now: Timestamp) -> Result<Option<Invite>, StoreError> {
        let secret = *secret;
        Ok(self.look_up(move |db| invites::good(db, &secret, now)).await?)
    }

    async fn invites(&self, now: Timestamp) -> Result<Vec<Invite>, StoreError> {
        Ok(self.query(move |db| invites::all_good(db, now)).await?)
    }

    async fn end_invite(&self, id: InviteId) -> Result<bool, StoreError> {
        Ok(self.commit(move |db| invites::end(db, id)).await?)
    }
}

/// The inner result is a refusal: it has written nothing.
fn create(db: &Connection, new: &NewAccount) -> Result<Result<Account, AccountError>, Failure> {
    let name = new.name.as_str();
    if let Some(there) = named(db, name)? {
        return Ok(if there.id == new.id { Ok(there) } else { Err(AccountError::NameTaken) });
    }
    if new.owner && owner(db)?.is_some() {
        return Ok(Err(AccountError::OwnerTaken));
    }
    if let Some(secret) = &new.invite
        && !invites::use_up(db, secret, new.created)?
    {
        return Ok(Err(AccountError::InviteInvalid));
    }
    let account = Account {
        id: new.id,
        name: name.to_owned(),
        password: new.password.clone(),
        owner: new.owner,
        complete: false,
        created: new.created,
    };
    put(db, &account)?;
    Ok(Ok(account))
}

/// Keeps it; a conflict when one with its id, name or ownership is there.
pub(super) fn put(db: &Connection, account: &Account) -> Result<(), Failure> {
    db.prepare_cached(
        "INSERT INTO accounts (id, name, password, owner, complete, created) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![
        account.id.as_bytes(),
        account.name,
        account.password,
        account.owner,
        account.complete,
        account.created.0,
    ])?;
    Ok(())
}

pub(super) const ACCOUNT: &str = "SELECT id, name, password, owner, complete, created FROM accounts";

fn named(db: &Connection, name: &str) -> Result<Option<Account>, Failure> {
    Ok(db.prepare_cached(&format!("{ACCOUNT} WHERE name = ?1"))?.query_row([name], account).optional()?)
}

fn by_id(db: &Connection, user: UserId) -> Result<Option<Account>, Failure> {
    let mut query = db.prepare_cached(&format!("{ACCOUNT} WHERE id = ?1"))?;
    Ok(query.query_row([user.as_bytes()], account).optional()?)
}

fn owner(db: &Connection) -> Result<Option<Account>, Failure> {
    Ok(db.prepare_cached(&format!("{ACCOUNT} WHERE owner = 1"))?.query_row([], account).optional()?)
}

pub(super) fn account(row: &Row<'_>) -> rusqlite::Result<Account> {
    Ok(Account {
        id: id(row, 0, UserId::from_bytes)?,
        name: row.get(1)?,
        password: row.get(2)?,
        owner: row.get(3)?,
        complete: row.get(4)?,
        created: Timestamp(row.get(5)?),
    })
}
