//! What a node wants to hear, and who waits for it to be in force.

use std::{
    collections::HashSet,
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::sync::{Notify, oneshot};

use super::Channel;

/// The channels that this node wants. Callers change them; the link follows.
#[derive(Debug)]
pub(super) struct Subscriptions {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug)]
struct State {
    wanted: HashSet<Channel>,
    /// Those that came or went since the link last looked.
    changed: HashSet<Channel>,
    /// Those who wait for the changes; nobody while there is no connection.
    waiting: Vec<oneshot::Sender<()>>,
    /// Whether there is a connection on which everything was asked for.
    up: bool,
}

/// What the link has to ask Redis for.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) add: Vec<Channel>,
    pub(super) remove: Vec<Channel>,
    pub(super) waiting: Vec<oneshot::Sender<()>>,
}

impl Subscriptions {
    pub(super) fn new() -> Self {
        let state = State {
            wanted: HashSet::from([Channel::Everyone]),
            changed: HashSet::new(),
            waiting: Vec::new(),
            up: false,
        };
        Self { state: Mutex::new(state), changed: Notify::new() }
    }

    /// Wants these. Returns what resolves when they are in force, or nothing while there is no connection.
    pub(super) fn want(&self, channels: &[Channel]) -> Option<oneshot::Receiver<()>> {
        let mut state = self.state();
        for channel in channels {
            if state.wanted.insert(*channel) {
                state.changed.insert(*channel);
            }
        }
        if !state.up {
            return None;
        }
        // Also when nothing is new: the first to ask for it may be waiting still.
        let (done, in_force) = oneshot::channel();
        state.waiting.push(done);
        self.changed.notify_one();
        Some(in_force)
    }

    /// Wants these no more.
    pub(super) fn unwant(&self, channels: &[Channel]) {
        let mut state = self.state();
        for channel in channels {
            if *channel != Channel::Everyone && state.wanted.remove(channel) {
                state.changed.insert(*channel);
            }
        }
        self.changed.notify_one();
    }

    /// Whether there is a connection on which everything was asked for.
    pub(super) fn up(&self) -> bool {
        self.state().up
    }

    /// There is no connection any more: nobody waits for one.
    pub(super) fn set_down(&self) {
        let mut state = self.state();
        state.up = false;
        state.waiting.clear();
    }

    /// All that a new connection has to ask for.
    pub(super) fn all(&self) -> Change {
        let mut state = self.state();
        state.changed.clear();
        Change { add: state.wanted.iter().copied().collect(), remove: Vec::new(), waiting: Vec::new() }
    }

    /// What changed since; when that is nothing, the connection is up.
    pub(super) fn rest_or_up(&self) -> Option<Change> {
        let mut state = self.state();
        if state.changed.is_empty() {
            state.up = true;
            return None;
        }
        Some(state.take())
    }

    /// Waits for a change.
    pub(super) async fn next(&self) -> Change {
        self.changed.notified().await;
        self.state().take()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn take(&mut self) -> Change {
        let changed = mem::take(&mut self.changed);
        let (add, remove) = changed.into_iter().partition(|channel| self.wanted.contains(channel));
        Change { add, remove, waiting: mem::take(&mut self.waiting) }
    }
}
