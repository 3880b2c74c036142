//! What a node knows of who is here, and of who wants to know it: no I/O, and the time comes from outside.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use tokio::{sync::Mutex, time::Instant};

use super::{
    super::{
        frame::Frame,
        frames::{Here, Presence, ServerFrame},
        lane::SocketId,
        mailbox::Mailbox,
    },
    attendance::{Attendance, Other},
    watched::{Shown, Watched, tell},
};
use crate::{
    bus::{NodeId, Notice},
    model::{RoomId, UserId},
};

/// How long somebody may be without a socket before they are gone.
const GRACE: Duration = Duration::from_secs(5);
/// A node says that it is there at least once in so many ticks: often enough that a few of these may be lost.
pub(super) const BEAT_EVERY: u32 = 5;
/// How long a node may be silent before its people are gone, so that a dead one's are within 30 s.
const LEASE: Duration = Duration::from_secs(25);
/// How long the people of a node that stops are still shown: they are told to come back to another one, and so aren't seen to
/// go where they do so soon.
pub(super) const MOVES: Duration = Duration::from_secs(10);

/// All of it.
#[derive(Default)]
pub(super) struct State {
    /// This node's people, with their sockets, and whether each is in use.
    here: HashMap<UserId, Local>,
    /// Whose last socket closed, and when, in that order. They may be back since.
    leaving: VecDeque<(Instant, UserId)>,
    /// What other nodes were told of this one.
    published: Attendance,
    /// Whether others want to be told of everybody.
    wanted: bool,
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
    /// The room that each socket looks at.
    looking: HashMap<SocketId, RoomId>,
    /// Whose partners in direct messages want to know of them.
    partners: HashMap<UserId, HashMap<SocketId, Arc<Mailbox>>>,
    /// The same from the other side: of whom each socket wants to know.
    wanting: HashMap<SocketId, HashSet<UserId>>,
    ticks: u32,
}

#[derive(Default)]
struct Local {
    sockets: HashMap<SocketId, bool>,
    /// When the last socket closed, and whether it was in use.
    left: Option<(Instant, bool)>,
}

impl Local {
    fn is_active(&self) -> bool {
        self.left.map_or_else(|| self.sockets.values().any(|active| *active), |(_, was_active)| was_active)
    }
}

impl State {
    /// A socket came, or said whether it is in use.
    pub(super) fn enter(&mut self, socket: SocketId, user: UserId, active: bool) {
        let local = self.here.entry(user).or_default();
        local.sockets.insert(socket, active);
        local.left = None;
        self.changed.insert(user);
    }

    /// A socket closed.
    pub(super) fn leave(&mut self, socket: SocketId, user: UserId, now: Instant) {
        if let Some(local) = self.here.get_mut(&user)
            && let Some(was_active) = local.sockets.remove(&socket)
        {
            if local.sockets.is_empty() {
                local.left = Some((now, was_active));
                self.leaving.push_back((now, user));
            }
            self.changed.insert(user);
        }
        self.unwatch(socket);
        for user in self.wanting.remove(&socket).unwrap_or_default() {
            if let Some(sockets) = self.partners.get_mut(&user) {
                sockets.remove(&socket);
                if sockets.is_empty() {
                    self.partners.remove(&user);
                }
            }
        }
    }

    /// A socket wants to know of these people; returns who of them is here.
    pub(super) fn want(&mut self, socket: SocketId, mailbox: &Arc<Mailbox>, users: &[UserId]) -> Vec<Here> {
        for user in users {
            self.partners.entry(*user).or_default().insert(socket, mailbox.clone());
            self.wanting.entry(socket).or_default().insert(*user);
        }
        self.show(users.iter().copied())
    }

