//! The bus of a node that is alone.

use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use tokio::sync::mpsc;

use super::{Bus, CAPACITY, Channel, Event, Events, NodeId, Notice};
use crate::{metrics::metrics, model::Tag};

/// Hands every notice to this node itself.
#[derive(Debug)]
pub struct LocalBus {
    node: NodeId,
    events: mpsc::Sender<Event>,
    lost: AtomicBool,
}

impl LocalBus {
    /// A bus, and the end where its events come out.
    pub fn new() -> (Self, Events) {
        let (events, out) = mpsc::channel(CAPACITY);
        (Self { node: NodeId(Tag::random()), events, lost: AtomicBool::new(false) }, out)
    }

    /// Hands an event over, or notes that one was lost, to say so with the next.
    pub(super) fn deliver(&self, event: Event) {
        if self.lost.load(Ordering::Relaxed) && self.events.try_send(Event::Lost).is_ok() {
            self.lost.store(false, Ordering::Relaxed);
        }
        if self.events.try_send(event).is_err() {
            metrics().bus_error("lost here");
            self.lost.store(true, Ordering::Relaxed);
        }
    }
}

#[async_trait]
impl Bus for LocalBus {
    fn node(&self) -> NodeId {
        self.node
    }

    fn publish(&self, channel: Channel, notice: Notice) {
        self.deliver(Event::Notice { from: self.node, channel, notice });
    }

    async fn subscribe(&self, _: &[Channel]) {}

    fn unsubscribe(&self, _: &[Channel]) {}

    fn connected(&self) -> bool {
        true
    }
}
