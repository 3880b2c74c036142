//! The one connection of a node to Redis, kept up.

use std::{sync::Arc, time::Duration};

use redis::{
    AsyncConnectionConfig, Client, Pipeline, RedisError, RedisResult,
    aio::{MultiplexedConnection, SendError},
};
use tokio::{
    sync::{mpsc, oneshot},
    time::sleep,
};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::{
    super::{Bus, Channel, Event, LocalBus, NodeId, Notice},
    Complaint,
    inbox::Inbox,
    subscriptions::{Change, Subscriptions},
    wire::{Message, Names},
};
use crate::metrics::metrics;

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(3);
/// How long Redis may take to answer before the connection counts as dead.
const ANSWER: Duration = Duration::from_secs(5);
/// How often Redis is asked for a sign of life: a cut that nobody tells of is noticed by it.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// The pause before connecting again, doubled each time up to the longest.
const BACKOFF: Duration = Duration::from_millis(50);
const LONGEST_BACKOFF: Duration = Duration::from_secs(1);
/// How many notices go out in one round trip at most,
const BATCH: usize = 256;
/// and how many bytes, about.
const BATCH_BYTES: usize = 1 << 20;
/// How many channels one command subscribes to.
const CHANNELS: usize = 1000;

/// What waits for the link.
#[derive(Debug)]
pub(super) enum Parcel {
    /// To be published.
    Notice(Channel, Notice),
    /// To be told when all before it is.
    Last(oneshot::Sender<()>),
}

/// A connection on which everything was asked for.
#[derive(Debug)]
pub(super) struct Connection {
    redis: MultiplexedConnection,
    broken: CancellationToken,
}

/// Keeps the connection, and what goes over it.
#[derive(Debug)]
pub(super) struct Link {
    client: Client,
    names: Names,
    local: Arc<LocalBus>,
    subscriptions: Arc<Subscriptions>,
    parcels: mpsc::Receiver<Parcel>,
    refused: Complaint,
}

impl Link {
    pub(super) fn new(
        client: Client,
        local: Arc<LocalBus>,
        subscriptions: Arc<Subscriptions>,
        parcels: mpsc::Receiver<Parcel>,
    ) -> Self {
        let names = Names::of(client.get_connection_info().redis_settings().db());
        Self { client, names, local, subscriptions, parcels, refused: Complaint::default() }
    }

    /// Connects and asks for everything that is wanted, until nothing is left to ask for.
    pub(super) async fn connect(&mut self) -> RedisResult<Connection> {
        let broken = CancellationToken::new();
        let inbox = Inbox::new(self.names.clone(), self.local.clone(), broken.clone());
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT))
            .set_response_timeout(Some(ANSWER))
            .set_push_sender(move |push| {
                inbox.take(push);
                Ok::<_, SendError>(())
            });
        let mut redis = self.client.get_multiplexed_async_connection_with_config(&config).await?;
        let mut change = Some(self.subscriptions.all());
        while let Some(some) = change {
            apply(&some, &self.names, &mut redis).await?;
            change = self.subscriptions.rest_or_up();
        }
        Ok(Connection { redis, broken })
    }

    /// Keeps a connection for ever.
    pub(super) async fn keep(mut self, mut connection: Connection) {
        loop {
            let reason = self.serve(connection).await;
            metrics().bus_error("connection lost");
            warn!(%reason, "lost the connection to Redis");
            self.subscriptions.set_down();
            while self.parcels.try_recv().is_ok() {}
            self.local.deliver(Event::Lost);
            connection = self.connect_again().await;
            info!("connected to Redis again");
            self.local.deliver(Event::Lost);
        }
    }

    async fn connect_again(&mut self) -> Connection {
        let mut pause = BACKOFF;
        loop {
            sleep(pause).await;
            pause = LONGEST_BACKOFF.min(pause * 2);
            match self.connect().await {
                Ok(connection) => return connection,
                Err(error) => self.refused.raise(|_| warn!(%error, "Redis cannot be reached")),
            }
        }
    }

    /// Works until the connection breaks; returns why it did.
    async fn serve(&mut self, Connection { redis, broken }: Connection) -> RedisError {
        let Self { names, local, subscriptions, parcels, refused, .. } = self;
        tokio::select! {
            error = publish(parcels, names, local.node(), refused, redis.clone()) => error,
            error = follow(subscriptions, names, local, redis.clone()) => error,
            error = heartbeat(redis) => error,
            () = broken.cancelled() => std::io::Error::from(std::io::ErrorKind::ConnectionReset).into(),
        }
    }
}

