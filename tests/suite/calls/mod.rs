//! Calls, as pages take part in them: over the socket, with and without media.

pub(crate) mod caller;
mod ice;
mod link;
mod nodes;
mod peer;
mod peers;
mod rings;
mod rosters;
mod signals;
