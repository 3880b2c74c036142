//! Places in calls whose pages have their sockets at this node.

use std::{collections::HashMap, sync::Arc};

use crate::{
    bus::Held,
    error::{Code, Result},
    model::{
        CallId, PeerId, RoomId, Term, UserId,
        call::{Call, Media, Seat, Signal},
    },
};

/// A socket, as the edge names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SocketKey(pub u64);

/// The way to the page that has a place in a call.
pub trait Outlet: Send + Sync + 'static {
    /// Somebody in the call says something to it.
    fn signal(&self, signal: &Signal);

    /// It has its place no more.
    fn left(&self, left: Left);
}

/// A page has its place no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Left {
    /// In which room.
    pub room: RoomId,
    /// In which call.
    pub call: CallId,
    /// The place.
    pub peer: PeerId,
    /// Why.
    pub why: Why,
}

/// Why a page has its place no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Why {
    /// Another page of the same person has it.
    Moved,
    /// The person is no member of the room any more.
    Removed,
    /// They were away for too long.
    Lost,
    /// The call is over.
    Over,
}

/// Which socket sits where.
#[derive(Default)]
pub(super) struct Seats(HashMap<SocketKey, Taken>);

/// A place that a socket has.
pub(super) struct Taken {
    pub(super) room: RoomId,
    pub(super) call: CallId,
    pub(super) seat: Seat,
    pub(super) user: UserId,
    pub(super) media: Media,
    /// Where the call stood when it came in: what is older doesn't know of it yet.
    pub(super) since: (Term, u64),
    pub(super) outlet: Arc<dyn Outlet>,
}

impl Taken {
    pub(super) fn place(&self) -> (RoomId, Seat) {
        (self.room, self.seat)
    }

    fn end(&self, why: Why) {
        self.outlet.left(Left { room: self.room, call: self.call, peer: self.seat.peer, why });
    }
}

impl Seats {
    /// A socket sits down. Returns where it sat before, when that is elsewhere. A socket that the same page had before is forgotten.
    pub(super) fn take(&mut self, socket: SocketKey, taken: Taken) -> Option<Taken> {
        self.0.retain(|other, it| *other == socket || (it.call, it.seat) != (taken.call, taken.seat));
        let call = taken.call;
        self.0.insert(socket, taken).filter(|before| before.call != call)
    }

    pub(super) fn at(&self, socket: SocketKey) -> Option<&Taken> {
        self.0.get(&socket)
    }

    /// The place that a socket has in this call.
    pub(super) fn taken(&mut self, socket: SocketKey, call: CallId) -> Result<&mut Taken> {
        let taken = self.0.get_mut(&socket).filter(|taken| taken.call == call);
        Ok(taken.ok_or(Code::NotInCall)?)
    }

    pub(super) fn remove(&mut self, socket: SocketKey) -> Option<Taken> {
        self.0.remove(&socket)
    }

    pub(super) fn deliver(&mut self, signal: &Signal) {
        let here = |taken: &&Taken| taken.call == signal.call && taken.seat.peer == signal.to;
        if let Some(receiver) = self.0.values().find(here) {
            receiver.outlet.signal(signal);
        }
    }

    /// A call is so now: who isn't in it any more is told.
    pub(super) fn learn(&mut self, call: &Call) {
        self.end_where(|taken| {
            if taken.room != call.room || taken.since > call.place() && taken.call == call.id {
                return None;
            }
            if taken.call != call.id {
                return Some(Why::Over);
            }
            match call.participant(taken.seat.peer) {
                Some(there) if there.entry == taken.seat.entry => None,
                Some(_) => Some(Why::Moved),
                None => Some(Why::Lost),
            }
        });
    }

    /// A call is over.
    pub(super) fn over(&mut self, call: CallId) {
        self.end_where(|taken| (taken.call == call).then_some(Why::Over));
    }

    /// Somebody is no member of a room any more.
    pub(super) fn removed(&mut self, room: RoomId, user: UserId) {
        self.end_where(|taken| (taken.room == room && taken.user == user).then_some(Why::Removed));
    }

    /// All of them, as other nodes are told of them.
    pub(super) fn held(&self) -> Vec<Held> {
        let held = self.0.values().map(|taken| Held {
            room: taken.room,
            call: taken.call,
            seat: taken.seat,
            media: taken.media.clone(),
        });
        held.collect()
    }

    fn end_where(&mut self, why: impl Fn(&Taken) -> Option<Why>) {
        self.0.retain(|_, taken| match why(taken) {
            Some(why) => {
                taken.end(why);
                false
            }
            None => true,
        });
    }
}
