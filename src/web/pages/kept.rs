//! Rooms' last messages as markup, kept for as long as nothing happens there: most who open a room see what the one before saw.
//!
//! What is kept is the same for everybody, and true of one head; a page of another head renders anew. Names stand in it, so
//! what was rendered before a profile changed isn't shown after that.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use moka::sync::Cache;

use super::{
    fill,
    packed::{self, Packed},
};
use crate::{
    app::App,
    chat::Readable,
    error::{Error, Result},
    log::{Span, Timeline},
    model::{Head, Room, RoomId},
    web::views::HistoryHtml,
};

/// Messages that come with a room.
pub(super) const MESSAGES: usize = 100;
/// What messages' markup begins with, and nothing before it holds.
const MESSAGES_BEGIN: &str = "<ol class=\"log\"";
/// The most bytes that are kept.
const CAPACITY: u64 = 64 << 20;
/// What a room takes besides its markup, about, in bytes.
const ASIDE: usize = 1_024;
/// How long one is kept when the word of a profile's change may have been lost.
const KEPT: Duration = Duration::from_secs(60);

/// A room and a stretch of its messages, at a head.
#[derive(Debug)]
pub(super) struct Opened {
    /// What all of it is at least as new as.
    pub(super) head: Head,
    /// The room.
    pub(super) room: Room,
    /// The messages.
    pub(super) history: Arc<HistoryHtml>,
    /// How many profiles had changed before it was rendered.
    profiles: u64,
    packed: OnceLock<Packed>,
}

impl Opened {
    /// Reads and renders it.
    pub(super) async fn at(app: &App, readable: &Readable, span: Span, limit: usize) -> Result<Self> {
        let profiles = app.chat.people().changes();
        let timeline = app.chat.timeline(readable, span, limit).await?;
        let history = fill::history(app, &timeline).await?.into_html().map_err(Error::internal)?;
        let Timeline { head, room, .. } = timeline;
        Ok(Self { head, room, history: Arc::new(history), profiles, packed: OnceLock::new() })
    }

    /// A page or a fragment with the messages in it, compressed; theirs is compressed only once.
    pub(super) fn pack(&self, markup: &str) -> Vec<u8> {
        let messages = self.history.html.as_str();
        let parts = markup.find(MESSAGES_BEGIN).and_then(|at| {
            let (before, rest) = markup.split_at(at);
            Some((before, rest.strip_prefix(messages)?))
        });
        match parts {
            Some((before, after)) => {
                let shared = self.packed.get_or_init(|| Packed::shared(messages));
                packed::join(&[&Packed::single(before), shared, &Packed::single(after)])
            }
            None => packed::join(&[&Packed::single(markup)]),
        }
    }
}

/// Rooms that were opened lately.
#[derive(Clone)]
pub(super) struct Kept(Cache<RoomId, Arc<Opened>>);

impl Default for Kept {
    fn default() -> Self {
        let weight = |_: &RoomId, room: &Arc<Opened>| {
            // Compressed, it takes less than a quarter on top.
            u32::try_from(room.history.html.len() * 5 / 4 + ASIDE).unwrap_or(u32::MAX)
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
