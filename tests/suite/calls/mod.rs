//! Calls, as pages take part in them: over the socket, with and without media.

mod caller;
mod link;
mod nodes;
mod peer;
mod peers;
mod rings;
mod rosters;
mod signals;
