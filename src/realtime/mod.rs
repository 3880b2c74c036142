//! Sockets: what is live.
//!
//! A [`gateway`] holds one socket. It follows streams in the [`hub`]: each stream with local readers has a [`lane`], a task that
//! puts what comes over the bus in order, heals gaps from the log, encodes each entry once as a [`frame`] and sends it through
//! the [`mailbox`] of every reader: straight into the connection, and kept only while that takes no more. What clients send is
//! read by a library ([`receiving`]). [`presence`] knows who is here.

mod allowance;
mod calls;
mod close;
mod encode;
mod frame;
mod frames;
mod gateway;
mod hub;
mod lane;
mod mailbox;
mod order;
mod presence;
mod receiving;
mod requests;
mod underway;
mod wire;

pub use frames::ClientFrame;
pub use gateway::{CheckToken, Entrance, serve};
pub use hub::Hub;
pub use wire::{Switching, Wire};

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
