//! Sockets: what is live.
//!
//! A [`gateway`] holds one socket. It follows streams in the [`hub`]: each stream with local readers has a [`lane`], a task that
//! puts what comes over the bus in order, heals gaps from the log, encodes each entry once and puts it into the
//! [`mailbox`] of every reader. [`presence`] knows who is here.

mod allowance;
mod calls;
mod encode;
mod frames;
mod gateway;
mod hub;
mod lane;
mod mailbox;
mod order;
mod presence;
mod requests;
mod underway;

pub use frames::ClientFrame;
pub use gateway::{CheckToken, Entrance, serve};
pub use hub::Hub;

/// How a client wants messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Rendered, for the page.
    Html,
    /// As fields, for programs.
    #[default]
    Json,
}
