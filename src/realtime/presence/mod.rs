//! Who is here. Several sockets are one person, on whatever node; a person whose last socket closed is gone after a moment, so
//! that a reload shows nothing.
//!
//! Each node tells the others whom it has: changes at most once a second, and every few seconds that it is still there, with a sum
//! of all that it told. Who comes to another sum missed something, and asks for everybody. A node not heard of for a while
//! has nobody any more. What a change costs doesn't grow with how many people are here, nor with who looks at other rooms.

mod attendance;
mod state;
#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may fail")]
mod tests;
mod watched;

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use self::state::State;
use super::{
    frame::Frame,
    frames::{Presence, ServerFrame},
    lane::SocketId,
    mailbox::Mailbox,
};
use crate::{
    bus::{Bus, Channel, NodeId, Notice},
    model::{RoomId, UserId},
};

/// How often changes are told.
const TICK: Duration = Duration::from_secs(1);

/// Who is here, and who wants to know.
#[derive(Clone)]
pub(super) struct Presences {
    bus: Arc<dyn Bus>,
    state: Arc<Mutex<State>>,
}

impl Presences {
    pub(super) fn new(bus: Arc<dyn Bus>) -> Self {
        Self { bus, state: Arc::default() }
    }

    /// A socket came, or said whether it is in use.
    pub(super) fn enter(&self, socket: SocketId, user: UserId, active: bool) {
        self.state().enter(socket, user, active);
    }

    /// A socket closed.
    pub(super) fn leave(&self, socket: SocketId, user: UserId) {
        self.state().leave(socket, user, Instant::now());
    }

    /// A socket wants to know of these people, with whom its person has direct messages; answers who of them is here.
    pub(super) fn partners(&self, socket: SocketId, mailbox: &Arc<Mailbox>, users: &[UserId]) -> Frame {
        let people = self.state().want(socket, mailbox, users);
        ServerFrame::Presence { room: None, full: true, people: Some(people), count: None }.encode()
    }

    /// A socket wants to know of one more partner; tells it when they are here.
    pub(super) fn partner(&self, socket: SocketId, mailbox: &Arc<Mailbox>, user: UserId) {
        let mut state = self.state();
        let people = state.want(socket, mailbox, &[user]);
        if !people.is_empty() {
            let frame = ServerFrame::Presence { room: None, full: false, people: Some(people), count: None };
            mailbox.push(&[frame.encode()]);
        }
    }

    /// A socket looks at a room; answers who of its people is here. Nothing where its members must be read first, while
    /// [`Presences::turn`] is held, and handed to [`Presences::watch_these`].
    pub(super) fn watch(&self, socket: SocketId, mailbox: &Arc<Mailbox>, room: RoomId) -> Option<Frame> {
        self.state().watch(socket, mailbox, room)
    }

    /// The same, with the room's members as they were just read.
    pub(super) fn watch_these(
        &self,
        socket: SocketId,
        mailbox: &Arc<Mailbox>,
        room: RoomId,
        members: HashSet<UserId>,
    ) -> Option<Frame> {
        let mut state = self.state();
        state.know(room, members);
        state.watch(socket, mailbox, room)
    }

    /// What is held by whoever reads a room's members, so that of many who look at once one reads for all.
    pub(super) fn turn(&self, room: RoomId) -> Option<Arc<tokio::sync::Mutex<()>>> {
        self.state().turn(room)
    }

    /// A socket looks at no room any more.
    pub(super) fn unwatch(&self, socket: SocketId) {
        self.state().unwatch(socket);
    }

    /// Sockets may not look at a room any more.
    pub(super) fn shut(&self, room: RoomId, sockets: impl IntoIterator<Item = SocketId>) {
        let mut state = self.state();
        sockets.into_iter().for_each(|socket| state.shut(room, socket));
    }

    /// Somebody became a member, or is none any more.
    pub(super) fn member(&self, room: RoomId, user: UserId, member: bool) {
        self.state().member(room, user, member);
    }

    /// Whether somebody is here.
    pub(super) fn of(&self, user: UserId) -> Presence {
        self.state().of(user)
    }

    /// The same of each of these.
    pub(super) fn of_each(&self, users: impl Iterator<Item = UserId>) -> Vec<Presence> {
        let state = self.state();
        users.map(|user| state.of(user)).collect()
    }

    /// Takes in what another node tells.
    pub(super) fn hear(&self, from: NodeId, notice: Notice) {
        if from == self.bus.node() {
            return;
        }
        let asks = self.state().hear(from, notice, Instant::now());
        if asks {
            self.bus.publish(Channel::Node(from), Notice::PresenceWanted);
        }
    }

    /// Waits for the next tick, then tells what changed.
    pub(super) async fn tick(&self) {
        tokio::time::sleep(TICK).await;
        let notice = self.state().tick(Instant::now());
        if let Some(notice) = notice {
            self.bus.publish(Channel::Everyone, notice);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
