//! What crosses nodes. The trait says what a bus must do; [`local`] does it within one process, [`redis`] between
//! many; both pass one suite of contract tests.
//!
//! A bus may lose, repeat and reorder what it carries. Nothing depends on it but how soon others hear: the log
//! tells what was missed.

pub mod calls;
pub mod local;
pub mod redis;

use std::{fmt, net::IpAddr, str::FromStr, sync::Arc};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

pub use self::{
    calls::{Answer, Ask, CallNotice, Held, Place},
    local::LocalBus,
    redis::RedisBus,
};
pub use crate::model::NodeId;
use crate::model::{Append, Doc, Person, RoomId, Stream, UserId};

/// How many events wait for the one who receives them; what comes beyond is lost, and said to be.
pub const CAPACITY: usize = 16_384;

/// Whom a notice concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Channel {
    /// Those who read a stream.
    Stream(Stream),
    /// One node.
    Node(NodeId),
    /// Every node.
    Everyone,
}

impl fmt::Display for Channel {
    /// The name it has in Redis.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Channel::Stream(stream) => write!(f, "{stream}:channel"),
            Channel::Node(node) => write!(f, "node:{}:channel", node.0),
            Channel::Everyone => write!(f, "everyone:channel"),
        }
    }
}

impl FromStr for Channel {
    type Err = String;

    /// The channel with this name, written exactly so.
    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let channel = match name.strip_suffix(":channel") {
            Some("everyone") => Some(Channel::Everyone),
            Some(name) => match name.strip_prefix("node:") {
                Some(node) => node.parse().ok().map(|tag| Channel::Node(NodeId(tag))),
                None => name.parse().ok().map(Channel::Stream),
            },
            None => None,
        };
        // An id can be written in several ways.
        channel.filter(|it| it.to_string() == name).ok_or_else(|| format!("not a channel: {name:?}"))
    }
}

/// What is told to other nodes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Notice {
    /// An append was committed.
    Appended(Arc<Committed>),
    /// Somebody is writing in a room.
    Typing {
        /// Where.
        room: RoomId,
        /// Who.
        user: UserId,
    },
    /// Somebody's public profile changed.
    Profile(Arc<Person>),
    /// Who is here, on the node that sends it: who came or changed, who is gone, and every few seconds that it is there;
    /// everybody when asked.
    Presence {
        /// People with a socket there, and whether one of them is in use.
        people: Arc<Vec<(UserId, bool)>>,
        /// Whether these are all; else only those who changed, and who is gone.
        full: bool,
        /// People whose last socket there closed.
        gone: Vec<UserId>,
        /// What all who are there come to; who comes to another sum missed something.
        #[serde(default)]
        sum: Option<u64>,
    },
    /// A node wants to know of everybody who is here.
    PresenceWanted,
    /// Of calls.
    Call(CallNotice),
    /// A node stops: nobody is there any more.
    Leaving,
    /// Somebody tries to get in from this address.
    Tried(IpAddr),
    /// Somebody tries a password for a name from an address.
    TriedAs(TryKey),
    /// Somebody got in: their tries are forgotten.
    GotIn(TryKey),
    /// How many changes people asked for in the last moment.
    Spent(Vec<(UserId, u32)>),
}

/// A fingerprint of a name and an address, by which tries to get in are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TryKey(pub [u8; 16]);

/// A committed append, with the documents after it that are worth sending along.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Committed {
    /// The append.
    pub append: Append,
    /// Whole state after it.
    pub docs: Vec<Doc>,
}

/// What comes out of a bus.
#[derive(Debug, Clone)]
pub enum Event {
    /// A notice.
    Notice {
        /// Who sent it; one's own come too.
        from: NodeId,
        /// Whom it concerns.
        channel: Channel,
        /// What it says.
        notice: Notice,
    },
    /// Notices may have been lost: compare with the log.
    Lost,
}

/// Carries notices between nodes, one's own included.
#[async_trait]
pub trait Bus: Send + Sync + 'static {
    /// This node's name.
    fn node(&self) -> NodeId;

    /// Hands a notice over, and never waits: this node gets its own at once, others as the bus can.
    fn publish(&self, channel: Channel, notice: Notice);

    /// Asks for the notices of these channels from now on. Returns when it is in force, or when that took too long: then it
    /// comes into force later, and [`Event::Lost`] tells when. Everyone's channel needs no asking.
    async fn subscribe(&self, channels: &[Channel]);

    /// Wants these no more.
    fn unsubscribe(&self, channels: &[Channel]);

    /// Whether other nodes can be reached now.
    fn connected(&self) -> bool;

    /// The node stops: waits a moment for what it published last to leave.
    async fn close(&self) {}
}

/// The receiving end, of which there is one.
pub type Events = mpsc::Receiver<Event>;

#[cfg(test)]
mod tests {
    use super::{Channel, NodeId};
    use crate::model::{RoomId, Stream, Tag, UserId};

    #[test]
    fn a_channel_is_read_back_from_its_name() {
        let streams = [Stream::Room(RoomId::new()), Stream::Person(UserId::new())];
        let others = [Channel::Everyone, Channel::Node(NodeId(Tag::random()))];
        for channel in streams.map(Channel::Stream).into_iter().chain(others) {
            assert_eq!(channel.to_string().parse(), Ok(channel));
        }
    }

    #[test]
    fn a_name_that_is_almost_a_channel_is_none() {
        let room = RoomId::new();
        let upper = room.to_string().to_uppercase();
        let bare = room.to_string().replace('-', "");
        for name in [
            String::new(),
            "everyone".to_owned(),
            ":channel".to_owned(),
            "room:channel".to_owned(),
            " everyone:channel".to_owned(),
            format!("room:{room}"),
            format!("room:{upper}:channel"),
            format!("room:{bare}:channel"),
            format!("room:{{{room}}}:channel"),
            format!("hall:{room}:channel"),
            format!("node:{room}:channel"),
            format!("room:{room}:channel:channel"),
        ] {
            assert!(name.parse::<Channel>().is_err(), "{name}");
        }
    }
}
