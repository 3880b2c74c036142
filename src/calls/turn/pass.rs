//! Who may use the relay: people with credentials that the server made for them a while ago.
//!
//! The name says who and until when, the password follows from the name and the server's keys. So every node accepts
//! what any made, and none keeps a list.

use base64::{Engine, prelude::BASE64_STANDARD_NO_PAD};

use super::stun::Key;
use crate::{
    accounts::{self as server, Keys},
    model::UserId,
};

/// How long credentials open an allocation, in seconds. One that is open goes on for as long as it is refreshed.
pub(super) const GOOD_FOR: u64 = 3_600;
/// What passwords are made for, so that no other use of the keys makes the same.
const PURPOSE: &str = "parlor turn password";
/// Where the names hold, as clients are told.
pub(super) const REALM: &str = "parlor";

/// A name and its password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pass {
    pub(super) name: String,
    pub(super) password: String,
}

impl Pass {
    /// One for somebody, from now on.
    pub(super) fn make(keys: &Keys, user: UserId, unix: u64) -> Self {
        let name = format!("{}:{user}", unix + GOOD_FOR);
        let password = password(keys.first(), &name);
        Self { name, password }
    }
}

/// Whose name this is, if it is one that is good now.
pub(super) fn owner(name: &str, unix: u64) -> Option<&str> {
    let (until, user) = name.split_once(':')?;
    let until: u64 = until.parse().ok()?;
    (unix < until && !user.is_empty()).then_some(user)
}

/// What may have signed for this name: one for each key of the server's.
pub(super) fn signing_keys<'a>(keys: &'a Keys, name: &'a str) -> impl Iterator<Item = Key> + 'a {
    keys.all().map(move |key| Key::new(name, REALM, &password(key, name)))
}

fn password(key: &server::Key, name: &str) -> String {
    BASE64_STANDARD_NO_PAD.encode(key.mac(PURPOSE, &[name.as_bytes()]))
}
