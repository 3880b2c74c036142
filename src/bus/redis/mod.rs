//! The bus of many nodes, over Redis pub/sub.
//!
//! [`RedisBus`] is what callers hold. It hands notices and wishes to one task, the [`Link`], which keeps one
//! connection: what others publish comes in on it as RESP3 pushes, what this node publishes goes out in batches.
//! [`Subscriptions`] hold what this node wants to hear; whenever the link has a new connection, it asks for all of it.
//!
//! While Redis is away, notices for other nodes are dropped. Both ends say [`Event::Lost`](super::Event::Lost).
//!
//! Redis keeps channels apart by name alone, keys by database too. So that communities with a database each don't
//! hear each other, the database's number stands before the channel's name, where it isn't 0.

mod inbox;
mod link;
mod subscriptions;
mod wire;

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use redis::{Client, IntoConnectionInfo, ProtocolVersion, RedisError};
use tokio::{
    sync::{mpsc, oneshot},
    task::AbortHandle,
    time::timeout,
};
use tracing::{debug, warn};

use self::{
    link::{Link, Parcel},
    subscriptions::Subscriptions,
};
use super::{Bus, Channel, Events, LocalBus, NodeId, Notice};
use crate::metrics::metrics;

/// How long the start waits for Redis.
const START: Duration = Duration::from_secs(5);
/// How long one who subscribes waits for it to be in force: about what a person waits for a page.
const SUBSCRIBE: Duration = Duration::from_secs(2);
/// How long the last notices of a node that stops may take.
const CLOSE: Duration = Duration::from_secs(1);
/// How many notices wait for the link; enough for what a node says in a moment, few enough to hold in memory.
const OUTBOX: usize = 8192;
/// How often one and the same trouble is told to the log at most.
const COMPLAIN: Duration = Duration::from_secs(5);

/// Why there is no bus.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Not the address of a Redis.
    #[error("not the address of a Redis server: {0}")]
    Address(#[source] RedisError),
    /// Nobody answers as a Redis should.
    #[error("no connection to Redis at {address}: {reason}")]
    Unreachable {
        /// Where it was looked for, without the password.
        address: String,
        /// What went wrong.
        reason: String,
    },
}

/// Carries notices between the nodes that are connected to one Redis.
#[derive(Debug)]
pub struct RedisBus {
    local: Arc<LocalBus>,
    subscriptions: Arc<Subscriptions>,
    outbox: mpsc::Sender<Parcel>,
    dropped: Complaint,
    link: AbortHandle,
}

impl RedisBus {
    /// A bus over the Redis at `url`, and the end where its events come out.
    ///
    /// # Errors
    /// When the address is wrong, or no Redis answers there in time.
    pub async fn connect(url: &str) -> Result<(Self, Events), ConnectError> {
        let client = client(url).map_err(ConnectError::Address)?;
        let address = client.get_connection_info().addr().to_string();
        let (local, events) = LocalBus::new();
        let local = Arc::new(local);
        let subscriptions = Arc::new(Subscriptions::new());
        let (outbox, parcels) = mpsc::channel(OUTBOX);

        let mut link = Link::new(client, local.clone(), subscriptions.clone(), parcels);
        let connection = match timeout(START, link.connect()).await {
            Ok(Ok(connection)) => connection,
            Ok(Err(error)) => return Err(ConnectError::Unreachable { address, reason: error.to_string() }),
            Err(_) => {
                let reason = format!("no answer within {} s", START.as_secs());
                return Err(ConnectError::Unreachable { address, reason });
            }
        };
        let link = tokio::spawn(link.keep(connection)).abort_handle();
        Ok((Self { local, subscriptions, outbox, dropped: Complaint::default(), link }, events))
    }
}

/// A client that speaks RESP3, in which messages and answers share one connection.
fn client(url: &str) -> Result<Client, RedisError> {
    let info = url.into_connection_info()?;
    let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
    Client::open(info.set_redis_settings(settings))
}

impl Drop for RedisBus {
    fn drop(&mut self) {
        self.link.abort();
    }
}

#[async_trait]
impl Bus for RedisBus {
    fn node(&self) -> NodeId {
        self.local.node()
    }

    fn publish(&self, channel: Channel, notice: Notice) {
        self.local.publish(channel, notice.clone());
        metrics().bus_published.increment(1);
        if !self.connected() || self.outbox.try_send(Parcel::Notice(channel, notice)).is_err() {
            metrics().bus_error("dropped");
            self.dropped.raise(|count| warn!(count, "dropped notices for other nodes"));
        }
    }

    async fn subscribe(&self, channels: &[Channel]) {
        let Some(in_force) = self.subscriptions.want(channels) else { return };
        if timeout(SUBSCRIBE, in_force).await.is_err() {
            debug!("subscribing takes long; going on without");
        }
    }

    fn unsubscribe(&self, channels: &[Channel]) {
        self.subscriptions.unwant(channels);
    }

    fn connected(&self) -> bool {
        self.subscriptions.up()
    }

    async fn close(&self) {
        let (sent, done) = oneshot::channel();
        if self.connected() && self.outbox.try_send(Parcel::Last(sent)).is_ok() {
            let _ = timeout(CLOSE, done).await;
        }
    }
}

/// A trouble that comes many times a second and is told once in a while.
#[derive(Debug, Default)]
struct Complaint {
    count: AtomicU64,
    told: Mutex<Option<Instant>>,
}

impl Complaint {
    /// Counts it; tells how many there were since it was last told, when that is a while ago.
    fn raise(&self, tell: impl FnOnce(u64)) {
        self.count.fetch_add(1, Ordering::Relaxed);
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.is_none_or(|at| at.elapsed() >= COMPLAIN) {
            *told = Some(Instant::now());
            tell(self.count.swap(0, Ordering::Relaxed));
        }
    }
}
