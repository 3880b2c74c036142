//! Making an account.

use super::{Accounts, Client, Password, invites::secret_hash, passwords::Verdict};
use crate::{
    config::Registration,
    error::{Code, Error, Result},
    log::LogError,
    model::{
        Actor, Change, Command, Nonce, NonceKey, PersonCommand, Refusal, RoomCommand, RoomId, RoomKind,
        Stream, Timestamp, UserId,
        account::{Account, NewAccount},
        text::{DisplayName, LoginName, RoomName},
    },
    store::AccountError,
};

/// The room that everybody joins, as it is called at first.
const GENERAL: &str = "general";

/// Somebody who wants an account.
#[derive(Debug, Clone)]
pub struct Newcomer {
    /// The name to log in with.
    pub name: LoginName,
    /// The name that others see; the same where none is given.
    pub display: Option<DisplayName>,
    /// Not yet rated.
    pub password: Password,
    /// The secret of an invitation's link.
    pub invite: Option<String>,
}

impl Newcomer {
    fn display(&self) -> Result<DisplayName> {
        match &self.display {
            Some(display) => Ok(display.clone()),
            None => Ok(self.name.as_str().parse()?),
        }
    }
}

/// By what right somebody registers.
struct Right {
    owner: bool,
    invite: Option<[u8; 32]>,
}

impl Accounts {
    /// Makes an account, its person, and their place in `general`. The same with the same nonce finds the same account, if
    /// the password is the same, too.
    ///
    /// # Errors
    /// What is wrong with the newcomer's name, password or invitation.
    pub async fn register(&self, newcomer: Newcomer, nonce: &Nonce, client: &Client) -> Result<Account> {
        self.tries.from_address(client.address)?;
        let display = newcomer.display()?;
        let id = UserId::derived(&[newcomer.name.as_str().as_bytes(), nonce.as_str().as_bytes()]);
        let account = match self.store.account(id).await? {
            Some(account) => self.again(account, &newcomer, client).await?,
            None => self.create(id, &newcomer, &display, client).await?,
        };
        self.complete(&account, display).await?;
        Ok(account)
    }

    /// Whether who comes without an invitation may register, and whether that makes them the server's owner.
    ///
    /// # Errors
    /// When the store can't say.
    pub async fn door(&self) -> Result<Door> {
        Ok(match (self.owner().await?, self.local, self.registration) {
            (None, true, _) => Door::First,
            (Some(_), _, Registration::Open) => Door::Open,
            _ => Door::Shut,
        })
    }

    async fn create(
        &self,
        id: UserId,
        newcomer: &Newcomer,
        display: &DisplayName,
        client: &Client,
    ) -> Result<Account> {
        // Looked at before the costly hash; the store decides.
        let mut right = self.right(newcomer.invite.as_deref()).await?;
        if self.store.account_named(newcomer.name.as_str()).await?.is_some() {
            return Err(Error::new(Code::NameTaken).at("name"));
        }
        let about = vec![newcomer.name.as_str().to_owned(), display.as_str().to_owned()];
        let hash = self.passwords.accept("password", newcomer.password.clone(), about).await?;
        loop {
            let made = self
                .store
                .create_account(NewAccount {
                    id,
                    name: newcomer.name.clone(),
                    password: hash.clone(),
                    owner: right.owner,
                    invite: right.invite,
                    created: Timestamp::now(),
                })
                .await;
            return match made {
                Ok(account) if account.password == hash => Ok(account),
                // The same request came in twice at once, and the other one was faster.
                Ok(account) => self.again(account, newcomer, client).await,
                Err(AccountError::NameTaken) => Err(Error::new(Code::NameTaken).at("name")),
                Err(AccountError::InviteInvalid) => Err(Error::new(Code::InviteInvalid).at("invite")),
                // Somebody else was first. There is an owner now, so this ends.
                Err(AccountError::OwnerTaken) if right.owner => {
                    right = self.right(newcomer.invite.as_deref()).await?;
                    continue;
                }
                Err(AccountError::OwnerTaken) => {
                    Err(Error::internal("an account that isn't to own was refused so"))
                }
                Err(AccountError::Store(error)) => Err(error.into()),
            };
        }
    }

