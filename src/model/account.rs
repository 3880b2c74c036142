//! What a person needs to get in: account, sessions, invitations.

use serde::{Deserialize, Serialize};

use super::{
    ids::{InviteId, SessionId, Timestamp, UserId},
    text::LoginName,
};

/// What a person logs in with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Who.
    pub id: UserId,
    /// The name to log in with; unique.
    pub name: String,
    /// The password's hash, in PHC form.
    pub password: String,
    /// Whether they own the server; at most one account does.
    pub owner: bool,
    /// Whether their stream and first rooms were made, too.
    pub complete: bool,
    /// When it was made.
    pub created: Timestamp,
}

/// An account to be made.
#[derive(Debug, Clone)]
pub struct NewAccount {
    /// Who.
    pub id: UserId,
    /// The name to log in with.
    pub name: LoginName,
    /// The password's hash, in PHC form.
    pub password: String,
    /// Whether they are to own the server.
    pub owner: bool,
    /// The invitation that is used up by it, by the hash of its secret.
    pub invite: Option<[u8; 32]>,
    /// When.
    pub created: Timestamp,
}

/// What holds a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionKind {
    /// A browser, by a cookie.
    Browser,
    /// A program, by an access token and a refresh token.
    Program,
}

/// A login of a browser or a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its public name, by which it is listed and ended.
    pub id: SessionId,
    /// Whose.
    pub user: UserId,
    /// What holds it.
    pub kind: SessionKind,
    /// SHA-256 of the secret that proves it: the cookie's id, or the current refresh token.
    pub secret: [u8; 32],
    /// SHA-256 of the refresh token used last, and when it was.
    pub used: Option<([u8; 32], Timestamp)>,
    /// What the client called itself; at most 200 characters.
    pub agent: String,
    /// When it began.
    pub created: Timestamp,
    /// When it was last used, to within a few minutes.
    pub seen: Timestamp,
    /// When it ends if it isn't used.
    pub expires: Timestamp,
}

/// An invitation to the server, for as many as it has uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invite {
    /// Its public name.
    pub id: InviteId,
    /// SHA-256 of the secret in its link.
    pub secret: [u8; 32],
    /// Who made it; none for the one that the server prints for its first owner.
    pub by: Option<UserId>,
    /// When it was made.
    pub created: Timestamp,
    /// When it ends.
    pub expires: Timestamp,
    /// How many more accounts may be made with it.
    pub uses: u32,
}