    /// Whether somebody is here.
    pub(super) fn of(&self, user: UserId) -> Presence {
        let local = self.here.get(&user).map(Local::is_active);
        let others = self.others.values().filter_map(|other| other.attendance.of(user));
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

    /// A socket looks at a room; answers who is here, unless the members must be read first.
    pub(super) fn watch(&mut self, socket: SocketId, mailbox: &Arc<Mailbox>, room: RoomId) -> Option<Frame> {
        if self.looking.get(&socket) != Some(&room) {
            self.unwatch(socket);
            self.looking.insert(socket, room);
        }
        let (people, count) = match self.watched.entry(room).or_default().look(socket, mailbox)? {
            Shown::Named(members) => (Some(self.show(members)), None),
            Shown::Counted(here) => (None, Some(here)),
        };
        Some(ServerFrame::Presence { room: Some(room), full: true, people, count }.encode())
    }

    /// Takes a room's members as they were just read.
    pub(super) fn know(&mut self, room: RoomId, members: HashSet<UserId>) {
        let told = &self.told;
        self.watched.entry(room).or_default().know(members, |user| told.contains_key(&user));
    }

    /// Held by whoever reads a room's members.
    pub(super) fn turn(&self, room: RoomId) -> Option<Arc<Mutex<()>>> {
        self.watched.get(&room).map(|watched| watched.turn.clone())
    }

    /// A socket may not look at a room any more.
    pub(super) fn shut(&mut self, room: RoomId, socket: SocketId) {
        if self.looking.get(&socket) == Some(&room) {
            self.unwatch(socket);
        }
    }

    /// Somebody became a member, or is none any more.
    pub(super) fn member(&mut self, room: RoomId, user: UserId, member: bool) {
        let is_here = self.told.contains_key(&user);
        let Some(watched) = self.watched.get_mut(&room) else { return };
        watched.member(user, member, is_here);
        if member {
            // Those who look have to learn of them, whatever was told before.
            self.shown.insert(user);
        }
    }

    /// A socket looks at no room any more.
    pub(super) fn unwatch(&mut self, socket: SocketId) {
        if let Some(room) = self.looking.remove(&socket)
            && let Some(watched) = self.watched.get_mut(&room)
            && !watched.leave(socket)
        {
            self.watched.remove(&room);
        }
    }

    /// Takes in what another node tells; says whether it must be asked for the whole.
    pub(super) fn hear(&mut self, from: NodeId, notice: Notice, now: Instant) -> bool {
        match notice {
            Notice::PresenceWanted => {
                self.wanted = true;
                false
            }
            Notice::Leaving => {
                if let Some(other) = self.others.get_mut(&from) {
                    other.until = now + MOVES;
                }
                false
            }
            Notice::Presence { people, full, gone, sum } => {
                let other = self.others.entry(from).or_insert_with(|| Other::new(now + LEASE));
                other.until = now + LEASE;
                if full {
                    let told: HashSet<UserId> = people.iter().map(|(user, _)| *user).collect();
                    let left =
                        other.attendance.all().map(|(user, _)| user).filter(|user| !told.contains(user));
                    for user in left.collect::<Vec<_>>() {
                        other.attendance.remove(user);
                        self.changed.insert(user);
                    }
                }
                for (user, active) in people.iter() {
                    if other.attendance.set(*user, *active) {
                        self.changed.insert(*user);
                    }
                }
                for user in gone {
                    if other.attendance.remove(user) {
                        self.changed.insert(user);
                    }
                }
                other.is_to_be_asked(sum, now)
            }
            _ => false,
        }
    }

    /// Forgets who is gone, tells those who want to know, and returns what other nodes are to be told.
    pub(super) fn tick(&mut self, now: Instant) -> Option<Notice> {
        self.forget(now);
        let changed = std::mem::take(&mut self.changed);
        self.tell_watchers(&changed);
        self.ticks = self.ticks.wrapping_add(1);
        let full = std::mem::take(&mut self.wanted);
        let (mut people, mut gone) = (vec![], vec![]);
        for user in changed {
            match self.here.get(&user).map(Local::is_active) {
                Some(active) if self.published.set(user, active) => people.push((user, active)),
                None if self.published.remove(user) => gone.push(user),
                _ => {}
            }
        }
        if full {
            people = self.published.all().collect();
        }
        let silent = people.is_empty() && gone.is_empty() && !full;
        let due = !silent || self.ticks % BEAT_EVERY == 1;
        let sum = Some(self.published.sum());
        due.then(|| Notice::Presence { people: Arc::new(people), full, gone, sum })
    }

    /// Forgets people who left a while ago, and nodes that are silent.
    fn forget(&mut self, now: Instant) {
        while let Some((left, user)) = self.leaving.front().copied()
            && now - left >= GRACE
        {
            self.leaving.pop_front();
            if self.here.get(&user).is_some_and(|local| local.left.is_some_and(|(at, _)| at == left)) {
                self.here.remove(&user);
                self.changed.insert(user);
            }
        }
        let changed = &mut self.changed;
        self.others.retain(|_, other| {
            let over = now >= other.until;
            if over {
                changed.extend(other.attendance.all().map(|(user, _)| user));
            }
            !over
        });
    }

    fn tell_watchers(&mut self, changed: &HashSet<UserId>) {
        let shown = std::mem::take(&mut self.shown);
        let mut news = HashMap::new();
        for user in changed.union(&shown) {
            let (here, before) = (Here { user: *user, state: self.of(*user) }, self.told(*user));
            if here.state == before && !shown.contains(user) {
                continue;
            }
            match here.state {
                Presence::Offline => self.told.remove(user),
                state => self.told.insert(*user, state),
            };
            if let Some(sockets) = self.partners.get(user) {
                let people = Some(vec![here]);
                tell(sockets, &ServerFrame::Presence { room: None, full: false, people, count: None });
            }
            news.insert(*user, (here, before != Presence::Offline));
        }
        for (room, watched) in &mut self.watched {
            watched.tell(*room, &news);
        }
    }
}