    /// A repeat finds its account only with the account's password.
    async fn again(&self, account: Account, newcomer: &Newcomer, client: &Client) -> Result<Account> {
        self.tries.for_name(&account.name, client.address, std::time::Instant::now())?;
        match self.passwords.verify(Some(&account.password), newcomer.password.clone()).await? {
            Verdict::Wrong => Err(Error::new(Code::NonceReused)),
            Verdict::Right | Verdict::Outdated => {
                self.tries.right(&account.name, client.address);
                Ok(account)
            }
        }
    }

    async fn right(&self, invite: Option<&str>) -> Result<Right> {
        let owned = self.owner().await?.is_some();
        let Some(secret) = invite.filter(|secret| !secret.is_empty()) else {
            return match self.door().await? {
                Door::First => Ok(Right { owner: true, invite: None }),
                Door::Open => Ok(Right { owner: false, invite: None }),
                Door::Shut if !owned => Err(Error::says(
                    Code::RegistrationClosed,
                    "This server has no owner yet. Its first account is made by the link that it printed at its start.",
                )),
                Door::Shut => Err(Error::new(Code::RegistrationClosed)),
            };
        };
        let hash = secret_hash(secret);
        let invite = self.store.invite(&hash, Timestamp::now()).await?;
        let invite = invite.ok_or_else(|| Error::new(Code::InviteInvalid).at("invite"))?;
        // The link that the start prints makes the owner, and nobody else.
        let for_owner = invite.by.is_none();
        if for_owner == owned {
            return Err(Error::new(Code::InviteInvalid).at("invite"));
        }
        if !for_owner && self.registration == Registration::Closed {
            return Err(Error::says(Code::RegistrationClosed, "Nobody can register here at present."));
        }
        Ok(Right { owner: for_owner, invite: Some(hash) })
    }

    /// What an account needs besides its row: the person's first entry, and a place in `general`. May be done again.
    pub(super) async fn complete(&self, account: &Account, display: DisplayName) -> Result<()> {
        if account.complete {
            return Ok(());
        }
        if !account.owner
            && let Some(owner) = self.store.owner().await?
            && !owner.complete
        {
            // The owner makes the room that all others join.
            self.enter(&owner, owner.name.parse()?).await?;
        }
        self.enter(account, display).await
    }

    async fn enter(&self, account: &Account, display: DisplayName) -> Result<()> {
        let name: LoginName = account.name.parse()?;
        let actor = Actor { user: account.id, owns_server: account.owner };
        let change = |stream, step: &str, command| Change {
            stream,
            actor,
            nonce: NonceKey(format!("{}/{step}", account.id).into()),
            command,
        };
        let register = Command::Person(PersonCommand::Register { name, display });
        match self.log.submit(change(Stream::Person(account.id), "register", register)).await {
            // The person is there; only the name they chose to show was lost on the way, or is.
            Ok(_) | Err(LogError::Refused(Refusal::NonceReused)) => {}
            Err(error) => return Err(error.into()),
        }
        let step = if account.owner {
            let name: Option<RoomName> = Some(GENERAL.parse()?);
            RoomCommand::Create { kind: RoomKind::Public, name, topic: None, people: vec![] }
        } else {
            RoomCommand::Join
        };
        self.log.submit(change(Stream::Room(RoomId::general()), "general", Command::Room(step))).await?;
        Ok(self.store.complete_account(account.id).await?)
    }
}

/// How somebody without an invitation finds the door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// Nobody is in yet: who enters owns the server.
    First,
    /// Anyone may enter.
    Open,
    /// An invitation is needed.
    Shut,
}
