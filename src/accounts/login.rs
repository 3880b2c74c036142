//! Getting in with name and password, and changing the password.

use std::time::Instant;

use super::{Accounts, Client, Login, Password, passwords::Verdict};
use crate::{
    error::{Code, Error, Result},
    model::{UserId, account::Account, text::LoginName},
};

impl Accounts {
    /// The account of this name, if the password is its own. The answer is the same, and takes as long, whether there is no
    /// such name or the password is another.
    ///
    /// # Errors
    /// `wrong_credentials`; `slow_down` after too many tries.
    pub async fn login(&self, name: &str, password: Password, client: &Client) -> Result<Account> {
        self.tries.from_address(client.address)?;
        let name = name.parse::<LoginName>().map(LoginName::into_string).unwrap_or_default();
        let account = if name.is_empty() { None } else { self.store.account_named(&name).await? };
        let account = self.prove(&name, account, password, client).await?;
        self.complete(&account, account.name.parse()?).await?;
        Ok(account)
    }

    /// Replaces one's password, and ends all of one's other sessions.
    ///
    /// # Errors
    /// `wrong_credentials` when `current` isn't the present one, `weak_password`, `slow_down`.
    pub async fn change_password(
        &self,
        login: &Login,
        current: Password,
        new: Password,
        client: &Client,
    ) -> Result<()> {
        self.tries.from_address(client.address)?;
        let account = self.account(login.user).await?;
        let name = account.name.clone();
        let account = self.prove(&name, Some(account), current, client).await.map_err(|error| {
            if error.code() == Code::WrongCredentials {
                Error::says(Code::WrongCredentials, "That isn't your present password.").at("current")
            } else {
                error
            }
        })?;
        let display = self.store.people(&[account.id]).await?.pop().map(|person| person.display);
        let about = vec![account.name, display.unwrap_or_default()];
        let hash = self.passwords.accept("new", new, about).await?;
        self.store.set_password(account.id, &hash).await?;
        self.end_others(account.id, login.session).await
    }

    pub(super) async fn account(&self, user: UserId) -> Result<Account> {
        self.store.account(user).await?.ok_or_else(|| Error::new(Code::Unauthenticated))
    }

    /// The account, if there is one and the password is its own.
    async fn prove(
        &self,
        name: &str,
        account: Option<Account>,
        password: Password,
        client: &Client,
    ) -> Result<Account> {
        self.tries.for_name(name, client.address, Instant::now())?;
        let kept = account.as_ref().map(|account| account.password.as_str());
        let verdict = self.passwords.verify(kept, password.clone()).await?;
        let Some(mut account) = account.filter(|_| verdict != Verdict::Wrong) else {
            return Err(Error::new(Code::WrongCredentials));
        };
        self.tries.right(name, client.address);
        if verdict == Verdict::Outdated {
            let hash = self.passwords.again(password).await?;
            self.store.set_password(account.id, &hash).await?;
            account.password = hash;
        }
        Ok(account)
    }
}
