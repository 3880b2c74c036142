//! Parlor: chat with rooms, direct messages and calls, in one program.
//!
//! The map of the house; imports point down this list only.
//!
//! - [`operator`]: what is done by hand, from the command line
//! - [`server`]: state, router, layers, listener; from start to shutdown
//! - [`app`]: what all requests and sockets of a node share
//! - [`web`], [`realtime`]: the edges, HTTP and sockets
//! - [`accounts`], [`chat`], [`calls`], [`files`]: what people can do
//! - [`log`]: the streams, and how anything gets into them
//! - [`store`], [`bus`]: what is kept, and what crosses nodes
//! - [`config`], [`error`], [`metrics`]: what all of them are told, what they tell, and what they count
//! - [`model`]: plain data and rules

pub mod accounts;
pub mod app;
pub mod bus;
pub mod calls;
pub mod chat;
pub mod config;
pub mod error;
pub mod files;
pub mod log;
pub mod metrics;
pub mod model;
pub mod operator;
pub mod realtime;
pub mod server;
pub mod store;
pub mod web;
