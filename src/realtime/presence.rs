//! Who is here. Several sockets are one person, on whatever node; a person whose last socket closed is gone after a moment, so
//! that a reload shows nothing.
//!
//! Each node tells the others whom it has: changes at most once a second, everybody every few seconds. A node not
//! heard of for a while has nobody any more.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::{
    frame::Frame,
    frames::{Here, Presence, ServerFrame},
    lane::SocketId,
    mailbox::Mailbox,
};
use crate::{
    bus::{Bus, Channel, NodeId, Notice},
    model::{RoomId, UserId},
};

/// How often changes are told.
const TICK: Duration = Duration::from_secs(1);
/// How long somebody may be without a socket before they are gone.
const GRACE: Duration = Duration::from_secs(5);
/// How many ticks pass between two tellings of everybody.
const FULL_EVERY: u32 = 10;
/// How long a node may be silent before its people are gone.
const LEASE: Duration = Duration::from_secs(30);
/// In rooms of more people than this, only how many are here is told.
pub(super) const MAX_NAMED: usize = 200;

/// Who is here, and who wants to know.
#[derive(Clone)]
pub(super) struct Presences {
    bus: Arc<dyn Bus>,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// This node's people, with their sockets, and whether each is in use.
    here: HashMap<UserId, Local>,
    /// Other nodes' people.
    others: HashMap<NodeId, Other>,
    /// Whose state may be another than was told.
    changed: HashSet<UserId>,
    /// Who was shown to somebody in another state than was told to all: what comes next has to be told, also when it is
    /// what was told before.
    shown: HashSet<UserId>,
    /// What was told last; who isn't there is offline.
    told: HashMap<UserId, Presence>,
    /// Rooms that somebody looks at.
    watched: HashMap<RoomId, Watched>,
    /// Whose partners in direct messages want to know of them.
    partners: HashMap<UserId, HashMap<SocketId, Arc<Mailbox>>>,
    ticks: u32,
}

#[derive(Default)]
struct Local {
    sockets: HashMap<SocketId, bool>,
    /// When the last socket closed.
    left: Option<Instant>,
    /// What other nodes were told.
    published: Option<bool>,
}

struct Other {
    people: HashMap<UserId, bool>,
    heard: Instant,
}

#[derive(Default)]
struct Watched {
    members: HashSet<UserId>,
    sockets: HashMap<SocketId, Arc<Mailbox>>,
    counted: Option<usize>,
}

impl Presences {
    pub(super) fn new(bus: Arc<dyn Bus>) -> Self {
        Self { bus, state: Arc::default() }
    }

    /// A socket came, or said whether it is in use.
    pub(super) fn enter(&self, socket: SocketId, user: UserId, active: bool) {
        let mut state = self.state();
        let local = state.here.entry(user).or_default();
        local.sockets.insert(socket, active);
        local.left = None;
        state.changed.insert(user);
    }

    /// A socket closed.
    pub(super) fn leave(&self, socket: SocketId, user: UserId) {
        let mut state = self.state();
        if let Some(local) = state.here.get_mut(&user) {
            local.sockets.remove(&socket);
            if local.sockets.is_empty() {
                local.left = Some(Instant::now());
            }
            state.changed.insert(user);
        }
        state.unwatch(socket);
        state.partners.retain(|_, sockets| {
            sockets.remove(&socket);
            !sockets.is_empty()
        });
    }

    /// A socket wants to know of these people, with whom its person has direct messages; answers who of them is here.
    pub(super) fn partners(&self, socket: SocketId, mailbox: &Arc<Mailbox>, users: &[UserId]) -> Frame {
        let mut state = self.state();
        for user in users {
            state.partners.entry(*user).or_default().insert(socket, mailbox.clone());
        }
        let people = state.show(users.iter().copied());
        ServerFrame::Presence { room: None, full: true, people: Some(people), count: None }.encode()
    }

    /// A socket wants to know of one more partner; tells it when they are here.
    pub(super) fn partner(&self, socket: SocketId, mailbox: &Arc<Mailbox>, user: UserId) {
        let mut state = self.state();
        state.partners.entry(user).or_default().insert(socket, mailbox.clone());
        let people = state.show([user]);
        if !people.is_empty() {
            let frame = ServerFrame::Presence { room: None, full: false, people: Some(people), count: None };
            mailbox.push(&[frame.encode()]);
        }
    }

