//! What all requests and sockets of a node share.

use std::{fmt, sync::Arc};

use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    accounts::Accounts,
    bus::Bus,
    calls::{Calls, turn::Turn},
    chat::Chat,
    config::Config,
    files::Files,
    log::Log,
    realtime::Hub,
    store::Store,
};

/// A handle to what they share.
pub type App = Arc<Parlor>;

/// A running node.
pub struct Parlor {
    /// Every setting.
    pub config: Config,
    /// Who is who.
    pub accounts: Arc<Accounts>,
    /// What people do in rooms.
    pub chat: Chat,
    /// Who talks with whom.
    pub calls: Calls,
    /// What people upload.
    pub files: Files,
    /// Who is connected, and hears what.
    pub hub: Hub,
    /// The streams: all that changes goes through here.
    pub log: Log,
    /// What is kept, for reading.
    pub store: Arc<dyn Store>,
    /// What crosses nodes.
    pub bus: Arc<dyn Bus>,
    /// STUN and TURN, where they are on.
    pub turn: Option<Turn>,
    /// Set when the node goes down: whoever waits for long, waits for this, too.
    pub stopping: CancellationToken,
    /// What must end before the node does: sockets, and work in the background.
    pub tasks: TaskTracker,
}

impl fmt::Debug for Parlor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parlor").field("config", &self.config).finish_non_exhaustive()
    }
}
