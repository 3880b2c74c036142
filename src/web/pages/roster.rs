//! The people beside a room: who they are is read with the room, how they are is looked up for each page. As markup it is kept
//! for as long as that is the same.

use std::sync::{Arc, Mutex, PoisonError};

use askama::Template;

use super::{fill, pieces::Shared};
use crate::{
    app::App,
    error::{Error, Result},
    model::{Person, Role, RoomId, Timestamp, UserId},
    web::views::{MemberView, PeopleFragment, PeopleView},
};

/// What one of them takes, about, in bytes.
const ROW: usize = 640;

/// A page of a room's people.
#[derive(Debug)]
pub(super) struct Roster {
    /// The room.
    pub(super) room: RoomId,
    /// How many it has in all.
    pub(super) total: u32,
    /// Those on this page.
    pub(super) people: Vec<(Arc<Person>, Role)>,
    /// Where the next page begins, if there is one.
    pub(super) next: Option<UserId>,
    /// As they were shown last.
    pub(super) shown: Mutex<Option<Arc<Shown>>>,
}

/// Their markup, and what it is true of.
#[derive(Debug)]
pub(super) struct Shown {
    /// How each of them is.
    states: Vec<&'static str>,
    /// When the first says something else of themselves.
    until: Option<Timestamp>,
    /// The markup.
    pub(super) markup: Shared,
}

impl Roster {
    /// What its markup takes, about, in bytes.
    pub(super) fn size(&self) -> usize {
        self.people.len() * ROW
    }

    /// For templates, by name.
    pub(super) fn view(&self, app: &App) -> PeopleView {
        self.view_of(&self.states(app))
    }

    /// As they are now, rendered.
    pub(super) fn show(&self, app: &App) -> Result<Arc<Shown>> {
        let (states, now) = (self.states(app), Timestamp::now());
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(shown) =
            shown.as_ref().filter(|it| it.states == states && it.until.is_none_or(|at| now < at))
        {
            return Ok(Arc::clone(shown));
        }
        let markup = PeopleFragment { people: self.view_of(&states) }.render().map_err(Error::internal)?;
        let ends = self.people.iter().filter_map(|(person, _)| person.status_at(now)?.until);
        let fresh = Arc::new(Shown { states, until: ends.min(), markup: Shared::new(markup) });
        *shown = Some(Arc::clone(&fresh));
        Ok(fresh)
    }

    fn states(&self, app: &App) -> Vec<&'static str> {
        app.hub.states_of(self.people.iter().map(|(person, _)| person.id))
    }

    fn view_of(&self, states: &[&'static str]) -> PeopleView {
        let member = |((person, role), state): (&(Arc<Person>, Role), &&'static str)| MemberView {
            person: fill::person_in(state, person),
            role: fill::role(*role).to_owned(),
        };
        let mut members: Vec<MemberView> = self.people.iter().zip(states).map(member).collect();
        members.sort_by_cached_key(|member| member.person.display.to_lowercase());
        PeopleView {
            room: self.room.to_string(),
            total: self.total.into(),
            members,
            next: self.next.map(|user| user.to_string()),
        }
    }
}
