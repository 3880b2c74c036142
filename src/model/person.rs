//! A person as others see them, and what their own stream does.

use serde::{Deserialize, Serialize};

use super::{
    command::{PersonCommand, Refusal},
    entry::{Entry, What},
    file::PictureId,
    ids::{Rev, Timestamp, UserId},
    status::Status,
};

/// A person's public profile, folded from their stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// Who.
    pub id: UserId,
    /// Rev of the last entry of their stream.
    pub rev: Rev,
    /// The name they log in with and are mentioned by.
    pub name: String,
    /// The name that others see.
    pub display: String,
    /// A few words about themselves.
    pub bio: String,
    /// What they say of the moment; its time may be over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// When they registered.
    pub created: Timestamp,
    /// When their stream's last entry was made.
    pub at: Timestamp,
    /// Their picture, when they have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub picture: Option<PictureId>,
}

impl Person {
    /// What they say of the moment, while it holds.
    pub fn status_at(&self, now: Timestamp) -> Option<&Status> {
        self.status.as_ref().filter(|status| status.holds(now))
    }

    /// What `command` brings to the stream of `person`, who may not be there yet.
    pub fn decide(person: Option<&Person>, command: &PersonCommand) -> Result<Vec<What>, Refusal> {
        let registered = person.is_some();
        Ok(match command {
            PersonCommand::Register { name, display } if !registered => vec![What::Registered {
                name: name.as_str().to_owned(),
                display: display.as_str().to_owned(),
            }],
            PersonCommand::Register { .. } => vec![],
            _ if !registered => return Err(Refusal::NotFound),
            PersonCommand::Profile { display, bio } => {
                let person = person.ok_or(Refusal::NotFound)?;
                let display = display.as_ref().map_or(&*person.display, |text| text.as_str());
                let bio = bio.as_ref().map_or(&*person.bio, |text| text.as_str());
                if display == person.display && bio == person.bio {
                    vec![]
                } else {
                    vec![What::Profile { display: display.to_owned(), bio: bio.to_owned() }]
                }
            }
            PersonCommand::Picture { picture } => {
                let person = person.ok_or(Refusal::NotFound)?;
                let what = What::Pictured { picture: picture.clone() };
                if person.picture == *picture { vec![] } else { vec![what] }
            }
            PersonCommand::Status { status } => match person {
                Some(person) if person.status == *status => vec![],
                _ => vec![What::Status { status: status.clone() }],
            },
            PersonCommand::Read { room, .. } => vec![What::Read { room: *room }],
            PersonCommand::Draft { room, .. } => vec![What::Draft { room: *room }],
            PersonCommand::Note(what) => vec![what.clone()],
        })
    }

    /// The person after `entry` of the stream of `id`.
    pub fn apply(person: Option<Person>, id: UserId, entry: &Entry) -> Option<Person> {
        let mut person = match (&entry.what, person) {
            (What::Registered { name, display }, None) => Person {
                id,
                rev: entry.rev,
                name: name.clone(),
                display: display.clone(),
                bio: String::new(),
                status: None,
                created: entry.at,
                at: entry.at,
                picture: None,
            },
            (_, person) => person?,
        };
        match &entry.what {
            What::Profile { display, bio } => {
                person.display.clone_from(display);
                person.bio.clone_from(bio);
            }
            What::Pictured { picture } => person.picture.clone_from(picture),
            What::Status { status } => person.status.clone_from(status),
            _ => {}
        }
        person.rev = entry.rev;
        person.at = entry.at;
        Some(person)
    }
}
