//! Rooms' last messages and their people as markup, kept for as long as nothing happens there: most who open a room see what the
//! one before saw.
//!
//! What is kept is the same for everybody, and true of one head; a page of another head renders anew. Names stand in it, so
//! what was rendered before a profile changed isn't shown after that.

use std::{sync::Arc, time::Duration};

use askama::Template;

use moka::sync::Cache;

use super::{fill, pieces::Shared, roster::Roster};
use crate::{
    app::App,
    chat::Readable,
    error::{Error, Result},
    log::{Span, Timeline},
    model::{Head, Room, RoomId},
    web::views::HistoryFragment,
};

/// Messages that come with a room.
pub(super) const MESSAGES: usize = 100;
/// The most bytes that are kept.
const CAPACITY: u64 = 64 << 20;
/// What a room takes besides its markup, about, in bytes.
const ASIDE: usize = 1_024;
/// How long one is kept when the word of a profile's change may have been lost.
const KEPT: Duration = Duration::from_secs(60);

/// A room, its people and a stretch of its messages, at a head.
#[derive(Debug)]
pub(super) struct Opened {
    /// What all of it is at least as new as.
    pub(super) head: Head,
    /// The room.
    pub(super) room: Room,
    /// The messages.
    pub(super) messages: Shared,
    /// Whether there are messages before those.
    pub(super) more_before: bool,
    /// How many are pinned, as far as they are counted.
    pub(super) pins: usize,
    /// Its people.
    pub(super) roster: Roster,
    /// How many profiles had changed before it was rendered.
    profiles: u64,
}

impl Opened {
    /// Reads and renders it.
    pub(super) async fn at(app: &App, readable: &Readable, span: Span, limit: usize) -> Result<Self> {
        let profiles = app.chat.people().changes();
        let timeline = app.chat.timeline(readable, span, limit).await?;
        let roster = fill::roster(app, readable, None).await?;
        let pins = app.chat.pinned(readable, None, fill::PINS).await?.items.len();
        let history = fill::history(app, &timeline).await?;
        let more_before = history.more_before;
        let messages = HistoryFragment { history }.render().map_err(Error::internal)?;
        let Timeline { head, room, .. } = timeline;
        Ok(Self { head, room, messages: Shared::new(messages), more_before, pins, roster, profiles })
    }
}

/// Rooms that were opened lately.
#[derive(Clone)]
pub(super) struct Kept(Cache<RoomId, Arc<Opened>>);

impl Default for Kept {
    fn default() -> Self {
        let weight = |_: &RoomId, room: &Arc<Opened>| {
            // Compressed, it takes less than a quarter on top.
            u32::try_from((room.messages.length() + room.roster.size()) * 5 / 4 + ASIDE).unwrap_or(u32::MAX)
        };
        Self(Cache::builder().max_capacity(CAPACITY).weigher(weight).time_to_live(KEPT).build())
    }
}

impl Kept {
    /// A room's last messages: those at hand, if nothing has happened there and nobody has another name since.
    pub(super) async fn last(&self, app: &App, readable: &Readable) -> Result<Arc<Opened>> {
        let profiles = app.chat.people().changes();
        let known = self.0.get(&readable.room.id);
        if let Some(known) = known.filter(|it| it.head == readable.head && it.profiles == profiles) {
            return Ok(known);
        }
        let fresh = Arc::new(Opened::at(app, readable, Span::Last, MESSAGES).await?);
        self.0.insert(fresh.room.id, Arc::clone(&fresh));
        Ok(fresh)
    }
}