/// Publishes what is handed over, many in one round trip.
async fn publish(
    parcels: &mut mpsc::Receiver<Parcel>,
    names: &Names,
    from: NodeId,
    refused: &Complaint,
    mut redis: MultiplexedConnection,
) -> RedisError {
    let mut batch = Vec::with_capacity(BATCH);
    while parcels.recv_many(&mut batch, BATCH).await > 0 {
        let mut parcels = batch.drain(..);
        while !parcels.as_slice().is_empty() {
            let (pipeline, last) = pack(&mut parcels, names, from);
            // Redis has nothing to answer to nothing, and says so.
            let told = if pipeline.is_empty() { Ok(()) } else { pipeline.exec_async(&mut redis).await };
            match told {
                Ok(()) => {}
                Err(error) if is_refusal(&error) => {
                    metrics().bus_error("refused");
                    refused.raise(|count| warn!(%error, count, "Redis refuses to publish"));
                }
                Err(error) => return error,
            }
            for told in last {
                let _ = told.send(());
            }
        }
    }
    std::future::pending().await // the bus is gone, and this task with it in a moment
}

/// As many parcels as go into one round trip, and who waits for it.
fn pack(
    parcels: &mut impl Iterator<Item = Parcel>,
    names: &Names,
    from: NodeId,
) -> (Pipeline, Vec<oneshot::Sender<()>>) {
    let (mut pipeline, mut last, mut bytes) = (Pipeline::new(), Vec::new(), 0);
    while bytes < BATCH_BYTES
        && let Some(parcel) = parcels.next()
    {
        match parcel {
            Parcel::Last(told) => last.push(told),
            Parcel::Notice(channel, notice) => match serde_json::to_vec(&Message { from, notice: &notice }) {
                Ok(payload) => {
                    bytes += payload.len();
                    pipeline.publish(names.name(channel), payload).ignore();
                }
                Err(error) => warn!(%error, "a notice that cannot be written"),
            },
        }
    }
    (pipeline, last)
}

/// Whether Redis answered, and didn't want to.
fn is_refusal(error: &RedisError) -> bool {
    !(error.is_io_error() || error.is_timeout() || error.is_unrecoverable_error())
}

/// Asks for what callers want, and tells them when it is in force.
async fn follow(
    subscriptions: &Subscriptions,
    names: &Names,
    local: &LocalBus,
    mut redis: MultiplexedConnection,
) -> RedisError {
    loop {
        let change = subscriptions.next().await;
        if let Err(error) = apply(&change, names, &mut redis).await {
            return error;
        }
        let told = change.waiting.into_iter().map(|waiting| waiting.send(()));
        // Who gave up waiting has read without it, and must look again.
        if told.filter(Result::is_err).count() > 0 {
            local.deliver(Event::Lost);
        }
    }
}

async fn apply(change: &Change, names: &Names, redis: &mut MultiplexedConnection) -> RedisResult<()> {
    let list = |channels: &[Channel]| channels.iter().map(|channel| names.name(*channel)).collect::<Vec<_>>();
    for channels in change.add.chunks(CHANNELS) {
        redis.subscribe(list(channels)).await?;
    }
    for channels in change.remove.chunks(CHANNELS) {
        redis.unsubscribe(list(channels)).await?;
    }
    Ok(())
}

async fn heartbeat(mut redis: MultiplexedConnection) -> RedisError {
    loop {
        sleep(HEARTBEAT).await;
        if let Err(error) = redis::cmd("PING").exec_async(&mut redis).await {
            return error;
        }
    }
}
