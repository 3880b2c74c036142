//! Where what others publish comes in.

use std::sync::Arc;

use redis::{PushInfo, PushKind, Value};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::{
    super::{Bus, Event, LocalBus, Notice},
    Complaint,
    wire::{Message, Names},
};

/// Called on the connection's own task, so it never waits.
#[derive(Debug)]
pub(super) struct Inbox {
    names: Names,
    local: Arc<LocalBus>,
    broken: CancellationToken,
    /// How messages of this node begin.
    own: Vec<u8>,
    strange: Complaint,
}

impl Inbox {
    pub(super) fn new(names: Names, local: Arc<LocalBus>, broken: CancellationToken) -> Self {
        let own = format!(r#"{{"from":"{}","#, local.node().0).into_bytes();
        Self { names, local, broken, own, strange: Complaint::default() }
    }

    /// Takes what the connection brought.
    pub(super) fn take(&self, push: PushInfo) {
        match push.kind {
            PushKind::Disconnection => self.broken.cancel(),
            PushKind::Message => {
                let [Value::BulkString(channel), Value::BulkString(payload)] = push.data.as_slice() else {
                    return;
                };
                self.receive(channel, payload);
            }
            _ => {}
        }
    }

    fn receive(&self, channel: &[u8], payload: &[u8]) {
        if payload.starts_with(&self.own) {
            return;
        }
        let message = serde_json::from_slice::<Message<Notice>>(payload);
        match (self.names.channel(channel), message) {
            (Some(channel), Ok(Message { from, notice })) => {
                if from != self.local.node() {
                    self.local.deliver(Event::Notice { from, channel, notice });
                }
            }
            (_, message) => {
                let channel = String::from_utf8_lossy(channel);
                let error = message.err();
                self.strange.raise(|count| warn!(%channel, ?error, count, "a message that no node sends"));
            }
        }
    }
}
