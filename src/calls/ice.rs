//! The servers by which pages find ways to each other.

use serde::Serialize;
use utoipa::ToSchema;

use super::turn::{CREDENTIALS_GOOD_FOR, IceServer};

/// Servers, as `RTCPeerConnection` takes them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct IceServers {
    /// None where they are switched off. Each has `urls`, `username` and `credential`.
    #[schema(value_type = Vec<Object>)]
    pub servers: Vec<IceServer>,
    /// For how many seconds they are good.
    pub ttl: u64,
}

impl IceServers {
    /// This one, or none: then pages find only ways that need no help.
    pub(super) fn of(server: Option<IceServer>) -> Self {
        let good_for = server.as_ref().map_or(CREDENTIALS_GOOD_FOR, |server| server.ttl);
        Self { servers: server.into_iter().collect(), ttl: good_for.as_secs() }
    }
}
