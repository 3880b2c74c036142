//! What one sees and changes of oneself.

use super::{Accounts, Login};
use crate::{
    error::{Code, Error, Result},
    model::{
        Change, Command, Nonce, NonceKey, Person, PersonCommand, PictureId, Status, Stream, Timestamp,
        text::{Bio, DisplayName, Emoji, StatusText},
    },
};

/// A change of one's profile; what is absent stays.
#[derive(Debug, Clone, Default)]
pub struct Profile {
    /// The name that others see.
    pub display: Option<DisplayName>,
    /// A few words about oneself.
    pub bio: Option<Bio>,
}

/// What somebody wants to say of the moment.
#[derive(Debug, Clone)]
pub struct NewStatus {
    /// One emoji.
    pub emoji: Option<Emoji>,
    /// A few words.
    pub text: StatusText,
    /// Whether they don't want to be disturbed.
    pub busy: bool,
    /// When it is over.
    pub until: Option<Timestamp>,
}

impl Accounts {
    /// Oneself, as others see one.
    ///
    /// # Errors
    /// When the store can't say.
    pub async fn me(&self, login: &Login) -> Result<Person> {
        let person = self.store.people(&[login.user]).await?.pop();
        person.ok_or_else(|| Error::new(Code::Unauthenticated))
    }

    /// Changes one's profile.
    ///
    /// # Errors
    /// `nonce_reused`, or when the log can't.
    pub async fn edit_profile(&self, login: &Login, nonce: &Nonce, profile: Profile) -> Result<()> {
        let Profile { display, bio } = profile;
        self.change_oneself(login, nonce, PersonCommand::Profile { display, bio }).await
    }

    /// Says something of the moment; nothing any more, when it says nothing.
    ///
    /// # Errors
    /// `invalid`, `nonce_reused`, or when the log can't.
    pub async fn set_status(&self, login: &Login, nonce: &Nonce, new: NewStatus) -> Result<()> {
        let NewStatus { emoji, text, busy, until } = new;
        let status = Status::new(emoji, &text, busy, until, Timestamp::now())?;
        self.change_oneself(login, nonce, PersonCommand::Status { status }).await
    }

    /// Says nothing of the moment any more.
    ///
    /// # Errors
    /// `nonce_reused`, or when the log can't.
    pub async fn clear_status(&self, login: &Login, nonce: &Nonce) -> Result<()> {
        self.change_oneself(login, nonce, PersonCommand::Status { status: None }).await
    }

    async fn change_oneself(&self, login: &Login, nonce: &Nonce, command: PersonCommand) -> Result<()> {
        let change = Change {
            stream: Stream::Person(login.user),
            actor: login.actor(),
            nonce: NonceKey::asked(login.user, nonce),
            command: Command::Person(command),
        };
        self.log.submit(change).await?;
        Ok(())
    }

    /// Gives oneself another picture, or none.
    ///
    /// # Errors
    /// `nonce_reused`, or when the log can't.
    pub async fn set_picture(&self, login: &Login, nonce: &Nonce, picture: Option<PictureId>) -> Result<()> {
        let change = Change {
            stream: Stream::Person(login.user),
            actor: login.actor(),
            nonce: NonceKey::asked(login.user, nonce),
            command: Command::Person(PersonCommand::Picture { picture }),
        };
        self.log.submit(change).await?;
        Ok(())
    }
}
