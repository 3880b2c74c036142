//! What nodes tell each other of calls. Each call has a node whose it is; that one tells how it is, and is asked for
//! changes. All of it may be lost: what is whole is told again, what is asked is asked again.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::model::{
    CallId, PeerId, RoomId, Term, UserId,
    call::{Call, Joining, Media, Refused, Seat, Signal},
};

/// A word of calls.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallNotice {
    /// A call as it is now: by the node whose it is, to all.
    State(Arc<Call>),
    /// A call is over: by the node whose it was, to all.
    Over(Place),
    /// Somebody is heard, or not any more.
    Speaking {
        /// Where.
        room: RoomId,
        /// In which call.
        call: CallId,
        /// Who.
        peer: PeerId,
        /// Heard, or not.
        on: bool,
    },
    /// A sign of life of a node that has to do with calls, every few seconds: what it has.
    Beat {
        /// The calls that are its.
        calls: Vec<Place>,
        /// The places whose pages it has the sockets of.
        seats: Vec<Held>,
    },
    /// How is this call? To the node whose it is.
    Wanted(Place),
    /// How are all of yours? To all.
    AllWanted,
    /// A change is wanted, of the node whose call it is.
    Ask {
        /// To find the answer by.
        id: u64,
        /// In which room.
        room: RoomId,
        /// Of which call.
        call: CallId,
        /// What.
        ask: Ask,
    },
    /// What became of it.
    Answer {
        /// Of which.
        id: u64,
        /// What.
        answer: Answer,
    },
    /// From page to page; to the node that has the receiver's socket.
    Signal(Arc<Signal>),
}

/// A call, and where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// In which room.
    pub room: RoomId,
    /// Which.
    pub call: CallId,
    /// Its term,
    pub term: Term,
    /// and its count.
    pub n: u64,
}

impl From<&Call> for Place {
    fn from(call: &Call) -> Self {
        Self { room: call.room, call: call.id, term: call.term, n: call.n }
    }
}

/// A place in a call whose page has its socket at the node that says so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// In which room.
    pub room: RoomId,
    /// In which call.
    pub call: CallId,
    /// Which.
    pub seat: Seat,
    /// What is sent from there.
    pub media: Media,
}

/// A change of a call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ask {
    /// Come in.
    Join(Joining),
    /// Go.
    Leave(Seat),
    /// A page's socket is gone.
    Lose(Seat),
    /// Send something else.
    Send(Seat, Media),
    /// Be heard, or not.
    Speak(Seat, bool),
    /// Don't come.
    Decline(UserId),
    /// Ring somebody, who may be in another call.
    Ring(UserId, bool),
    /// Be no member of the room any more.
    Remove(UserId),
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// They are in.
    Joined {
        /// Their place.
        seat: Seat,
        /// Whether another page had it.
        moved: bool,
        /// The call with them in it.
        call: Arc<Call>,
    },
    /// It is so.
    Done,
    /// It can't be.
    Refused(Refused),
    /// The call isn't this node's, or not any more.
    Strange,
}
