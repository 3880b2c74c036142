//! What goes over the wire, and by which names.

use serde::{Deserialize, Serialize};

use super::super::{Channel, NodeId};

/// A notice, and whose it is; that comes first, so that one's own are told by how they begin.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Message<N> {
    pub(super) from: NodeId,
    pub(super) notice: N,
}

/// Channels by the names they have in Redis.
#[derive(Debug, Clone)]
pub(super) struct Names {
    prefix: String,
}

impl Names {
    pub(super) fn of(database: i64) -> Self {
        Self { prefix: if database == 0 { String::new() } else { format!("{database}:") } }
    }

    pub(super) fn name(&self, channel: Channel) -> String {
        format!("{}{channel}", self.prefix)
    }

    pub(super) fn channel(&self, name: &[u8]) -> Option<Channel> {
        std::str::from_utf8(name).ok()?.strip_prefix(self.prefix.as_str())?.parse().ok()
    }
}
