//! Everybody's public profiles, kept at hand.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use moka::sync::Cache;

use crate::{
    model::{
        Message, Person, UserId,
        markdown::{self, Mentioned, SanitizedHtml},
        room::Body,
    },
    store::{Store, StoreError},
};

/// How many profiles are kept at hand.
const CAPACITY: u64 = 50_000;
/// How long one is kept when the word of a change may have been lost.
const KEPT: Duration = Duration::from_secs(60);

/// Profiles by id.
#[derive(Clone)]
pub struct People {
    store: Arc<dyn Store>,
    known: Cache<UserId, Arc<Person>>,
    changes: Arc<AtomicU64>,
}

impl std::fmt::Debug for People {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("People").finish_non_exhaustive()
    }
}

impl People {
    /// The people of a store.
    pub fn new(store: Arc<dyn Store>) -> Self {
        let known = Cache::builder().max_capacity(CAPACITY).time_to_live(KEPT).build();
        Self { store, known, changes: Arc::default() }
    }

    /// These people; those who don't exist are left out.
    pub async fn get(&self, users: Vec<UserId>) -> Result<HashMap<UserId, Arc<Person>>, StoreError> {
        let mut found = HashMap::new();
        let mut missing = vec![];
        for user in users {
            if found.contains_key(&user) || missing.contains(&user) {
                continue;
            }
            match self.known.get(&user) {
                Some(person) => drop(found.insert(user, person)),
                None => missing.push(user),
            }
        }
        if !missing.is_empty() {
            for person in self.store.people(&missing).await? {
                let person = Arc::new(person);
                self.known.insert(person.id, person.clone());
                found.insert(person.id, person);
            }
        }
        Ok(found)
    }

    /// One person.
    pub async fn one(&self, user: UserId) -> Result<Option<Arc<Person>>, StoreError> {
        Ok(self.get(vec![user]).await?.remove(&user))
    }

    /// Takes notice of a changed profile.
    pub fn learn(&self, person: Arc<Person>) {
        let newer = self.known.get(&person.id).is_none_or(|known| known.rev < person.rev);
        if newer {
            self.known.insert(person.id, person);
            // Whoever renders with the old name from here on has counted before.
            self.changes.fetch_add(1, Ordering::AcqRel);
        }
    }

    /// How many changed profiles were heard of: what was rendered under another count may show an old name.
    pub fn changes(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
    }
}

/// Everybody whom showing `message` has to do with: its author, and those it names.
pub(super) fn named(message: &Message) -> impl Iterator<Item = UserId> + '_ {
    use crate::model::SystemLine;
    let line = match &message.body {
        Body::System(
            SystemLine::Joined { user } | SystemLine::Left { user } | SystemLine::Removed { user },
        ) => Some(*user),
        _ => None,
    };
    std::iter::once(message.by).chain(message.mentions().iter().copied()).chain(line)
}

/// The markup of a message's words; empty where it has none.
pub(super) fn markup(message: &Message, people: &HashMap<UserId, Arc<Person>>) -> SanitizedHtml {
    let Body::Text { text, mentions, .. } = &message.body else { return SanitizedHtml::default() };
    markdown::render(text, &|name| {
        let person =
            mentions.iter().filter_map(|user| people.get(user)).find(|person| person.name == name)?;
        Some(Mentioned { user: person.id, display: person.display.clone() })
    })
}
