//! Filling gaps: what didn't come by the bus is read from the log.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;
use tracing::{debug, warn};

use super::{Lane, PAUSE};
use crate::{
    bus::Committed,
    error::Result,
    log::Why,
    metrics::metrics,
    model::{Doc, Entry, Head, Stream, room::Touches},
    realtime::{frames::ServerFrame, order::Order},
};

/// How long what is missing may still come by the bus before it is read from the log.
const MOMENT: Duration = Duration::from_millis(30);
/// Appends read in one go.
const CHUNK: u64 = 500;

impl Lane {
    /// The log is to be looked into.
    pub(super) fn doubt(&mut self) {
        self.doubtful = true;
        self.heal_within(PAUSE);
    }

    /// What is missing is read from the log, unless it comes by the bus in a moment.
    pub(super) fn heal_soon(&mut self) {
        self.heal_within(MOMENT);
    }

    fn heal_within(&mut self, time: Duration) {
        self.heal_at.get_or_insert_with(|| Instant::now() + time);
    }

    /// Reads from the log what the readers miss, once for all of them.
    pub(super) async fn heal(&mut self) {
        match self.try_heal().await {
            Ok(()) => self.doubtful = false,
            Err(error) => {
                warn!(stream = %self.stream, %error, "a gap can't be healed yet");
                self.doubt();
            }
        }
    }

    async fn try_heal(&mut self) -> Result<()> {
        // Whether what is read now is all that readers can have been told.
        let mut sure = false;
        loop {
            let at = self.order.at();
            let appends = self.hub.log().store().read(self.stream, at.rev, CHUNK).await?;
            let Some(first) = appends.first() else {
                let head = self.hub.log().head(self.stream).await?;
                if head.rev > at.rev {
                    // It has come since.
                    continue;
                }
                if head == at && !self.order.parted() {
                    return Ok(());
                }
                if !sure {
                    self.hub.log().store().read_barrier().await?;
                    sure = true;
                    continue;
                }
                self.start_over(head);
                return Ok(());
            };
            if first.base() != at {
                let head = self.hub.log().head(self.stream).await?;
                self.start_over(head);
                return Ok(());
            }
            metrics().heals.increment(1);
            debug!(stream = %self.stream, from = at.rev.0, appends = appends.len(), "healing a gap");
            for append in appends {
                let docs = self.docs_of(&append.entries).await?;
                let due = self.order.offer(Arc::new(Committed { append, docs }));
                self.deliver_all(due).await?;
            }
            if !self.doubtful && !self.order.lacks() {
                // What has come since, if anything, comes by the bus.
                return Ok(());
            }
        }
    }

    /// What the entries' messages are now.
    async fn docs_of(&self, entries: &[Entry]) -> Result<Vec<Doc>> {
        let Stream::Room(room) = self.stream else { return Ok(vec![]) };
        let messages = entries.iter().filter_map(|entry| entry.what.message()).collect();
        let touches = Touches { messages, ..Touches::default() };
        let view = self.hub.log().view(room, touches).await?;
        let messages = view.into_iter().flat_map(|(_, view)| view.messages.into_values().flatten());
        Ok(messages.map(Doc::Message).collect())
    }

    /// The log is another than the readers saw: they load anew, and the lane goes on from where the log is.
    fn start_over(&mut self, head: Head) {
        let (at, parted) = (self.order.at(), self.order.parted());
        warn!(stream = %self.stream, ?at, ?head, parted, "the log isn't the one that was read; its readers load anew");
        metrics().reloads.increment(1);
        let room = match self.stream {
            Stream::Room(room) => Some(room),
            Stream::Person(_) => None,
        };
        let frame = ServerFrame::Reload { room, why: Why::Tag }.encode();
        for reader in self.readers.values() {
            reader.mailbox.push(std::slice::from_ref(&frame));
        }
        self.order = Order::new(head);
    }
}
