//! Sessions: begun by a login, shown by a browser's cookie or a program's tokens, ended by hand or by time.

use std::time::Duration;

use super::{Accounts, Client, Login, Pass, tokens::Refresh};
use crate::{
    error::{Code, Error, Result},
    model::{
        Actor, Change, Command, NonceKey, PersonCommand, SessionId, Stream, Timestamp, UserId, What,
        account::{Account, Session, SessionKind},
    },
};

/// A session that isn't used for so long ends.
pub const IDLE: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// However much it is used, a session ends after so long.
pub const ABSOLUTE: Duration = Duration::from_secs(180 * 24 * 60 * 60);
/// How exactly it is known when a session was used last: look-ups don't write each time.
pub const SEEN_STEP: Duration = Duration::from_secs(5 * 60);
/// For so long after its use, a refresh token may come again: its answer may have been lost.
pub const GRACE: Duration = Duration::from_secs(30);
/// The most sessions of one person; one more ends the one that wasn't used for longest.
const MAX_EACH: usize = 100;

/// When a session ends that began at `created` and is used at `now`.
fn expiry(created: Timestamp, now: Timestamp) -> Timestamp {
    now.plus(IDLE).min(created.plus(ABSOLUTE))
}

impl Accounts {
    /// Begins a browser's session, proved by the secret with this hash.
    ///
    /// # Errors
    /// When it can't be kept.
    pub async fn begin_browser(
        &self,
        id: SessionId,
        user: UserId,
        secret: [u8; 32],
        agent: String,
    ) -> Result<()> {
        self.begin(id, user, SessionKind::Browser, secret, agent).await
    }

    /// Begins a program's session.
    ///
    /// # Errors
    /// When it can't be kept.
    pub async fn begin_program(&self, account: &Account, client: &Client) -> Result<Pass> {
        let id = SessionId::new();
        let refresh = self.tokens.first_refresh(id)?;
        self.begin(id, account.id, SessionKind::Program, refresh.hash(), client.agent.clone()).await?;
        self.confirm(account, id).await?;
        self.pass(account.id, id, &refresh, Timestamp::now())
    }

    /// Ends a session that has just begun if the password was replaced since it was checked: whoever replaced it ended the
    /// sessions there were, and couldn't see this one.
    ///
    /// # Errors
    /// `wrong_credentials` when it was.
    pub async fn confirm(&self, account: &Account, session: SessionId) -> Result<()> {
        if self.account(account.id).await?.password == account.password {
            return Ok(());
        }
        self.end(account.id, session).await?;
        Err(Error::new(Code::WrongCredentials))
    }

    async fn begin(
        &self,
        id: SessionId,
        user: UserId,
        kind: SessionKind,
        secret: [u8; 32],
        agent: String,
    ) -> Result<()> {
        let now = Timestamp::now();
        let mut others = self.store.sessions_of(user, now).await?;
        while others.len() >= MAX_EACH
            && let Some(oldest) = others.pop()
        {
            self.end(user, oldest.id).await?;
        }
        let expires = expiry(now, now);
        let session = Session { id, user, kind, secret, used: None, agent, created: now, seen: now, expires };
        if self.store.create_session(&session).await? {
            Ok(())
        } else {
            Err(Error::internal("a session with this id or secret is there already"))
        }
    }

    /// The browser's session that is proved by the secret with this hash.
    ///
    /// # Errors
    /// When the store can't say.
    pub async fn browser(&self, secret: &[u8; 32]) -> Result<Option<Session>> {
        let session = self.store.session_by_secret(secret, Timestamp::now()).await?;
        Ok(session.filter(|session| session.kind == SessionKind::Browser && session.secret == *secret))
    }

    /// Somebody whose browser has shown the cookie of this session.
    ///
    /// # Errors
    /// When the store can't say whether they own the server.
    pub async fn browser_login(&self, session: SessionId, user: UserId) -> Result<Login> {
        let owns_server = self.owns_server(user).await?;
        Ok(Login { user, session, kind: SessionKind::Browser, owns_server, until: None })
    }

    /// Somebody who shows this access token, if its session is still there.
    ///
    /// # Errors
    /// `unauthenticated` or `token_expired`.
    pub async fn token_login(&self, token: &str) -> Result<Login> {
        let now = Timestamp::now();
        let access = self.tokens.check(token, now)?;
        let session = self.store.session(access.session, now).await?;
        let session =
            session.filter(|session| session.user == access.user && session.kind == SessionKind::Program);
        let session = session.ok_or_else(|| Error::says(Code::Unauthenticated, "This session has ended."))?;
        self.touch(&session, now).await?;
        let owns_server = self.owns_server(session.user).await?;
        let (user, kind, until) = (session.user, session.kind, Some(access.until));
        Ok(Login { user, session: session.id, kind, owns_server, until })
    }