    /// A socket looks at a room with these members, or at none; answers who of them is here.
    pub(super) fn watch(
        &self,
        socket: SocketId,
        mailbox: &Arc<Mailbox>,
        room: RoomId,
        members: HashSet<UserId>,
    ) -> Frame {
        let mut state = self.state();
        state.unwatch(socket);
        let watched = state.watched.entry(room).or_default();
        watched.members = members;
        watched.sockets.insert(socket, mailbox.clone());
        let members: Vec<UserId> = watched.members.iter().copied().collect();
        let big = members.len() > MAX_NAMED;
        let people = state.show(members);
        let (people, count) = if big { (None, Some(people.len())) } else { (Some(people), None) };
        ServerFrame::Presence { room: Some(room), full: true, people, count }.encode()
    }

    /// A socket looks at no room any more.
    pub(super) fn unwatch(&self, socket: SocketId) {
        self.state().unwatch(socket);
    }

    /// Sockets may not look at a room any more.
    pub(super) fn shut(&self, room: RoomId, sockets: impl IntoIterator<Item = SocketId>) {
        let mut state = self.state();
        let Some(watched) = state.watched.get_mut(&room) else { return };
        for socket in sockets {
            watched.sockets.remove(&socket);
        }
        if watched.sockets.is_empty() {
            state.watched.remove(&room);
        }
    }

    /// Somebody became a member, or is none any more.
    pub(super) fn member(&self, room: RoomId, user: UserId, member: bool) {
        let mut state = self.state();
        let Some(watched) = state.watched.get_mut(&room) else { return };
        if member {
            watched.members.insert(user);
            // Those who look have to learn of them, whatever was told before.
            state.shown.insert(user);
        } else {
            watched.members.remove(&user);
        }
    }

    /// Whether somebody is here.
    pub(super) fn of(&self, user: UserId) -> Presence {
        self.state().of(user)
    }

    /// Takes in what another node tells.
    pub(super) fn hear(&self, from: NodeId, notice: Notice) {
        if from == self.bus.node() {
            return;
        }
        let mut state = self.state();
        match notice {
            Notice::PresenceWanted => {
                state.ticks = 0;
                for local in state.here.values_mut() {
                    local.published = None;
                }
                let all: Vec<UserId> = state.here.keys().copied().collect();
                state.changed.extend(all);
            }
            Notice::Leaving => {
                if let Some(other) = state.others.remove(&from) {
                    state.changed.extend(other.people.into_keys());
                }
            }
            Notice::Presence { people, full, gone } => {
                let other = state
                    .others
                    .entry(from)
                    .or_insert_with(|| Other { people: HashMap::new(), heard: Instant::now() });
                other.heard = Instant::now();
                let before = if full { std::mem::take(&mut other.people) } else { HashMap::new() };
                other.people.extend(people.iter().copied());
                for user in &gone {
                    other.people.remove(user);
                }
                state.changed.extend(before.into_keys());
                state.changed.extend(people.iter().map(|(user, _)| *user));
                state.changed.extend(gone);
            }
            _ => {}
        }
    }

