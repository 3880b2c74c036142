//! What the operator does for people: makes accounts, and helps those in who forgot their password.

use super::{Accounts, Password};
use crate::{
    error::{Code, Error, Result},
    model::{
        Timestamp, UserId,
        account::{Account, NewAccount},
        text::{DisplayName, LoginName},
    },
    store::AccountError,
};

impl Accounts {
    /// Makes an account, with a password of our making, whoever may register by themselves. The first of all owns the
    /// server. Returns the password, to be told to its person.
    ///
    /// # Errors
    /// `name_taken`.
    pub async fn create_by_hand(
        &self,
        name: LoginName,
        display: Option<DisplayName>,
    ) -> Result<(Account, String)> {
        let display = display.map_or_else(|| name.as_str().parse(), Ok)?;
        let (password, text) = Password::generated()?;
        let account = NewAccount {
            id: UserId::new(),
            name,
            password: self.passwords.again(password).await?,
            owner: self.owner().await?.is_none(),
            invite: None,
            created: Timestamp::now(),
        };
        let account = self.store.create_account(account).await.map_err(|error| match error {
            AccountError::NameTaken => Error::new(Code::NameTaken).at("name"),
            AccountError::Store(error) => error.into(),
            AccountError::OwnerTaken => Error::says(Code::Unavailable, "Somebody else was first. Try again."),
            AccountError::InviteInvalid => Error::internal("an account without an invitation was refused so"),
        })?;
        self.complete(&account, display).await?;
        Ok((account, text))
    }

    /// Gives an account another password, of our making, and ends all of its sessions. Returns the password, to be told
    /// to its person.
    ///
    /// # Errors
    /// `not_found` when nobody has this name.
    pub async fn reset_by_hand(&self, name: &LoginName) -> Result<String> {
        let account = self.store.account_named(name.as_str()).await?;
        let account = account.ok_or_else(|| Error::says(Code::NotFound, "Nobody has this name."))?;
        let (password, text) = Password::generated()?;
        let hash = self.passwords.again(password).await?;
        self.store.set_password(account.id, &hash).await?;
        for session in self.sessions(account.id).await? {
            self.end(account.id, session.id).await?;
        }
        Ok(text)
    }
}
