//! Plain data and rules: what Parlor is about, without any I/O. Imports nothing of ours.
//!
//! A change asked for by somebody is a [`Command`]; [`room::RoomView::decide`] turns it into entries of a
//! stream's log, or refuses it; [`room::RoomView::apply`] folds entries into the state that pages read.

pub mod account;
pub mod call;
pub mod command;
pub mod entry;
pub mod file;
pub mod ids;
pub mod markdown;
pub mod person;
pub mod room;
pub mod status;
pub mod text;

pub use command::{Actor, Change, Command, Done, Ended, PersonCommand, Refusal, RoomCommand};
pub use entry::{Append, Entry, Head, RequestHash, SystemLine, What};
pub use file::{Attachment, FileKind, PictureId, Place, StoredFile, Upload};
pub use ids::{
    Arrival, CallId, FileId, InviteId, NodeId, Nonce, NonceKey, PeerId, Rev, RoomId, Seq, SessionId, Stream,
    Tag, Term, Timestamp, UserId,
};
pub use person::Person;
pub use room::{Body, Membership, Message, Reaction, Role, Room, RoomKind};
pub use status::Status;

use serde::{Deserialize, Serialize};

/// One projected document: whole state, and the rev that it reflects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Doc {
    /// A room's own state.
    Room(Room),
    /// Somebody's place in a room, or the tombstone of it.
    Member(Membership),
    /// A message as it is now.
    Message(Message),
    /// A person's public profile.
    Person(Person),
}