    /// Waits for the next tick, then tells what changed.
    pub(super) async fn tick(&self) {
        tokio::time::sleep(TICK).await;
        let notice = self.state().tick();
        if let Some(notice) = notice {
            self.bus.publish(Channel::Everyone, notice);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn of(&self, user: UserId) -> Presence {
        let local = self.here.get(&user).map(|local| local.sockets.values().any(|active| *active));
        let others = self.others.values().filter_map(|other| other.people.get(&user).copied());
        match others.chain(local).reduce(|one, other| one || other) {
            Some(true) => Presence::Online,
            Some(false) => Presence::Idle,
            None => Presence::Offline,
        }
    }

    /// Who of these is here, for somebody who learns from what is told how that changes.
    fn show(&mut self, users: impl IntoIterator<Item = UserId>) -> Vec<Here> {
        let mut people = vec![];
        for user in users {
            let here = Here { user, state: self.of(user) };
            if here.state != self.told(user) {
                self.shown.insert(user);
            }
            if here.state != Presence::Offline {
                people.push(here);
            }
        }
        people
    }

    fn told(&self, user: UserId) -> Presence {
        self.told.get(&user).copied().unwrap_or(Presence::Offline)
    }

    fn unwatch(&mut self, socket: SocketId) {
        self.watched.retain(|_, watched| {
            watched.sockets.remove(&socket);
            !watched.sockets.is_empty()
        });
    }

    /// Forgets who is gone, tells those who want to know, and returns what other nodes are to be told.
    fn tick(&mut self) -> Option<Notice> {
        let now = Instant::now();
        let gone = self.forget(now);
        self.tell_watchers();
        self.ticks = self.ticks.wrapping_add(1);
        let full = self.ticks % FULL_EVERY == 1;
        let mut people = vec![];
        for (user, local) in &mut self.here {
            let active = local.sockets.values().any(|active| *active);
            if full || local.published != Some(active) {
                local.published = Some(active);
                people.push((*user, active));
            }
        }
        let silent = people.is_empty() && gone.is_empty() && !full;
        (!silent).then(|| Notice::Presence { people: Arc::new(people), full, gone })
    }

    /// Forgets people who left a while ago, and nodes that are silent; returns this node's own of the people.
    fn forget(&mut self, now: Instant) -> Vec<UserId> {
        let left = |local: &Local| local.left.is_some_and(|left| now - left >= GRACE);
        let gone: Vec<UserId> =
            self.here.iter().filter(|(_, local)| left(local)).map(|(user, _)| *user).collect();
        for user in &gone {
            self.here.remove(user);
            self.changed.insert(*user);
        }
        let changed = &mut self.changed;
        self.others.retain(|_, other| {
            let silent = now - other.heard >= LEASE;
            if silent {
                changed.extend(other.people.keys());
            }
            !silent
        });
        gone
    }

    fn tell_watchers(&mut self) {
        let (changed, shown) = (std::mem::take(&mut self.changed), std::mem::take(&mut self.shown));
        let changed: Vec<Here> = changed
            .union(&shown)
            .map(|user| Here { user: *user, state: self.of(*user) })
            .filter(|here| shown.contains(&here.user) || self.told(here.user) != here.state)
            .collect();
        for here in &changed {
            match here.state {
                Presence::Offline => self.told.remove(&here.user),
                state => self.told.insert(here.user, state),
            };
            if let Some(sockets) = self.partners.get(&here.user) {
                let frame =
                    ServerFrame::Presence { room: None, full: false, people: Some(vec![*here]), count: None };
                tell(sockets, &frame);
            }
        }
        if changed.is_empty() {
            return;
        }
        let told = &self.told;
        for (room, watched) in &mut self.watched {
            let frame = if watched.members.len() > MAX_NAMED {
                let count = told.keys().filter(|user| watched.members.contains(user)).count();
                if watched.counted.replace(count) == Some(count) {
                    continue;
                }
                ServerFrame::Presence { room: Some(*room), full: false, people: None, count: Some(count) }
            } else {
                let people: Vec<Here> =
                    changed.iter().filter(|here| watched.members.contains(&here.user)).copied().collect();
                if people.is_empty() {
                    continue;
                }
                ServerFrame::Presence { room: Some(*room), full: false, people: Some(people), count: None }
            };
            tell(&watched.sockets, &frame);
        }
    }
}

fn tell(sockets: &HashMap<SocketId, Arc<Mailbox>>, frame: &ServerFrame<'_>) {
    let frame = frame.encode();
    for mailbox in sockets.values() {
        mailbox.push(std::slice::from_ref(&frame));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bus::LocalBus;

    fn told(mailbox: &Mailbox) -> String {
        mailbox.take().iter().map(Frame::as_str).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_state_that_was_over_before_it_was_told_is_corrected_for_who_saw_it() {
        let (bus, _events) = LocalBus::new();
        let presences = Presences::new(Arc::new(bus));
        let (user, room) = (UserId::new(), RoomId::new());
        let (theirs, eyes) = (SocketId(1), Arc::new(Mailbox::new(10)));
        presences.enter(theirs, user, true);
        presences.state().tick();
        presences.enter(theirs, user, false);
        let full = presences.watch(SocketId(2), &eyes, room, [user].into());
        assert!(full.as_str().contains("idle"), "{}", full.as_str());
        presences.enter(theirs, user, true);
        presences.state().tick();
        assert!(told(&eyes).contains("online"), "who saw them idle learns that they are back");
        presences.state().tick();
        assert_eq!(told(&eyes), "", "once");
    }

    #[test]
    fn who_may_not_look_any_more_is_told_nothing() {
        let (bus, _events) = LocalBus::new();
        let presences = Presences::new(Arc::new(bus));
        let (user, room) = (UserId::new(), RoomId::new());
        let (out, still) = (Arc::new(Mailbox::new(10)), Arc::new(Mailbox::new(10)));
        presences.watch(SocketId(2), &out, room, [user].into());
        presences.watch(SocketId(3), &still, room, [user].into());
        presences.shut(room, [SocketId(2)]);
        presences.enter(SocketId(1), user, true);
        presences.state().tick();
        assert_eq!(told(&out), "");
        assert!(told(&still).contains("online"));
    }
}
