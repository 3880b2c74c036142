//! What one sees and changes of oneself.

use super::{Accounts, Login};
use crate::{
    error::{Code, Error, Result},
    model::{
        Change, Command, Nonce, NonceKey, Person, PersonCommand, Stream,
        text::{Bio, DisplayName},
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
        let change = Change {
            stream: Stream::Person(login.user),
            actor: login.actor(),
            nonce: NonceKey::asked(login.user, nonce),
            command: Command::Person(PersonCommand::Profile { display, bio }),
        };
        self.log.submit(change).await?;
        Ok(())
    }
}
