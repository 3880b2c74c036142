//! Who is who: registration, login, sessions, tokens, passwords, profiles, invitations.
//!
//! What belongs to one account alone is in the store; what others see of a person, and what their devices are told, goes
//! through their stream. So an account is made in two steps: the row that makes its name unique, then the person's
//! first entry and the room `general`; who died in between is completed at the next login.

mod by_hand;
mod invites;
mod keys;
mod login;
mod passwords;
mod profile;
mod register;
mod sessions;
mod tokens;
mod tries;

use std::{
    fmt,
    net::IpAddr,
    sync::{Arc, OnceLock},
};

pub use invites::{Invited, OWNER_LINK};
pub use keys::{FILE as KEYS, Key, Keys, KeysError};
pub use passwords::{Password, Passwords};
pub use profile::{NewStatus, Profile};
pub use register::{Door, Newcomer};
pub use sessions::{ABSOLUTE, GRACE, IDLE, SEEN_STEP};
pub use tokens::{ACCESS, Access, Tokens};
pub use tries::{Tries, network};

use crate::{
    config::{Config, PublicUrl, Registration},
    error::Result,
    log::Log,
    model::{Actor, SessionId, Timestamp, UserId, account::SessionKind},
    store::Store,
};

/// The most characters kept of what a client calls itself.
const MAX_AGENT: usize = 200;

/// From where somebody tries to get in.
#[derive(Debug, Clone)]
pub struct Client {
    /// Their address.
    pub address: IpAddr,
    /// What the client calls itself.
    pub agent: String,
}

impl Client {
    /// Of what the client calls itself, only so much is kept.
    pub fn new(address: IpAddr, agent: &str) -> Self {
        Self { address, agent: agent.chars().filter(|c| !c.is_control()).take(MAX_AGENT).collect() }
    }
}

/// Somebody who is logged in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Login {
    /// Who.
    pub user: UserId,
    /// By which session.
    pub session: SessionId,
    /// What holds it.
    pub kind: SessionKind,
    /// Whether they own the server.
    pub owns_server: bool,
    /// When the access token runs out that was shown; none for a browser.
    pub until: Option<Timestamp>,
}

impl Login {
    /// As who asks for a change.
    pub fn actor(&self) -> Actor {
        Actor { user: self.user, owns_server: self.owns_server }
    }
}

/// What a program gets when it logs in, and each time it refreshes.
#[derive(Clone)]
pub struct Pass {
    /// Who.
    pub user: UserId,
    /// The session.
    pub session: SessionId,
    /// Good for [`ACCESS`].
    pub access: String,
    /// Good once, for as long as the session lasts.
    pub refresh: String,
}

impl fmt::Debug for Pass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pass")
            .field("user", &self.user)
            .field("session", &self.session)
            .finish_non_exhaustive()
    }
}

/// All that has to do with accounts.
pub struct Accounts {
    store: Arc<dyn Store>,
    log: Log,
    passwords: Passwords,
    tries: Tries,
    tokens: Tokens,
    registration: Registration,
    /// Whether who registers first simply owns the server.
    local: bool,
    public_url: PublicUrl,
    /// Known once there is one; it stays for ever.
    owner: OnceLock<UserId>,
}

impl fmt::Debug for Accounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Accounts").field("registration", &self.registration).finish_non_exhaustive()
    }
}

impl Accounts {
    /// The accounts in `store`, whose people are told by `log`.
    ///
    /// # Errors
    /// When the system has no random numbers.
    pub fn new(config: &Config, store: Arc<dyn Store>, log: Log, keys: Keys) -> Result<Self> {
        Ok(Self {
            store,
            passwords: Passwords::default(),
            tries: Tries::new(config.logins, config.login_tries, Arc::clone(log.bus())),
            log,
            tokens: Tokens::new(keys, &config.public_url),
            registration: config.registration,
            local: config.is_local(),
            public_url: config.public_url.clone(),
            owner: OnceLock::new(),
        })
    }

    /// Makes and checks access tokens.
    pub fn tokens(&self) -> &Tokens {
        &self.tokens
    }

    /// Who owns the server, if somebody does yet.
    ///
    /// # Errors
    /// When the store can't say.
    pub async fn owner(&self) -> Result<Option<UserId>> {
        if let Some(owner) = self.owner.get() {
            return Ok(Some(*owner));
        }
        let owner = self.store.owner().await?.map(|account| account.id);
        Ok(owner.map(|owner| *self.owner.get_or_init(|| owner)))
    }

    /// Counts the tries to get in.
    pub fn tries(&self) -> &Tries {
        &self.tries
    }

    async fn owns_server(&self, user: UserId) -> Result<bool> {
        Ok(self.owner().await? == Some(user))
    }

    /// Lets go of what ran out. To be called now and then.
    ///
    /// # Errors
    /// When the store can't.
    pub async fn tidy(&self, now: Timestamp) -> Result<()> {
        self.tries.tidy();
        Ok(self.store.sweep_accounts(now).await?)
    }
}