    /// Notes that a session is in use, unless that was noted lately.
    ///
    /// # Errors
    /// When the store can't.
    pub async fn touch(&self, session: &Session, now: Timestamp) -> Result<()> {
        if now < session.seen.plus(SEEN_STEP) {
            return Ok(());
        }
        Ok(self.store.touch_session(session.id, now, expiry(session.created, now)).await?)
    }

    /// Whether a session is still there.
    ///
    /// # Errors
    /// When the store can't say.
    pub async fn is_there(&self, session: SessionId) -> Result<bool> {
        Ok(self.store.session(session, Timestamp::now()).await?.is_some())
    }

    /// A new pass for a refresh token. A used one seen again ends its session, but for [`GRACE`].
    ///
    /// # Errors
    /// `unauthenticated`.
    pub async fn refresh(&self, token: &str) -> Result<Pass> {
        let refused =
            || Error::says(Code::Unauthenticated, "This refresh token isn't good (any more). Log in again.");
        let shown = self.tokens.parse_refresh(token).ok_or_else(refused)?;
        let now = Timestamp::now();
        // Once more when another request with the same token is faster.
        for _ in 0..3 {
            let session = self.store.session(shown.session(), now).await?.ok_or_else(refused)?;
            match self.next(&session, &shown, now) {
                Next::Rotate(next) => {
                    let expires = expiry(session.created, now);
                    let (from, to) = (session.secret, next.hash());
                    if self.store.rotate_session(session.id, &from, &to, now, expires).await? {
                        return self.pass(session.user, session.id, &next, now);
                    }
                }
                Next::Again(next) => return self.pass(session.user, session.id, &next, now),
                Next::Reused => {
                    tracing::warn!(user = %session.user, session = %session.id, "a used refresh token was seen again; its session ends");
                    self.end(session.user, session.id).await?;
                    return Err(refused());
                }
            }
        }
        Err(Error::unavailable("a session's refresh token kept changing"))
    }

    fn next(&self, session: &Session, shown: &Refresh, now: Timestamp) -> Next {
        let hash = shown.hash();
        let mut successors = self.tokens.successors(shown);
        if session.kind != SessionKind::Program {
            return Next::Reused;
        }
        if session.secret == hash {
            return successors.next().map_or(Next::Reused, Next::Rotate);
        }
        let in_grace = session.used.is_some_and(|(used, at)| used == hash && now <= at.plus(GRACE));
        let current = successors.find(|next| next.hash() == session.secret);
        current.filter(|_| in_grace).map_or(Next::Reused, Next::Again)
    }

    fn pass(&self, user: UserId, session: SessionId, refresh: &Refresh, now: Timestamp) -> Result<Pass> {
        Ok(Pass { user, session, access: self.tokens.access(user, session, now)?, refresh: refresh.text() })
    }

    /// All of a person's sessions, the last used first.
    ///
    /// # Errors
    /// When the store can't say.
    pub async fn sessions(&self, user: UserId) -> Result<Vec<Session>> {
        Ok(self.store.sessions_of(user, Timestamp::now()).await?)
    }

    /// Ends a session of one's own.
    ///
    /// # Errors
    /// `not_found` when it isn't there, or not one's own.
    pub async fn end_own(&self, user: UserId, session: SessionId) -> Result<()> {
        let found = self.store.session(session, Timestamp::now()).await?;
        if found.is_none_or(|session| session.user != user) {
            return Err(Error::says(Code::NotFound, "There is no such session."));
        }
        self.end(user, session).await
    }

    /// Ends all of a person's sessions but one.
    ///
    /// # Errors
    /// When the store can't.
    pub async fn end_others(&self, user: UserId, but: SessionId) -> Result<()> {
        for session in self.sessions(user).await? {
            if session.id != but {
                self.end(user, session.id).await?;
            }
        }
        Ok(())
    }

    /// Ends a session, and tells the person's devices, so that its sockets close on whatever node they are.
    ///
    /// # Errors
    /// When the store can't.
    pub async fn end(&self, user: UserId, session: SessionId) -> Result<()> {
        self.store.end_session(session).await?;
        let note = Change {
            stream: Stream::Person(user),
            actor: Actor { user, owns_server: false },
            nonce: NonceKey(format!("{session}/ended").into()),
            command: Command::Person(PersonCommand::Note(What::SessionEnded { session })),
        };
        if let Err(error) = self.log.submit(note).await {
            // The session is over all the same: sockets look whether theirs is still there every few seconds.
            tracing::warn!(%user, %session, %error, "could not tell that a session ended");
        }
        Ok(())
    }
}

/// What is to be done about a refresh token.
enum Next {
    /// It is the current one: this takes its place.
    Rotate(Refresh),
    /// Its answer may have been lost: this one was given.
    Again(Refresh),
    /// It was used before.
    Reused,
}
