//! Rooms that somebody on this node looks at: their people, and the sockets that are told of them.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use tokio::{sync::Mutex, time::Instant};

use super::super::{
    frames::{Here, Presence, ServerFrame},
    lane::SocketId,
    mailbox::Mailbox,
};
use crate::model::{RoomId, UserId};

/// In rooms of more people than this, only how many are here is told.
pub(super) const MAX_NAMED: usize = 200;
/// Of so many sockets that look at a room, each is told the count once a second; of more, seldomer.
const COUNTS: usize = 1_000;
/// How long the members of a room are good once they were read. They are kept up with what the room's readers are told;
/// who comes after so long has them read again all the same.
const GOOD: Duration = Duration::from_secs(60);

/// A room that somebody looks at.
#[derive(Debug, Default)]
pub(super) struct Watched {
    sockets: HashMap<SocketId, Arc<Mailbox>>,
    /// Nobody knows them until they were read.
    members: Option<Members>,
    /// Who came and went while they are being read.
    meanwhile: Option<Vec<(UserId, bool)>>,
    /// Held by whoever reads them: others wait, and find them read.
    pub(super) turn: Arc<Mutex<()>>,
    /// How many were here when that was told last.
    counted: Option<usize>,
    /// How many ticks pass before the next count.
    rest: usize,
}

#[derive(Debug)]
struct Members {
    all: HashSet<UserId>,
    read: Instant,
    /// How many of them are here, as told.
    here: usize,
}

/// What somebody who begins to look at a room is shown.
pub(super) enum Shown {
    /// Who is here of these.
    Named(Vec<UserId>),
    /// How many are here.
    Counted(usize),
}

impl Watched {
    /// One more looks at it. Says what they are shown; nothing when its members must be read before, and handed to
    /// [`Watched::know`].
    pub(super) fn look(&mut self, socket: SocketId, mailbox: &Arc<Mailbox>) -> Option<Shown> {
        self.sockets.insert(socket, mailbox.clone());
        let Some(members) = self.members.as_ref().filter(|members| members.read.elapsed() < GOOD) else {
            self.meanwhile.get_or_insert_default();
            return None;
        };
        if members.all.len() <= MAX_NAMED {
            return Some(Shown::Named(members.all.iter().copied().collect()));
        }
        // What the others were told last, so that all hear of the same changes from here on.
        Some(Shown::Counted(*self.counted.get_or_insert(members.here)))
    }

    /// Looks no more; false when nobody is left who does.
    pub(super) fn leave(&mut self, socket: SocketId) -> bool {
        self.sockets.remove(&socket);
        !self.sockets.is_empty()
    }

    /// Takes its members as they were just read.
    pub(super) fn know(&mut self, all: HashSet<UserId>, is_here: impl Fn(UserId) -> bool) {
        let here = all.iter().filter(|user| is_here(**user)).count();
        self.members = Some(Members { all, read: Instant::now(), here });
        for (user, member) in self.meanwhile.take().unwrap_or_default() {
            self.member(user, member, is_here(user));
        }
    }

    /// Somebody became a member, or is none any more.
    pub(super) fn member(&mut self, user: UserId, member: bool, is_here: bool) {
        if let Some(meanwhile) = &mut self.meanwhile {
            meanwhile.push((user, member));
        }
        let Some(members) = &mut self.members else { return };
        let changed = if member { members.all.insert(user) } else { members.all.remove(&user) };
        if changed && is_here {
            members.here = if member { members.here + 1 } else { members.here.saturating_sub(1) };
        }
    }

    /// Tells those who look what changed: of each, how they are now and whether they were here before.
    pub(super) fn tell(&mut self, room: RoomId, changed: &HashMap<UserId, (Here, bool)>) {
        let Some(members) = &mut self.members else { return };
        let mut of_its_own = vec![];
        if changed.len() <= members.all.len() {
            of_its_own.extend(changed.values().filter(|(here, _)| members.all.contains(&here.user)).copied());
        } else {
            of_its_own.extend(members.all.iter().filter_map(|user| changed.get(user)).copied());
        }
        for (here, before) in &of_its_own {
            match (before, here.state != Presence::Offline) {
                (false, true) => members.here += 1,
                (true, false) => members.here = members.here.saturating_sub(1),
                _ => {}
            }
        }
        let (people, count) = if members.all.len() > MAX_NAMED {
            if self.rest > 0 {
                self.rest -= 1;
                return;
            }
            if self.counted.replace(members.here) == Some(members.here) {
                return;
            }
            self.rest = self.sockets.len() / COUNTS;
            (None, Some(members.here))
        } else if of_its_own.is_empty() {
            return;
        } else {
            (Some(of_its_own.into_iter().map(|(here, _)| here).collect()), None)
        };
        tell(&self.sockets, &ServerFrame::Presence { room: Some(room), full: false, people, count });
    }
}

/// Tells something to all of these.
pub(super) fn tell(sockets: &HashMap<SocketId, Arc<Mailbox>>, frame: &ServerFrame<'_>) {
    let frame = frame.encode();
    for mailbox in sockets.values() {
        mailbox.push(std::slice::from_ref(&frame));
    }
}
