//! A call: who is in it and who is rung; and the rules of coming and going.
//!
//! A [`Call`] is whole state. The node that owns the call changes it by the rules and tells all others; what they have
//! of a lower `(term, n)` they replace. Time is an input, in milliseconds as everywhere, and so is the mode.

mod rules;
mod signal;

#[cfg(test)]
mod tests;

pub use rules::{GRACE, Joined, Joining, Lost, MAX_WERE, RING, Refused};
pub use signal::{Candidate, Candidates, Link, Sdp, Signal, Signalled, number};

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, de};

use super::{
    ids::{Arrival, CallId, NodeId, PeerId, RoomId, Tag, Term, Timestamp, UserId},
    room::RoomKind,
};

/// How media goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// From each to each: nothing of it passes the server.
    Mesh,
    /// From each to the server, and from there to all others.
    Relay,
}

/// A call as it is now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// Which.
    pub id: CallId,
    /// In which room.
    pub room: RoomId,
    /// That room's kind.
    pub kind: RoomKind,
    /// How often it changed hands.
    pub term: Term,
    /// How often it changed within the term and before: a higher one of the same term is newer.
    pub n: u64,
    /// The node whose it is.
    pub owner: NodeId,
    /// How media goes.
    pub mode: Mode,
    /// How many may be in it.
    pub limit: usize,
    /// When it began.
    pub at: Timestamp,
    /// Who began it.
    pub by: UserId,
    /// When the second person came.
    pub together: Option<Timestamp>,
    /// Who is in it, in the order of coming.
    pub people: Vec<Participant>,
    /// Who is or was rung and hasn't come.
    pub rings: Vec<Ring>,
    /// Everybody who was ever in it, in the order of coming, at most [`MAX_WERE`].
    pub were: Vec<UserId>,
    /// The number of the page that came last.
    pub arrived: Arrival,
}

/// Somebody in a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Participant {
    /// Their place.
    pub peer: PeerId,
    /// Who.
    pub user: UserId,
    /// The number of the page that has the place now.
    pub entry: Arrival,
    /// That page.
    pub page: PageId,
    /// The node that has its socket, or had it last.
    pub node: NodeId,
    /// When they came in.
    pub at: Timestamp,
    /// Until when they are waited for, when their socket is gone.
    pub away: Option<Timestamp>,
    /// What they send.
    pub media: Media,
    /// When they raised their hand.
    pub hand: Option<Timestamp>,
    /// Whether they are heard now, as far as is known.
    pub speaking: bool,
}

impl Participant {
    /// Their place, as its page has it.
    pub fn seat(&self) -> Seat {
        Seat { peer: self.peer, entry: self.entry }
    }
}

/// A place in a call as one page has it: another page that takes the place has another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seat {
    /// The place.
    pub peer: PeerId,
    /// The page's number.
    pub entry: Arrival,
}

/// What somebody sends, and what they say of themselves.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Media {
    /// The microphone is off.
    pub muted: bool,
    /// They hear nothing.
    pub deafened: bool,
    /// The camera is on.
    pub camera: bool,
    /// The streams of the screens that they share.
    pub shares: Shares,
    /// Their hand is up.
    pub hand: bool,
    /// They have no microphone.
    pub listening: bool,
}

/// Streams of screens: at most [`Shares::MAX`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Shares(Vec<String>);

impl Shares {
    /// The most screens that somebody shares.
    pub const MAX: usize = 4;
    /// The most characters of a stream's name.
    pub const MAX_NAME: usize = 64;

    /// Their names, as browsers call them.
    pub fn names(&self) -> &[String] {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Shares {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let names = Vec::<String>::deserialize(deserializer)?;
        let fits = |name: &String| {
            (1..=Self::MAX_NAME).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_graphic())
        };
        if names.len() > Self::MAX || !names.iter().all(fits) {
            return Err(de::Error::custom("expected at most 4 names of streams, each of 1 to 64 characters"));
        }
        Ok(Self(names))
    }
}

/// What a page calls itself, from when it is loaded until it is gone: as a nonce.
pub type PageId = super::ids::Nonce;

/// Somebody who is rung, or was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ring {
    /// Who.
    pub user: UserId,
    /// How it is with them.
    pub state: RingState,
    /// Until when it rings at the longest.
    pub until: Timestamp,
}

/// How it is with somebody who isn't in the call and should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RingState {
    /// Their devices ring.
    Ringing,
    /// They don't want to come.
    Declined,
    /// They are in another call.
    Busy,
    /// It rang to the end.
    Missed,
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// People were in it.
    Finished,
    /// Nobody came who was rung.
    Missed,
    /// All who were rung declined.
    Declined,
}

impl Outcome {
    /// As it is named on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Outcome::Finished => "finished",
            Outcome::Missed => "missed",
            Outcome::Declined => "declined",
        }
    }
}

impl PeerId {
    /// A new random one.
    pub fn random() -> Self {
        Self(Tag::random())
    }
}

impl fmt::Display for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for PeerId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self).map_err(|_| "a peer is 16 hex digits".to_owned())
    }
}
