//! Invitations to the server, and the link by which its owner gets in first.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

use super::Accounts;
use crate::{
    error::{Code, Error, Result},
    model::{Actor, InviteId, Timestamp, UserId, account::Invite},
};

/// How long the link is good that makes the server's owner; each start prints another.
pub const OWNER_LINK: Duration = Duration::from_secs(24 * 60 * 60);
/// The most days that an invitation may last.
const MAX_DAYS: u32 = 365;
/// The most accounts that may be made with one.
const MAX_USES: u32 = 1_000;
/// The most invitations at a time.
const MAX_INVITES: usize = 500;

/// An invitation that was just made. Its link is not to be had again.
#[derive(Debug, Clone)]
pub struct Invited {
    /// The invitation.
    pub invite: Invite,
    /// Where its holder registers.
    pub url: String,
}

/// As an invitation's secret is kept.
pub(super) fn secret_hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

impl Accounts {
    /// Invites as many people as it has uses.
    ///
    /// # Errors
    /// `forbidden` to all but the server's owner; `invalid`; `too_many`.
    pub async fn invite(&self, actor: Actor, days: u32, uses: u32) -> Result<Invited> {
        must_own(actor)?;
        if !(1..=MAX_DAYS).contains(&days) {
            return Err(Error::invalid("days", format!("From 1 to {MAX_DAYS}.")));
        }
        if !(1..=MAX_USES).contains(&uses) {
            return Err(Error::invalid("uses", format!("From 1 to {MAX_USES}.")));
        }
        if self.store.invites(Timestamp::now()).await?.len() >= MAX_INVITES {
            return Err(Error::says(Code::TooMany, "End some of the other invitations first."));
        }
        self.keep_invite(Some(actor.user), Duration::from_secs(u64::from(days) * 24 * 60 * 60), uses).await
    }

    /// All invitations that are good, the newest first.
    ///
    /// # Errors
    /// `forbidden` to all but the server's owner.
    pub async fn invites(&self, actor: Actor) -> Result<Vec<Invite>> {
        must_own(actor)?;
        let invites = self.store.invites(Timestamp::now()).await?;
        Ok(invites.into_iter().filter(|invite| invite.by.is_some()).collect())
    }

    /// Ends an invitation.
    ///
    /// # Errors
    /// `forbidden` to all but the server's owner; `not_found`.
    pub async fn end_invite(&self, actor: Actor, id: InviteId) -> Result<()> {
        must_own(actor)?;
        if self.store.end_invite(id).await? {
            Ok(())
        } else {
            Err(Error::says(Code::NotFound, "There is no such invitation."))
        }
    }

    /// The link by which the server's owner registers, where one is needed: nobody owns it yet, and others could reach it
    /// first.
    ///
    /// # Errors
    /// When the store can't.
    pub async fn owner_link(&self) -> Result<Option<String>> {
        if self.local || self.owner().await?.is_some() {
            return Ok(None);
        }
        Ok(Some(self.keep_invite(None, OWNER_LINK, 1).await?.url))
    }

    async fn keep_invite(&self, by: Option<UserId>, lasts: Duration, uses: u32) -> Result<Invited> {
        let mut bytes = [0; 24];
        getrandom::fill(&mut bytes).map_err(Error::internal)?;
        let secret = BASE64_URL_SAFE_NO_PAD.encode(bytes);
        let created = Timestamp::now();
        let expires = created.plus(lasts);
        let invite = Invite { id: InviteId::new(), secret: secret_hash(&secret), by, created, expires, uses };
        self.store.create_invite(&invite).await?;
        Ok(Invited { invite, url: self.public_url.link(&format!("/register?invite={secret}")) })
    }
}

fn must_own(actor: Actor) -> Result<()> {
    if actor.owns_server {
        Ok(())
    } else {
        Err(Error::says(Code::Forbidden, "Only the server's owner may do this."))
    }
}
